//! An SBOM as data, in no format.

use kubevet_model::PackageInventory;

/// What an SBOM says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SbomDocument {
    /// What was looked at, as the user named it: an image reference or a folder.
    pub name: String,
    /// The image; `None` for a folder.
    pub image: Option<ImageIdentity>,
    /// The packages, and what could not be read.
    pub inventory: PackageInventory,
}

/// Which image it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageIdentity {
    /// `sha256:…` of the manifest.
    pub manifest_digest: String,
    /// `sha256:…` of the configuration.
    pub config_digest: String,
    /// The media type of the manifest.
    pub media_type: String,
    /// Such as `amd64`.
    pub architecture: String,
    /// Such as `linux`.
    pub os: String,
    /// The diff ids of the layers, the lowest first. [`kubevet_model::PackageLocation::layer`] counts
    /// in this list.
    pub layers: Vec<String>,
}

/// What makes one document different from another of the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentStamp {
    /// A random UUID, such as `3e671687-395b-41f5-a30f-a58921a69b79`.
    pub uuid: String,
    /// The time in UTC by RFC 3339 without fractions, such as `2026-11-30T12:00:00Z`.
    pub created: String,
}
