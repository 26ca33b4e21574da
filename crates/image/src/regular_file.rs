//! Opens files of which it is not known what they are: a FIFO does not block, and a device is not read.

use super::error::ImageError;
use std::{fs::File, io::Read as _, os::unix::fs::OpenOptionsExt as _, path::Path};

/// Opens a regular file; a symbolic link to one is followed.
pub(super) fn open_regular(path: &Path) -> Result<File, ImageError> {
    open(path, 0)
}

/// Opens a regular file that is no symbolic link.
pub(super) fn open_regular_no_link(path: &Path) -> Result<File, ImageError> {
    open(path, libc::O_NOFOLLOW)
}

fn open(path: &Path, flags: i32) -> Result<File, ImageError> {
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | flags)
        .open(path)
        .map_err(|error| ImageError::unreadable(path, &error))?;
    let metadata = file
        .metadata()
        .map_err(|error| ImageError::unreadable(path, &error))?;
    if !metadata.is_file() {
        let path = path.display().to_string();
        let reason = "it is no regular file".to_owned();
        return Err(ImageError::Unreadable { path, reason });
    }
    Ok(file)
}

/// Reads a small file whole.
pub(super) fn read_small(path: &Path, limit: usize) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    open_regular(path)?
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ImageError::unreadable(path, &error))?;
    if bytes.len() > limit {
        let place = path.display().to_string();
        return Err(ImageError::limit(
            &place,
            limit as u64,
            "bytes in a manifest or configuration",
        ));
    }
    Ok(bytes)
}
