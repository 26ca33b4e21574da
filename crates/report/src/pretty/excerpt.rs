//! Source lines around a position, with carets under the words that are meant, as compilers show
//! them.

use crate::{
    sanitize::display_width,
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{Position, SourceLine, SourceLocation};
use std::{collections::BTreeSet, io};

/// The number of lines shown before and after the position.
const CONTEXT_LINES: u32 = 2;
/// The minimum width of a line number.
const MIN_GUTTER_COLUMNS: usize = 3;
/// The minimum width of the shown part of a line, however narrow the terminal is.
const MIN_WINDOW_COLUMNS: usize = 20;
/// The columns that are kept free after the position, so that its word is likely to be shown.
const COLUMNS_AFTER_POSITION: usize = 12;

/// Writes the excerpt for sources that share one line. Without lines it writes the arrow alone.
pub(super) fn write(
    sources: &[&SourceLocation],
    lines: &[SourceLine],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let Some(first) = sources.first() else {
        return Ok(());
    };
    let marked_line = first.position.line;
    let shown: Vec<&SourceLine> = lines
        .iter()
        .filter(|line| line.number.abs_diff(marked_line) <= CONTEXT_LINES)
        .collect();
    let last_number = shown.iter().map(|line| line.number).max();
    let last_number = last_number.unwrap_or(marked_line).to_string();
    let gutter = last_number.len().max(MIN_GUTTER_COLUMNS);
    let location = format!("{}:{}", first.file, first.position);
    let arrow = format!(
        "  {:gutter$}{} {}",
        "",
        writer.styled(TextStyle::Faint, "-->"),
        writer.styled(TextStyle::Plain, &location)
    );
    writer.line(&arrow)?;
    let columns: BTreeSet<usize> = sources
        .iter()
        .filter_map(|source| usize::try_from(source.position.column).ok())
        .collect();
    for line in shown {
        let room = writer.width().saturating_sub(gutter + 6);
        let window = Window::new(line, first.position, room);
        if line.number == marked_line {
            write_marked_line(line.number, gutter, &window, &columns, writer)?;
        } else {
            let number = format!("{:>gutter$}", line.number);
            let context = format!("  {number} │ {}", window.visible());
            let context = writer.styled(TextStyle::Faint, &context);
            writer.line(&context)?;
        }
    }
    Ok(())
}

/// Writes the line that the findings are on, and the carets below it.
fn write_marked_line(
    number: u32,
    gutter: usize,
    window: &Window,
    columns: &BTreeSet<usize>,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let bar = writer.styled(TextStyle::Faint, "│");
    let line = format!(
        " {}{} {bar} {}",
        writer.styled(TextStyle::Bad, ">"),
        writer.styled(TextStyle::Bad, &format!("{number:>gutter$}")),
        writer.styled(TextStyle::Plain, &window.visible())
    );
    writer.line(&line)?;
    let carets = writer.styled(TextStyle::Bad, &window.carets(columns));
    writer.line(&format!("  {:gutter$} {bar} {carets}", ""))
}

/// The part of a line that fits, chosen so that it contains the position.
struct Window {
    /// The characters shown: the column in the source, and the character as it is printed.
    characters: Vec<(usize, String)>,
    /// True if characters before the window are left out.
    cut_before: bool,
    /// True if characters after the window are left out.
    cut_after: bool,
}

impl Window {
    /// Chooses the window of a line for a terminal with `room` columns.
    fn new(line: &SourceLine, position: Position, room: usize) -> Self {
        let room = room.max(MIN_WINDOW_COLUMNS);
        let column = usize::try_from(position.column).unwrap_or(usize::MAX);
        let source = line.text.trim_end();
        let length = source.chars().count();
        // A line that fits, or whose position is near its beginning, is shown from its beginning.
        // Any other window has the position in its middle.
        let skipped = if column.saturating_add(COLUMNS_AFTER_POSITION) > room && length > room {
            column.min(length).saturating_sub(room / 2)
        } else {
            0
        };
        let cut_before = skipped > 0;
        let mut characters: Vec<(usize, String)> = source
            .chars()
            .enumerate()
            .skip(skipped)
            .map(|(index, c)| (index + 1, printed(c)))
            .collect();
        // The ellipsis before the window takes a column.
        let room = room - usize::from(cut_before);
        let mut used = 0;
        let fitting = characters.iter().take_while(|(_, printed)| {
            used += display_width(printed);
            used <= room
        });
        let fitting = fitting.count();
        let cut_after = fitting < characters.len();
        // The last character that fits gives its column to the ellipsis after the window.
        characters.truncate(fitting.saturating_sub(usize::from(cut_after)));
        Self {
            characters,
            cut_before,
            cut_after,
        }
    }

    /// Returns the window as it is printed; an ellipsis marks each cut.
    fn visible(&self) -> String {
        let mut visible = String::from(if self.cut_before { "…" } else { "" });
        visible.extend(self.characters.iter().map(|(_, printed)| printed.as_str()));
        if self.cut_after {
            visible.push('…');
        }
        visible
    }

    /// Returns the line of carets: from each of the columns to the end of its word.
    fn carets(&self, columns: &BTreeSet<usize>) -> String {
        let mut carets = String::from(if self.cut_before { " " } else { "" });
        let mut in_word = false;
        for (index, (column, printed)) in self.characters.iter().enumerate() {
            in_word = columns.contains(column) || (in_word && !self.ends_word(index));
            let mark = if in_word { "^" } else { " " };
            carets.push_str(&mark.repeat(display_width(printed)));
        }
        let end = carets.trim_end().len();
        if end == 0 {
            // The position is outside the window: the caret is after it, or at the start of an
            // empty line.
            return if self.cut_before || self.cut_after {
                format!("{carets}^")
            } else {
                "^".to_owned()
            };
        }
        carets.truncate(end);
        carets
    }

    /// True if the character at an index ends a word of YAML: white space, the end of an item of a
    /// flow sequence or mapping, or the colon of a key.
    fn ends_word(&self, index: usize) -> bool {
        let is_blank = |index: usize| {
            self.characters
                .get(index)
                .is_none_or(|(_, printed)| printed.chars().all(char::is_whitespace))
        };
        let character = self
            .characters
            .get(index)
            .map_or("", |(_, printed)| printed.as_str());
        is_blank(index)
            || matches!(character, "," | "]" | "}")
            || (character == ":" && is_blank(index + 1))
    }
}

/// Returns a character as it is printed: escaped if it is hidden, two spaces for a tab.
fn printed(c: char) -> String {
    if c == '\t' {
        return "  ".to_owned();
    }
    let mut printed = String::new();
    kubevet_model::escape_char(c, &mut printed);
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, column: u32, room: usize, expected: (&str, &str)) {
        let line = SourceLine {
            number: 1,
            text: source.to_owned(),
        };
        let window = Window::new(&line, Position { line: 1, column }, room);
        assert_eq!(
            (
                window.visible().as_str(),
                window.carets(&BTreeSet::from([column as usize])).as_str()
            ),
            expected
        );
    }

    #[test]
    fn carets_mark_the_whole_word() {
        check("  - name: app", 5, 60, ("  - name: app", "    ^^^^"));
        check(
            "  privileged: true  # why",
            3,
            60,
            ("  privileged: true  # why", "  ^^^^^^^^^^"),
        );
        check(
            "add: [NET_ADMIN, ALL]",
            7,
            60,
            ("add: [NET_ADMIN, ALL]", "      ^^^^^^^^^"),
        );
        check(
            "- nginx:latest",
            3,
            60,
            ("- nginx:latest", "  ^^^^^^^^^^^^"),
        );
        check(
            "\"漢字\": 漢字 x: 1",
            10,
            60,
            ("\"漢字\": 漢字 x: 1", "             ^"),
        );
        check("\tx: 1", 2, 60, ("  x: 1", "  ^"));
        check("a\u{1b}b: 1", 3, 60, ("a\\u{1b}b: 1", "       ^"));
        check("a: 1\r", 1, 60, ("a: 1", "^"));
        check("", 1, 60, ("", "^"));
    }

    #[test]
    fn long_line_is_truncated_around_the_position() {
        let long = format!("{}needle{}", "x ".repeat(100), " y".repeat(100));
        check(
            &long,
            201,
            30,
            ("…x x x x x x x needle y y y y…", "               ^^^^^^"),
        );
        check(&long, 9999, 30, ("…y y y y y y y y", "                ^"));
        check(&"z".repeat(30), 1, 30, (&"z".repeat(30), &"^".repeat(30)));
        check(
            &"z".repeat(50),
            1,
            30,
            (&format!("{}…", "z".repeat(29)), &"^".repeat(29)),
        );
    }
}
