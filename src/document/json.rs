//! The JSON reader: one pass, no recursion, strings left where they stand in the text.
//!
//! It takes what Go's `encoding/json` takes: half of a surrogate pair and bytes that are no UTF-8 become U+FFFD, the last
//! of repeated keys counts, documents may follow one another.

use super::{
    build::{Builder, Fault},
    read::Outcome,
    tape::Kind,
};

/// Reads all documents of a text. At the first fault it stops: JSON has no place to go on from.
pub(super) fn read(builder: &mut Builder<'_>, text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut parser = Parser { builder, text, bytes: text.as_bytes(), at: 0 };
    if text.starts_with('\u{feff}') {
        parser.at = '\u{feff}'.len_utf8();
    }
    loop {
        let whole = parser.at;
        if parser.skip_space().is_none() {
            return outcome;
        }
        let root = parser.builder.len();
        match parser.document() {
            Ok(()) if parser.builder.is_null(root) => {}
            Ok(()) => outcome.roots.push(root),
            Err(fault) => {
                parser.builder.forget(root);
                outcome.stopped = Some(whole);
                outcome.faults.push(fault);
                return outcome;
            }
        }
    }
}

struct Parser<'p, 't> {
    builder: &'p mut Builder<'t>,
    text: &'p str,
    bytes: &'p [u8],
    at: usize,
}

