//! Pages of an SQLite file, as far as the headers of RPM's packages need: one table, read in order. The
//! file is part of an image, so that SQLite itself, which trusts its schema, is not given it.

use crate::executable::{ByteOrder, u16_at, u32_at};

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Pages that are visited: more than any real database has.
const PAGES: usize = 4_000_000;
/// Depth of a tree.
const DEPTH: usize = 32;
/// Bytes of one row.
const ROW_BYTES: usize = 64 << 20;
const ORDER: ByteOrder = ByteOrder::Big;

/// Whether a content begins as an SQLite file does.
pub(crate) fn is_sqlite(content: &[u8]) -> bool {
    content.starts_with(MAGIC)
}

/// The headers of the table `Packages`.
pub(crate) fn headers(content: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let file = File::new(content).ok_or("the header of the SQLite file is damaged")?;
    let mut root = None;
    file.rows(1, &mut |row| {
        let columns = columns(row)?;
        let name = columns.get(1)?;
        if *name == b"Packages" && columns.first() == Some(&&b"table"[..]) {
            root = Some(number(columns.get(3)?));
        }
        Some(())
    })?;
    let root = root.ok_or("the SQLite file has no table Packages")?;
    let mut headers = Vec::new();
    file.rows(root, &mut |row| {
        headers.push(columns(row)?.get(1)?.to_vec());
        Some(())
    })?;
    Ok(headers)
}

/// A number as a record holds it.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0_usize, |sum, byte| {
        sum.wrapping_shl(8) | usize::from(*byte)
    })
}

struct File<'a> {
    content: &'a [u8],
    page_bytes: usize,
    /// Bytes of a page that are in use.
    usable: usize,
}

impl<'a> File<'a> {
    fn new(content: &'a [u8]) -> Option<Self> {
        if !is_sqlite(content) {
            return None;
        }
        let page_bytes = match u16_at(content, 16, ORDER)? {
            1 => 65_536,
            bytes if bytes >= 512 && bytes.is_power_of_two() => usize::from(bytes),
            _ => return None,
        };
        let usable = page_bytes.checked_sub(usize::from(*content.get(20)?))?;
        (usable >= 480).then_some(File {
            content,
            page_bytes,
            usable,
        })
    }

    fn page(&self, number: usize) -> Option<&'a [u8]> {
        let start = number.checked_sub(1)?.checked_mul(self.page_bytes)?;
        self.content.get(start..start.checked_add(self.page_bytes)?)
    }

    /// Visits the rows of a table in order.
    fn rows(&self, root: usize, visit: &mut dyn FnMut(&[u8]) -> Option<()>) -> Result<(), String> {
        const INNER: u8 = 5;
        const LEAF: u8 = 13;
        let damaged = || "a page of the SQLite file is damaged".to_owned();
        let mut pages = 0_usize;
        let mut left = vec![(root, 0_usize)];
        while let Some((number, depth)) = left.pop() {
            pages = pages.saturating_add(1);
            if pages > PAGES || pages > self.content.len() / 512 || depth > DEPTH {
                return Err("the pages of the SQLite file are in a loop".to_owned());
            }
            let page = self.page(number).ok_or_else(damaged)?;
            // The first page begins with the header of the file.
            let start = if number == 1 { 100 } else { 0 };
            let kind = page.get(start).copied().ok_or_else(damaged)?;
            match kind {
                INNER => {
                    let mut below = self.children(page, start).ok_or_else(damaged)?;
                    below.reverse();
                    left.extend(
                        below
                            .into_iter()
                            .map(|page| (page, depth.saturating_add(1))),
                    );
                }
                LEAF => {
                    for cell in cells(page, start, 8).ok_or_else(damaged)? {
                        let row = self.row(page, cell).ok_or_else(damaged)?;
                        visit(&row).ok_or_else(damaged)?;
                    }
                }
                _ => return Err(damaged()),
            }
        }
        Ok(())
    }

    fn children(&self, page: &[u8], start: usize) -> Option<Vec<usize>> {
        let mut children = Vec::new();
        for cell in cells(page, start, 12)? {
            children.push(usize::try_from(u32_at(page, cell, ORDER)?).ok()?);
        }
        let last = u32_at(page, start.checked_add(8)?, ORDER)?;
        children.push(usize::try_from(last).ok()?);
        Some(children)
    }

    /// A row, put together from its page and the overflow pages.
    fn row(&self, page: &[u8], cell: usize) -> Option<Vec<u8>> {
        let cell = page.get(cell..)?;
        let (bytes, cell) = variable(cell)?;
        let (_, cell) = variable(cell)?;
        let bytes = usize::try_from(bytes).ok()?;
        if bytes > ROW_BYTES || bytes > self.content.len() {
            return None;
        }
        let local = self.local_bytes(bytes)?;
        let mut row = cell.get(..local)?.to_vec();
        if local < bytes {
            let mut next = usize::try_from(u32_at(cell, local, ORDER)?).ok()?;
            while row.len() < bytes {
                let page = self.page(next)?;
                next = usize::try_from(u32_at(page, 0, ORDER)?).ok()?;
                let missing = bytes.checked_sub(row.len())?;
                let data = page.get(4..self.usable)?;
                row.extend_from_slice(data.get(..missing.min(data.len()))?);
            }
        }
        Some(row)
    }

    /// How much of a row is in the page itself, by the rules of the file format.
    fn local_bytes(&self, bytes: usize) -> Option<usize> {
        let most = self.usable.checked_sub(35)?;
        if bytes <= most {
            return Some(bytes);
        }
        let least = self
            .usable
            .checked_sub(12)?
            .checked_mul(32)?
            .checked_div(255)?
            .checked_sub(23)?;
        let overflow = bytes.checked_sub(least)? % self.usable.checked_sub(4)?;
        let local = least.checked_add(overflow)?;
        Some(if local <= most { local } else { least })
    }
}

