//! Certificates in a folder: `ca.crt`, `tls.crt`, `tls.key` (the names of a Secret of type `kubernetes.io/tls`), and
//! `ca.key` where they are ours.
//!
//! Each file is replaced whole; between two files a reader may see halves of two pairs, which the reader notices.
//! Several processes may use one folder: a lock keeps them apart. A mounted Secret is a folder too, and only read.

use std::{
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::store::{CertificateStore, Published, StoreError, Stored};

const LOCK: &str = ".lock";
/// Longest file that is read.
const MAX_FILE: u64 = 1 << 20;

/// Certificates in a folder.
#[derive(Debug, Clone)]
pub struct FolderStore {
    dir: PathBuf,
}

impl FolderStore {
    /// The folder need not be there yet: the first write makes it.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The file that holds what callers may trust.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }
}

impl CertificateStore for FolderStore {
    async fn read(&self) -> Result<Option<Stored>, StoreError> {
        let dir = self.dir.clone();
        apart(move || {
            // Without a lock file nobody of ours has written here.
            let _lock = match open(&dir.join(LOCK)) {
                Ok(Some(file)) => {
                    file.try_lock_shared().map_err(|_| StoreError::Conflict)?;
                    Some(file)
                }
                _ => None,
            };
            read(&dir)
        })
        .await
    }

    async fn write(&self, stored: &Stored) -> Result<(), StoreError> {
        let (dir, stored) = (self.dir.clone(), stored.clone());
        apart(move || {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&dir)
                .map_err(failed(&dir))?;
            let path = dir.join(LOCK);
            let mut options = OpenOptions::new();
            options
                .create(true)
                .append(true)
                .mode(0o600)
                .custom_flags(libc::O_NONBLOCK);
            let lock = options.open(&path).map_err(failed(&path))?;
            lock.try_lock().map_err(|_| StoreError::Conflict)?;
            if contents(&dir)?.and_then(|it| it.version) != stored.version {
                return Err(StoreError::Conflict);
            }
            write(&dir, &stored)
        })
        .await
    }

    /// An operator copies `ca.crt` to where callers read it.
    async fn publish(&self, _ca_bundle: &[u8]) -> Result<Published, StoreError> {
        Ok(Published::ByHand)
    }
}

async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|it| StoreError::Failed(it.to_string()))?
}

fn read(dir: &Path) -> Result<Option<Stored>, StoreError> {
    let Some(stored) = contents(dir)? else {
        return Ok(None);
    };
    let ours = stored.ca_keys.is_some();
    if ours || (!stored.certificate.is_empty() && !stored.key.is_empty()) {
        return Ok(Some(stored));
    }
    let words = format!(
        "{}: tls.crt and tls.key must both be there (or none of ca.crt, tls.crt, tls.key: then they are made)",
        dir.display()
    );
    Err(StoreError::Incomplete {
        words,
        part: Box::new(stored),
    })
}

/// What is there, whole or not; `None` where there is no file of ours or of anybody.
fn contents(dir: &Path) -> Result<Option<Stored>, StoreError> {
    let file = |name: &str| bytes(&dir.join(name));
    let (ca, ca_keys, certificate, key) = (
        file("ca.crt")?,
        file("ca.key")?,
        file("tls.crt")?,
        file("tls.key")?,
    );
    if [&ca, &ca_keys, &certificate, &key]
        .iter()
        .all(|it| it.is_none())
    {
        return Ok(None);
    }
    let mut hash = DefaultHasher::new();
    (&ca, &ca_keys, &certificate, &key).hash(&mut hash);
    Ok(Some(Stored {
        ca: ca.unwrap_or_default(),
        ca_keys,
        certificate: certificate.unwrap_or_default(),
        key: key.unwrap_or_default(),
        version: Some(format!("{:016x}", hash.finish())),
    }))
}

/// A file's bytes; none when it is not there.
pub(super) fn bytes(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed(path))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(StoreError::Failed(format!(
            "{}: longer than {MAX_FILE} bytes",
            path.display()
        )));
    }
    Ok(Some(bytes))
}

/// A regular file, opened to be read; none when it is not there. Never waits: a pipe without a writer would make its
/// reader wait for ever.
fn open(path: &Path) -> Result<Option<File>, StoreError> {
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path)(error)),
    };
    if !file.metadata().map_err(failed(path))?.is_file() {
        return Err(StoreError::Failed(format!(
            "{}: it is no regular file",
            path.display()
        )));
    }
    Ok(Some(file))
}

