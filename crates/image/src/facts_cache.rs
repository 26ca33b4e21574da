//! Layers that were read before, as files in a folder: one a layer, named by its diff id.
//!
//! Several processes may use one folder. A file is written beside its place and moved there, so that
//! none is seen in part; it has a checksum, and one that does not fit is removed and its layer read
//! again. All of the folder may be deleted at any time. It is private to the user: a file in it is
//! trusted to be what this program wrote.

use super::{digest::BlobDigest, layer_content::LayerContent, layers::LayerCache};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

/// Changes with the form of a file. Files of another form are of no use, and are removed when room is
/// needed.
const FORM: u32 = 1;
const SUFFIX: &str = "layer";
/// The largest file that is read or written.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Part files older than this are of a process that ended.
const PART_FILE_SECONDS: u64 = 3600;
const HEADER_BYTES: usize = 64;

/// A folder of layers.
#[derive(Debug)]
pub struct FactsCache {
    folder: PathBuf,
    /// What wrote the facts: in the name and in the content of every file.
    key: BlobDigest,
    limit: u64,
    next_part: AtomicU64,
}

impl FactsCache {
    /// Opens a folder, and makes it where it is missing. `version` names the form and the rules of the
    /// facts: facts of another version are not used. All files together have at most `limit` bytes.
    pub fn open(folder: &Path, version: &str, limit: u64) -> io::Result<Self> {
        create_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            key: BlobDigest::of(format!("{FORM} {version}").as_bytes()),
            limit,
            next_part: AtomicU64::new(0),
        })
    }

    fn path(&self, diff_id: BlobDigest) -> PathBuf {
        let version: String = self.key.hex().chars().take(16).collect();
        self.folder
            .join(format!("{}-{version}.{SUFFIX}", diff_id.hex()))
    }

    fn read<F: DeserializeOwned>(&self, diff_id: BlobDigest) -> Option<LayerContent<F>> {
        let path = self.path(diff_id);
        let file = File::open(&path).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok()?;
        let content = self.decode(&bytes, diff_id);
        if content.is_none() {
            let _ = fs::remove_file(&path);
        } else if let Ok(file) = File::options().append(true).open(&path) {
            // The time of the last use decides what goes first.
            let _ = file.set_modified(SystemTime::now());
        }
        content
    }

    fn decode<F: DeserializeOwned>(
        &self,
        bytes: &[u8],
        diff_id: BlobDigest,
    ) -> Option<LayerContent<F>> {
        let (header, body) = bytes.split_at_checked(HEADER_BYTES)?;
        if header != self.header(body) {
            return None;
        }
        let content: LayerContent<F> = postcard::from_bytes(body).ok()?;
        (content.diff_id == diff_id && content.is_consistent()).then_some(content)
    }

    /// What wrote the facts, and the checksum of the rest.
    fn header(&self, body: &[u8]) -> Vec<u8> {
        let texts = [self.key.hex(), BlobDigest::of(body).hex()];
        let halves = texts.iter().map(|text| text.get(..HEADER_BYTES / 2));
        halves.flatten().flat_map(str::bytes).collect()
    }

    fn write<F: Serialize>(&self, content: &LayerContent<F>) -> io::Result<()> {
        let body = postcard::to_stdvec(content).map_err(io::Error::other)?;
        let size = (HEADER_BYTES + body.len()) as u64;
        if size > self.limit.min(MAX_FILE_BYTES) {
            return Ok(());
        }
        self.make_room(size)?;
        let number = self.next_part.fetch_add(1, Ordering::Relaxed);
        let part = self.folder.join(format!(
            "{}-{}-{number}.part",
            content.diff_id.hex(),
            std::process::id()
        ));
        let result = write_file(&part, &self.header(&body), &body)
            .and_then(|()| fs::rename(&part, self.path(content.diff_id)));
        if result.is_err() {
            let _ = fs::remove_file(&part);
        }
        result
    }

    /// Removes the files that were not used for the longest time, until `size` more bytes fit.
    fn make_room(&self, size: u64) -> io::Result<()> {
        let now = SystemTime::now();
        let mut files = Vec::new();
        let mut sum = size;
        for entry in fs::read_dir(&self.folder)? {
            let Ok((path, metadata)) =
                entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))
            else {
                continue;
            };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let age = now.duration_since(used).unwrap_or_default();
            let extension = path.extension().and_then(|extension| extension.to_str());
            match extension {
                Some(SUFFIX) => {
                    sum += metadata.len();
                    files.push((used, metadata.len(), path));
                }
                Some("part") if age.as_secs() > PART_FILE_SECONDS => {
                    let _ = fs::remove_file(&path);
                }
                _ => {}
            }
        }
        files.sort();
        for (_, bytes, path) in files {
            if sum <= self.limit {
                break;
            }
            // Another process may have removed it.
            let _ = fs::remove_file(path);
            sum -= bytes;
        }
        Ok(())
    }
}

