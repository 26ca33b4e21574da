//! Where blobs come from. A registry, a layout and an archive are each a [`BlobSource`]; what reads
//! layers knows none of them.

use super::{descriptor::BlobDescriptor, error::ImageError};
use std::io::Read;

/// The content of a blob as a stream. It is not verified: its reader does that.
///
/// An error of `read` that wraps an [`ImageError`] keeps it; any other is a failed transfer.
pub type BlobStream<'a> = Box<dyn Read + Send + 'a>;

/// What is called for a blob that passes by: its number among the wanted ones, and its content.
pub type BlobVisitor<'a> = dyn FnMut(usize, &mut (dyn Read + Send)) -> Result<(), ImageError> + 'a;

/// The blobs of an image. Several threads open blobs at once.
pub trait BlobSource: Sync {
    /// What the source is, for messages: a path, or a repository.
    fn place(&self) -> String;

    /// Opens a blob. A blob that is not there is [`ImageError::BlobMissing`].
    fn open(&self, blob: &BlobDescriptor) -> Result<BlobStream<'_>, ImageError>;

    /// The way to read the blobs of a source that has them in one order only; `None` where each can be
    /// opened at any time.
    fn in_stored_order(&self) -> Option<&dyn StoredBlobs> {
        None
    }
}

/// Blobs that can only be read one after the other, as in a compressed archive.
pub trait StoredBlobs {
    /// Passes over the blobs, and calls `visit` with the number and the content of each that is wanted.
    /// One that is never found is [`ImageError::BlobMissing`].
    fn visit_blobs(
        &self,
        wanted: &[&BlobDescriptor],
        visit: &mut BlobVisitor<'_>,
    ) -> Result<(), ImageError>;
}
