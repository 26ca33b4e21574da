//! Certificates in a directory: `ca.crt`, `tls.crt`, `tls.key` (the keys of a Secret of type
//! `kubernetes.io/tls`), and `ca.key` where kubevet manages them.
//!
//! Each file is replaced atomically. Between two files a reader may see halves of two states; the
//! check of certificate against key finds that. Several processes may use one directory, guarded by
//! a lock file. A mounted Secret is such a directory too; it is only read.

use std::{
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use kubevet_model::StoredCertificates;

use super::store::{CertificateStore, Publication, StoreError};

const LOCK_FILE: &str = ".lock";
/// The most bytes of a file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A certificate store in a directory.
#[derive(Debug, Clone)]
pub struct DirStore {
    dir: PathBuf,
}

impl DirStore {
    /// Returns the store of a directory. The first write creates a missing directory.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Returns the path of the file with the bundle that callers may trust.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }
}

impl CertificateStore for DirStore {
    async fn read(&self) -> Result<Option<StoredCertificates>, StoreError> {
        let dir = self.dir.clone();
        run_blocking(move || {
            // Without a lock file, no process of kubevet has written here.
            let _lock = match open_regular_file(&dir.join(LOCK_FILE)) {
                Ok(Some(file)) => {
                    file.try_lock_shared().map_err(|_| StoreError::Conflict)?;
                    Some(file)
                }
                _ => None,
            };
            read_dir(&dir)
        })
        .await
    }

    async fn write(&self, stored: &StoredCertificates) -> Result<(), StoreError> {
        let (dir, stored) = (self.dir.clone(), stored.clone());
        run_blocking(move || {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&dir)
                .map_err(failed(&dir))?;
            let path = dir.join(LOCK_FILE);
            let mut options = OpenOptions::new();
            options
                .create(true)
                .append(true)
                .mode(0o600)
                .custom_flags(libc::O_NONBLOCK);
            let lock = options.open(&path).map_err(failed(&path))?;
            lock.try_lock().map_err(|_| StoreError::Conflict)?;
            if read_files(&dir)?.and_then(|current| current.version) != stored.version {
                return Err(StoreError::Conflict);
            }
            write_files(&dir, &stored)
        })
        .await
    }

    /// Publishes nothing: an operator copies `ca.crt` to where callers read it.
    async fn publish(&self, _ca_bundle: &[u8]) -> Result<Publication, StoreError> {
        Ok(Publication::Manual)
    }
}

async fn run_blocking<T: Send + 'static>(
    task: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(task)
        .await
        .map_err(|error| StoreError::Failed(error.to_string()))?
}

/// Reads the certificates of a directory; `None` if it holds none.
fn read_dir(dir: &Path) -> Result<Option<StoredCertificates>, StoreError> {
    let Some(stored) = read_files(dir)? else {
        return Ok(None);
    };
    let is_managed = stored.ca_keys.is_some();
    if is_managed || (!stored.certificate.is_empty() && !stored.key.is_empty()) {
        return Ok(Some(stored));
    }
    let reason = format!(
        "{}: tls.crt and tls.key must both be there (or none of ca.crt, tls.crt, tls.key: then they are made)",
        dir.display()
    );
    Err(StoreError::Incomplete {
        reason,
        part: Box::new(stored),
    })
}

/// Reads the files that are there, complete or not; `None` if there is none of them.
fn read_files(dir: &Path) -> Result<Option<StoredCertificates>, StoreError> {
    let read = |name: &str| read_file(&dir.join(name));
    let (ca_bundle, ca_keys, certificate, key) = (
        read("ca.crt")?,
        read("ca.key")?,
        read("tls.crt")?,
        read("tls.key")?,
    );
    if [&ca_bundle, &ca_keys, &certificate, &key]
        .iter()
        .all(|file| file.is_none())
    {
        return Ok(None);
    }
    let mut hasher = DefaultHasher::new();
    (&ca_bundle, &ca_keys, &certificate, &key).hash(&mut hasher);
    Ok(Some(StoredCertificates {
        ca_bundle: ca_bundle.unwrap_or_default(),
        ca_keys,
        certificate: certificate.unwrap_or_default(),
        key: key.unwrap_or_default(),
        version: Some(format!("{:016x}", hasher.finish())),
    }))
}

/// Returns the bytes of a file; `None` if it does not exist.
pub(super) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(file) = open_regular_file(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed(path))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(StoreError::Failed(format!(
            "{}: longer than {MAX_FILE_BYTES} bytes",
            path.display()
        )));
    }
    Ok(Some(bytes))
}

/// Opens a regular file for reading; `None` if it does not exist. `O_NONBLOCK` keeps the open of a
/// pipe without a writer from blocking for ever.
fn open_regular_file(path: &Path) -> Result<Option<File>, StoreError> {
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
            "{}: it is not a regular file",
            path.display()
        )));
    }
    Ok(Some(file))
}

/// Writes the authority first: a leaf is never there before the authority that signed it.
fn write_files(dir: &Path, stored: &StoredCertificates) -> Result<(), StoreError> {
    if let Some(keys) = &stored.ca_keys {
        replace_file(&dir.join("ca.key"), keys, 0o600)?;
    }
    replace_file(&dir.join("ca.crt"), &stored.ca_bundle, 0o644)?;
    replace_file(&dir.join("tls.key"), &stored.key, 0o600)?;
    replace_file(&dir.join("tls.crt"), &stored.certificate, 0o644)?;
    // The renames are durable only once the directory itself is.
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(failed(dir))
}

/// Replaces a file atomically: it writes a new file beside it and renames that.
fn replace_file(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    let new = path.with_extension(format!(
        "{}.new",
        path.extension().unwrap_or_default().to_string_lossy()
    ));
    // A file that an interrupted write left may have another mode.
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
mod tests;
