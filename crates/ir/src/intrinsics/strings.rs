//! String functions as OPA's builtins and `lib.strings` define them: characters are code points,
//! and only ASCII has case. A result that is part of the input is a slice of it.

use std::{borrow::Cow, str};

/// From this length on, in bytes, searching two lowercase copies is faster than comparing at each
/// index.
const COPY_THRESHOLD_BYTES: usize = 64;

/// `lib.strings.lower_ascii`.
pub fn lower_ascii(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// `lib.strings.contains_ignore_case`.
pub fn contains_ignore_case(text: &str, part: &str) -> bool {
    if part.len() > text.len() {
        return false;
    }
    if part.len() >= COPY_THRESHOLD_BYTES {
        return lower_ascii(text).contains(&*lower_ascii(part));
    }
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let Some(first) = part.first() else {
        return true;
    };
    // Few windows begin like the part, so most cost one comparison of a byte.
    let begins = |window: &[u8]| {
        let byte = window.first();
        byte.is_some_and(|byte| byte.eq_ignore_ascii_case(first))
    };
    text.windows(part.len())
        .any(|window| begins(window) && window.eq_ignore_ascii_case(part))
}

/// `lib.strings.words`: the words of a name in lowercase, with `_` around each of them.
///
/// A capital before a small letter starts a word, and so does a capital after a small letter.
/// Everything but letters of ASCII separates words.
pub fn words(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    out.push('_');
    let mut follows_small = false;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let is_small = character.is_ascii_lowercase();
        let is_capital = character.is_ascii_uppercase();
        let starts_word = is_capital
            && (follows_small || characters.peek().is_some_and(char::is_ascii_lowercase));
        if (starts_word || !(is_small || is_capital)) && !out.ends_with('_') {
            out.push('_');
        }
        if is_small || is_capital {
            out.push(character.to_ascii_lowercase());
        }
        follows_small = is_small;
    }
    if !out.ends_with('_') {
        out.push('_');
    }
    out
}

/// `lib.strings.last_between`: what follows the last `open`, up to the next `close` or the end. Empty
/// if there is no `open`.
pub fn last_between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let Some((_, after)) = text.rsplit_once(open) else {
        return "";
    };
    after
        .split_once(close)
        .map_or(after, |(between, _)| between)
}

/// `trim`: without the characters of `cutset` at both ends.
pub fn trim<'a>(text: &'a str, cutset: &str) -> &'a str {
    trim_right(trim_left(text, cutset), cutset)
}

/// `trim_left`: without the characters of `cutset` at the start.
pub fn trim_left<'a>(text: &'a str, cutset: &str) -> &'a str {
    text.trim_start_matches(|char| cutset.contains(char))
}

/// `trim_right`: without the characters of `cutset` at the end.
pub fn trim_right<'a>(text: &'a str, cutset: &str) -> &'a str {
    text.trim_end_matches(|char| cutset.contains(char))
}

/// `trim_prefix`: without the prefix, once.
pub fn trim_prefix<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.strip_prefix(prefix).unwrap_or(text)
}

/// `trim_suffix`: without the suffix, once.
pub fn trim_suffix<'a>(text: &'a str, suffix: &str) -> &'a str {
    text.strip_suffix(suffix).unwrap_or(text)
}

/// `trim_space`: Go and Rust both use Unicode's `White_Space` property.
pub fn trim_space(text: &str) -> &str {
    text.trim()
}

/// `substring`: `length` code points from `offset` on, or all of them if `length` is negative.
/// `None` for a negative offset, which is an error in OPA. Empty if `offset` is beyond the end.
pub fn substring(text: &str, offset: i64, length: i64) -> Option<&str> {
    let offset = usize::try_from(offset).ok()?;
    let rest = text.get(byte_of(text, offset)..)?;
    match usize::try_from(length) {
        Ok(length) => rest.get(..byte_of(rest, length)),
        Err(_) => Some(rest),
    }
}

/// The byte offset of a code point, or the length of the string if it has fewer.
fn byte_of(text: &str, character: usize) -> usize {
    match text.get(..character) {
        // In ASCII, characters are bytes.
        Some(start) if start.is_ascii() => character,
        _ => text
            .char_indices()
            .nth(character)
            .map_or(text.len(), |(at, _)| at),
    }
}

/// The parts of a string, see [`split`].
pub enum Parts<'a, 's> {
    /// The parts between separators.
    Between(str::Split<'a, &'s str>),
    /// The remaining string, which is split into its characters.
    Characters(&'a str),
}

impl<'a> Iterator for Parts<'a, '_> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match self {
            Self::Between(parts) => parts.next(),
            Self::Characters(rest) => {
                let (character, after) = rest.split_at_checked(rest.chars().next()?.len_utf8())?;
                *rest = after;
                Some(character)
            }
        }
    }
}

/// `split`: at every separator, or into characters if the separator is empty. An empty string has
/// one empty part, or no characters.
pub fn split<'a, 's>(text: &'a str, separator: &'s str) -> Parts<'a, 's> {
    if separator.is_empty() {
        Parts::Characters(text)
    } else {
        Parts::Between(text.split(separator))
    }
}

