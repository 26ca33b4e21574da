//! Strings from outside, made safe to print: which characters must not be shown as they are, how
//! they are escaped, and how a string is bounded in length.
//!
//! Terminal, logs, JSON, YAML and the API server are all given strings that users chose. One rule
//! for all of them is here, so that a character that one output escapes is escaped by every other.
//! Nothing here prints.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

/// True if a terminal would obey the character, or a reader would not see it or see another.
///
/// Hidden are controls (C0, DEL, C1), line and paragraph separators, direction marks and all other
/// format characters, characters that are drawn as nothing (variation selectors, tags, fillers, the
/// blank Braille pattern), private use, and noncharacters.
///
/// Not hidden are spaces, combining marks and letters that look like others, which other languages
/// need, and unassigned characters, which a later version of Unicode may assign.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control() || is_format(c) || is_blank(c) || is_private(c)
}

/// True for format characters (Cf) and separators of lines (Zl) and paragraphs (Zp).
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}')
}

/// True for characters that are drawn as nothing: `Default_Ignorable_Code_Point`, and a blank that
/// is no space.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

/// True for private use (Co) and noncharacters: the last two of each plane, and a block of 32.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..)
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Returns a string on one line of at most `max_chars` characters: a space replaces each hidden
/// character, and `…` the end of a longer string.
#[must_use]
pub fn one_line(string: &str, max_chars: usize) -> String {
    let mut line: String = string
        .chars()
        .take(max_chars)
        .map(|c| if is_hidden(c) { ' ' } else { c })
        .collect();
    if string.chars().nth(max_chars).is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// Returns a string on one line, with hidden characters escaped (`\u{1b}`, `\n`). Of a string of
/// more than `max_chars` characters, only the first `max_chars` are returned, with `…` after them.
#[must_use]
pub fn escape_hidden(string: &str, max_chars: usize) -> Cow<'_, str> {
    let (kept, is_cut) = match string.char_indices().nth(max_chars) {
        Some((end, _)) => (string.get(..end).unwrap_or(string), true),
        None => (string, false),
    };
    if !is_cut && !kept.contains(is_hidden) {
        return Cow::Borrowed(kept);
    }
    let mut escaped = String::with_capacity(kept.len() + 8);
    kept.chars().for_each(|c| escape_char(c, &mut escaped));
    if is_cut {
        escaped.push('…');
    }
    Cow::Owned(escaped)
}

/// Returns the longest beginning of a string that has at most `max_bytes` bytes and ends between two
/// characters.
#[must_use]
pub fn truncate_utf8(string: &str, max_bytes: usize) -> &str {
    string
        .get(..string.floor_char_boundary(max_bytes))
        .unwrap_or_default()
}

/// Returns a string of at most `max_bytes` bytes: a longer one ends between two characters, with `…`
/// after them. It allocates no more than `max_bytes`.
#[must_use]
pub fn truncate_bytes(string: &str, max_bytes: usize) -> Cow<'_, str> {
    if string.len() <= max_bytes {
        return Cow::Borrowed(string);
    }
    let kept = truncate_utf8(string, max_bytes.saturating_sub('…'.len_utf8()));
    Cow::Owned(format!("{kept}…"))
}

/// Formats a value into at most `max_bytes` bytes. Formatting stops there; `…` replaces the rest,
/// which is never produced.
#[must_use]
pub fn format_bounded(value: &dyn fmt::Display, max_bytes: usize) -> String {
    let mut bounded = BoundedString {
        string: String::new(),
        max_bytes: max_bytes.saturating_sub('…'.len_utf8()),
    };
    if write!(bounded, "{value}").is_err() {
        bounded.string.push('…');
    }
    bounded.string
}

/// A writer that fails once it is full.
struct BoundedString {
    string: String,
    max_bytes: usize,
}