/// The offsets of the cells of a page.
fn cells(page: &[u8], start: usize, header_bytes: usize) -> Option<Vec<usize>> {
    let count = usize::from(u16_at(page, start.checked_add(3)?, ORDER)?);
    let list = start.checked_add(header_bytes)?;
    let list = page.get(list..list.checked_add(count.checked_mul(2)?)?)?;
    list.chunks_exact(2)
        .map(|bytes| u16_at(bytes, 0, ORDER).map(usize::from))
        .collect()
}

/// A number of variable length, and what follows.
fn variable(data: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (place, byte) in data.iter().take(9).enumerate() {
        let rest = data.get(place.checked_add(1)?..)?;
        if place == 8 {
            return Some((value.wrapping_shl(8) | u64::from(*byte), rest));
        }
        value = value.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

/// The columns of a row, as bytes.
fn columns(row: &[u8]) -> Option<Vec<&[u8]>> {
    let (header_bytes, after) = variable(row)?;
    let header_bytes = usize::try_from(header_bytes).ok()?;
    let before = row.len().checked_sub(after.len())?;
    let mut kinds = row.get(before..header_bytes)?;
    let mut data = row.get(header_bytes..)?;
    let mut columns = Vec::new();
    while !kinds.is_empty() {
        let (kind, rest) = variable(kinds)?;
        kinds = rest;
        let bytes = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => kind.checked_sub(12)? / 2,
        };
        let (column, rest) = data.split_at_checked(usize::try_from(bytes).ok()?)?;
        columns.push(column);
        data = rest;
    }
    Some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn number_of_variable_length_is_read() {
        let check = |data: &[u8], expected: Option<u64>| {
            assert_eq!(variable(data).map(|(value, _)| value), expected, "{data:?}");
        };
        check(&[5], Some(5));
        check(&[0x81, 0], Some(128));
        check(&[0xff; 9], Some(u64::MAX));
        check(&[0x81], None);
    }

    proptest! {
        #[test]
        fn random_pages_are_read_without_panic(
            bytes in prop::collection::vec(
                (0_usize..2048, prop_oneof![Just(5_u8), Just(13_u8), 0_u8..8, any::<u8>()]), 0..60,
            ),
        ) {
            let mut pages = vec![0; 2048];
            pages[100] = 13;
            for (place, byte) in bytes {
                pages[place] = byte;
            }
            pages[..16].copy_from_slice(MAGIC);
            pages[16] = 2;
            pages[17] = 0;
            pages[20] = 0;
            let _ = headers(&pages);
        }
    }
}
