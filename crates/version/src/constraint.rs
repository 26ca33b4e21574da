//! Constraints: which versions an advisory is about.

use crate::{
    error::VersionError,
    expression::{self, Operator, Term},
    format::VersionFormat,
    npm_range,
    package_version::Version,
};
use std::cmp::Ordering;

/// The longest constraint that is read, in bytes: rows of a database join the ranges of years.
pub const MAX_CONSTRAINT_BYTES: usize = 64 * 1024;
/// The most terms of a constraint.
const MAX_TERMS: usize = 4096;

/// Which versions an advisory is about: groups of terms. One group must hold, and in it all terms.
#[derive(Debug, Clone)]
pub struct Constraint {
    format: VersionFormat,
    text: Box<str>,
    /// `None` for an empty text, which all versions match.
    groups: Option<Vec<Vec<Bound>>>,
}

/// A term whose version was read.
#[derive(Debug, Clone)]
struct Bound {
    operator: Operator,
    version: Version,
}

impl Constraint {
    /// Reads a constraint. The versions in it need not be valid: see [`Constraint::invalid_bound`].
    ///
    /// # Errors
    ///
    /// Where the text is too long or has no such syntax.
    pub fn parse(format: VersionFormat, text: &str) -> Result<Self, VersionError> {
        let error = |reason| VersionError::constraint(text, format, reason);
        if text.len() > MAX_CONSTRAINT_BYTES {
            return Err(error("it is longer than 65536 bytes"));
        }
        let groups = if text.is_empty() {
            None
        } else if format == VersionFormat::Npm {
            npm_range::parse(text).map_err(error)?
        } else {
            Some(expression::parse(text).map_err(error)?)
        };
        if groups.iter().flatten().map(Vec::len).sum::<usize>() > MAX_TERMS {
            return Err(error("it has more than 4096 terms"));
        }
        let bound = |term: Term| Bound {
            operator: term.operator,
            version: Version::new(format, &term.bound),
        };
        let groups = groups.map(|groups| {
            let groups = groups.into_iter();
            groups
                .map(|terms| terms.into_iter().map(bound).collect())
                .collect()
        });
        Ok(Self {
            format,
            text: text.into(),
            groups,
        })
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The format.
    pub fn format(&self) -> VersionFormat {
        self.format
    }

    /// Why the first version in it that its format cannot read is none; `None` where all are valid. A
    /// package of another format may still be compared with it.
    pub fn invalid_bound(&self) -> Option<VersionError> {
        let bounds = self.groups.iter().flatten().flatten();
        bounds
            .filter_map(|bound| bound.version.compare_to_bound(&bound.version).err())
            .next()
    }

    /// Whether the advisory is about this version.
    ///
    /// # Errors
    ///
    /// Where the version cannot be compared with a bound: nobody knows whether it is affected.
    pub fn matches(&self, version: &Version) -> Result<bool, VersionError> {
        let error = |reason| VersionError::constraint(version.as_str(), VersionFormat::Kb, reason);
        if self.format == VersionFormat::Kb {
            if self.groups.is_none() {
                return Err(error("an empty constraint names no article"));
            }
            if version.format() != VersionFormat::Kb {
                return Err(error("a version of another format is no article"));
            }
        }
        let Some(groups) = &self.groups else {
            return Ok(true);
        };
        let mut is_matched = false;
        // Every bound is compared, so that a wrong one does not depend on the order of groups.
        for group in groups {
            let mut all = true;
            for bound in group {
                all &= bound.holds(version)?;
            }
            is_matched |= all;
        }
        Ok(is_matched)
    }
}

impl Bound {
    fn holds(&self, version: &Version) -> Result<bool, VersionError> {
        let order = version.compare_to_bound(&self.version)?;
        Ok(match self.operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => order != Ordering::Equal,
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterOrEqual => order != Ordering::Less,
        })
    }
}