impl fmt::Write for BoundedString {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.max_bytes.saturating_sub(self.string.len());
        if more.len() <= room {
            self.string.push_str(more);
            return Ok(());
        }
        self.string.push_str(truncate_utf8(more, room));
        Err(fmt::Error)
    }
}

/// Appends one character, escaped if it is hidden: `\u{1b}`, `\n`.
pub fn escape_char(c: char, out: &mut String) {
    if is_hidden(c) {
        out.extend(c.escape_default())
    } else {
        out.push(c)
    }
}

/// Appends one character of a JSON string, escaped if it is hidden, also where JSON does not demand
/// it. Quotes and backslashes are left to the caller.
pub fn escape_json_char(c: char, out: &mut String) {
    if !is_hidden(c) {
        out.push(c);
        return;
    }
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    /// Compares every character of Unicode with the tables of the crate `regex`, by category.
    #[test]
    fn hidden_characters_are_those_of_the_named_categories() {
        let class = |class: &str| Regex::new(&format!("^{class}$")).unwrap();
        let hidden = class(
            r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]",
        );
        let mut wrong = Vec::new();
        for c in '\0'..=char::MAX {
            let expected = c == '\u{2800}' || hidden.is_match(c.encode_utf8(&mut [0; 4]));
            if is_hidden(c) != expected {
                wrong.push(format!("U+{:04X}", u32::from(c)));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} characters: {:?}",
            wrong.len(),
            wrong.get(..20).unwrap_or(&wrong)
        );
    }

    #[test]
    fn visible_character_of_another_language_is_kept() {
        for string in [
            "é",
            "漢",
            "😀",
            "ñ",
            "e\u{301}",
            "क्षि",
            "한글",
            "ไทย",
            "a\u{a0}b",
            "ﷺ",
        ] {
            assert_eq!(escape_hidden(string, 100), string);
            assert_eq!(one_line(string, 100), string);
        }
    }

    #[test]
    fn hidden_character_is_escaped_or_replaced() {
        for (string, escaped, line) in [
            ("a\r\nb\tc", "a\\r\\nb\\tc", "a  b c"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}", " 2J "),
            ("x\u{202e}y\u{2028}z", "x\\u{202e}y\\u{2028}z", "x y z"),
            (
                "\u{3164}\u{fe0f}\u{e0041}",
                "\\u{3164}\\u{fe0f}\\u{e0041}",
                "   ",
            ),
        ] {
            assert_eq!(escape_hidden(string, 100), escaped);
            assert_eq!(one_line(string, 100), line);
        }
        assert_eq!(escape_hidden("abcdef", 3), "abc…");
    }

    #[test]
    fn hidden_character_is_escaped_in_utf_16_for_json() {
        let mut out = String::new();
        "a\u{9b}\u{e0001}"
            .chars()
            .for_each(|c| escape_json_char(c, &mut out));
        assert_eq!(out, "a\\u009b\\udb40\\udc01");
    }

    #[test]
    fn formatting_stops_at_the_bound() {
        /// A value without end that counts the calls to its writer.
        struct Endless<'a>(&'a std::cell::Cell<usize>);
        impl fmt::Display for Endless<'_> {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    self.0.set(self.0.get() + 1);
                    out.write_str("éé")?;
                }
            }
        }
        let calls = std::cell::Cell::new(0);
        assert_eq!(format_bounded(&Endless(&calls), 10), "ééé…");
        assert_eq!(calls.get(), 2);
        assert_eq!(format_bounded(&"short", 100), "short");
    }

    #[test]
    fn string_is_truncated_between_characters() {
        for (string, max_bytes, truncated) in [
            ("short", 5, "short"),
            ("longer", 5, "lo…"),
            ("漢漢漢", 8, "漢…"),
            ("漢漢漢", 9, "漢漢漢"),
            ("xxxx", 2, "…"),
        ] {
            assert_eq!(
                truncate_bytes(string, max_bytes),
                truncated,
                "{string} {max_bytes}"
            );
        }
    }
}
