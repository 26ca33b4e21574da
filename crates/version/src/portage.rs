//! Portage versions: `NUMBERS[letter]{_SUFFIX[NUMBER]}[-rNUMBER]`, and the order of the Package Manager
//! Specification. The version may stand anywhere in the text, as in what Portage's database holds.

use crate::digits::{compare_digits, split_digits};
use regex::Regex;
use std::{cmp::Ordering, sync::LazyLock};

#[expect(clippy::unwrap_used, reason = "a constant, read by every test")]
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_(?:pre|p|beta|alpha|rc)[0-9]*)*)(?:-r([0-9]+))?",
    )
    .unwrap()
});

/// A suffix, and how it sorts to a version without one (0).
const SUFFIXES: &[(&str, i8)] = &[
    ("alpha", -4),
    ("beta", -3),
    ("pre", -2),
    ("rc", -1),
    ("p", 0),
];

/// A version, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PortageVersion {
    major: Box<str>,
    /// The further numbers.
    components: Vec<String>,
    /// A letter; empty where there is none.
    letter: Box<str>,
    suffixes: Vec<(i8, Box<str>)>,
    revision: Box<str>,
}

impl PortageVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let captures = VERSION.captures(text).ok_or("it has no number")?;
        let group = |index: usize| captures.get(index).map_or("", |group| group.as_str());
        Ok(Self {
            major: group(1).into(),
            components: group(2).split('.').skip(1).map(str::to_owned).collect(),
            letter: group(3).into(),
            suffixes: group(4).split('_').skip(1).map(suffix).collect(),
            revision: group(5).into(),
        })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        compare_digits(&self.major, &other.major)
            .then_with(|| compare_lists(&self.components, &other.components, compare_components))
            .then_with(|| self.letter.cmp(&other.letter))
            .then_with(|| compare_lists(&self.suffixes, &other.suffixes, compare_suffixes))
            .then_with(|| compare_digits(&self.revision, &other.revision))
    }
}

fn suffix(text: &str) -> (i8, Box<str>) {
    let rest = |name: &str| {
        text.strip_prefix(name)
            .filter(|rest| split_digits(rest).1.is_empty())
    };
    SUFFIXES
        .iter()
        .find_map(|(name, weight)| rest(name).map(|number| (*weight, number.into())))
        .unwrap_or((0, "".into()))
}

/// Compares two lists item by item; a list that has ended is given as `None`.
fn compare_lists<T>(
    left: &[T],
    right: &[T],
    compare: impl Fn(Option<&T>, Option<&T>) -> Ordering,
) -> Ordering {
    (0..left.len().max(right.len()))
        .map(|index| compare(left.get(index), right.get(index)))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// A component that begins with 0 makes both fractions.
fn compare_components(left: Option<&String>, right: Option<&String>) -> Ordering {
    let (Some(left), Some(right)) = (left, right) else {
        return left.is_some().cmp(&right.is_some());
    };
    if left.starts_with('0') || right.starts_with('0') {
        left.trim_end_matches('0').cmp(right.trim_end_matches('0'))
    } else {
        compare_digits(left, right)
    }
}

/// A missing suffix is `_p` with a number before 0.
fn compare_suffixes(left: Option<&(i8, Box<str>)>, right: Option<&(i8, Box<str>)>) -> Ordering {
    let weight = |suffix: Option<&(i8, Box<str>)>| suffix.map_or(0, |(weight, _)| *weight);
    weight(left)
        .cmp(&weight(right))
        .then_with(|| match (left, right) {
            (Some((_, left)), Some((_, right))) => compare_digits(left, right),
            _ => left.is_some().cmp(&right.is_some()),
        })
}
