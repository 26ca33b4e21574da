//! The place in a list of findings after which the next page begins.

use super::ResultStoreError;
use std::{fmt, str::FromStr};

/// The place after a finding in the order of pages: worst first, then by key. Findings that come or
/// go between two pages move no other finding to another page. Its text form is `3-1234`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(super) severity: i64,
    pub(super) id: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.severity, self.id)
    }
}

impl FromStr for Cursor {
    type Err = ResultStoreError;

    fn from_str(text: &str) -> Result<Self, ResultStoreError> {
        let parse = |part: &str| -> Option<i64> {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse().ok()).flatten()
        };
        let cursor = text.split_once('-').and_then(|(severity, id)| {
            Some(Self {
                severity: parse(severity)?,
                id: parse(id)?,
            })
        });
        cursor.ok_or_else(|| ResultStoreError::Cursor(kubevet_model::one_line(text, 40)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_cursor_is_read_again() {
        let cursor = Cursor {
            severity: 3,
            id: 1234,
        };
        assert_eq!(cursor.to_string(), "3-1234");
        assert_eq!("3-1234".parse(), Ok(cursor));
        for text in [
            "",
            "3",
            "3-",
            "-3-1",
            "3--1",
            "3-1 ",
            "a-b",
            "3-99999999999999999999",
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
