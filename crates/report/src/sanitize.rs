//! Makes strings from outside safe to print: escapes characters that a terminal interprets, and
//! measures and truncates strings by the columns that they take.
//!
//! It stands apart because every format depends on it: a gap here is a gap in all formats. It knows
//! no colours.

use kubevet_model::escape_hidden;
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// The maximum number of characters printed of one name or sentence. Only hostile input is longer.
const MAX_SHOWN_CHARS: usize = 2000;

/// Escapes the hidden characters of a string (`\u{1b}`, `\n`), and truncates it to a bounded
/// length.
pub fn escape_bounded(string: &str) -> Cow<'_, str> {
    escape_hidden(string, MAX_SHOWN_CHARS)
}

/// Returns the number of columns that a string takes once its hidden characters are escaped.
pub(crate) fn display_width(string: &str) -> usize {
    escape_bounded(string).width()
}

/// Escapes a string and truncates it to `columns`. An ellipsis marks a truncated string.
pub(crate) fn truncate_columns(string: &str, columns: usize) -> String {
    let string = escape_bounded(string);
    if string.width() <= columns {
        return string.into_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in string.chars() {
        used += display_width(c.encode_utf8(&mut [0; 4]));
        // The last column is for the ellipsis.
        if used >= columns {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_terminal_interprets_are_escaped() {
        for (string, expected) in [
            ("plain text", "plain text"),
            ("é 漢 😀", "é 漢 😀"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("admin\u{202e}gnp", "admin\\u{202e}gnp"),
        ] {
            assert_eq!(escape_bounded(string), expected);
        }
        assert_eq!(
            display_width(&escape_bounded(&"x".repeat(1_000_000))),
            MAX_SHOWN_CHARS + 1
        );
    }

    #[test]
    fn truncated_string_fits_into_its_columns() {
        for (string, columns, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("漢漢漢", 5, "漢漢…"),
        ] {
            assert_eq!(truncate_columns(string, columns), expected);
            assert!(display_width(expected) <= columns);
        }
    }
}
