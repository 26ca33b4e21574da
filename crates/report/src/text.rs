//! Text from outside, made safe to show: what a terminal would obey is escaped, what is too long is cut or wrapped.
//!
//! Apart, because every format needs it and a hole in it is a hole in all of them. It knows no colours.

use kubevet_model::escape_hidden;
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// The most characters of one name or sentence that are shown; more comes only from hostile input.
const SHOWN: usize = 2000;

/// The text with hidden characters written out (`\u{1b}`, `\n`), bounded in length.
pub fn visible(text: &str) -> Cow<'_, str> {
    escape_hidden(text, SHOWN)
}

/// How many columns a text takes once it is made visible.
pub(crate) fn width(text: &str) -> usize {
    visible(text).width()
}

/// The text made visible, no wider than `columns`; an ellipsis says that something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let text = visible(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += width(c.encode_utf8(&mut [0; 4]));
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
    fn what_a_terminal_obeys_is_written_out() {
        for (text, shown) in [
            ("plain text", "plain text"),
            ("é 漢 😀", "é 漢 😀"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("admin\u{202e}gnp", "admin\\u{202e}gnp"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(width(&visible(&"x".repeat(1_000_000))), SHOWN + 1);
    }

    #[test]
    fn cut_texts_fit() {
        for (text, columns, shown) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("漢漢漢", 5, "漢漢…"),
        ] {
            assert_eq!(cut(text, columns), shown);
            assert!(width(shown) <= columns);
        }
    }
}
