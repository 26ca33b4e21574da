//! Texts from outside, made safe to print: which characters must not be shown as they are, how they are written out, and
//! one line of bounded length. Apart, because whatever prints a name needs it, and a hole in one place would be a hole in
//! all. It prints nothing itself.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

/// Whether a terminal would obey the character, or a reader not see it or see another: controls (C0, DEL, C1), line and
/// paragraph separators, direction marks and all other format characters, what is drawn as nothing (variation selectors,
/// tags, fillers, the blank Braille pattern), private use and noncharacters, whose look is anybody's.
///
/// Not hidden are spaces, combining marks and letters that look like others, which texts in other languages need, and
/// unassigned characters, which a later Unicode gives a look.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control() || is_format(c) || is_blank(c) || is_private(c)
}

/// Format characters (Cf) and separators of lines (Zl) and paragraphs (Zp).
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}')
}

/// What is drawn as nothing: `Default_Ignorable_Code_Point`, and a blank that is no space.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

/// Private use (Co), and noncharacters: the last two of each plane, and a block of 32.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..)
        || u32::from(c) & 0xfffe == 0xfffe
}

/// A text in one line of at most so many characters, a space in place of each hidden one; cut at its end, with `…`.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let mut line: String = text
        .chars()
        .take(most)
        .map(|it| if is_hidden(it) { ' ' } else { it })
        .collect();
    if text.chars().nth(most).is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// A text in one line, hidden characters written out (`\u{1b}`, `\n`); of more than `most` characters, the first `most`
/// and `…`.
#[must_use]
pub fn escape_hidden(text: &str, most: usize) -> Cow<'_, str> {
    let (text, cut) = match text.char_indices().nth(most) {
        Some((end, _)) => (text.get(..end).unwrap_or(text), true),
        None => (text, false),
    };
    if !cut && !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| escape_char(c, &mut shown));
    if cut {
        shown.push('…');
    }
    Cow::Owned(shown)
}

/// A text of at most so many bytes: longer ones are cut between two characters and end with `…`. Allocates no more than
/// that.
#[must_use]
pub fn truncate_bytes(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let kept = text
        .get(..text.floor_char_boundary(most.saturating_sub('…'.len_utf8())))
        .unwrap_or_default();
    Cow::Owned(format!("{kept}…"))
}

/// What a value says of itself, in at most so many bytes; `…` stands for the rest, which is never made.
#[must_use]
pub fn format_bounded(value: &dyn fmt::Display, most: usize) -> String {
    let mut bounded = Bounded {
        text: String::new(),
        most: most.saturating_sub('…'.len_utf8()),
    };
    if write!(bounded, "{value}").is_err() {
        bounded.text.push('…');
    }
    bounded.text
}

/// Takes texts until it is full, and then fails.
struct Bounded {
    text: String,
    most: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.most.saturating_sub(self.text.len());
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        self.text.push_str(
            more.get(..more.floor_char_boundary(room))
                .unwrap_or_default(),
        );
        Err(fmt::Error)
    }
}

/// Appends one character, written out if it is hidden.
pub fn escape_char(c: char, out: &mut String) {
    if is_hidden(c) {
        out.extend(c.escape_default())
    } else {
        out.push(c)
    }
}

/// Appends one character as it may stand in a JSON string, also where JSON would not ask for an escape. Quotes and
/// backslashes are the writer's.
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

    /// Every character of Unicode is held to the tables of the crate `regex`, category by category.
    #[test]
    fn hidden_characters_are_those_of_their_categories() {
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
    fn visible_characters_of_other_languages_stay() {
        for text in [
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
            assert_eq!(escape_hidden(text, 100), text);
            assert_eq!(one_line(text, 100), text);
        }
    }

    #[test]
    fn hidden_characters_are_written_out_or_blanked() {
        for (text, shown, line) in [
            ("a\r\nb\tc", "a\\r\\nb\\tc", "a  b c"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}", " 2J "),
            ("x\u{202e}y\u{2028}z", "x\\u{202e}y\\u{2028}z", "x y z"),
            (
                "\u{3164}\u{fe0f}\u{e0041}",
                "\\u{3164}\\u{fe0f}\\u{e0041}",
                "   ",
            ),
        ] {
            assert_eq!(escape_hidden(text, 100), shown);
            assert_eq!(one_line(text, 100), line);
        }
        assert_eq!(escape_hidden("abcdef", 3), "abc…");
    }

    #[test]
    fn json_strings_are_escaped_in_utf_16() {
        let mut out = String::new();
        "a\u{9b}\u{e0001}"
            .chars()
            .for_each(|c| escape_json_char(c, &mut out));
        assert_eq!(out, "a\\u009b\\udb40\\udc01");
    }

    #[test]
    fn values_are_formatted_up_to_their_bound() {
        /// Counts how often it is asked for more.
        struct Endless<'a>(&'a std::cell::Cell<usize>);
        impl fmt::Display for Endless<'_> {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    self.0.set(self.0.get() + 1);
                    out.write_str("éé")?;
                }
            }
        }
        let asked = std::cell::Cell::new(0);
        assert_eq!(format_bounded(&Endless(&asked), 10), "ééé…");
        assert_eq!(asked.get(), 2);
        assert_eq!(format_bounded(&"short", 100), "short");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, most, cut) in [
            ("short", 5, "short"),
            ("longer", 5, "lo…"),
            ("漢漢漢", 8, "漢…"),
            ("漢漢漢", 9, "漢漢漢"),
            ("xxxx", 2, "…"),
        ] {
            assert_eq!(truncate_bytes(text, most), cut, "{text} {most}");
        }
    }
}
