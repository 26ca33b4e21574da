//! Semantic Versioning, read generously, as the library that Grype uses reads it: any count of numbers,
//! an optional `v`, and a pre-release that may follow without a hyphen (`1.0rc1`, `1.0~rc1`).

use crate::{
    apk::strip_v,
    digits::{compare_digits, compare_identifiers, is_number, split_leading},
};
use std::cmp::Ordering;

/// A version, split. Build metadata does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SemanticVersion {
    /// Numbers with dots between them.
    numbers: Box<str>,
    /// Identifiers with dots between them; empty for a release.
    pre_release: Box<str>,
}

/// Whether a pre-release needs a hyphen before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hyphen {
    Needed,
    Optional,
}

impl SemanticVersion {
    /// Reads a version of the ecosystems that are nearly semantic: pre-releases of RubyGems' form
    /// (`1.0.rc1`) are read as such.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (numbers, rest) = text
            .split_at_checked(text.find('-').unwrap_or(text.len()))
            .unwrap_or_default();
        let mut numbers = numbers.to_owned();
        for name in ["alpha", "beta", "rc"] {
            numbers = numbers.replace(&format!(".{name}"), &format!("-{name}"));
        }
        Self::parse_as_is(strip_v(&format!("{numbers}{rest}")), Hyphen::Optional)
    }

    /// Reads a version without any of that.
    pub(crate) fn parse_as_is(text: &str, hyphen: Hyphen) -> Result<Self, &'static str> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = match text.split_once('+') {
            Some((text, metadata)) => (text, Some(metadata)),
            None => (text, None),
        };
        if metadata.is_some_and(|metadata| !are_identifiers(metadata)) {
            return Err("what follows the plus is not made of identifiers");
        }
        let (numbers, rest) = split_leading(text, |char| char.is_ascii_digit() || char == '.');
        if !numbers.split('.').all(is_number) {
            return Err("it does not begin with numbers and dots");
        }
        let pre_release = pre_release(rest, hyphen).ok_or("the pre-release is malformed")?;
        Ok(Self {
            numbers: numbers.into(),
            pre_release: pre_release.into(),
        })
    }

    /// Whether there is a pre-release.
    pub(crate) fn is_release(&self) -> bool {
        self.pre_release.is_empty()
    }

    /// The numbers, at least three.
    fn numbers(&self) -> impl Iterator<Item = &str> {
        let missing = 3_usize.saturating_sub(self.numbers.split('.').count());
        self.numbers
            .split('.')
            .chain(std::iter::repeat_n("0", missing))
    }

    /// The order of the numbers alone; missing ones are 0.
    pub(crate) fn compare_numbers(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.numbers(), other.numbers());
        loop {
            let order = match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (Some(left), Some(right)) => compare_digits(left, right),
                (Some(left), None) => compare_digits(left, "0"),
                (None, Some(right)) => compare_digits("0", right),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
    }

    /// The order. Versions with a different count of numbers, of which only zeros are more, are equal
    /// whatever their pre-releases are.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let order = self.compare_numbers(other);
        if order != Ordering::Equal || self.numbers().count() != other.numbers().count() {
            return order;
        }
        self.compare_pre_releases(other)
    }

    /// A release is after its pre-releases.
    pub(crate) fn compare_pre_releases(&self, other: &Self) -> Ordering {
        match (self.is_release(), other.is_release()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                compare_identifiers(&self.pre_release, &other.pre_release, Ordering::Less)
            }
        }
    }

    /// The version with an ASCII-lowercase pre-release.
    pub(crate) fn to_lowercase(&self) -> Self {
        Self {
            numbers: self.numbers.clone(),
            pre_release: self.pre_release.to_ascii_lowercase().into(),
        }
    }
}

/// The pre-release in what follows the numbers; `None` where it is malformed.
fn pre_release(rest: &str, hyphen: Hyphen) -> Option<&str> {
    if rest.is_empty() {
        return Some(rest);
    }
    let after_hyphen = rest.strip_prefix('-');
    if let Some(identifiers) = after_hyphen.filter(|text| are_identifiers(text)) {
        return Some(identifiers);
    }
    // Without a separator it cannot begin with a digit, as that would belong to the numbers.
    (hyphen == Hyphen::Optional && are_identifiers(rest)).then_some(rest)
}

/// Whether the text is a list of identifiers with dots between them.
fn are_identifiers(text: &str) -> bool {
    text.split('.').all(|identifier| {
        !identifier.is_empty()
            && identifier
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '-' || char == '~')
    })
}
