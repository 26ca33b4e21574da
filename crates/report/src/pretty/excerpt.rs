//! Lines of a source around a place, with carets under what is meant, as compilers show them.

use crate::{
    page::{Ink, Page},
    text,
};
use kubevet_model::{Position, Source, SourceLine};
use std::io;

/// Lines shown before and after the place.
const AROUND: u32 = 2;

/// Writes the excerpt for places that share one line. Without lines only the arrow is written.
pub(super) fn write(
    places: &[&Source],
    lines: &[SourceLine],
    page: &mut Page<'_>,
) -> io::Result<()> {
    let Some(first) = places.first() else {
        return Ok(());
    };
    let place = first.position.line;
    let near: Vec<&SourceLine> = lines
        .iter()
        .filter(|it| it.number.abs_diff(place) <= AROUND)
        .collect();
    let gutter = near
        .iter()
        .map(|it| it.number)
        .max()
        .unwrap_or(place)
        .to_string()
        .len()
        .max(3);
    let arrow = page.ink(Ink::Faint, "-->");
    page.line(&format!(
        "  {:gutter$}{arrow} {}",
        "",
        page.ink(Ink::Plain, &format!("{}:{}", first.file, first.position))
    ))?;
    for it in near {
        let number = format!("{:>gutter$}", it.number);
        let shown = Window::of(it, first.position, page.width().saturating_sub(gutter + 6));
        if it.number == place {
            let (mark, number) = (page.ink(Ink::Bad, ">"), page.ink(Ink::Bad, &number));
            let line = format!(
                " {mark}{number} {} {}",
                page.ink(Ink::Faint, "│"),
                page.ink(Ink::Plain, &shown.text())
            );
            page.line(&line)?;
            let columns: Vec<u32> = places.iter().map(|it| it.position.column).collect();
            let carets = page.ink(Ink::Bad, &shown.carets(&columns));
            let line = format!("  {:gutter$} {} {carets}", "", page.ink(Ink::Faint, "│"));
            page.line(&line)?;
        } else {
            let line = page.ink(Ink::Faint, &format!("  {number} │ {}", shown.text()));
            page.line(&line)?;
        }
    }
    Ok(())
}

/// The part of a line that fits, chosen so that the place is in it.
struct Window {
    /// Each character shown: its column in the source, and how it is shown.
    letters: Vec<(usize, String)>,
    /// Whether something before it is left out.
    before: bool,
    /// Whether something after it is left out.
    after: bool,
}

impl Window {
    fn of(line: &SourceLine, position: Position, room: usize) -> Self {
        let room = room.max(20);
        let column = usize::try_from(position.column).unwrap_or(usize::MAX);
        let text = line.text.trim_end();
        let total: usize = text.chars().count();
        let skip = if column.saturating_add(12) > room && total > room {
            column.min(total).saturating_sub(room / 2)
        } else {
            0
        };
        let mut letters: Vec<(usize, String)> = text
            .chars()
            .enumerate()
            .skip(skip)
            .map(|(i, c)| (i + 1, letter(c)))
            .collect();
        let room = room - usize::from(skip > 0);
        let mut used = 0;
        let fits = letters.iter().take_while(|(_, shown)| {
            used += text::width(shown);
            used <= room
        });
        let fits = fits.count();
        let after = fits < letters.len();
        letters.truncate(if after { fits.saturating_sub(1) } else { fits });
        Self {
            letters,
            before: skip > 0,
            after,
        }
    }

    fn text(&self) -> String {
        let mut text = String::from(if self.before { "…" } else { "" });
        text.extend(self.letters.iter().map(|(_, shown)| shown.as_str()));
        if self.after {
            text.push('…');
        }
        text
    }

    /// Carets from each column to the end of its word.
    fn carets(&self, columns: &[u32]) -> String {
        let mut carets = String::from(if self.before { " " } else { "" });
        let mut marked = false;
        for (i, (column, shown)) in self.letters.iter().enumerate() {
            let starts = columns.iter().any(|it| usize::try_from(*it) == Ok(*column));
            marked = starts || (marked && !self.ends_word(i));
            let letter = if marked { "^" } else { " " };
            carets.push_str(&letter.repeat(text::width(shown)));
        }
        let end = carets.trim_end().len();
        if end == 0 {
            return if self.before || self.after {
                format!("{carets}^")
            } else {
                "^".to_owned()
            };
        }
        carets.truncate(end);
        carets
    }

    /// Whether a letter ends a word of YAML: white space, what ends an item of a flow list or map, the colon of a key.
    fn ends_word(&self, at: usize) -> bool {
        let blank = |at: usize| {
            self.letters
                .get(at)
                .is_none_or(|(_, it)| it.chars().all(char::is_whitespace))
        };
        let letter = self.letters.get(at).map_or("", |(_, it)| it.as_str());
        blank(at) || matches!(letter, "," | "]" | "}") || (letter == ":" && blank(at + 1))
    }
}

/// A character as it is shown; a tab is two spaces.
fn letter(c: char) -> String {
    if c == '\t' {
        return "  ".to_owned();
    }
    let mut shown = String::new();
    kubevet_model::escape_char(c, &mut shown);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_model::Position;

    fn check(text: &str, column: u32, room: usize, expected: (&str, &str)) {
        let line = SourceLine {
            number: 1,
            text: text.to_owned(),
        };
        let window = Window::of(&line, Position { line: 1, column }, room);
        assert_eq!(
            (window.text().as_str(), window.carets(&[column]).as_str()),
            expected
        );
    }

    #[test]
    fn carets_stand_under_the_word() {
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
    fn long_lines_are_cut_around_the_place() {
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
