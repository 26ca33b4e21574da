//! Composer versions: normalized as Composer does, in the order of PHP's `version_compare`.

use crate::digits::{compare_digits, is_number, split_digits, split_leading};
use std::cmp::Ordering;

/// The numbers that Composer fills a version up to.
const NUMBERS: usize = 4;
/// The names of stabilities, with the place in the order. A number has [`NUMBER_PLACE`], and an unknown
/// name is before all.
const STABILITIES: &[(&str, u8)] = &[
    ("dev", 1),
    ("alpha", 2),
    ("a", 2),
    ("beta", 3),
    ("b", 3),
    ("rc", 4),
    ("patch", 6),
    ("pl", 6),
    ("p", 6),
];
/// The place of numbers, and of the end.
const NUMBER_PLACE: u8 = 5;

/// A version, as numbers and names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ComposerVersion(Vec<Box<str>>);

impl ComposerVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.split('+').next().unwrap_or_default();
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts: Vec<Box<str>> = parts(text).map(Box::from).collect();
        if parts.is_empty() {
            return Err("it has neither a number nor a name");
        }
        let numbers = parts.iter().take_while(|part| is_number(part)).count();
        if numbers > 0 {
            let missing = NUMBERS.saturating_sub(numbers);
            parts.splice(numbers..numbers, vec!["0".into(); missing]);
        }
        parts.retain(|part| &**part != "stable");
        Ok(Self(parts))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (0..self.0.len().max(other.0.len()))
            .map(|index| match (self.0.get(index), other.0.get(index)) {
                (Some(left), Some(right)) => compare_parts(left, right),
                (Some(left), None) => compare_to_end(left),
                (None, Some(right)) => compare_to_end(right).reverse(),
                (None, None) => Ordering::Equal,
            })
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    }
}

fn compare_parts(left: &str, right: &str) -> Ordering {
    if is_number(left) && is_number(right) {
        return compare_digits(left, right);
    }
    place(left).cmp(&place(right))
}

/// A number is after the end, a stability before or after it.
fn compare_to_end(part: &str) -> Ordering {
    if is_number(part) {
        Ordering::Greater
    } else {
        place(part).cmp(&NUMBER_PLACE)
    }
}

fn place(part: &str) -> u8 {
    if is_number(part) {
        return NUMBER_PLACE;
    }
    STABILITIES
        .iter()
        .find(|(name, _)| part == *name)
        .map_or(0, |(_, place)| *place)
}

/// Runs of digits and runs of letters.
fn parts(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        text = text.trim_start_matches(|char: char| !char.is_alphanumeric());
        let (digits, after_digits) = split_digits(text);
        let (part, rest) = if digits.is_empty() {
            split_leading(text, |char| {
                char.is_alphanumeric() && !char.is_ascii_digit()
            })
        } else {
            (digits, after_digits)
        };
        text = rest;
        (!part.is_empty()).then_some(part)
    })
}