/// `replace`: every `old`, from the left. `None` for an empty one: OPA then inserts `new` between
/// bytes, which breaks characters, and CEL between characters.
pub fn replace<'a>(text: &'a str, old: &str, new: &str) -> Option<Cow<'a, str>> {
    if old.is_empty() {
        return None;
    }
    Some(if text.contains(old) {
        Cow::Owned(text.replace(old, new))
    } else {
        Cow::Borrowed(text)
    })
}

/// `concat`, appended to `out`.
pub fn concat<'a>(delimiter: &str, parts: impl IntoIterator<Item = &'a str>, out: &mut String) {
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.push_str(delimiter);
        }
        out.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_ascii_only() {
        fn check(text: &str, part: &str, expected: bool) {
            assert_eq!(
                contains_ignore_case(text, part),
                expected,
                "{text:?} {part:?}"
            );
            assert_eq!(
                lower_ascii(text).contains(&*lower_ascii(part)),
                expected,
                "{text:?} {part:?}"
            );
        }
        check("DB_PASSWORD", "password", true);
        check("password", "PASSWORD", true);
        check("É", "é", false);
        check("\u{212a}ey", "key", false);
        check("", "", true);
        check("a", "", true);
        check("", "a", false);
        check(&"A".repeat(200), &"a".repeat(100), true);
        check(&"A".repeat(200), &"b".repeat(100), false);
        assert!(matches!(lower_ascii("é"), Cow::Borrowed(_)));
    }

    #[test]
    fn words_begin_at_capitals_and_separators() {
        fn check(name: &str, expected: &str) {
            assert_eq!(words(name), expected, "{name:?}");
        }
        check("", "_");
        check("_", "_");
        check("DB_PASSWORD", "_db_password_");
        check("myApiTokenV2", "_my_api_token_v_");
        check("DBPassword", "_db_password_");
        check("dbPWD", "_db_pwd_");
        check("KEYBOARD_LAYOUT", "_keyboard_layout_");
        check("spring.datasource.password", "_spring_datasource_password_");
        check("tls--key2", "_tls_key_");
        check("clé", "_cl_");
        check("aB", "_a_b_");
        check("ABc", "_a_bc_");
    }

    #[test]
    fn last_between_takes_the_last_opening() {
        fn check(text: &str, open: &str, close: &str, expected: &str) {
            assert_eq!(last_between(text, open, close), expected, "{text:?}");
        }
        check("\n--a=1\n--a=2\n--b=3\n", "\n--a=", "\n", "2");
        check("\n--a=1", "\n--a=", "\n", "1");
        check("\n--a=\n", "\n--a=", "\n", "");
        check("\n--b=1\n", "\n--a=", "\n", "");
        check("", "a", "b", "");
        check("aaab", "aa", "b", "");
    }

    #[test]
    fn substring_counts_characters() {
        fn check(text: &str, offset: i64, length: i64, expected: Option<&str>) {
            assert_eq!(
                substring(text, offset, length),
                expected,
                "{text:?} {offset} {length}"
            );
        }
        check("héllo", 1, 2, Some("él"));
        check("héllo", 2, -1, Some("llo"));
        check("héllo", 0, 2, Some("hé"));
        check("abc", -1, 2, None);
        check("abc", 1, -5, Some("bc"));
        check("abc", 1, 0, Some(""));
        check("abc", 1, 100, Some("bc"));
        check("abc", 3, 1, Some(""));
        check("abc", 4, -1, Some(""));
        check("é", 1, 1, Some(""));
        check("abc", i64::MAX, i64::MAX, Some(""));
    }

    #[test]
    fn trim_removes_characters_or_an_affix() {
        fn check(found: &str, expected: &str) {
            assert_eq!(found, expected);
        }
        check(trim("éabé", "é"), "ab");
        check(trim("xyx", "xy"), "");
        check(trim("abc", ""), "abc");
        check(trim_left("aab", "a"), "b");
        check(trim_right("baa", "a"), "b");
        check(trim_prefix("aab", "a"), "ab");
        check(trim_suffix("baa", "a"), "ba");
        check(trim_prefix("ab", ""), "ab");
        check(
            trim_space("\u{2003}\u{85}\u{200b} x \u{3000}"),
            "\u{200b} x",
        );
    }

    #[test]
    fn split_keeps_the_order_of_parts() {
        fn check(text: &str, separator: &str, expected: &[&str]) {
            assert_eq!(
                split(text, separator).collect::<Vec<_>>(),
                expected,
                "{text:?} {separator:?}"
            );
        }
        check("a,b,", ",", &["a", "b", ""]);
        check("", ",", &[""]);
        check("", "", &[]);
        check("aéb", "", &["a", "é", "b"]);
        check("a--b", "--", &["a", "b"]);
    }

    #[test]
    fn replace_and_concat_follow_opa() {
        fn check(found: Option<Cow<'_, str>>, expected: Option<&str>) {
            assert_eq!(found.as_deref(), expected);
        }
        check(replace("aaa", "aa", "b"), Some("ba"));
        check(replace("abc", "x", "y"), Some("abc"));
        check(replace("abc", "", "-"), None);
        let mut out = "x".to_owned();
        concat("/", ["a", "", "b"], &mut out);
        assert_eq!(out, "xa//b");
    }
}
