//! Python versions from before PEP 440 (`2004d`), in the order of the former setuptools: parts of digits
//! are padded and parts of letters marked, so that the comparison of texts gives the order.

use crate::digits::{is_number, split_digits, split_leading};

/// The digits that a part is padded to.
const PADDED_DIGITS: usize = 8;

/// A version, as parts whose order as texts is that of the version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LegacyVersion(Vec<String>);

impl LegacyVersion {
    /// `None` where the text has nothing that could be ordered.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if !text.contains(|char: char| char.is_ascii_digit()) {
            return None;
        }
        let mut parts: Vec<String> = Vec::new();
        for part in runs(&text).filter_map(part_of).chain(["*final".to_owned()]) {
            if part.starts_with('*') {
                // A hyphen before a pre-release does not count, nor do zeros before letters.
                while part.as_str() < "*final" && parts.last().is_some_and(|last| last == "*final-")
                {
                    parts.pop();
                }
                while parts.last().is_some_and(|last| last == "00000000") {
                    parts.pop();
                }
            }
            parts.push(part);
        }
        Some(Self(parts))
    }
}

fn part_of(run: &str) -> Option<String> {
    let run = match run {
        "pre" | "preview" | "rc" => "c",
        "-" => "final-",
        "dev" => "@",
        other => other,
    };
    match run {
        "." => None,
        number if is_number(number) => Some(format!("{number:0>PADDED_DIGITS$}")),
        text => Some(format!("*{text}")),
    }
}

/// Runs of digits, runs of letters, single other characters.
fn runs(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let first = text.chars().next()?;
        let (run, rest) = if first.is_ascii_digit() {
            split_digits(text)
        } else if first.is_ascii_alphabetic() {
            split_leading(text, |char| char.is_ascii_alphabetic())
        } else {
            text.split_at_checked(first.len_utf8())?
        };
        text = rest;
        Some(run)
    })
}
