//! What cannot be read as a version or a constraint. Every message names the text and the format.

use crate::format::VersionFormat;

/// The bytes of a text that a message shows.
const MAX_SHOWN_CHARS: usize = 120;

/// A text that is no version or no constraint of its format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// No version.
    #[error("{text:?} is no {format} version: {reason}")]
    Version {
        /// The text, cut where it is long.
        text: String,
        /// What it was read as.
        format: VersionFormat,
        /// What is wrong.
        reason: &'static str,
    },
    /// No constraint.
    #[error("{text:?} is no {format} constraint: {reason}")]
    Constraint {
        /// The text, cut where it is long.
        text: String,
        /// What it was read as.
        format: VersionFormat,
        /// What is wrong.
        reason: &'static str,
    },
}

impl VersionError {
    pub(crate) fn version(text: &str, format: VersionFormat, reason: &'static str) -> Self {
        Self::Version {
            text: shown(text),
            format,
            reason,
        }
    }

    pub(crate) fn constraint(text: &str, format: VersionFormat, reason: &'static str) -> Self {
        Self::Constraint {
            text: shown(text),
            format,
            reason,
        }
    }
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
