//! Pacman versions: `[epoch:]version[-release]`, in the order that Grype gives them: segments of digits
//! and letters as rpm had before the caret, where missing zeros do not count, and an epoch counts where
//! both sides have one.

use crate::{
    digits::{compare_digits, split_digits, split_leading},
    rpm::split,
};
use std::cmp::Ordering;

/// A version, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PacmanVersion {
    epoch: Option<Box<str>>,
    version: Box<str>,
    release: Box<str>,
}

impl PacmanVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (epoch, version, release) = split(text)?;
        Ok(Self {
            epoch: epoch.map(Box::from),
            version: version.into(),
            release: release.into(),
        })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let epochs = match (self.epoch.as_deref(), other.epoch.as_deref()) {
            (Some(left), Some(right)) => compare_digits(left, right),
            _ => Ordering::Equal,
        };
        epochs
            .then_with(|| compare_part(&self.version, &other.version))
            .then_with(|| compare_part(&self.release, &other.release))
    }
}

fn compare_part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (segments(left), segments(right));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(segment), None) => return rest_to_end(segment, left),
            (None, Some(segment)) => return rest_to_end(segment, right).reverse(),
            (Some(left), Some(right)) => compare_segment(left, right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The order of a text that goes on to one that has ended.
fn rest_to_end<'a>(first: &str, mut rest: impl Iterator<Item = &'a str>) -> Ordering {
    if first == "~" {
        Ordering::Less
    } else if first == "0" && rest.all(|segment| segment == "0") {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

fn compare_segment(left: &str, right: &str) -> Ordering {
    let is_digits = |text: &str| text.starts_with(|char: char| char.is_ascii_digit());
    match (left == "~", right == "~") {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => match (is_digits(left), is_digits(right)) {
            (true, true) => compare_digits(left, right),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => left.cmp(right),
        },
    }
}

/// Runs of digits, runs of letters and single tildes.
fn segments(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        text = text.trim_start_matches(|char: char| !char.is_ascii_alphanumeric() && char != '~');
        let first = text.chars().next()?;
        let (segment, rest) = if first == '~' {
            text.split_at_checked(1)?
        } else if first.is_ascii_digit() {
            split_digits(text)
        } else {
            split_leading(text, |char| char.is_ascii_alphabetic())
        };
        text = rest;
        Some(segment)
    })
}
