//! Numbers as runs of ASCII digits, of any length: a version is a text, and no integer is wide enough
//! for all of them.

use std::cmp::Ordering;

/// Compares two runs of digits by value. An empty run is 0.
pub(crate) fn compare_digits(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Whether the text is a number.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a run of digits has the value 0.
pub(crate) fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|byte| byte == b'0')
}

/// Splits the leading run of digits off.
pub(crate) fn split_digits(text: &str) -> (&str, &str) {
    split_leading(text, |char| char.is_ascii_digit())
}

/// Splits the leading characters off for which the condition holds.
pub(crate) fn split_leading(text: &str, condition: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|char| !condition(char)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Compares lists of identifiers with dots between them: numbers by value, texts by ASCII, and the longer
/// list is after its own beginning. `number_to_text` is the order of a number to a text.
pub(crate) fn compare_identifiers(left: &str, right: &str, number_to_text: Ordering) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(_), None) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (Some(left), Some(right)) => match (is_number(left), is_number(right)) {
                (true, true) => compare_digits(left, right),
                (true, false) => number_to_text,
                (false, true) => number_to_text.reverse(),
                (false, false) => left.cmp(right),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
