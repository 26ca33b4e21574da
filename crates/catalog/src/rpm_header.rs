//! The header of an installed RPM package: a table of tags, and the data that they point into.

use crate::{
    executable::{ByteOrder, u32_at},
    facts::RpmEntry,
};

/// Tags of the largest header that is read.
const TAGS: usize = 65_535;
/// Values of one tag.
const VALUES: usize = 1_000_000;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const LICENSE: u32 = 1014;
const ARCHITECTURE: u32 = 1022;
const SOURCE_PACKAGE: u32 = 1044;
const FOLDER_NUMBERS: u32 = 1116;
const FILE_NAMES: u32 = 1117;
const FOLDERS: u32 = 1118;
const MODULARITY: u32 = 5096;

/// A table of tags.
struct Header<'a> {
    tags: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// The data from where a tag points to, and the count of its values.
    fn find(&self, wanted: u32) -> Option<(&'a [u8], usize)> {
        self.tags.chunks_exact(16).find_map(|entry| {
            let tag = u32_at(entry, 0, ByteOrder::Big)?;
            let offset = usize::try_from(u32_at(entry, 8, ByteOrder::Big)?).ok()?;
            let count = usize::try_from(u32_at(entry, 12, ByteOrder::Big)?).ok()?;
            (tag == wanted).then_some((self.data.get(offset..)?, count.min(VALUES)))
        })
    }

    fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> {
        let (data, count) = self.find(tag).unwrap_or_default();
        data.split(|byte| *byte == 0).take(count)
    }

    fn text(&self, tag: u32) -> String {
        let text = self.texts(tag).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> {
        let (data, count) = self.find(tag).unwrap_or_default();
        data.chunks_exact(4)
            .take(count)
            .filter_map(|bytes| u32_at(bytes, 0, ByteOrder::Big))
    }

    /// Folder and name of each file.
    fn files(&self) -> Vec<String> {
        let folders: Vec<&[u8]> = self.texts(FOLDERS).collect();
        let names = self.texts(FILE_NAMES);
        names
            .zip(self.numbers(FOLDER_NUMBERS))
            .filter_map(|(name, folder)| {
                let folder = folders.get(usize::try_from(folder).ok()?)?;
                let folder = String::from_utf8_lossy(folder);
                Some(format!("{folder}{}", String::from_utf8_lossy(name)))
            })
            .collect()
    }
}

/// The package of a header as databases keep it, without the magic number of a file.
pub(crate) fn read(blob: &[u8]) -> Result<RpmEntry, String> {
    let header = header(blob).ok_or("the header of a package is cut short")?;
    let entry = RpmEntry {
        name: header.text(NAME),
        version: header.text(VERSION),
        release: header.text(RELEASE),
        epoch: header.numbers(EPOCH).next(),
        architecture: header.text(ARCHITECTURE),
        source: header.text(SOURCE_PACKAGE),
        license: header.text(LICENSE),
        modularity: header.text(MODULARITY),
        files: header.files(),
    };
    if entry.name.is_empty() {
        return Err("the header of a package has no name".to_owned());
    }
    Ok(entry)
}

fn header(blob: &[u8]) -> Option<Header<'_>> {
    let tags = usize::try_from(u32_at(blob, 0, ByteOrder::Big)?).ok()?;
    let bytes = usize::try_from(u32_at(blob, 4, ByteOrder::Big)?).ok()?;
    if tags > TAGS {
        return None;
    }
    let data = tags.checked_mul(16)?.checked_add(8)?;
    Some(Header {
        tags: blob.get(8..data)?,
        data: blob.get(data..data.checked_add(bytes)?)?,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A header with a name, a version and two files.
    pub(crate) fn blob() -> Vec<u8> {
        let data = b"a\x001.0\x002\0/etc/\0/usr/\0x\0y\0\0\0\0\0\0\0\0\0\x01";
        let tags: &[(u32, u32, u32, u32)] = &[
            (NAME, 6, 0, 1),
            (VERSION, 6, 2, 1),
            (RELEASE, 6, 6, 1),
            (FOLDERS, 8, 8, 2),
            (FILE_NAMES, 8, 20, 2),
            (FOLDER_NUMBERS, 4, 25, 2),
        ];
        let mut blob = u32::try_from(tags.len()).unwrap().to_be_bytes().to_vec();
        blob.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        for (tag, kind, offset, count) in tags {
            blob.extend(
                [tag, kind, offset, count]
                    .map(|number| number.to_be_bytes())
                    .concat(),
            );
        }
        blob.extend(data);
        blob
    }

    #[test]
    fn header_names_package_and_files() {
        let entry = read(&blob()).unwrap();
        assert_eq!(
            (&*entry.name, &*entry.version, &*entry.release),
            ("a", "1.0", "2")
        );
        assert_eq!(entry.epoch, None);
        assert_eq!(entry.files, ["/etc/x", "/usr/y"]);
    }

    proptest! {
        #[test]
        fn damaged_header_is_read_without_panic(end in 0_usize..160, at in 0_usize..160, byte: u8) {
            let mut blob = blob();
            blob.truncate(end);
            if let Some(place) = blob.get_mut(at) {
                *place = byte;
            }
            let _ = read(&blob);
        }
    }
}
