//! Entries of a zip archive in memory. Counts and sizes are bounded: an archive inside of an archive can
//! be made to grow without end.

use crate::executable::{ByteOrder, u16_at, u32_at, u64_at};
use flate2::bufread::DeflateDecoder;
use std::io::Read as _;

/// Entries of the largest archive that is read.
const ENTRIES: usize = 200_000;
/// Bytes of the comment that may follow the end record.
const COMMENT_BYTES: usize = 65_535;

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    method: u16,
    packed_bytes: usize,
    /// Where the header before the data is.
    header: usize,
}

/// The end record: where the list of entries is.
struct Directory {
    count: usize,
    offset: usize,
    /// Bytes that stand before the archive, as in a program that unpacks itself.
    shift: usize,
}

/// An archive.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    content: &'a [u8],
    entries: Vec<Entry>,
    shift: usize,
}

const ORDER: ByteOrder = ByteOrder::Little;

fn size(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}

impl<'a> Archive<'a> {
    /// Reads the list of entries. Folders are left out.
    pub(crate) fn new(content: &'a [u8]) -> Result<Self, String> {
        let directory = directory(content).ok_or("it is not a zip archive")?;
        if directory.count > ENTRIES {
            return Err(format!("the archive has over {ENTRIES} entries"));
        }
        let mut entries = Vec::new();
        let mut rest = content.get(directory.offset..).unwrap_or_default();
        for _ in 0..directory.count {
            let (entry, bytes) = entry(rest).ok_or("the list of entries is cut short")?;
            rest = rest.get(bytes..).unwrap_or_default();
            if !entry.name.ends_with('/') {
                entries.push(entry);
            }
        }
        Ok(Archive {
            content,
            entries,
            shift: directory.shift,
        })
    }

    /// The files, in the order of the list.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The content of a file of at most so many bytes.
    pub(crate) fn read(&self, entry: &Entry, most: u64) -> Result<Vec<u8>, String> {
        let packed = self
            .packed(entry)
            .ok_or_else(|| format!("the entry {:.200} is cut short", entry.name))?;
        let mut data = Vec::new();
        let limit = most.saturating_add(1);
        match entry.method {
            0 => packed.take(limit).read_to_end(&mut data),
            8 => DeflateDecoder::new(packed)
                .take(limit)
                .read_to_end(&mut data),
            method => {
                return Err(format!(
                    "the entry {:.200} is packed by method {method}",
                    entry.name
                ));
            }
        }
        .map_err(|error| format!("the entry {:.200} cannot be inflated: {error}", entry.name))?;
        if u64::try_from(data.len()).unwrap_or(u64::MAX) > most {
            return Err(format!(
                "the entry {:.200} has over {most} bytes",
                entry.name
            ));
        }
        Ok(data)
    }

    fn packed(&self, entry: &Entry) -> Option<&'a [u8]> {
        let header = self.content.get(entry.header.checked_add(self.shift)?..)?;
        if !header.starts_with(b"PK\x03\x04") {
            return None;
        }
        let name = usize::from(u16_at(header, 26, ORDER)?);
        let extra = usize::from(u16_at(header, 28, ORDER)?);
        let start = name.checked_add(extra)?.checked_add(30)?;
        header.get(start..start.checked_add(entry.packed_bytes)?)
    }
}

fn directory(content: &[u8]) -> Option<Directory> {
    const END_BYTES: usize = 22;
    let from = content
        .len()
        .saturating_sub(COMMENT_BYTES.saturating_add(END_BYTES));
    let tail = content.get(from..)?;
    let end = from.checked_add(memchr::memmem::rfind(tail, b"PK\x05\x06")?)?;
    let record = content.get(end..)?;
    if record.len() < END_BYTES {
        return None;
    }
    let count = u16_at(record, 10, ORDER)?;
    let bytes = u32_at(record, 12, ORDER)?;
    let offset = u32_at(record, 16, ORDER)?;
    if count == u16::MAX || offset == u32::MAX {
        return large_directory(content, end);
    }
    // Where the list should be, and where it is: the end record follows it.
    let found = end.checked_sub(size(bytes)?)?;
    let offset = size(offset)?;
    Some(Directory {
        count: usize::from(count),
        offset: found,
        shift: found.checked_sub(offset)?,
    })
}

/// The end record of large archives, which a locator before the plain one names.
fn large_directory(content: &[u8], end: usize) -> Option<Directory> {
    let locator = content.get(end.checked_sub(20)?..end)?;
    if !locator.starts_with(b"PK\x06\x07") {
        return None;
    }
    let record = usize::try_from(u64_at(locator, 8, ORDER)?).ok()?;
    let record = content.get(record..)?;
    if !record.starts_with(b"PK\x06\x06") {
        return None;
    }
    Some(Directory {
        count: usize::try_from(u64_at(record, 32, ORDER)?).ok()?,
        offset: usize::try_from(u64_at(record, 48, ORDER)?).ok()?,
        shift: 0,
    })
}