impl<F: Serialize + DeserializeOwned> LayerCache<F> for FactsCache {
    fn get(&self, diff_id: BlobDigest) -> Option<LayerContent<F>> {
        self.read(diff_id)
    }

    fn put(&self, layer: &LayerContent<F>) {
        let _ = self.write(layer);
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

fn write_file(path: &Path, header: &[u8], body: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(header)?;
    file.write_all(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer_content::{Found, LayerNode};

    fn layer(name: &str) -> LayerContent<String> {
        let mut layer = LayerContent::new();
        layer.diff_id = BlobDigest::of(name.as_bytes());
        layer.facts.push(name.repeat(100));
        let found = Found::Facts(0);
        layer.push(
            name,
            LayerNode::File {
                size: 1,
                mode: 0o644,
                found,
            },
        );
        layer
    }

    fn get(cache: &FactsCache, name: &str) -> Option<LayerContent<String>> {
        LayerCache::<String>::get(cache, BlobDigest::of(name.as_bytes()))
    }

    #[test]
    fn layer_is_kept_for_one_version_of_facts() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FactsCache::open(folder.path(), "1", 1 << 20).unwrap();
        assert_eq!(get(&cache, "a"), None);
        cache.put(&layer("a"));
        assert_eq!(get(&cache, "a"), Some(layer("a")));
        let other = FactsCache::open(folder.path(), "2", 1 << 20).unwrap();
        assert_eq!(get(&other, "a"), None);
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(get(&cache, "a"), None);
        cache.put(&layer("a"));
    }

    #[test]
    fn damaged_file_is_removed_wherever_the_damage_is() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FactsCache::open(folder.path(), "1", 1 << 20).unwrap();
        cache.put(&layer("a"));
        let path = cache.path(BlobDigest::of(b"a"));
        let whole = fs::read(&path).unwrap();
        for index in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[index] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(get(&cache, "a"), None, "byte {index}");
            assert!(!path.exists());
            fs::write(&path, &whole[..index]).unwrap();
            assert_eq!(get(&cache, "a"), None, "{index} bytes");
        }
    }

    #[test]
    fn folder_stays_within_its_limit_and_keeps_what_was_used_last() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FactsCache::open(folder.path(), "1", 700).unwrap();
        for (age, name) in [(3, "a"), (2, "b")] {
            cache.put(&layer(name));
            let file = File::options()
                .append(true)
                .open(cache.path(BlobDigest::of(name.as_bytes())))
                .unwrap();
            let time = SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(time).unwrap();
        }
        assert!(get(&cache, "a").is_some());
        cache.put(&layer("c"));
        let kept: Vec<bool> = ["a", "b", "c"]
            .iter()
            .map(|name| get(&cache, name).is_some())
            .collect();
        assert_eq!(kept, [true, false, true]);
    }

    #[test]
    fn writers_of_one_layer_do_not_disturb_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FactsCache::open(folder.path(), "1", 1 << 20).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        cache.put(&layer("a"));
                        assert_eq!(get(&cache, "a"), Some(layer("a")));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
