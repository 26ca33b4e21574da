//! An image of a registry as a source of blobs for what reads layers.
//!
//! Layers are read on threads that block; the client runs on a runtime. The manifest is read once, so
//! that a tag which moves meanwhile does not mix two images.

use super::{
    blocking_blob::BlockingBlob,
    client::RegistryClient,
    digest::{ContentDigest, DigestAlgorithm},
    error::RegistryError,
    manifest::{FetchedManifest, is_manifest_type},
    reference::{ImageReference, Repository},
};
use kubevet_image::{BlobDescriptor, BlobDigest, BlobSource, BlobStream, ImageError, ImageRoot};
use std::{
    io::{self, Cursor, Read},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::runtime::Handle;

/// An image of a registry, or an index of images.
pub struct RegistryImageSource {
    client: RegistryClient,
    repository: Repository,
    runtime: Handle,
    root: BlobDescriptor,
    manifest: FetchedManifest,
    failure: Failure,
}

/// The first error, which [`ImageError`] has no words for.
#[derive(Clone, Default)]
struct Failure(Arc<Mutex<Option<RegistryError>>>);

impl RegistryImageSource {
    /// Reads the manifest of a reference. The blobs are read by `runtime`, which must run while threads
    /// that are not its own read them.
    ///
    /// # Errors
    ///
    /// Returns an error if the manifest cannot be read, or is not what it should be.
    pub async fn open(
        client: &RegistryClient,
        reference: &ImageReference,
        runtime: Handle,
    ) -> Result<Self, RegistryError> {
        let manifest = client.manifest(reference).await?;
        // An image may be named by SHA-512; its parts never are.
        let digest = BlobDigest::of(&manifest.bytes);
        let root = BlobDescriptor {
            media_type: manifest.media_type.clone(),
            size: u64::try_from(manifest.bytes.len()).ok(),
            ..BlobDescriptor::of_digest(digest)
        };
        Ok(Self {
            client: client.clone(),
            repository: reference.repository.clone(),
            runtime,
            root,
            manifest,
            failure: Failure::default(),
        })
    }

    /// Where the image begins.
    #[must_use]
    pub fn root(&self) -> ImageRoot {
        ImageRoot::Blob(self.root.clone())
    }

    /// The manifest or index of the reference.
    #[must_use]
    pub fn manifest(&self) -> &FetchedManifest {
        &self.manifest
    }

    /// The first error of the registry, with its own code. The [`ImageError`] that ended the work may
    /// only say that a transfer failed.
    #[must_use]
    pub fn failure(&self) -> Option<RegistryError> {
        self.failure.get()
    }

    fn fetch(&self, blob: &BlobDescriptor) -> Result<BlobStream<'static>, RegistryError> {
        if blob.digest == self.root.digest {
            return Ok(Box::new(Cursor::new(self.manifest.bytes.clone())));
        }
        let digest = ContentDigest::of_blob(&blob.digest);
        if is_manifest_type(&blob.media_type) {
            let reference = self.repository.at_digest(digest);
            let manifest = self.runtime.block_on(self.client.manifest(&reference))?;
            return Ok(Box::new(Cursor::new(manifest.bytes)));
        }
        let opening = self.client.blob(&self.repository, &digest, blob.size);
        let stream = self.runtime.block_on(opening)?;
        Ok(Box::new(KeptFailures {
            reader: BlockingBlob::new(stream, self.runtime.clone()),
            place: self.place(),
            blob: blob.digest,
            failure: self.failure.clone(),
        }))
    }
}

impl BlobSource for RegistryImageSource {
    fn place(&self) -> String {
        self.repository.to_string()
    }

    fn open(&self, blob: &BlobDescriptor) -> Result<BlobStream<'_>, ImageError> {
        self.fetch(blob).map_err(|error| {
            let for_image = image_error(&error, self.place(), blob.digest);
            self.failure.keep(error);
            for_image
        })
    }
}

impl Failure {
    fn keep(&self, error: RegistryError) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
    }

    fn get(&self) -> Option<RegistryError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A blob whose errors are kept, and become those of images.
struct KeptFailures {
    reader: BlockingBlob,
    place: String,
    blob: BlobDigest,
    failure: Failure,
}

impl Read for KeptFailures {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader
            .read(buffer)
            .map_err(|error| match error.downcast::<RegistryError>() {
                Ok(error) => {
                    let for_image = image_error(&error, self.place.clone(), self.blob);
                    self.failure.keep(error);
                    io::Error::other(for_image)
                }
                Err(error) => error,
            })
    }
}

fn image_error(error: &RegistryError, place: String, blob: BlobDigest) -> ImageError {
    match error {
        RegistryError::NotFound { .. } => ImageError::BlobMissing {
            place,
            digest: blob,
        },
        RegistryError::Digest { found, .. } if found.algorithm() == DigestAlgorithm::Sha256 => {
            match BlobDigest::from_hex(found.hex()) {
                Some(found) => ImageError::WrongDigest {
                    place,
                    expected: blob,
                    found,
                },
                None => transfer(error, place),
            }
        }
        RegistryError::Size {
            expected, found, ..
        } => ImageError::WrongSize {
            place,
            expected: *expected,
            found: *found,
        },
        _ => transfer(error, place),
    }
}

fn transfer(error: &RegistryError, place: String) -> ImageError {
    ImageError::Transfer {
        place,
        reason: error.to_string(),
    }
}
