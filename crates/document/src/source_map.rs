//! The text a document was read from, and the line and column of each byte of it.
//!
//! Nodes keep byte offsets only. Lines and columns are computed when somebody asks, from checkpoints at regular
//! distances, so that a position costs the same in a file of one long line as in one of many short ones.

use kubevet_model::{Position, SourceLine};
use std::sync::{Arc, OnceLock};

/// Bytes between two checkpoints.
const STRIDE: usize = 1024;

/// The most lines of one excerpt.
const EXCERPT_LINES: u32 = 1000;

/// The most characters kept of a line in an excerpt.
const EXCERPT_COLUMNS: usize = 240;

/// A text and its name.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: Arc<str>,
    pub(super) text: Arc<str>,
    checkpoints: OnceLock<Vec<Position>>,
}

impl Source {
    pub(super) fn new(file: Arc<str>, text: Arc<str>) -> Self {
        Self {
            file,
            text,
            checkpoints: OnceLock::new(),
        }
    }

    /// The line and column of the character at or around a byte offset.
    pub(super) fn position(&self, offset: usize) -> Position {
        let checkpoints = self.checkpoints();
        let offset = offset.min(self.text.len());
        let block = (offset / STRIDE).min(checkpoints.len().saturating_sub(1));
        let mut position = checkpoints.get(block).copied().unwrap_or(Position::START);
        self.advance(&mut position, block * STRIDE, offset);
        position
    }

    /// The lines from one number to another, both included and counted from 1; each cut at a bounded length.
    pub(super) fn lines(&self, from: u32, to: u32) -> Vec<SourceLine> {
        let from = from.max(1);
        let to = to.min(from.saturating_add(EXCERPT_LINES - 1));
        let mut found = Vec::new();
        let mut start = self.line_start(from);
        for number in from..=to {
            let Some(rest) = start.and_then(|start| self.text.get(start..)) else {
                break;
            };
            let shown = rest
                .chars()
                .take_while(|c| !matches!(c, '\n' | '\r'))
                .take(EXCERPT_COLUMNS + 1);
            let mut text: String = shown.collect();
            if let Some((cut, _)) = text.char_indices().nth(EXCERPT_COLUMNS) {
                text.truncate(cut);
                text.push('…');
            }
            found.push(SourceLine { number, text });
            start = self.line_start(number.saturating_add(1));
        }
        found
    }

    /// Where a line begins; `None` past the last line. A break at the very end of the text begins no line.
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
        for offset in block * STRIDE..bytes.len() {
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
            let mut found = Vec::with_capacity(self.text.len() / STRIDE + 1);
            let mut position = Position::START;
            let mut start = 0;
            found.push(position);
            while start + STRIDE <= self.text.len() {
                self.advance(&mut position, start, start + STRIDE);
                start += STRIDE;
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
            } else if byte & 0xC0 != 0x80 {
                position.column = position.column.saturating_add(1);
            }
        }
    }
}

/// Whether the byte is the last one of a line break: `\n`, or a `\r` that no `\n` follows.
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

    fn source(text: &str) -> Source {
        Source::new(Arc::from("file"), Arc::from(text))
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        for (text, offset, expected) in [
            ("", 0, "1:1"),
            ("abc", 2, "1:3"),
            ("a\nb", 2, "2:1"),
            ("a\r\nb", 3, "2:1"),
            ("a\rb", 2, "2:1"),
            ("äö\näx", 7, "2:2"),
            ("ab", 99, "1:3"),
        ] {
            assert_eq!(
                source(text).position(offset).to_string(),
                expected,
                "{text:?} at {offset}"
            );
        }
    }

    #[test]
    fn positions_agree_with_a_plain_count_across_checkpoints() {
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
    fn excerpts_hold_the_lines_asked_for() {
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
    fn long_lines_are_cut() {
        let lines = source(&"ü".repeat(100_000)).lines(1, 1);
        assert_eq!(lines[0].text.chars().count(), EXCERPT_COLUMNS + 1);
        assert!(lines[0].text.ends_with('…'));
    }
}
