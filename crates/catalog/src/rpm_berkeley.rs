//! Pages of a Berkeley DB hash file, as RPM before 4.16 kept its packages: values that are too large for
//! a page are chains of overflow pages, and headers always are.

use crate::executable::{ByteOrder, u16_at, u32_at};

const MAGIC: u32 = 0x0006_1561;
const PAGE_HEADER_BYTES: usize = 26;

/// Whether a content begins as such a file does.
pub(crate) fn is_berkeley(content: &[u8]) -> bool {
    byte_order(content).is_some()
}

fn byte_order(content: &[u8]) -> Option<ByteOrder> {
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find(|order| u32_at(content, 12, *order) == Some(MAGIC))
}

struct File<'a> {
    content: &'a [u8],
    order: ByteOrder,
    page_bytes: usize,
}

/// The headers of the packages.
pub(crate) fn headers(content: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    const HASH: u8 = 13;
    const UNSORTED_HASH: u8 = 2;
    let file = File::new(content).ok_or("the header of the Berkeley DB file is damaged")?;
    let mut headers = Vec::new();
    let mut bytes = 0_usize;
    for page in content.chunks_exact(file.page_bytes) {
        if !matches!(page.get(25), Some(&(HASH | UNSORTED_HASH))) {
            continue;
        }
        for entry in file
            .values(page)
            .ok_or("a page of the Berkeley DB file is damaged")?
        {
            let header = file.value(page, entry)?;
            // Entries that share a chain make a small file large.
            bytes = bytes.saturating_add(header.len());
            if bytes > content.len() {
                return Err("two entries of the Berkeley DB file share a value".to_owned());
            }
            if !header.is_empty() {
                headers.push(header);
            }
        }
    }
    Ok(headers)
}

impl<'a> File<'a> {
    fn new(content: &'a [u8]) -> Option<Self> {
        const HASH_METADATA: u8 = 8;
        let order = byte_order(content)?;
        let page_bytes = usize::try_from(u32_at(content, 20, order)?).ok()?;
        let is_page = (512..=65_536).contains(&page_bytes) && page_bytes.is_power_of_two();
        (is_page && content.get(25) == Some(&HASH_METADATA)).then_some(File {
            content,
            order,
            page_bytes,
        })
    }

    /// The offsets of the values of a page: keys and values take turns.
    fn values(&self, page: &[u8]) -> Option<Vec<usize>> {
        let count = usize::from(u16_at(page, 20, self.order)?);
        if !count.is_multiple_of(2) {
            return None;
        }
        let list = page
            .get(PAGE_HEADER_BYTES..)?
            .get(..count.checked_mul(2)?)?;
        list.chunks_exact(4)
            .map(|pair| u16_at(pair, 2, self.order).map(usize::from))
            .collect()
    }

    /// A value of overflow pages; empty for a small one.
    fn value(&self, page: &[u8], entry: usize) -> Result<Vec<u8>, String> {
        const OVERFLOW_ENTRY: u8 = 3;
        const OVERFLOW_PAGE: u8 = 7;
        let damaged = "a value of the Berkeley DB file is damaged";
        if page.get(entry).ok_or(damaged)? != &OVERFLOW_ENTRY {
            return Ok(Vec::new());
        }
        let mut next = u32_at(page, entry.saturating_add(4), self.order).ok_or(damaged)?;
        let mut value = Vec::new();
        while next != 0 {
            if value.len() > self.content.len() {
                return Err("the pages of the Berkeley DB file are in a loop".to_owned());
            }
            let page = self.page(next).ok_or(damaged)?;
            if page.get(25) != Some(&OVERFLOW_PAGE) {
                return Err(damaged.to_owned());
            }
            next = u32_at(page, 16, self.order).ok_or(damaged)?;
            let data = page.get(PAGE_HEADER_BYTES..).ok_or(damaged)?;
            // The last page says how much of it is in use.
            let used = if next == 0 {
                usize::from(u16_at(page, 22, self.order).ok_or(damaged)?)
            } else {
                data.len()
            };
            value.extend_from_slice(data.get(..used).ok_or(damaged)?);
            if used == 0 && next != 0 {
                return Err(damaged.to_owned());
            }
        }
        Ok(value)
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(number).ok()?.checked_mul(self.page_bytes)?;
        self.content.get(start..start.checked_add(self.page_bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A metadata page, a page with one entry, and a page with its value.
    fn file() -> Vec<u8> {
        let mut content = vec![0; 512 * 3];
        content[12..16].copy_from_slice(&MAGIC.to_le_bytes());
        content[20..24].copy_from_slice(&512_u32.to_le_bytes());
        content[25] = 8;
        let entries = &mut content[512..1024];
        entries[20] = 2;
        entries[25] = 13;
        entries[26..30].copy_from_slice(&[250, 1, 100, 0]);
        entries[100] = 3;
        entries[104] = 2;
        let value = &mut content[1024..];
        value[22] = 5;
        value[25] = 7;
        value[26..31].copy_from_slice(b"hello");
        content
    }

    #[test]
    fn values_of_overflow_pages_are_read() {
        assert_eq!(headers(&file()).unwrap(), [b"hello"]);
        assert!(headers(b"").is_err());
    }

    #[test]
    fn pages_in_a_loop_are_refused() {
        let mut content = file();
        content[1024 + 16] = 2;
        assert!(headers(&content).is_err());
    }

    proptest! {
        #[test]
        fn damaged_file_is_read_without_panic(end in 0_usize..1537, at in 0_usize..1536, byte: u8) {
            let mut content = file();
            content.truncate(end);
            if let Some(place) = content.get_mut(at) {
                *place = byte;
            }
            let _ = headers(&content);
        }
    }
}
