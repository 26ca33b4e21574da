//! Writes lines to a terminal: styled strings, padded columns, prose wrapped at the width.
//!
//! It is the only place where strings from outside enter a report for people. `styled`, `padded`
//! and `wrapped` escape their strings (`sanitize`); only what they return may be written.

use super::{Style, sanitize};
use kubevet_model::Severity;
use std::io;

/// The maximum width of prose in columns, however wide the terminal is: longer lines are hard to
/// read.
const MAX_PROSE_COLUMNS: usize = 110;

/// The minimum width of a line: a narrower terminal wraps by itself.
const MIN_COLUMNS: usize = 40;

/// The minimum width of wrapped prose in columns, however far it is indented.
const MIN_PROSE_COLUMNS: usize = 20;

/// The role of a string in a report, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextStyle {
    Plain,
    Strong,
    Faint,
    Good,
    Warning,
    Bad,
    Edit,
    Severity(Severity),
}

impl TextStyle {
    /// Returns the SGR parameters of the style (ECMA-48); empty for plain text.
    fn sgr_parameters(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good | Self::Edit => "32",
            Self::Warning => "33",
            Self::Bad => "1;31",
            Self::Severity(Severity::Critical) => "1;7;31",
            Self::Severity(Severity::High) => "1;31",
            Self::Severity(Severity::Medium) => "33",
            Self::Severity(Severity::Low) => "36",
        }
    }
}

/// A writer of lines in a presentation style.
pub(crate) struct TerminalWriter<'a> {
    out: &'a mut dyn io::Write,
    color: bool,
    width: usize,
}

impl<'a> TerminalWriter<'a> {
    /// Creates a terminal writer over `out`.
    pub(crate) fn new(style: &Style, out: &'a mut dyn io::Write) -> Self {
        Self {
            out,
            color: style.color,
            width: style.width.unwrap_or(usize::MAX).max(MIN_COLUMNS),
        }
    }

    /// Returns the columns of a line; `usize::MAX` if they are not limited.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// True if lines have a width, as in a terminal.
    pub(crate) fn is_limited(&self) -> bool {
        self.width < usize::MAX
    }

    /// Returns the maximum width of a column: `columns`, or none where lines are not limited.
    pub(crate) fn at_most(&self, columns: usize) -> usize {
        if self.is_limited() {
            columns
        } else {
            usize::MAX
        }
    }

    /// Escapes a string and colours it.
    pub(crate) fn styled(&self, style: TextStyle, string: &str) -> String {
        let escaped = sanitize::escape_bounded(string);
        match style.sgr_parameters() {
            sgr if self.color && !sgr.is_empty() && !escaped.is_empty() => {
                format!("\u{1b}[{sgr}m{escaped}\u{1b}[0m")
            }
            _ => escaped.into_owned(),
        }
    }

    /// Styles a string and pads it with spaces to `columns`.
    pub(crate) fn padded(&self, style: TextStyle, string: &str, columns: usize) -> String {
        let fill = columns.saturating_sub(sanitize::display_width(string));
        format!("{}{:fill$}", self.styled(style, string), "")
    }

    /// Writes a line of strings that are styled already.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", line.trim_end())
    }

    /// Writes an empty line.
    pub(crate) fn blank_line(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Writes a heading.
    pub(crate) fn heading(&mut self, title: &str) -> io::Result<()> {
        let line = self.styled(TextStyle::Strong, title);
        self.line(&line)
    }

    /// Writes prose after `lead`, which is styled already and `indent` columns wide. Further lines
    /// are indented by `indent`. White space of any kind separates words. A word is never broken,
    /// so that paths can be copied.
    pub(crate) fn wrapped(
        &mut self,
        lead: &str,
        indent: usize,
        spans: &[(TextStyle, &str)],
    ) -> io::Result<()> {
        self.wrapped_at(self.width.min(MAX_PROSE_COLUMNS), lead, indent, spans)
    }

    /// Writes an entry of a list as [`Self::wrapped`] writes prose, but over the whole width: where
    /// it is not limited, an entry is one line.
    pub(crate) fn entry(
        &mut self,
        lead: &str,
        indent: usize,
        spans: &[(TextStyle, &str)],
    ) -> io::Result<()> {
        self.wrapped_at(self.width, lead, indent, spans)
    }

    fn wrapped_at(
        &mut self,
        width: usize,
        lead: &str,
        indent: usize,
        spans: &[(TextStyle, &str)],
    ) -> io::Result<()> {
        let limit = width.saturating_sub(indent).max(MIN_PROSE_COLUMNS);
        let mut start = lead.to_owned();
        // The current line as runs of words of one style: each run is coloured as a whole.
        let mut runs: Vec<(TextStyle, String)> = Vec::new();
        let mut used = 0;
        for (style, span) in spans {
            for word in span.split_whitespace() {
                let word = sanitize::escape_bounded(word);
                let columns = sanitize::display_width(&word);
                if used > 0 && used + 1 + columns > limit {
                    let styled = self.join_runs(&runs);
                    self.line(&format!("{start}{styled}"))?;
                    start = format!("{:indent$}", "");
                    runs.clear();
                    used = 0;
                }
                used += columns + usize::from(used > 0);
                match runs.last_mut() {
                    Some((last_style, run)) if last_style == style => {
                        run.push(' ');
                        run.push_str(&word);
                    }
                    _ => runs.push((*style, word.into_owned())),
                }
            }
        }
        let styled = self.join_runs(&runs);
        self.line(&format!("{start}{styled}"))
    }

    fn join_runs(&self, runs: &[(TextStyle, String)]) -> String {
        runs.iter()
            .map(|(style, run)| self.styled(*style, run))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;

    #[track_caller]
    fn check(width: usize, color: bool, spans: &[(TextStyle, &str)], expected: &str) {
        let mut out = Vec::new();
        let style = Style {
            view: View::Resource,
            color,
            width: Some(width),
            verbose: false,
        };
        TerminalWriter::new(&style, &mut out)
            .wrapped("  > ", 4, spans)
            .unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn prose_is_wrapped_between_words_with_a_hanging_indent() {
        let prose = "a container that is privileged can do everything that the node can";
        check(
            40,
            false,
            &[(TextStyle::Plain, prose)],
            "  > a container that is privileged can\n    do everything that the node can\n",
        );
        let long = format!("see {}", "x".repeat(60));
        check(
            40,
            false,
            &[(TextStyle::Plain, &long)],
            &format!("  > see\n    {}\n", "x".repeat(60)),
        );
        check(40, false, &[], "  >\n");
    }

    #[test]
    fn colour_takes_no_columns_and_foreign_escapes_are_not_colour() {
        let spans = [
            (TextStyle::Bad, "one two"),
            (TextStyle::Plain, "\u{1b}[2Jthree"),
        ];
        check(80, false, &spans, "  > one two \\u{1b}[2Jthree\n");
        check(
            80,
            true,
            &spans,
            "  > \u{1b}[1;31mone two\u{1b}[0m \\u{1b}[2Jthree\n",
        );
    }
}
