//! The JSON reader: one pass, no recursion; strings are borrowed from the text.
//!
//! It accepts what Go's `encoding/json` accepts: an unpaired surrogate and bytes that are no UTF-8
//! become U+FFFD, the last of repeated keys counts, documents may follow one another.

use super::{
    builder::Builder,
    outcome::{ParseError, ParseOutcome},
    tape::Kind,
};

/// Reads all documents of a text. It stops at the first error, since JSON has no marker to resume
/// at.
pub(super) fn read(builder: &mut Builder<'_>, text: &str) -> ParseOutcome {
    let mut outcome = ParseOutcome::default();
    let mut parser = Parser {
        builder,
        text,
        bytes: text.as_bytes(),
    };
    let mut at = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    loop {
        let whole = at;
        at = parser.token(at).0;
        if at >= text.len() {
            return outcome;
        }
        let root = parser.builder.len();
        match parser.document(at) {
            Ok(end) => at = end,
            Err(error) => {
                parser.builder.discard_from(root);
                outcome.stopped = Some(whole);
                outcome.errors.push(*error);
                return outcome;
            }
        }
        if !parser.builder.is_null(root) {
            outcome.roots.push(root);
        }
    }
}

struct Parser<'p, 't> {
    builder: &'p mut Builder<'t>,
    text: &'p str,
    bytes: &'p [u8],
}

/// The offset after the parsed syntax. Errors are rare, and boxed so that the result fits two
/// registers.
type Parsed = Result<usize, Box<ParseError>>;

/// Each method parses the syntax that begins at an offset. Offsets are passed and returned, not
/// stored, so that they stay in a register: this is the hot loop of reading.
impl Parser<'_, '_> {
    fn document(&mut self, start: usize) -> Parsed {
        let mut at = start;
        loop {
            // A value is expected.
            let (found, byte) = self.token(at);
            at = found;
            let mut key_due = false;
            match byte {
                b'"' => at = self.string(at)?,
                b'{' | b'[' => {
                    let (kind, end) = if byte == b'{' {
                        (Kind::Map, b'}')
                    } else {
                        (Kind::List, b']')
                    };
                    self.builder.open(at, kind)?;
                    let (found, byte) = self.token(at + 1);
                    at = found;
                    if byte != end {
                        if kind == Kind::List {
                            self.builder.count_element();
                            continue;
                        }
                        key_due = true;
                    }
                }
                b'-' | b'0'..=b'9' => at = self.number(at)?,
                b't' => at = self.literal(at, b"true", Kind::True)?,
                b'f' => at = self.literal(at, b"false", Kind::False)?,
                b'n' => at = self.literal(at, b"null", Kind::Null)?,
                _ => return Err(self.unexpected(at, "a value")),
            }
            // A value has ended, or an empty list or map is about to end.
            while !key_due {
                let open = self.builder.open_kind();
                if open == Kind::Null {
                    return Ok(at);
                }
                let (found, byte) = self.token(at);
                at = found;
                match (byte, open) {
                    (b',', Kind::Map) => {
                        at += 1;
                        key_due = true;
                    }
                    (b',', _) => {
                        at += 1;
                        self.builder.count_element();
                        break;
                    }
                    (b'}', Kind::Map) | (b']', Kind::List) => {
                        self.builder.close()?;
                        at += 1;
                    }
                    (_, Kind::Map) => return Err(self.unexpected(at, "`,` or `}`")),
                    _ => return Err(self.unexpected(at, "`,` or `]`")),
                }
            }
            if key_due {
                at = self.key(at)?;
            }
        }
    }

    /// Parses a key and its colon.
    #[inline]
    fn key(&mut self, at: usize) -> Parsed {
        let (quote, byte) = self.token(at);
        if byte != b'"' {
            return Err(self.unexpected(quote, "a key in double quotes"));
        }
        let start = quote + 1;
        let mut at = plain_end(self.bytes, start);
        if self.peek(at) == Some(b'"') {
            self.builder.borrowed_key(quote, start, at)?;
            at += 1;
        } else {
            at = self.escaped_string(quote, at)?;
            self.builder.mark_key();
        }
        let (at, byte) = self.token(at);
        if byte != b':' {
            return Err(self.unexpected(at, "`:`"));
        }
        Ok(at + 1)
    }

    #[inline]
    fn literal(&mut self, at: usize, word: &[u8], kind: Kind) -> Parsed {
        if self.bytes.get(at..at + word.len()) != Some(word) {
            return Err(self.unexpected(at, "a value"));
        }
        self.builder.scalar(at, kind)?;
        Ok(at + word.len())
    }

