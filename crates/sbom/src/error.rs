//! Why an SBOM cannot be read.

/// An error in an SBOM from outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SbomError {
    /// The text has none of the marks of a known format.
    #[error(
        "unknown SBOM format: expected CycloneDX JSON (bomFormat), SPDX JSON (spdxVersion), SPDX tag-value (SPDXVersion:) or syft-json (artifacts)"
    )]
    UnknownFormat,
    /// The text exceeds the limit.
    #[error("the SBOM has {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The JSON is invalid, or a field has the wrong type.
    #[error("invalid {format}: {reason}")]
    Invalid {
        /// The format that its marks name.
        format: &'static str,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// The version of the format is not one of those that are read.
    #[error("{format} {version} is not supported: {supported} are read")]
    UnsupportedVersion {
        /// The format.
        format: &'static str,
        /// The version in the document.
        version: String,
        /// The versions that are read.
        supported: &'static str,
    },
    /// A line of a tag-value document has no tag.
    #[error("invalid SPDX tag-value in line {line}: expected `Tag: value`")]
    InvalidLine {
        /// The line, from 1.
        line: usize,
    },
    /// A text begins and never ends.
    #[error("invalid SPDX tag-value: the <text> that begins in line {line} has no </text>")]
    UnclosedText {
        /// The line, from 1.
        line: usize,
    },
}

impl SbomError {
    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownFormat => "sbom-unknown-format",
            Self::TooLarge { .. } => "sbom-too-large",
            Self::Invalid { .. } | Self::InvalidLine { .. } | Self::UnclosedText { .. } => {
                "sbom-invalid"
            }
            Self::UnsupportedVersion { .. } => "sbom-unsupported-version",
        }
    }
}