/// The authority first: a leaf is never there before what vouches for it.
fn write(dir: &Path, stored: &Stored) -> Result<(), StoreError> {
    if let Some(keys) = &stored.ca_keys {
        replace(&dir.join("ca.key"), keys, 0o600)?;
    }
    replace(&dir.join("ca.crt"), &stored.ca, 0o644)?;
    replace(&dir.join("tls.key"), &stored.key, 0o600)?;
    replace(&dir.join("tls.crt"), &stored.certificate, 0o644)?;
    File::open(dir)
        .and_then(|it| it.sync_all())
        .map_err(failed(dir))
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    let new = path.with_extension(format!(
        "{}.new",
        path.extension().unwrap_or_default().to_string_lossy()
    ));
    // What an interrupted write left may have another mode.
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)
        .map_err(failed(&new))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(failed(&new))?;
    fs::rename(&new, path).map_err(failed(path))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |error| StoreError::Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::{CertificateStore, FolderStore, StoreError, Stored};

    fn stored(text: &str, version: Option<String>) -> Stored {
        let bytes = text.as_bytes().to_vec();
        Stored {
            ca: bytes.clone(),
            ca_keys: Some(bytes.clone()),
            certificate: bytes.clone(),
            key: bytes,
            version,
        }
    }

    #[tokio::test]
    async fn what_is_written_is_read_and_compared() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("made");
        let store = FolderStore::new(&dir);
        assert_eq!(store.read().await.unwrap(), None);
        store.write(&stored("one", None)).await.unwrap();
        let one = store.read().await.unwrap().unwrap();
        assert_eq!(one, stored("one", one.version.clone()));
        // two writers that read the same: one of them is told
        store
            .write(&stored("two", one.version.clone()))
            .await
            .unwrap();
        assert!(matches!(
            store.write(&stored("three", one.version)).await,
            Err(StoreError::Conflict)
        ));
        assert!(matches!(
            store.write(&stored("three", None)).await,
            Err(StoreError::Conflict)
        ));
        assert_eq!(fs::read(dir.join("tls.crt")).unwrap(), b"two");
        for (file, mode) in [("ca.key", 0o600), ("tls.key", 0o600), (".lock", 0o600)] {
            assert_eq!(
                fs::metadata(dir.join(file)).unwrap().permissions().mode() & 0o777,
                mode,
                "{file}"
            );
        }
        assert_eq!(
            fs::metadata(&dir).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 5);
    }

    #[tokio::test]
    async fn a_writer_at_work_keeps_others_out() {
        let dir = tempfile::tempdir().unwrap();
        let store = FolderStore::new(dir.path());
        store.write(&stored("one", None)).await.unwrap();
        let lock = fs::File::open(dir.path().join(".lock")).unwrap();
        lock.lock().unwrap();
        assert!(matches!(store.read().await, Err(StoreError::Conflict)));
        assert!(matches!(
            store.write(&stored("two", None)).await,
            Err(StoreError::Conflict)
        ));
        lock.unlock().unwrap();
        assert!(store.read().await.unwrap().is_some());
    }

    /// A pipe that nobody writes makes nobody wait.
    #[tokio::test]
    async fn what_is_no_regular_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("tls.crt");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        fs::write(dir.path().join("tls.key"), "x").unwrap();
        let check = |found: Result<Option<Stored>, StoreError>| match found {
            Err(StoreError::Failed(words)) => assert!(words.contains("no regular file"), "{words}"),
            other => panic!("{other:?}"),
        };
        check(FolderStore::new(dir.path()).read().await);
        fs::remove_file(&pipe).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &pipe).unwrap();
        check(FolderStore::new(dir.path()).read().await);
    }

    #[tokio::test]
    async fn parts_of_others_files_are_not_replaced() {
        async fn check(files: &[&str], expected: &str) {
            let dir = tempfile::tempdir().unwrap();
            let put = |dir: &Path| {
                files
                    .iter()
                    .for_each(|it| fs::write(dir.join(it), "x").unwrap())
            };
            put(dir.path());
            let found = match FolderStore::new(dir.path()).read().await {
                Ok(None) => "empty".to_owned(),
                Ok(Some(it)) => if it.ca_keys.is_some() {
                    "ours"
                } else {
                    "theirs"
                }
                .to_owned(),
                Err(StoreError::Incomplete { .. }) => "incomplete".to_owned(),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expected, "{files:?}");
        }
        check(&[], "empty").await;
        check(&["other"], "empty").await;
        check(&["tls.crt", "tls.key"], "theirs").await;
        check(&["ca.crt", "tls.crt", "tls.key"], "theirs").await;
        check(&["tls.crt"], "incomplete").await;
        check(&["tls.key"], "incomplete").await;
        check(&["ca.crt"], "incomplete").await;
        check(&["ca.key", "ca.crt"], "ours").await;
    }
}