    #[inline]
    fn number(&mut self, start: usize) -> Parsed {
        let mut at = start + usize::from(self.peek(start) == Some(b'-'));
        if self.peek(at) == Some(b'0') {
            at += 1;
        } else {
            at = self.digits(at)?;
        }
        if self.peek(at) == Some(b'.') {
            at = self.digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.peek(at) {
            at += 1;
            at += usize::from(matches!(self.peek(at), Some(b'+' | b'-')));
            at = self.digits(at)?;
        }
        self.builder.borrowed(start, Kind::Number, start, at)?;
        Ok(at)
    }

    #[inline]
    fn digits(&self, start: usize) -> Parsed {
        let mut at = start;
        while let Some(b'0'..=b'9') = self.peek(at) {
            at += 1;
        }
        if at == start {
            Err(self.unexpected(at, "a digit"))
        } else {
            Ok(at)
        }
    }

    #[inline]
    fn string(&mut self, quote: usize) -> Parsed {
        let start = quote + 1;
        let end = plain_end(self.bytes, start);
        if self.peek(end) == Some(b'"') {
            self.builder.borrowed(quote, Kind::String, start, end)?;
            return Ok(end + 1);
        }
        self.escaped_string(quote, end)
    }

    /// Parses a string with escapes; the text up to `at` has none.
    #[cold]
    fn escaped_string(&mut self, quote: usize, mut at: usize) -> Parsed {
        let aside = self.builder.owned().len();
        let mut plain = quote + 1;
        loop {
            let piece = self.text.get(plain..at).unwrap_or_default();
            self.builder.owned().push_str(piece);
            match self.peek(at) {
                Some(b'"') => {
                    self.builder.finish_owned(quote, Kind::String, aside)?;
                    return Ok(at + 1);
                }
                Some(b'\\') => {
                    let (character, end) = self.escape(at)?;
                    self.builder.owned().push(character);
                    plain = end;
                }
                Some(control) => {
                    let message = format!(
                        "a string holds the control character U+{control:04X}; write it as \\u{control:04x}"
                    );
                    return Err(ParseError::new(at, message).into());
                }
                None => {
                    return Err(ParseError::new(
                        quote,
                        "this string does not end; close it with `\"`",
                    )
                    .into());
                }
            }
            at = plain_end(self.bytes, plain);
        }
    }

    /// Parses an escape, and returns its character and its end.
    fn escape(&self, backslash: usize) -> Result<(char, usize), ParseError> {
        let wrong = || {
            ParseError::new(
                backslash,
                "JSON has no such escape; write a backslash as \\\\",
            )
        };
        let mut at = backslash + 2;
        let character = match self.bytes.get(backslash + 1).ok_or_else(wrong)? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex(at).ok_or_else(wrong)?;
                at += 4;
                let second = self.bytes.get(at..at + 2) == Some(b"\\u");
                let second = if second { self.hex(at + 2) } else { None };
                if let (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) = (first, second) {
                    at += 6;
                    char::from_u32(0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00))
                } else {
                    char::from_u32(first)
                }
                .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(wrong()),
        };
        Ok((character, at))
    }

    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 4)?;
        digits.iter().try_fold(0, |value, digit| {
            Some(value * 16 + char::from(*digit).to_digit(16)?)
        })
    }

    #[inline]
    fn peek(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Returns the offset and value of the first byte from `at` on that is no white space; 0, which
    /// begins no JSON, at the end.
    #[inline]
    fn token(&self, at: usize) -> (usize, u8) {
        match self.peek(at) {
            Some(byte) if byte > b' ' => (at, byte),
            _ => self.token_after_space(at),
        }
    }

    /// Kept out of line: requests of the API server have no white space, and a loop that never runs
    /// still costs registers.
    #[inline(never)]
    fn token_after_space(&self, mut at: usize) -> (usize, u8) {
        loop {
            match self.peek(at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => at += 1,
                other => return (at, other.unwrap_or_default()),
            }
        }
    }

    #[cold]
    fn unexpected(&self, at: usize, expected: &str) -> Box<ParseError> {
        let found = match self.text.get(at..).and_then(|rest| rest.chars().next()) {
            Some(character) if character.is_control() => format!("U+{:04X}", u32::from(character)),
            Some(character) => format!("`{character}`"),
            None => "the end of the text".to_owned(),
        };
        ParseError::new(
            at,
            format!("invalid JSON: expected {expected}, found {found}"),
        )
        .into()
    }
}

