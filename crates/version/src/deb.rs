//! Debian versions: deb-version(7), and the order of dpkg.

use crate::digits::{compare_digits, is_number, split_digits, split_leading};
use std::cmp::Ordering;

/// A version, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DebVersion {
    /// Digits; `None` where the text has no epoch.
    epoch: Option<Box<str>>,
    upstream: Box<str>,
    revision: Box<str>,
}

impl DebVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (epoch, rest) = match text.split_once(':') {
            None => (None, text),
            Some((epoch, rest)) if is_number(epoch) => (Some(epoch), rest),
            Some(_) => return Err("the epoch before the colon is no number"),
        };
        // The last hyphen begins the revision.
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        if !upstream.starts_with(|char: char| char.is_ascii_digit()) {
            return Err("the upstream version does not begin with a digit");
        }
        let allowed = |text: &str, symbols: &str| {
            text.chars()
                .all(|char| char.is_ascii_alphanumeric() || symbols.contains(char))
        };
        // dpkg itself is as lenient with the underscore as advisories are.
        if !allowed(upstream, ".-+~:_") || !allowed(revision, "+.~_") {
            return Err("it has a character that Debian does not allow");
        }
        Ok(Self {
            epoch: epoch.map(Box::from),
            upstream: upstream.into(),
            revision: revision.into(),
        })
    }

    /// The order of dpkg. Where `adopt` is true, a version without epoch takes the other's.
    pub(crate) fn compare(&self, bound: &Self, adopt: bool) -> Ordering {
        let bound_epoch = bound.epoch.as_deref().unwrap_or("0");
        let own_epoch = match self.epoch.as_deref() {
            None if adopt => bound_epoch,
            None => "0",
            Some(epoch) => epoch,
        };
        compare_digits(own_epoch, bound_epoch)
            .then_with(|| compare_part(&self.upstream, &bound.upstream))
            .then_with(|| compare_part(&self.revision, &bound.revision))
    }
}

/// Compares in turns a run without digits, then a run of digits.
fn compare_part(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = split_leading(left, |char| !char.is_ascii_digit());
        let (right_text, right_rest) = split_leading(right, |char| !char.is_ascii_digit());
        let (left_digits, left_rest) = split_digits(left_rest);
        let (right_digits, right_rest) = split_digits(right_rest);
        let order = compare_text(left_text, right_text)
            .then_with(|| compare_digits(left_digits, right_digits));
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn compare_text(left: &str, right: &str) -> Ordering {
    let weights = |text: &str| text.bytes().map(weight).collect::<Vec<i32>>();
    let (left, right) = (weights(left), weights(right));
    let longest = left.len().max(right.len());
    let at = |weights: &[i32], index| weights.get(index).copied().unwrap_or(0);
    (0..longest)
        .map(|index| at(&left, index).cmp(&at(&right, index)))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// A tilde sorts before the end (0), then letters, then everything else.
fn weight(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        byte if byte.is_ascii_alphabetic() => i32::from(byte),
        byte => i32::from(byte) + 256,
    }
}
