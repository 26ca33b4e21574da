//! Wadler's algorithm ("A prettier printer"): a document of strings, possible line breaks and groups
//! becomes lines. A group is printed on one line if it fits, else at all of its breaks. Nothing
//! here knows CEL.

/// The width of a line. An element that cannot be broken may be longer.
const MAX_COLUMNS: usize = 100;
/// One level of indentation.
const INDENT: usize = 2;

/// A string with possible line breaks.
pub(super) enum Doc {
    Text(String),
    /// A line break, or a space on one line.
    Line,
    /// A line break, or nothing on one line.
    SoftLine,
    Concat(Vec<Doc>),
    /// One level more of indentation after the breaks inside.
    Nest(Box<Doc>),
    /// All breaks inside that are in no inner group, or none.
    Group(Box<Doc>),
    /// Strings with breaks between them, each taken only where the next string does not fit.
    Fill(Vec<String>),
}

pub(super) fn text(value: impl Into<String>) -> Doc {
    Doc::Text(value.into())
}

pub(super) fn nest(docs: Vec<Doc>) -> Doc {
    Doc::Nest(Box::new(Doc::Concat(docs)))
}

pub(super) fn group(docs: Vec<Doc>) -> Doc {
    Doc::Group(Box::new(Doc::Concat(docs)))
}

/// True if a string fits on a line.
pub(super) fn fits_on_line(value: &str) -> bool {
    value.chars().count() <= MAX_COLUMNS
}

/// In brackets, indented where it is broken.
pub(super) fn brackets(open: &str, inside: Doc, close: &str) -> Doc {
    group(vec![
        text(open),
        nest(vec![Doc::SoftLine, inside]),
        Doc::SoftLine,
        text(close),
    ])
}

/// How the breaks of a document are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    OneLine,
    Broken,
}

/// A document to be printed, with its indentation in columns.
type Pending<'d> = (usize, Mode, &'d Doc);

pub(super) fn render(doc: &Doc) -> String {
    let mut out = String::new();
    let mut column = 0;
    let mut pending: Vec<Pending<'_>> = vec![(0, Mode::Broken, doc)];
    while let Some((indent, mode, doc)) = pending.pop() {
        match doc {
            Doc::Text(value) => {
                out.push_str(value);
                column += value.chars().count();
            }
            Doc::Line | Doc::SoftLine if mode == Mode::Broken => {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            }
            Doc::Line => {
                out.push(' ');
                column += 1;
            }
            Doc::SoftLine => {}
            Doc::Concat(docs) => {
                pending.extend(docs.iter().rev().map(|doc| (indent, mode, doc)));
            }
            Doc::Nest(inner) => pending.push((indent + INDENT, mode, inner)),
            Doc::Group(inner) => {
                // Within a group on one line there is nothing to decide.
                let fits = mode == Mode::OneLine
                    || fits(MAX_COLUMNS.saturating_sub(column), inner, &pending);
                let mode = if fits { Mode::OneLine } else { Mode::Broken };
                pending.push((indent, mode, inner));
            }
            Doc::Fill(items) => fill(items, indent, mode, &mut column, &mut out),
        }
    }
    out
}

/// Prints strings, each after a break only where it does not fit.
fn fill(items: &[String], indent: usize, mode: Mode, column: &mut usize, out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        let width = item.chars().count();
        if index > 0 {
            if mode == Mode::Broken && *column + 1 + width > MAX_COLUMNS {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                *column = indent;
            } else {
                out.push(' ');
                *column += 1;
            }
        }
        out.push_str(item);
        *column += width;
    }
}

/// True if a group fits on the line, together with what follows it up to the next break.
fn fits(width: usize, group: &Doc, following: &[Pending<'_>]) -> bool {
    let mut left = width;
    let mut following = following.iter().rev();
    let mut pending: Vec<(Mode, &Doc)> = vec![(Mode::OneLine, group)];
    loop {
        let Some((mode, doc)) = pending.pop() else {
            let Some((_, mode, doc)) = following.next() else {
                return true;
            };
            pending.push((*mode, doc));
            continue;
        };
        let taken = match doc {
            Doc::Text(value) => value.chars().count(),
            Doc::Line | Doc::SoftLine if mode == Mode::Broken => return true,
            Doc::Line => 1,
            Doc::SoftLine => 0,
            Doc::Concat(docs) => {
                pending.extend(docs.iter().rev().map(|doc| (mode, doc)));
                0
            }
            Doc::Nest(inner) | Doc::Group(inner) => {
                pending.push((mode, inner));
                0
            }
            Doc::Fill(items) => {
                let chars: usize = items.iter().map(|item| item.chars().count() + 1).sum();
                chars.saturating_sub(1)
            }
        };
        let Some(rest) = left.checked_sub(taken) else {
            return false;
        };
        left = rest;
    }
}