/// An entry of the list, and the bytes that it takes.
fn entry(list: &[u8]) -> Option<(Entry, usize)> {
    if !list.starts_with(b"PK\x01\x02") {
        return None;
    }
    let name_bytes = usize::from(u16_at(list, 28, ORDER)?);
    let extra_bytes = usize::from(u16_at(list, 30, ORDER)?);
    let comment_bytes = usize::from(u16_at(list, 32, ORDER)?);
    let name_end = name_bytes.checked_add(46)?;
    let extra_end = name_end.checked_add(extra_bytes)?;
    let name = list.get(46..name_end)?;
    let extra = list.get(name_end..extra_end)?;
    let packed = u32_at(list, 20, ORDER)?;
    let unpacked = u32_at(list, 24, ORDER)?;
    let header = u32_at(list, 42, ORDER)?;
    let (packed, header) = large_sizes(extra, packed, unpacked, header)?;
    let entry = Entry {
        name: String::from_utf8_lossy(name).into_owned(),
        method: u16_at(list, 10, ORDER)?,
        packed_bytes: packed,
        header,
    };
    Some((entry, extra_end.checked_add(comment_bytes)?))
}

/// The packed size and the offset; large ones stand in an extra field, in the order of the record.
fn large_sizes(extra: &[u8], packed: u32, unpacked: u32, header: u32) -> Option<(usize, usize)> {
    let field = large_field(extra).unwrap_or_default();
    let mut offset = 0_usize;
    let mut next = |plain: u32| {
        if plain != u32::MAX {
            return size(plain);
        }
        let value = u64_at(field, offset, ORDER)?;
        offset = offset.checked_add(8)?;
        usize::try_from(value).ok()
    };
    let _ = next(unpacked)?;
    Some((next(packed)?, next(header)?))
}

fn large_field(mut extra: &[u8]) -> Option<&[u8]> {
    loop {
        let kind = u16_at(extra, 0, ORDER)?;
        let bytes = usize::from(u16_at(extra, 2, ORDER)?);
        let end = bytes.checked_add(4)?;
        if kind == 1 {
            return extra.get(4..end);
        }
        extra = extra.get(end..)?;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use flate2::{Compression, write::DeflateEncoder};
    use proptest::prelude::*;
    use std::io::Write as _;

    /// An archive with these files, packed.
    pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = Vec::new();
        let mut list = Vec::new();
        for (name, data) in files {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(data).unwrap();
            let packed = encoder.finish().unwrap();
            let offset = u32::try_from(archive.len()).unwrap();
            let sizes =
                [packed.len(), data.len()].map(|bytes| u32::try_from(bytes).unwrap().to_le_bytes());
            let name_bytes = u16::try_from(name.len()).unwrap().to_le_bytes();
            archive.extend(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0");
            archive.extend(sizes.concat());
            archive.extend(name_bytes);
            archive.extend([0, 0]);
            archive.extend(name.bytes());
            archive.extend(packed);
            list.extend(b"PK\x01\x02\x14\0\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0");
            list.extend(sizes.concat());
            list.extend(name_bytes);
            list.extend([0; 12]);
            list.extend(offset.to_le_bytes());
            list.extend(name.bytes());
        }
        let start = u32::try_from(archive.len()).unwrap();
        let count = u16::try_from(files.len()).unwrap().to_le_bytes();
        archive.extend(&list);
        archive.extend(b"PK\x05\x06\0\0\0\0");
        archive.extend([count, count].concat());
        archive.extend(u32::try_from(list.len()).unwrap().to_le_bytes());
        archive.extend(start.to_le_bytes());
        archive.extend([0, 0]);
        archive
    }

    #[test]
    fn archive_lists_and_inflates_files() {
        for before in [&b""[..], b"#!/bin/sh\n"] {
            let content = [before, &zip(&[("a/b.txt", b"hello"), ("c", &[7; 1000])])].concat();
            let archive = Archive::new(&content).unwrap();
            let names: Vec<&str> = archive.entries().iter().map(|entry| &*entry.name).collect();
            assert_eq!(names, ["a/b.txt", "c"]);
            assert_eq!(archive.read(&archive.entries()[0], 100).unwrap(), b"hello");
            assert!(archive.read(&archive.entries()[1], 999).is_err());
        }
    }

    proptest! {
        #[test]
        fn damaged_archive_is_read_without_panic(end in 0_usize..200, at in 0_usize..200, byte: u8) {
            let mut content = zip(&[("a/b.txt", b"hello"), ("c", &[7; 1000])]);
            content.truncate(end.max(22));
            if let Some(place) = content.get_mut(at) {
                *place = byte;
            }
            if let Ok(archive) = Archive::new(&content) {
                for entry in archive.entries() {
                    let _ = archive.read(entry, 10_000);
                }
            }
        }
    }
}
