//! The order of versions whose format nobody knows. Where both look like Semantic Versioning, that is
//! the order; else part by part, where any punctuation separates parts, and numbers at the beginning of
//! a part are compared by value.

use crate::{
    digits::{compare_digits, is_number, split_digits},
    semantic::SemanticVersion,
};
use regex::Regex;
use std::{cmp::Ordering, sync::LazyLock};

/// Semantic Versioning, also with fewer numbers and with `v`, and with `alpha`, `beta` or `rc` directly
/// after the numbers. `1.0.2k` is not: its letter is no pre-release.
#[expect(clippy::unwrap_used, reason = "a constant, read by every test")]
static RESEMBLES_SEMANTIC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[vV]?(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))?(\.(0|[1-9][0-9]*))?(?:(-|alpha|beta|rc)((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$",
    )
    .unwrap()
});

/// A version of unknown format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FuzzyVersion {
    text: Box<str>,
    semantic: Option<SemanticVersion>,
}

impl FuzzyVersion {
    pub(crate) fn parse(text: &str) -> Self {
        let semantic = RESEMBLES_SEMANTIC
            .is_match(text)
            .then(|| SemanticVersion::parse(text).ok())
            .flatten();
        Self {
            text: text.into(),
            semantic,
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (&self.semantic, &other.semantic) {
            (Some(left), Some(right)) => left.compare(right),
            _ => compare_parts(&self.text, &other.text),
        }
    }
}

fn compare_parts(left: &str, right: &str) -> Ordering {
    let without_v = |text: &str| text.strip_prefix(['v', 'V']).unwrap_or(text).to_owned();
    let (left, right) = (without_v(left), without_v(right));
    let (mut left_rest, mut right_rest) = (left.as_str(), right.as_str());
    while !left_rest.is_empty() && !right_rest.is_empty() {
        let (left_part, right_part);
        (left_part, left_rest) = split_part(left_rest);
        (right_part, right_rest) = split_part(right_rest);
        let order = compare_part(left_part, right_part);
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

/// The part up to the first punctuation, and what follows that.
fn split_part(text: &str) -> (&str, &str) {
    text.split_once(|char: char| char.is_ascii_punctuation())
        .unwrap_or((text, ""))
}

fn compare_part(left: &str, right: &str) -> Ordering {
    // Zeros before the shorter number make both equally long.
    let digits = split_digits(left).0.len().max(split_digits(right).0.len());
    let padded = |part: &str| {
        let missing = digits.saturating_sub(split_digits(part).0.len());
        format!("{}{part}", "0".repeat(missing))
    };
    let (left, right) = (padded(left), padded(right));
    match (split_patch(&left), split_patch(&right)) {
        (Some((left_name, left_number)), Some((right_name, right_number))) => {
            let both = is_number(left_number) && is_number(right_number);
            left_name
                .cmp(right_name)
                .then_with(|| {
                    if both {
                        compare_digits(left_number, right_number)
                    } else {
                        Ordering::Equal
                    }
                })
                .then_with(|| left.cmp(&right))
        }
        _ => left.cmp(&right),
    }
}

/// Splits a part such as `p9` or `8rc10` where the first digit follows a letter.
fn split_patch(part: &str) -> Option<(&str, &str)> {
    let mut chars = part.char_indices().peekable();
    while let Some((_, char)) = chars.next() {
        let (index, next) = chars.peek().copied()?;
        if char.is_alphabetic() && next.is_ascii_digit() {
            return part.split_at_checked(index);
        }
    }
    None
}
