//! The text that a document was read from, and the line and column of every byte.
//!
//! Nodes store byte offsets only. Lines and columns are computed on demand, from checkpoints at
//! regular distances, so that a position costs the same in a file of one long line as in one of
//! many short lines.

use kubevet_model::{Position, SourceLine};
use std::sync::{Arc, OnceLock};

/// The number of bytes between two checkpoints.
const CHECKPOINT_BYTES: usize = 1024;

/// The maximum number of lines of an excerpt.
const MAX_EXCERPT_LINES: u32 = 1000;

/// The maximum number of characters of a line in an excerpt.
const MAX_LINE_CHARS: usize = 240;

/// A text and the name of its file.
#[derive(Debug)]
pub(super) struct SourceText {
    pub(super) file: Arc<str>,
    pub(super) text: Arc<str>,
    checkpoints: OnceLock<Vec<Position>>,
}

impl SourceText {
    pub(super) fn new(file: Arc<str>, text: Arc<str>) -> Self {
        Self {
            file,
            text,
            checkpoints: OnceLock::new(),
        }
    }

    /// The position of the character at or around a byte offset.
    pub(super) fn position(&self, offset: usize) -> Position {
        let checkpoints = self.checkpoints();
        let offset = offset.min(self.text.len());
        let block = (offset / CHECKPOINT_BYTES).min(checkpoints.len().saturating_sub(1));
        let mut position = checkpoints.get(block).copied().unwrap_or(Position::START);
        self.advance(&mut position, block * CHECKPOINT_BYTES, offset);
        position
    }

    /// The lines from one number to another, both included and counted from 1; long lines are
    /// truncated.
    pub(super) fn lines(&self, from: u32, to: u32) -> Vec<SourceLine> {
        let from = from.max(1);
        let to = to.min(from.saturating_add(MAX_EXCERPT_LINES - 1));
        let mut found = Vec::new();
        let mut start = self.line_start(from);
        for number in from..=to {
            let Some(rest) = start.and_then(|start| self.text.get(start..)) else {
                break;
            };
            let shown = rest
                .trim_start_matches('\u{feff}')
                .chars()
                .take_while(|c| !matches!(c, '\n' | '\r'))
                .take(MAX_LINE_CHARS + 1);
            let mut text: String = shown.collect();
            if let Some((cut, _)) = text.char_indices().nth(MAX_LINE_CHARS) {
                text.truncate(cut);
                text.push('…');
            }
            found.push(SourceLine { number, text });
            start = self.line_start(number.saturating_add(1));
        }
        found
    }

    /// The offset of the beginning of a line; `None` past the last line. A line break at the end of
    /// the text begins no line.
    fn line_start(&self, line: u32) -> Option<usize> {
        if line <= 1 {
            return (!self.text.is_empty()).then_some(0);
        }
        let checkpoints = self.checkpoints();
        let block = checkpoints
            .partition_point(|checkpoint| checkpoint.line < line)
            .saturating_sub(1);
        let mut current = checkpoints.get(block)?.line;
        let bytes = self.text.as_bytes();
        for offset in block * CHECKPOINT_BYTES..bytes.len() {
            if ends_line(bytes, offset) {
                current += 1;
                if current == line {
                    return (offset + 1 < bytes.len()).then_some(offset + 1);
                }
            }
        }
        None
    }

    fn checkpoints(&self) -> &[Position] {
        self.checkpoints.get_or_init(|| {
            let mut found = Vec::with_capacity(self.text.len() / CHECKPOINT_BYTES + 1);
            let mut position = Position::START;
            let mut start = 0;
            found.push(position);
            while start + CHECKPOINT_BYTES <= self.text.len() {
                self.advance(&mut position, start, start + CHECKPOINT_BYTES);
                start += CHECKPOINT_BYTES;
                found.push(position);
            }
            found
        })
    }

    fn advance(&self, position: &mut Position, from: usize, to: usize) {
        let bytes = self.text.as_bytes();
        for (offset, byte) in bytes.iter().enumerate().take(to).skip(from) {
            if matches!(byte, b'\n' | b'\r') {
                if ends_line(bytes, offset) {
                    position.line = position.line.saturating_add(1);
                    position.column = 1;
                }
            } else if byte & 0xC0 != 0x80 && !(position.column == 1 && is_mark(bytes, offset)) {
                position.column = position.column.saturating_add(1);
            }
        }
    }
}

/// True if a byte order mark is at the offset. No editor counts one at the beginning of a line.
fn is_mark(bytes: &[u8], offset: usize) -> bool {
    bytes
        .get(offset..)
        .is_some_and(|rest| rest.starts_with("\u{feff}".as_bytes()))
}

/// True if the byte is the last one of a line break: `\n`, or a `\r` without a `\n` after it.
fn ends_line(bytes: &[u8], offset: usize) -> bool {
    match bytes.get(offset) {
        Some(b'\n') => true,
        Some(b'\r') => bytes.get(offset + 1) != Some(&b'\n'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceText {
        SourceText::new(Arc::from("file"), Arc::from(text))
    }

    #[test]
    fn position_counts_lines_and_characters_from_one() {
        for (text, offset, expected) in [
            ("", 0, "1:1"),
            ("abc", 2, "1:3"),
            ("a\nb", 2, "2:1"),
            ("a\r\nb", 3, "2:1"),
            ("a\rb", 2, "2:1"),
            ("äö\näx", 7, "2:2"),
            ("ab", 99, "1:3"),
            ("\u{feff}ab", 3, "1:1"),
            ("\u{feff}ab", 4, "1:2"),
            ("a\n\u{feff}b: c", 8, "2:4"),
            ("a\u{feff}b", 4, "1:3"),
        ] {
            assert_eq!(
                source(text).position(offset).to_string(),
                expected,
                "{text:?} at {offset}"
            );
        }
    }

    #[test]
    fn position_equals_a_plain_count_across_checkpoints() {
        let text = "key: ü\r\n  - value\n\r".repeat(500) + &"ü".repeat(5000);
        let source = source(&text);
        let (mut line, mut column) = (1, 1);
        for (offset, character) in text.char_indices() {
            assert_eq!(
                source.position(offset),
                Position { line, column },
                "{offset}"
            );
            match character {
                '\n' => (line, column) = (line + 1, 1),
                '\r' if !text[offset + 1..].starts_with('\n') => (line, column) = (line + 1, 1),
                '\r' => {}
                _ => column += 1,
            }
        }
    }

    #[test]
    fn excerpt_has_the_requested_lines() {
        let text = (1..=600)
            .map(|number| format!("line {number}\n"))
            .collect::<String>();
        for (from, to, expected) in [
            (0, 2, vec!["line 1", "line 2"]),
            (599, 700, vec!["line 599", "line 600"]),
            (601, 700, vec![]),
            (5, 4, vec![]),
            (300, 300, vec!["line 300"]),
        ] {
            let lines = source(&text).lines(from, to);
            let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(texts, expected, "{from}..={to}");
            assert!(
                lines
                    .iter()
                    .zip(from.max(1)..)
                    .all(|(line, number)| line.number == number)
            );
        }
    }

    #[test]
    fn excerpt_has_no_byte_order_mark() {
        let lines = source("\u{feff}a\n\u{feff}b\n").lines(1, 2);
        let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["a", "b"]);
    }

    #[test]
    fn long_line_is_truncated() {
        let lines = source(&"ü".repeat(100_000)).lines(1, 1);
        assert_eq!(lines[0].text.chars().count(), MAX_LINE_CHARS + 1);
        assert!(lines[0].text.ends_with('…'));
    }
}
