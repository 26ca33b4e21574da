//! Strings as YAML scalars on one line.
//!
//! Every YAML that kubevet writes quotes its strings here, by one rule: a string is a plain scalar
//! only if every reader, YAML 1.1 or 1.2, takes it for a string. Block scalars and layout are
//! decided by `to_yaml` in the crate `document`.

use super::sanitize::is_hidden;
use std::fmt::Write as _;

/// Plain scalars that some reader takes for null, a boolean or a number.
const RESERVED: [&str; 11] = [
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf",
];

/// The characters with which a plain scalar may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainStart {
    /// Letters.
    Letter,
    /// Letters and `/`, so that file paths need no quotes.
    LetterOrSlash,
}

/// Returns a string as a YAML scalar: plain where no reader can take it for anything else, else in
/// double quotes, with control characters and everything that is [hidden](is_hidden) escaped.
#[must_use]
pub fn yaml_string(string: &str, start: PlainStart) -> String {
    let may_begin =
        |c: char| c.is_ascii_alphabetic() || c == '/' && start == PlainStart::LetterOrSlash;
    let may_follow = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let is_reserved = || {
        RESERVED
            .iter()
            .any(|word| word.eq_ignore_ascii_case(string))
    };
    if string.starts_with(may_begin) && string.chars().all(may_follow) && !is_reserved() {
        return string.to_owned();
    }
    let mut quoted = String::with_capacity(string.len() + 2);
    quoted.push('"');
    string
        .chars()
        .for_each(|c| escape_yaml_char(c, &mut quoted));
    quoted.push('"');
    quoted
}

/// Appends a character in the form that a double-quoted YAML scalar has. The escapes are those of
/// JSON, but for characters beyond 16 bits, which YAML does not write as surrogate pairs.
fn escape_yaml_char(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c if !is_hidden(c) => out.push(c),
        c => {
            let code = u32::from(c);
            let _ = if code > 0xffff {
                write!(out, "\\U{code:08x}")
            } else {
                write!(out, "\\u{code:04x}")
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(string: &str, expected: &str) {
        assert_eq!(yaml_string(string, PlainStart::LetterOrSlash), expected);
    }

    #[test]
    fn word_is_a_plain_scalar() {
        for word in ["a", "apps/v1", "my-app_1.2", "/etc/passwd", "nothing"] {
            check(word, word);
        }
        assert_eq!(yaml_string("/etc", PlainStart::Letter), "\"/etc\"");
        assert_eq!(yaml_string("etc", PlainStart::Letter), "etc");
    }

    #[test]
    fn string_that_could_be_another_value_is_quoted() {
        for string in [
            "", "yes", "NULL", "1", "1e3", "-", "a b", "a:", "#", "é", "Inf",
        ] {
            check(string, &format!("\"{string}\""));
        }
    }

    #[test]
    fn quoted_string_is_escaped() {
        check("a\"b\\c", r#""a\"b\\c""#);
        check("\n\r\t\u{8}\u{c}\u{1b}", r#""\n\r\t\b\f\u001b""#);
        check(
            "\u{7f}\u{9b}\u{202e}\u{feff}",
            r#""\u007f\u009b\u202e\ufeff""#,
        );
        check("\u{e0041}", r#""\U000e0041""#);
        check("漢 😀", "\"漢 😀\"");
    }
}
