//! Bitnami versions: the numbers of the software. What follows a hyphen is the revision of the package,
//! which is built from the same sources and so has no part in the order.

use crate::semantic::{Hyphen, SemanticVersion};
use std::cmp::Ordering;

/// A version, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BitnamiVersion(SemanticVersion);

impl BitnamiVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        SemanticVersion::parse_as_is(text, Hyphen::Optional).map(Self)
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.0.compare_numbers(&other.0)
    }
}
