//! Slots of RPM's own database (ndb): a table of slots, each of which points to the header of a package.

use crate::executable::{ByteOrder, u32_at};

const ORDER: ByteOrder = ByteOrder::Little;
const SLOT_BYTES: usize = 16;
const SLOTS_OF_PAGE: usize = 256;
/// Pages of slots; a real database has a few.
const PAGES: usize = 2048;

/// Whether a content begins as such a file does.
pub(crate) fn is_ndb(content: &[u8]) -> bool {
    content.starts_with(b"RpmP")
}

/// The headers of the packages.
pub(crate) fn headers(content: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    const VERSION: u32 = 0;
    let pages = u32_at(content, 12, ORDER).and_then(|pages| usize::try_from(pages).ok());
    let pages = pages.ok_or("the header of the ndb file is cut short")?;
    if u32_at(content, 4, ORDER) != Some(VERSION) || pages > PAGES {
        return Err("the ndb file is of a version that is not known".to_owned());
    }
    let slots = pages
        .saturating_mul(SLOTS_OF_PAGE)
        .saturating_mul(SLOT_BYTES);
    // The header takes the room of two slots.
    let slots = content
        .get(32..slots)
        .ok_or("the slots of the ndb file are cut short")?;
    let mut headers = Vec::new();
    let mut bytes = 0_usize;
    for slot in slots.chunks_exact(SLOT_BYTES) {
        if !slot.starts_with(b"Slot") {
            return Err("a slot of the ndb file is damaged".to_owned());
        }
        let package = u32_at(slot, 4, ORDER).unwrap_or(0);
        if package != 0 {
            let header =
                header(content, slot, package).ok_or("a package of the ndb file is damaged")?;
            // Slots that point to the same header make a small file large.
            bytes = bytes.saturating_add(header.len());
            if bytes > content.len() {
                return Err("two slots of the ndb file share a package".to_owned());
            }
            headers.push(header.to_vec());
        }
    }
    Ok(headers)
}

fn header<'a>(content: &'a [u8], slot: &[u8], package: u32) -> Option<&'a [u8]> {
    let block = usize::try_from(u32_at(slot, 8, ORDER)?).ok()?;
    let block = content.get(block.checked_mul(16)?..)?;
    if !block.starts_with(b"BlbS") || u32_at(block, 4, ORDER)? != package {
        return None;
    }
    let bytes = usize::try_from(u32_at(block, 12, ORDER)?).ok()?;
    block.get(16..bytes.checked_add(16)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file() -> Vec<u8> {
        let mut content = b"RpmP\0\0\0\0\x01\0\0\0\x01\0\0\0".to_vec();
        content.resize(32, 0);
        content.extend(b"Slot\x01\0\0\0\0\x01\0\0\x01\0\0\0");
        while content.len() < 4096 {
            content.extend(b"Slot\0\0\0\0\0\0\0\0\0\0\0\0");
        }
        content.extend(b"BlbS\x01\0\0\0\0\0\0\0\x05\0\0\0hello");
        content
    }

    #[test]
    fn slots_point_to_headers() {
        assert_eq!(headers(&file()).unwrap(), [b"hello"]);
        assert!(headers(b"RpmP").is_err());
    }

    proptest! {
        #[test]
        fn damaged_file_is_read_without_panic(end in 0_usize..4200, at in 0_usize..4200, byte: u8) {
            let mut content = file();
            content.truncate(end);
            if let Some(place) = content.get_mut(at) {
                *place = byte;
            }
            let _ = headers(&content);
        }
    }
}
