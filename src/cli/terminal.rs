//! The user's terminal: colour, width, progress, and a standard output that may be a closed pipe.

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use kubevet_model::escape_char;
use kubevet_report::{Style, View};
use std::{
    env, fs,
    io::{self, BufWriter, IsTerminal as _, Write},
    path::Path,
};

/// Columns where nobody can say how many there are: a pipe or a file.
const WIDTH: usize = 100;

/// How to write for this output: in colour only to a terminal, unless NO_COLOR says otherwise (no-color.org) or
/// CLICOLOR_FORCE asks for it.
pub(super) fn style(view: View, to_file: bool) -> Style {
    let terminal = !to_file && io::stdout().is_terminal();
    let set = |name: &str| env::var_os(name).is_some_and(|it| !it.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|it| it == "dumb");
    let forced =
        !to_file && env::var_os("CLICOLOR_FORCE").is_some_and(|it| it != "0" && !it.is_empty());
    let color = !set("NO_COLOR") && (forced || (terminal && !dumb));
    let columns = env::var("COLUMNS").ok().and_then(|it| it.parse().ok());
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let width = if terminal {
        measured().or(columns).unwrap_or(WIDTH)
    } else {
        columns.unwrap_or(WIDTH)
    };
    Style { view, color, width }
}

/// Writes to a file, or to standard output where none is named. A pipe that somebody closed is no error.
pub(super) fn write(
    file: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    if let Some(path) = file {
        // Rendered first, so that a failure cannot leave half a report where a whole one stood.
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        return fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()));
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Writes lines for people to standard output, with what a terminal would obey written out: they quote names and messages
/// of objects and policies.
pub(super) fn write_shown(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    write(&mut bytes).context("cannot write to standard output")?;
    let text = shown(&String::from_utf8_lossy(&bytes));
    self::write(None, |out| out.write_all(text.as_bytes()))
}

/// The lines of a text, hidden characters written out.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| {
        if c == '\n' {
            shown.push(c)
        } else {
            escape_char(c, &mut shown)
        }
    });
    shown
}

/// Progress of long work on stderr, seen only on a terminal.
pub(super) fn progress(what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(0).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn lines_for_people_have_nothing_that_a_terminal_obeys() {
        assert_eq!(
            shown("a\u{1b}[2J\u{202e}\nb\r\n"),
            "a\\u{1b}[2J\\u{202e}\nb\\r\n"
        );
    }
}
