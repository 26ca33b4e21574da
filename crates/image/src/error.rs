//! The errors of an image, each with a stable code. An error ends the work on its image and on no other.

use super::digest::BlobDigest;

/// Why an image, or a part of it, could not be read. The text says what was wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The name of a source is not understood.
    #[error("{text}: {reason}")]
    Location {
        /// The name as given.
        text: String,
        /// What is wrong with it, and what is right.
        reason: String,
    },
    /// A file or folder cannot be opened or read.
    #[error("{path}: cannot be read: {reason}; check the path and its permissions")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A stream of a blob ended with an error of its source, such as a registry.
    #[error("{place}: the transfer failed: {reason}")]
    Transfer {
        /// The blob.
        place: String,
        /// What the source said.
        reason: String,
    },
    /// There is something else than an image.
    #[error("{place}: {reason}")]
    Format {
        /// The file, manifest or configuration.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Several images fit.
    #[error("{place}: it has several images; name one of: {choices}")]
    Ambiguous {
        /// The index or archive.
        place: String,
        /// The names, digests or platforms to choose from.
        choices: String,
    },
    /// No image has the platform or the name that was requested.
    #[error("{place}: it has no image {requested}; it has: {choices}")]
    NoSuchImage {
        /// The index or archive.
        place: String,
        /// The platform, name or digest.
        requested: String,
        /// What there is.
        choices: String,
    },
    /// An index leads to more indexes than an image can need.
    #[error("{place}: indexes are nested more than {limit} deep; this is no image that runs")]
    IndexDepth {
        /// The index at which reading stopped.
        place: String,
        /// The most indexes, one inside the other.
        limit: usize,
    },
    /// An index leads to itself.
    #[error("{place}: the index contains itself; this is no image that runs")]
    IndexCycle {
        /// The index.
        place: String,
    },
    /// A blob is not in the source.
    #[error("{place}: {digest} is missing; copy or pull the image again, with all its layers")]
    BlobMissing {
        /// The source.
        place: String,
        /// The blob.
        digest: BlobDigest,
    },
    /// A blob is not what its digest says.
    #[error(
        "{place}: its content has the digest {found}, not {expected}: it is damaged or was changed; \
         do not run this image, and copy or pull it again"
    )]
    WrongDigest {
        /// The blob.
        place: String,
        /// The digest by which it is named.
        expected: BlobDigest,
        /// The digest of its content.
        found: BlobDigest,
    },
    /// A blob has another size than its descriptor says.
    #[error(
        "{place}: it has {found} bytes, and its descriptor says {expected}: it is damaged or was \
         changed; copy or pull the image again"
    )]
    WrongSize {
        /// The blob.
        place: String,
        /// The size by the descriptor.
        expected: u64,
        /// The size found; reading stops soon after the expected size.
        found: u64,
    },
    /// A layer's content is not what the configuration says.
    #[error(
        "{place}: its content has the diff id {found}, and the configuration says {expected}: manifest \
         and configuration do not belong together; do not run this image, and build it again"
    )]
    WrongDiffId {
        /// The layer.
        place: String,
        /// The diff id by the configuration.
        expected: BlobDigest,
        /// The diff id of the content.
        found: BlobDigest,
    },
    /// Manifest and configuration have different numbers of layers.
    #[error(
        "{place}: the manifest has {layers} layers and the configuration {diff_ids}; build the image \
         again"
    )]
    LayerCount {
        /// The manifest.
        place: String,
        /// The layers of the manifest.
        layers: usize,
        /// The diff ids of the configuration.
        diff_ids: usize,
    },
    /// Compressed content cannot be inflated.
    #[error("{place}: it cannot be inflated: {reason}; build or pull the image again")]
    Compression {
        /// The layer or archive.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A tar is broken.
    #[error("{place}: the tar is broken: {reason}; build or pull the image again")]
    Archive {
        /// The layer or archive.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A path in a layer cannot be the path of a file.
    #[error("{place}: {path:?} {reason}; no runtime unpacks this layer as its author meant it")]
    BadPath {
        /// The layer.
        place: String,
        /// The path, shortened.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The image exceeds a limit.
    #[error("{place}: it exceeds the limit of {limit} {quantity}")]
    Limit {
        /// The layer, archive, manifest or configuration.
        place: String,
        /// The limit.
        limit: u64,
        /// What is limited, such as `bytes in a layer`.
        quantity: &'static str,
    },
    /// Reading took too long.
    #[error("{place}: reading the image took more than {seconds} s")]
    TimedOut {
        /// The layer that was being read.
        place: String,
        /// The limit.
        seconds: u64,
    },
    /// Reading ended since another layer of the image failed.
    #[error("{place}: reading was ended by the error of another layer")]
    Cancelled {
        /// The layer.
        place: String,
    },
}

impl ImageError {
    /// A stable code for reports and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Location { .. } => "location",
            Self::Unreadable { .. } => "unreadable",
            Self::Transfer { .. } => "transfer",
            Self::Format { .. } => "format",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NoSuchImage { .. } => "no-such-image",
            Self::IndexDepth { .. } => "index-depth",
            Self::IndexCycle { .. } => "index-cycle",
            Self::BlobMissing { .. } => "blob-missing",
            Self::WrongDigest { .. } => "wrong-digest",
            Self::WrongSize { .. } => "wrong-size",
            Self::WrongDiffId { .. } => "wrong-diff-id",
            Self::LayerCount { .. } => "layer-count",
            Self::Compression { .. } => "compression",
            Self::Archive { .. } => "archive",
            Self::BadPath { .. } => "bad-path",
            Self::Limit { .. } => "limit",
            Self::TimedOut { .. } => "timed-out",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// The error of a file or folder.
    pub(super) fn unreadable(path: &std::path::Path, reason: &std::io::Error) -> Self {
        Self::Unreadable {
            path: path.display().to_string(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn format(place: &str, reason: impl Into<String>) -> Self {
        Self::Format {
            place: place.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn archive(place: &str, reason: impl Into<String>) -> Self {
        Self::Archive {
            place: place.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn limit(place: &str, limit: u64, quantity: &'static str) -> Self {
        Self::Limit {
            place: place.to_owned(),
            limit,
            quantity,
        }
    }
}
