//! Gem versions: the order of `Gem::Version`. Segments are numbers or letters; letters make a
//! pre-release, and a hyphen is `.pre.`.

use crate::digits::{compare_digits, is_number, is_zero, split_digits, split_leading};
use std::cmp::Ordering;

/// Platforms that the file of a gem names after its version.
const PLATFORMS: &[&str] = &[
    "x86",
    "universal",
    "arm",
    "aarch64",
    "java",
    "dalvik",
    "x64",
    "powerpc",
    "sparc",
    "mswin",
];

/// A version, as segments without those zeros that do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GemVersion(Vec<Box<str>>);

impl GemVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let version = match without_platform(text).trim() {
            "" => "0",
            version => version,
        };
        let is_allowed = |char: char| char.is_ascii_alphanumeric() || char == '.' || char == '-';
        if !version.chars().all(is_allowed) {
            return Err("it has a character that RubyGems does not allow");
        }
        let version = version.replace('-', ".pre.");
        if version.split('.').any(str::is_empty) {
            return Err("a segment is empty");
        }
        let segments: Vec<&str> = segments(&version).collect();
        Ok(Self(canonical(&segments)))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.0.iter(), other.0.iter());
        loop {
            let order = match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (Some(left), Some(right)) => compare_segment(left, right),
                (Some(left), None) => compare_segment(left, "0"),
                (None, Some(right)) => compare_segment("0", right),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
    }
}

fn without_platform(text: &str) -> &str {
    PLATFORMS
        .iter()
        .find_map(|platform| text.split_once(&format!("-{platform}")))
        .map_or(text, |(version, _)| version)
}

/// A number is after letters.
fn compare_segment(left: &str, right: &str) -> Ordering {
    match (is_number(left), is_number(right)) {
        (true, true) => compare_digits(left, right),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => left.cmp(right),
    }
}

fn segments(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        text = text.trim_start_matches('.');
        let (digits, after_digits) = split_digits(text);
        let (segment, rest) = if digits.is_empty() {
            split_leading(text, |char| char.is_ascii_alphabetic())
        } else {
            (digits, after_digits)
        };
        text = rest;
        (!segment.is_empty()).then_some(segment)
    })
}

/// Removes zeros at the end, and those before the first letters.
fn canonical(segments: &[&str]) -> Vec<Box<str>> {
    let first_word = segments.iter().position(|segment| !is_number(segment));
    let (numbers, rest) = segments.split_at(first_word.unwrap_or(segments.len()));
    without_zeros(numbers)
        .iter()
        .chain(without_zeros(rest))
        .map(|segment| Box::from(*segment))
        .collect()
}

fn without_zeros<'a, 'b>(mut segments: &'a [&'b str]) -> &'a [&'b str] {
    while let [rest @ .., last] = segments {
        if !is_number(last) || !is_zero(last) {
            break;
        }
        segments = rest;
    }
    segments
}
