//! Versions of Go modules, and of Go itself (`go1.26.8`): Semantic Versioning. Pseudo-versions are
//! pre-releases, `+incompatible` is build metadata.

use crate::{
    digits::split_digits,
    semantic::{Hyphen, SemanticVersion},
};
use std::cmp::Ordering;

/// A version, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GolangVersion {
    text: Box<str>,
    version: SemanticVersion,
}

impl GolangVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "(devel)" {
            return Err("a build outside of a release has no version");
        }
        let stripped = text.strip_prefix("go").unwrap_or(text);
        // Go writes `+incompatible+dirty`: one plus more than Semantic Versioning has.
        let version = match stripped.split_once('+') {
            Some((version, metadata)) => {
                format!("{}+{}", with_hyphen(version), metadata.replace('+', "."))
            }
            None => with_hyphen(stripped),
        };
        Ok(Self {
            text: text.into(),
            version: SemanticVersion::parse_as_is(&version, Hyphen::Needed)?,
        })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        if self.text == other.text {
            return Ordering::Equal;
        }
        self.version.compare(&other.version)
    }
}

/// Puts the hyphen before a pre-release that follows two or three numbers directly (`1.26rc1`).
fn with_hyphen(version: &str) -> String {
    let unchanged = version.to_owned();
    let mut rest = version.strip_prefix('v').unwrap_or(version);
    for index in 0..3 {
        let (number, after) = split_digits(rest);
        if number.is_empty() {
            return unchanged;
        }
        if index > 0 && after.starts_with(|char: char| char.is_ascii_alphabetic()) {
            let numbers = version.strip_suffix(after).unwrap_or(version);
            return format!("{numbers}-{after}");
        }
        match after.strip_prefix('.') {
            Some(after) => rest = after,
            None => return unchanged,
        }
    }
    unchanged
}
