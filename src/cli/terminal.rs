//! Standard output as the user sees it: colour, width, progress, and a pipe that may be closed.

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use kubevet_model::escape_char;
use kubevet_report::{Style, View};
use std::{
    env, fs,
    io::{self, BufWriter, IsTerminal as _, Write},
    path::Path,
};

/// The width of a terminal that does not tell its own.
const DEFAULT_COLUMNS: usize = 100;

/// Returns the style for the output. It has colour only on a terminal, unless `NO_COLOR` forbids it
/// (<https://no-color.org>) or `CLICOLOR_FORCE` asks for it.
pub(super) fn style(view: View, to_file: bool) -> Style {
    let is_terminal = !to_file && io::stdout().is_terminal();
    Style {
        view,
        color: has_color(is_terminal, to_file),
        width: columns(is_terminal),
        verbose: false,
    }
}

fn has_color(is_terminal: bool, to_file: bool) -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
    let is_forced = !to_file
        && env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0" && !value.is_empty());
    !is_set("NO_COLOR") && (is_forced || (is_terminal && !is_dumb))
}

/// Returns the width of the terminal, or `COLUMNS` if it is unknown. Without a terminal lines have
/// any width, because other programs read whole lines.
fn columns(is_terminal: bool) -> Option<usize> {
    if !is_terminal {
        return None;
    }
    let variable = env::var("COLUMNS").ok();
    let variable = variable.and_then(|value| value.parse().ok());
    let measured = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    measured.or(variable).or(Some(DEFAULT_COLUMNS))
}

/// Writes to a file, or to standard output if none is named. A closed pipe is not an error.
pub(super) fn write(
    file: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    if let Some(path) = file {
        // Rendered first, so that a failure cannot replace a whole report by a part of one.
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        return fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()));
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Writes lines for people to standard output, with hidden characters escaped: the lines quote
/// names and messages of objects and policies.
pub(super) fn write_escaped(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    write(&mut bytes).context("cannot write to standard output")?;
    let escaped = escape_lines(&String::from_utf8_lossy(&bytes));
    self::write(None, |out| out.write_all(escaped.as_bytes()))
}

/// Escapes the hidden characters of a string, apart from line breaks.
fn escape_lines(string: &str) -> String {
    let mut escaped = String::with_capacity(string.len());
    for c in string.chars() {
        if c == '\n' {
            escaped.push(c);
        } else {
            escape_char(c, &mut escaped);
        }
    }
    escaped
}

/// Returns a progress bar on standard error. It is hidden if that is not a terminal.
pub(super) fn progress_bar(activity: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(0).with_message(activity);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Returns a line on standard error that shows what is under way. It is hidden if that is not a
/// terminal.
pub(super) fn spinner() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("reading {spinner} {msg}");
    let bar = ProgressBar::new_spinner();
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::escape_lines;

    #[test]
    fn line_for_people_has_no_character_that_a_terminal_interprets() {
        assert_eq!(
            escape_lines("a\u{1b}[2J\u{202e}\nb\r\n"),
            "a\\u{1b}[2J\\u{202e}\nb\\r\n"
        );
    }
}