impl Parser<'_, '_> {
    fn document(&mut self) -> Result<(), Fault> {
        loop {
            // A value is due.
            match self.skip_space() {
                Some(b'{') => {
                    self.builder.open(self.at, Kind::Map)?;
                    self.at += 1;
                    if self.skip_space() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.builder.open(self.at, Kind::List)?;
                    self.at += 1;
                    if self.skip_space() != Some(b']') {
                        self.builder.is_element();
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word("true", Kind::True)?,
                Some(b'f') => self.word("false", Kind::False)?,
                Some(b'n') => self.word("null", Kind::Null)?,
                _ => return Err(self.unexpected("a value")),
            }
            // A value has ended, or an empty list or map is about to.
            loop {
                let Some(open) = self.builder.open_kind() else { return Ok(()) };
                match (self.skip_space(), open) {
                    (Some(b','), Kind::Map) => {
                        self.at += 1;
                        self.key()?;
                        break;
                    }
                    (Some(b','), _) => {
                        self.at += 1;
                        self.builder.is_element();
                        break;
                    }
                    (Some(b'}'), Kind::Map) | (Some(b']'), Kind::List) => {
                        self.at += 1;
                        self.builder.close()?;
                    }
                    (_, Kind::Map) => return Err(self.unexpected("`,` or `}`")),
                    _ => return Err(self.unexpected("`,` or `]`")),
                }
            }
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<(), Fault> {
        if self.skip_space() != Some(b'"') {
            return Err(self.unexpected("a key in double quotes"));
        }
        self.string()?;
        self.builder.is_key();
        if self.skip_space() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), Fault> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.unexpected("a value"));
        }
        self.builder.scalar(self.at, kind)?;
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.builder.borrowed(start, Kind::Number, start, self.at)
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<(), Fault> {
        let quote = self.at;
        let start = quote + 1;
        self.at = self.plain_end(start);
        if self.peek() == Some(b'"') {
            self.at += 1;
            return self.builder.borrowed(quote, Kind::String, start, self.at - 1);
        }
        self.escaped_string(quote, start)
    }

    /// The rest of a string that does not stand in the text as it reads.
    #[cold]
    fn escaped_string(&mut self, quote: usize, start: usize) -> Result<(), Fault> {
        let aside = self.builder.aside().len();
        let mut plain = start;
        loop {
            let piece = self.text.get(plain..self.at).unwrap_or_default();
            self.builder.aside().push_str(piece);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return self.builder.set_aside(quote, Kind::String, aside);
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    self.builder.aside().push(character);
                }
                Some(control) => {
                    let message =
                        format!("a string holds the control character U+{control:04X}; write it as \\u{control:04x}");
                    return Err(Fault::new(self.at, message));
                }
                None => return Err(Fault::new(quote, "this string has no end; close it with `\"`")),
            }
            plain = self.at;
            self.at = self.plain_end(plain);
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let backslash = self.at;
        let wrong = || Fault::new(backslash, "JSON has no such escape; write a backslash as \\\\");
        self.at += 2;
        Ok(match self.bytes.get(backslash + 1).ok_or_else(wrong)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex(self.at).ok_or_else(wrong)?;
                self.at += 4;
                let second = self.bytes.get(self.at..self.at + 2) == Some(b"\\u");
                let second = if second { self.hex(self.at + 2) } else { None };
                if let (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) = (first, second) {
                    self.at += 6;
                    char::from_u32(0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00))
                } else {
                    char::from_u32(first)
                }
                .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(wrong()),
        })
    }

    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 4)?;
        digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
    }

    /// The first byte from `at` on that ends a string or needs care; eight bytes are looked at in one go.
    fn plain_end(&self, mut at: usize) -> usize {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGH: u64 = ONES * 0x80;
        while let Some(eight) = self.bytes.get(at..at + 8) {
            let Ok(eight) = <[u8; 8]>::try_from(eight) else { break };
            let word = u64::from_le_bytes(eight);
            // In each, the high bit of the lowest byte that matches is set; higher ones may be set in error.
            let control = word.wrapping_sub(ONES * 0x20) & !word;
            let quote = word ^ (ONES * u64::from(b'"'));
            let backslash = word ^ (ONES * u64::from(b'\\'));
            let found =
                (control | (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash)) & HIGH;
            if found != 0 {
                return at + (found.trailing_zeros() / 8) as usize;
            }
            at += 8;
        }
        while self.bytes.get(at).is_some_and(|it| *it >= 0x20 && !matches!(it, b'"' | b'\\')) {
            at += 1;
        }
        at
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space; the byte after it, which stays.
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    fn unexpected(&self, expected: &str) -> Fault {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(character) if character.is_control() => format!("U+{:04X}", u32::from(character)),
            Some(character) => format!("`{character}`"),
            None => "the end of the text".to_owned(),
        };
        Fault::new(self.at, format!("this is no JSON: expected {expected}, found {found}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::document::{Limits, read_json};
    use std::sync::Arc;

    /// The documents as JSON text and then the problems, a line each.
    fn check_bytes(input: &[u8], expected: &str) {
        let limits = Limits { depth: 5, ..Limits::default() };
        let reading = read_json(&Arc::from("f"), input, &limits);
        let documents = reading.documents.iter().map(|it| format!("{:?}", it.root()));
        let found: Vec<_> = documents.chain(reading.problems.iter().map(ToString::to_string)).collect();
        assert_eq!(found.join("\n"), expected, "{}", String::from_utf8_lossy(input));
    }

    fn check(input: &str, expected: &str) {
        check_bytes(input.as_bytes(), expected);
    }

    #[test]
    fn values_are_read() {
        for text in [
            "{}",
            "[]",
            "\"\"",
            "true",
            "[null,false]",
            r#"{"a":{"b":[1,-0.5,1e3]},"c":"d"}"#,
            "[[[[[]]]]]",
            "[1.50,0,-0,12345678901234567890,1e999]",
            "\"a long enough string to fill more than a word of eight bytes: ä€😀\"",
        ] {
            check(text, text);
        }
        check(" { \"a\" :\t[ 1 ,\r\n2 ] } ", r#"{"a":[1,2]}"#);
    }

    #[test]
    fn escapes_are_read_as_go_does() {
        check(r#""\"\\\/\b\f\n\r\t\u0041\u00e4""#, r#""\"\\/\u0008\u000c\n\r\tAä""#);
        check(r#""x\ud83d\ude00y""#, "\"x😀y\"");
        check(r#""\ud83d""#, "\"\u{fffd}\"");
        check(r#""\ud83d\u0041""#, "\"\u{fffd}A\"");
        check(r#""\ude00\ud83d\ude00""#, "\"\u{fffd}😀\"");
        check_bytes(b"\"a\xffb\xe2\x82c\"", "\"a\u{fffd}b\u{fffd}\u{fffd}c\"");
    }

    #[test]
    fn the_last_of_repeated_keys_counts() {
        check(r#"{"a":1,"b":2,"a":3}"#, r#"{"b":2,"a":3}"#);
        check(r#"{"a":{"x":1},"\u0061":{"y":1},"b":0}"#, r#"{"a":{"y":1},"b":0}"#);
    }

    #[test]
    fn documents_may_follow_one_another() {
        check("{}{}\n[1] 2 null 3", "{}\n{}\n[1]\n2\n3");
        check("", "");
        check(" \n", "");
        check("\u{feff}{}", "{}");
    }

    #[test]
    fn faults_have_a_place_and_keep_what_was_before() {
        check("{}\n{\"a\": }", "{}\nf:2:7: this is no JSON: expected a value, found `}`");
        check("{\"a\": 1 \"b\"", "f:1:9: this is no JSON: expected `,` or `}`, found `\"`");
        check("[1 2]", "f:1:4: this is no JSON: expected `,` or `]`, found `2`");
        check("[1,]", "f:1:4: this is no JSON: expected a value, found `]`");
        check("{\"a\":1,}", "f:1:8: this is no JSON: expected a key in double quotes, found `}`");
        check("{\"a\" 1}", "f:1:6: this is no JSON: expected `:`, found `1`");
        check("[1}", "f:1:3: this is no JSON: expected `,` or `]`, found `}`");
        check("{", "f:1:2: this is no JSON: expected a key in double quotes, found the end of the text");
        check("\"ä", "f:1:1: this string has no end; close it with `\"`");
        check("\"a\nb\"", "f:1:3: a string holds the control character U+000A; write it as \\u000a");
        check("\"\\x\"", "f:1:2: JSON has no such escape; write a backslash as \\\\");
        check("\"\\u12", "f:1:2: JSON has no such escape; write a backslash as \\\\");
        check("-", "f:1:2: this is no JSON: expected a digit, found the end of the text");
        check("01", "0\n1");
        check("tru", "f:1:1: this is no JSON: expected a value, found `t`");
        check("{} x", "{}\nf:1:4: this is no JSON: expected a value, found `x`");
        check("{} [[[[[[]]]]]]", "{}\nf:1:9: lists and maps are nested more than 5 deep; kubevet reads no deeper");
        check_bytes(b"[\xff]", "f:1:2: this is no JSON: expected a value, found `\u{fffd}`");
    }
}
