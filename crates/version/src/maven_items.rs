//! The items that a Maven version is a list of, and their order (`ComparableVersion` of Maven 3.9).

use crate::digits::{compare_digits, is_zero};
use std::cmp::Ordering;

/// Qualifiers in their order. The empty one is the release.
const QUALIFIERS: &[&str] = &["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];
/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// Digits.
    Number(Box<str>),
    /// A qualifier.
    Text(Box<str>),
    /// A list, which begins after a hyphen or between digits and letters.
    List(Vec<Item>),
}

impl Item {
    /// A qualifier. `m`, `a` and `b` before a digit are short forms.
    pub(crate) fn qualifier(text: &str, before_digit: bool) -> Box<str> {
        match text {
            "a" if before_digit => "alpha",
            "b" if before_digit => "beta",
            "m" if before_digit => "milestone",
            "cr" => "rc",
            "ga" | "final" | "release" => "",
            text => text,
        }
        .into()
    }

    /// Whether the item can be left out at the end of a list.
    pub(crate) fn is_null(&self) -> bool {
        match self {
            Self::Number(digits) => is_zero(digits),
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }

    /// The order to nothing: to the end of the other list.
    fn compare_to_end(&self) -> Ordering {
        match self {
            Self::Number(digits) if is_zero(digits) => Ordering::Equal,
            Self::Number(_) => Ordering::Greater,
            Self::Text(text) => compare_qualifiers(text, ""),
            Self::List(items) => items
                .iter()
                .map(Self::compare_to_end)
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => compare_digits(left, right),
            (Self::Number(_), _) => Ordering::Greater,
            (_, Self::Number(_)) => Ordering::Less,
            (Self::List(left), Self::List(right)) => compare_lists(left, right),
            (Self::List(_), _) => Ordering::Greater,
            (_, Self::List(_)) => Ordering::Less,
            (Self::Text(left), Self::Text(right)) => compare_qualifiers(left, right),
        }
    }
}

/// Compares two lists item by item.
pub(crate) fn compare_lists(left: &[Item], right: &[Item]) -> Ordering {
    (0..left.len().max(right.len()))
        .map(|index| match (left.get(index), right.get(index)) {
            (Some(left), Some(right)) => left.compare(right),
            (Some(left), None) => left.compare_to_end(),
            (None, Some(right)) => right.compare_to_end().reverse(),
            (None, None) => Ordering::Equal,
        })
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// Known qualifiers in their order, then unknown ones as texts.
fn compare_qualifiers(left: &str, right: &str) -> Ordering {
    let place = |text: &str| {
        let place = QUALIFIERS.iter().position(|qualifier| *qualifier == text);
        place.unwrap_or(QUALIFIERS.len())
    };
    place(left).cmp(&place(right)).then_with(|| left.cmp(right))
}
