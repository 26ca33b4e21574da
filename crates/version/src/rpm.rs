//! RPM versions: `[epoch:]version[-release]`, and the order of rpmvercmp, with `~` (before the end) and
//! `^` (after the end, before everything else).

use crate::{
    digits::{compare_digits, is_number, split_digits, split_leading},
    missing_epoch::MissingEpoch,
};
use std::cmp::Ordering;

/// A version, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RpmVersion {
    /// Digits; `None` where the text has no epoch.
    epoch: Option<Box<str>>,
    version: Box<str>,
    release: Box<str>,
}

impl RpmVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (epoch, version, release) = split(text)?;
        Ok(Self {
            epoch: epoch.map(Box::from),
            version: version.into(),
            release: release.into(),
        })
    }

    /// The order of rpm. `missing` says what a missing epoch is: with [`MissingEpoch::Auto`], on either
    /// side, the other's.
    pub(crate) fn compare(&self, other: &Self, missing: MissingEpoch) -> Ordering {
        let epochs = match (self.epoch.as_deref(), other.epoch.as_deref()) {
            (Some(left), Some(right)) => compare_digits(left, right),
            (left, right) if missing == MissingEpoch::Zero => {
                compare_digits(left.unwrap_or("0"), right.unwrap_or("0"))
            }
            _ => Ordering::Equal,
        };
        epochs
            .then_with(|| compare_part(&self.version, &other.version))
            .then_with(|| compare_part(&self.release, &other.release))
    }
}

/// Splits a text into epoch, version and release; the first hyphen begins the release.
pub(crate) fn split(text: &str) -> Result<(Option<&str>, &str, &str), &'static str> {
    let (epoch, rest) = match text.split_once(':') {
        None => (None, text),
        Some((epoch, rest)) => {
            let epoch = epoch.trim_start_matches(' ');
            if !is_number(epoch) {
                return Err("the epoch before the colon is no number");
            }
            (Some(epoch), rest)
        }
    };
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    Ok((epoch, version, release))
}

/// rpmvercmp.
fn compare_part<'a>(mut left: &'a str, mut right: &'a str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let is_separator = |char: char| !char.is_ascii_alphanumeric() && char != '~' && char != '^';
    loop {
        left = left.trim_start_matches(is_separator);
        right = right.trim_start_matches(is_separator);
        // A tilde sorts before everything, the end included.
        match (left.strip_prefix('~'), right.strip_prefix('~')) {
            (Some(left_rest), Some(right_rest)) => {
                (left, right) = (left_rest, right_rest);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        // A caret sorts after the end, but before everything else.
        match (left.strip_prefix('^'), right.strip_prefix('^')) {
            (Some(left_rest), Some(right_rest)) => {
                (left, right) = (left_rest, right_rest);
                continue;
            }
            (Some(_), None) if right.is_empty() => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) if left.is_empty() => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        if left.is_empty() || right.is_empty() {
            // Whoever has something left is newer.
            return left.len().min(1).cmp(&right.len().min(1));
        }
        let order;
        (order, left, right) = compare_segment(left, right);
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Compares the first segments, which are digits or letters as the left one begins, and returns what
/// follows them.
fn compare_segment<'a>(left: &'a str, right: &'a str) -> (Ordering, &'a str, &'a str) {
    let is_numeric = left.starts_with(|char: char| char.is_ascii_digit());
    if is_numeric {
        let (left, left_rest) = split_digits(left);
        let (right, right_rest) = split_digits(right);
        let order = if right.is_empty() {
            // A number is newer than letters.
            Ordering::Greater
        } else {
            compare_digits(left, right)
        };
        return (order, left_rest, right_rest);
    }
    let (left, left_rest) = split_leading(left, |char| char.is_ascii_alphabetic());
    let (right, right_rest) = split_leading(right, |char| char.is_ascii_alphabetic());
    let order = if right.is_empty() {
        Ordering::Less
    } else {
        left.cmp(right)
    };
    (order, left_rest, right_rest)
}