/// Returns the offset of the first byte that ends a string or needs care. SWAR: eight bytes are
/// tested at a time.
#[inline]
fn plain_end(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES * 0x80;
    let Some(left) = bytes.get(from..) else {
        return from;
    };
    let (words, rest) = left.as_chunks();
    let mut at = from;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // The high bit of the lowest matching byte is set; bits of higher bytes may be wrong.
        // Flipping bit 1 keeps control characters below 0x20 and moves the quote to 0x20, right
        // above them.
        let control_or_quote = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
        let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
        let found = (control_or_quote | backslash) & !word & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at + rest
        .iter()
        .take_while(|byte| **byte >= 0x20 && !matches!(**byte, b'"' | b'\\'))
        .count()
}

#[cfg(test)]
mod tests {
    use crate::{Limits, read_json};
    use std::sync::Arc;

    /// Checks the documents as JSON, then the problems, one a line.
    fn check_bytes(input: &[u8], expected: &str) {
        let limits = Limits {
            depth: 5,
            ..Limits::default()
        };
        let reading = read_json(&Arc::from("f"), input, &limits);
        let documents = reading
            .documents
            .iter()
            .map(|document| format!("{:?}", document.root()));
        let found: Vec<_> = documents
            .chain(reading.problems.iter().map(ToString::to_string))
            .collect();
        assert_eq!(
            found.join("\n"),
            expected,
            "{}",
            String::from_utf8_lossy(input)
        );
    }

    fn check(input: &str, expected: &str) {
        check_bytes(input.as_bytes(), expected);
    }

    #[test]
    fn value_of_each_type_is_read() {
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
    fn escape_is_read_as_in_go() {
        check(
            r#""\"\\\/\b\f\n\r\t\u0041\u00e4""#,
            r#""\"\\/\u0008\u000c\n\r\tAä""#,
        );
        check(r#""x\ud83d\ude00y""#, "\"x😀y\"");
        check(r#""\ud83d""#, "\"\u{fffd}\"");
        check(r#""\ud83d\u0041""#, "\"\u{fffd}A\"");
        check(r#""\ude00\ud83d\ude00""#, "\"\u{fffd}😀\"");
        check_bytes(b"\"a\xffb\xe2\x82c\"", "\"a\u{fffd}b\u{fffd}\u{fffd}c\"");
    }

    #[test]
    fn last_of_repeated_keys_counts() {
        check(r#"{"a":1,"b":2,"a":3}"#, r#"{"b":2,"a":3}"#);
        check(
            r#"{"a":{"x":1},"\u0061":{"y":1},"b":0}"#,
            r#"{"a":{"y":1},"b":0}"#,
        );
    }

    #[test]
    fn sequence_of_documents_is_read() {
        check("{}{}\n[1] 2 null 3", "{}\n{}\n[1]\n2\n3");
        check("", "");
        check(" \n", "");
        check("\u{feff}{}", "{}");
    }

    #[test]
    fn error_has_a_position_and_keeps_earlier_documents() {
        check(
            "{}\n{\"a\": }",
            "{}\nf:2:7: invalid JSON: expected a value, found `}`",
        );
        check(
            "{\"a\": 1 \"b\"",
            "f:1:9: invalid JSON: expected `,` or `}`, found `\"`",
        );
        check(
            "[1 2]",
            "f:1:4: invalid JSON: expected `,` or `]`, found `2`",
        );
        check("[1,]", "f:1:4: invalid JSON: expected a value, found `]`");
        check(
            "{\"a\":1,}",
            "f:1:8: invalid JSON: expected a key in double quotes, found `}`",
        );
        check("{\"a\" 1}", "f:1:6: invalid JSON: expected `:`, found `1`");
        check("[1}", "f:1:3: invalid JSON: expected `,` or `]`, found `}`");
        check(
            "{",
            "f:1:2: invalid JSON: expected a key in double quotes, found the end of the text",
        );
        check("\"ä", "f:1:1: this string does not end; close it with `\"`");
        check(
            "\"a\nb\"",
            "f:1:3: a string holds the control character U+000A; write it as \\u000a",
        );
        check(
            "\"\\x\"",
            "f:1:2: JSON has no such escape; write a backslash as \\\\",
        );
        check(
            "\"\\u12",
            "f:1:2: JSON has no such escape; write a backslash as \\\\",
        );
        check(
            "-",
            "f:1:2: invalid JSON: expected a digit, found the end of the text",
        );
        check("01", "0\n1");
        check("tru", "f:1:1: invalid JSON: expected a value, found `t`");
        check(
            "{} x",
            "{}\nf:1:4: invalid JSON: expected a value, found `x`",
        );
        check(
            "{} [[[[[[]]]]]]",
            "{}\nf:1:9: lists and maps are nested more than 5 deep; kubevet reads no deeper",
        );
        check_bytes(
            b"[\xff]",
            "f:1:2: invalid JSON: expected a value, found `\u{fffd}`",
        );
    }
}
