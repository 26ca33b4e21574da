//! The table of formats: a new one is a line here and a file beside it.

use crate::{
    cyclonedx,
    document::{DocumentStamp, SbomDocument},
    error::SbomError,
    spdx, spdx_tag_value, syft, table,
};

/// The most bytes of an SBOM that are read.
const MAX_BYTES: usize = 256 << 20;

/// A format that is written.
#[derive(Debug, Clone, Copy)]
pub struct SbomFormat {
    /// The name on the command line.
    pub name: &'static str,
    /// What it is, for a list of formats.
    pub description: &'static str,
    write: fn(&SbomDocument, &DocumentStamp) -> String,
}

impl SbomFormat {
    /// All formats, the default first.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "table",
            description: "a line for each package",
            write: |document, _| table::write(document),
        },
        Self {
            name: "cyclonedx",
            description: "CycloneDX 1.6 JSON",
            write: cyclonedx::write,
        },
        Self {
            name: "spdx",
            description: "SPDX 2.3 JSON",
            write: spdx::write,
        },
        Self {
            name: "spdx-tag-value",
            description: "SPDX 2.3 tag-value",
            write: spdx_tag_value::write,
        },
        Self {
            name: "syft-json",
            description: "the JSON of Syft, which Grype reads",
            write: |document, _| syft::write(document),
        },
    ];

    /// The format of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|format| format.name == name)
    }
}

/// Writes an SBOM; the text ends with a line feed.
#[must_use]
pub fn write_sbom(format: &SbomFormat, document: &SbomDocument, stamp: &DocumentStamp) -> String {
    (format.write)(document, stamp)
}

/// Reads an SBOM in any format but the table.
///
/// # Errors
/// The format is unknown, or the text does not follow it.
pub fn read_sbom(text: &str) -> Result<SbomDocument, SbomError> {
    if text.len() > MAX_BYTES {
        return Err(SbomError::TooLarge {
            bytes: text.len(),
            limit: MAX_BYTES,
        });
    }
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        return if spdx_tag_value::is_tag_value(text) {
            spdx_tag_value::read(text)
        } else {
            Err(SbomError::UnknownFormat)
        };
    }
    // The marks alone: a field that is not named here is skipped.
    #[derive(serde::Deserialize)]
    struct Marks {
        #[serde(rename = "bomFormat")]
        cyclonedx: Option<serde::de::IgnoredAny>,
        #[serde(rename = "spdxVersion")]
        spdx: Option<serde::de::IgnoredAny>,
        #[serde(rename = "artifacts")]
        syft: Option<serde::de::IgnoredAny>,
    }
    let marks: Marks = serde_json::from_str(text).map_err(|error| SbomError::Invalid {
        format: "JSON",
        reason: error.to_string(),
    })?;
    match marks {
        Marks {
            cyclonedx: Some(_), ..
        } => cyclonedx::read(text),
        Marks { spdx: Some(_), .. } => spdx::read(text),
        Marks { syft: Some(_), .. } => syft::read(text),
        _ => Err(SbomError::UnknownFormat),
    }
}
