//! How manifests and indexes name blobs.

use super::{digest::BlobDigest, platform::ImagePlatform};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A blob as a manifest or an index names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlobDescriptor {
    /// What the blob is; may be empty. Manifests and indexes have types of their own: a registry
    /// serves them from another path than other blobs.
    #[serde(default)]
    pub media_type: String,
    /// The digest of the blob.
    pub digest: BlobDigest,
    /// The bytes of the blob; `None` where it is not known before.
    #[serde(default)]
    pub size: Option<u64>,
    /// Where a foreign layer is. It is never fetched from there.
    #[serde(default)]
    pub urls: Option<Vec<String>>,
    /// The platform of an image in an index.
    #[serde(default)]
    pub platform: Option<ImagePlatform>,
    /// Annotations; the name of an image in a layout is one.
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
    /// The type of what is no image.
    #[serde(default)]
    pub artifact_type: Option<String>,
}

impl BlobDescriptor {
    /// A blob of which only the digest is known.
    pub fn of_digest(digest: BlobDigest) -> Self {
        Self {
            media_type: String::new(),
            digest,
            size: None,
            urls: None,
            platform: None,
            annotations: None,
            artifact_type: None,
        }
    }

    /// An annotation; empty where there is none.
    pub fn annotation(&self, key: &str) -> &str {
        let annotations = self.annotations.as_ref();
        annotations
            .and_then(|annotations| annotations.get(key))
            .map_or("", String::as_str)
    }

    /// The names of an image in a layout or in containerd's export.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        [
            "org.opencontainers.image.ref.name",
            "io.containerd.image.name",
        ]
        .into_iter()
        .map(|key| self.annotation(key))
        .filter(|name| !name.is_empty())
    }

    /// Whether it is a statement about an image, which build tools put beside it.
    pub(super) fn is_attestation(&self) -> bool {
        let is_unknown = |platform: &ImagePlatform| {
            platform.os == "unknown" && platform.architecture == "unknown"
        };
        !self.annotation("vnd.docker.reference.type").is_empty()
            || self.platform.as_ref().is_some_and(is_unknown)
    }
}
