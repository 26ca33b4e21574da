//! NuGet versions: Semantic Versioning with a fourth number, and without regard to case.

use crate::semantic::{Hyphen, SemanticVersion};
use std::cmp::Ordering;

/// A version, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NugetVersion(SemanticVersion);

impl NugetVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let version = SemanticVersion::parse_as_is(text.trim(), Hyphen::Needed)?;
        Ok(Self(version.to_lowercase()))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.0
            .compare_numbers(&other.0)
            .then_with(|| self.0.compare_pre_releases(&other.0))
    }
}
