//! An OCI layout as a tar, also a compressed one.

use super::{
    archive::Archive,
    blob::{BlobSource, BlobStream, BlobVisitor, StoredBlobs},
    descriptor::BlobDescriptor,
    digest::BlobDigest,
    error::ImageError,
    stored_layers::visit_stored,
};

/// The blobs of a layout in an archive.
#[derive(Debug)]
pub(super) struct OciArchive {
    pub(super) archive: Archive,
}

fn member_name(digest: BlobDigest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

impl BlobSource for OciArchive {
    fn place(&self) -> String {
        self.archive.place()
    }

    fn open(&self, blob: &BlobDescriptor) -> Result<BlobStream<'_>, ImageError> {
        let stream = self.archive.open_member(&member_name(blob.digest))?;
        stream.ok_or_else(|| ImageError::BlobMissing {
            place: self.place(),
            digest: blob.digest,
        })
    }

    fn in_stored_order(&self) -> Option<&dyn StoredBlobs> {
        self.archive.is_compressed().then_some(self)
    }
}

impl StoredBlobs for OciArchive {
    fn visit_blobs(
        &self,
        wanted: &[&BlobDescriptor],
        visit: &mut BlobVisitor<'_>,
    ) -> Result<(), ImageError> {
        let name = |blob: &BlobDescriptor| Some(member_name(blob.digest));
        visit_stored(&self.archive, wanted, &name, visit)
    }
}
