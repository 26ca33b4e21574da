//! A folder of blobs, `blobs/sha256/…`: that of an OCI layout, and containerd's content store.

use super::{
    blob::{BlobSource, BlobStream},
    descriptor::BlobDescriptor,
    error::ImageError,
    regular_file::open_regular,
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Blobs as files that are named by their digests.
#[derive(Debug)]
pub(super) struct BlobFolder {
    folder: PathBuf,
}

impl BlobFolder {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }
}

impl BlobSource for BlobFolder {
    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn open(&self, blob: &BlobDescriptor) -> Result<BlobStream<'_>, ImageError> {
        let path = self.folder.join("blobs/sha256").join(blob.digest.hex());
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ImageError::BlobMissing {
                place: self.place(),
                digest: blob.digest,
            }),
            _ => Ok(Box::new(open_regular(&path)?)),
        }
    }
}
