//! Lines for a terminal: colour where it is wanted, prose wrapped at the width. The one door for text from outside:
//! `ink` and `flow` make everything visible (`text::visible`); only what they return may be written.

use super::{Style, text};
use kubevet_model::Severity;
use std::io;

/// Prose is not set wider than this, however wide the terminal: nobody reads longer lines.
const PROSE: usize = 110;

/// What a piece of text is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Strong,
    Faint,
    Good,
    Doubt,
    Bad,
    Edit,
    Severity(Severity),
}

impl Ink {
    /// The SGR parameters; none for plain text.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good | Self::Edit => "32",
            Self::Doubt => "33",
            Self::Bad => "1;31",
            Self::Severity(Severity::Critical) => "1;7;31",
            Self::Severity(Severity::High) => "1;31",
            Self::Severity(Severity::Medium) => "33",
            Self::Severity(Severity::Low) => "36",
        }
    }
}

/// A writer of lines in a style.
pub(crate) struct Page<'a> {
    out: &'a mut dyn io::Write,
    color: bool,
    width: usize,
}

impl<'a> Page<'a> {
    /// A page on a writer.
    pub(crate) fn new(style: &Style, out: &'a mut dyn io::Write) -> Self {
        Self {
            out,
            color: style.color,
            width: style.width.max(40),
        }
    }

    /// Columns of the terminal.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// A text made visible, in its colour.
    pub(crate) fn ink(&self, ink: Ink, text: &str) -> String {
        let text = text::visible(text);
        match ink.code() {
            code if self.color && !code.is_empty() && !text.is_empty() => {
                format!("\u{1b}[{code}m{text}\u{1b}[0m")
            }
            _ => text.into_owned(),
        }
    }

    /// A text in its colour, filled up with spaces to `columns`.
    pub(crate) fn cell(&self, ink: Ink, text: &str, columns: usize) -> String {
        let fill = columns.saturating_sub(text::width(text));
        format!("{}{:fill$}", self.ink(ink, text), "")
    }

    /// Writes one line, already in its inks.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", line.trim_end())
    }

    /// Writes an empty line.
    pub(crate) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Writes a headline.
    pub(crate) fn headline(&mut self, text: &str) -> io::Result<()> {
        let line = self.ink(Ink::Strong, text);
        self.line(&line)
    }

    /// Writes prose after a lead (already in its inks, `hang` columns wide); further lines are indented by `hang`.
    /// White space of any kind separates words; a word is never broken, so that paths can be copied.
    pub(crate) fn flow(
        &mut self,
        lead: &str,
        hang: usize,
        spans: &[(Ink, &str)],
    ) -> io::Result<()> {
        let limit = self.width.min(PROSE).saturating_sub(hang).max(20);
        let mut start = lead.to_owned();
        let mut line: Vec<(Ink, String)> = Vec::new();
        let mut used = 0;
        for (ink, span) in spans {
            for word in span.split_whitespace() {
                let word = text::visible(word);
                let columns = text::width(&word);
                if used > 0 && used + 1 + columns > limit {
                    let inked = self.join(&line);
                    self.line(&format!("{start}{inked}"))?;
                    start = format!("{:hang$}", "");
                    line.clear();
                    used = 0;
                }
                used += columns + usize::from(used > 0);
                match line.last_mut() {
                    Some((last, text)) if last == ink => {
                        text.push(' ');
                        text.push_str(&word);
                    }
                    _ => line.push((*ink, word.into_owned())),
                }
            }
        }
        let inked = self.join(&line);
        self.line(&format!("{start}{inked}"))
    }

    fn join(&self, line: &[(Ink, String)]) -> String {
        line.iter()
            .map(|(ink, text)| self.ink(*ink, text))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;

    fn check(width: usize, color: bool, spans: &[(Ink, &str)], expected: &str) {
        let mut out = Vec::new();
        Page::new(
            &Style {
                view: View::Resource,
                color,
                width,
            },
            &mut out,
        )
        .flow("  > ", 4, spans)
        .unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn prose_is_wrapped_between_words_and_hangs() {
        let text = "a container that is privileged can do everything that the node can";
        check(
            40,
            false,
            &[(Ink::Plain, text)],
            "  > a container that is privileged can\n    do everything that the node can\n",
        );
        let long = format!("see {}", "x".repeat(60));
        check(
            40,
            false,
            &[(Ink::Plain, &long)],
            &format!("  > see\n    {}\n", "x".repeat(60)),
        );
        check(40, false, &[], "  >\n");
    }

    #[test]
    fn colour_does_not_count_and_text_from_outside_brings_none() {
        let spans = [(Ink::Bad, "one two"), (Ink::Plain, "\u{1b}[2Jthree")];
        check(80, false, &spans, "  > one two \\u{1b}[2Jthree\n");
        check(
            80,
            true,
            &spans,
            "  > \u{1b}[1;31mone two\u{1b}[0m \\u{1b}[2Jthree\n",
        );
    }
}
