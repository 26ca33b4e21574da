//! The view by object: a line for the object, a line for each defect, one merged fix.
//!
//! The object with the worst defects comes first, and so does the worst defect of an object. Every
//! critical and high defect is shown; those of lower severity up to a bound, and objects with one
//! such defect that many others have share an entry. With `verbose`, each defect has its source lines
//! and paths too, and none is left out. An object without defects and errors is not shown.

use super::{excerpt, same_defect, severity_label, snippet};
use crate::{
    number_format::severity_words,
    sanitize::display_width,
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{
    Defect, ObjectResult, RuleError, Scan, Severity, SeverityCounts, SourceLocation,
};
use std::{cmp::Reverse, io};

/// The maximum number of defects of medium and low severity that are shown of one object.
const MAX_MINOR_DEFECTS: usize = 16;
/// The same in a report of more than [`MANY_OBJECTS`].
const MAX_MINOR_DEFECTS_OF_MANY: usize = 8;
/// The number of objects above which less of each is shown.
const MANY_OBJECTS: usize = 50;
/// The columns of the label of a control that could not be evaluated.
const ERROR_COLUMNS: usize = 5;
/// The column at which a path begins.
const DETAIL_INDENT: usize = 12;

/// The widths of the columns before the text of an object's defects.
#[derive(Clone, Copy)]
struct Columns {
    severity: usize,
    position: usize,
}

impl Columns {
    fn new(shown: &[Defect<'_>], object: &ObjectResult, writer: &TerminalWriter<'_>) -> Self {
        let severities = shown
            .iter()
            .map(|defect| severity_label(defect.severity()).len());
        let positions = shown
            .iter()
            .map(|defect| display_width(&position_of(defect, writer)));
        let errors = object.errors.iter().map(|_| ERROR_COLUMNS);
        Self {
            severity: severities.chain(errors).max().unwrap_or(0),
            position: positions.max().unwrap_or(0),
        }
    }
}

pub(super) fn write(scan: &Scan, verbose: bool, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let is_shown =
        |object: &&ObjectResult| !object.findings.is_empty() || !object.errors.is_empty();
    let with_defects = |object| (object, ObjectResult::defects(object));
    let mut objects: Vec<(&ObjectResult, Vec<Defect<'_>>)> = scan
        .objects
        .iter()
        .filter(is_shown)
        .map(with_defects)
        .collect();
    // The sort is stable: equally bad objects stay in the order of the files.
    objects.sort_by_key(|(_, defects)| Reverse(count_by_severity(defects)));
    let (objects, groups) = if verbose {
        (objects, Vec::new())
    } else {
        same_defect::group(objects)
    };
    let max_minor = match objects.len() {
        _ if verbose => usize::MAX,
        count if count > MANY_OBJECTS => MAX_MINOR_DEFECTS_OF_MANY,
        _ => MAX_MINOR_DEFECTS,
    };
    for (object, defects) in objects {
        let shown = shown_number(&defects, max_minor);
        write_object(object, &defects, shown, verbose, writer)?;
    }
    same_defect::write(&groups, writer)
}

fn count_by_severity(defects: &[Defect<'_>]) -> SeverityCounts {
    defects.iter().map(Defect::severity).collect()
}

fn write_object(
    object: &ObjectResult,
    defects: &[Defect<'_>],
    shown: usize,
    verbose: bool,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let mut heading = writer.styled(TextStyle::Strong, &object.object.to_string());
    if let Some((file, position)) = object.origin.source() {
        let position = format!("{file}:{}", position.line);
        heading = format!("{heading}  {}", writer.styled(TextStyle::Faint, &position));
    }
    writer.line(&heading)?;
    let (shown, hidden) = defects.split_at(shown);
    let columns = Columns::new(shown, object, writer);
    for error in &object.errors {
        write_error(error, columns, writer)?;
    }
    let mut previous = None;
    for defect in shown {
        write_defect(defect, columns, verbose, writer)?;
        if verbose {
            let source = defect.first.source.as_ref();
            write_source(defect, source.filter(|_| previous != source), writer)?;
            previous = source;
        }
    }
    write_hidden(hidden, writer)?;
    let findings: Vec<_> = shown.iter().flat_map(Defect::findings).collect();
    snippet::write(&findings, writer)?;
    writer.blank_line()
}

/// Returns how many defects are shown: all of high severity, and `max_minor` others. The defects are
/// sorted by severity.
fn shown_number(defects: &[Defect<'_>], max_minor: usize) -> usize {
    let is_major = |defect: &&Defect<'_>| defect.severity() >= Severity::High;
    let major = defects.iter().take_while(is_major).count();
    defects.len().min(major.saturating_add(max_minor))
}

/// Returns the position of a defect: `LINE:COLUMN` in a terminal, where the file stands above it;
/// with the file where other programs read single lines. An object that was read from no file has no
/// position, and its name stands in such lines.
fn position_of(defect: &Defect<'_>, writer: &TerminalWriter<'_>) -> String {
    match (&defect.first.source, writer.is_limited()) {
        (Some(source), true) => source.position.to_string(),
        (Some(source), false) => format!("{}:{}", source.file, source.position),
        (None, true) => String::new(),
        (None, false) => defect.first.finding.subject.to_string(),
    }
}

/// Writes `SEVERITY  LINE:COLUMN  MESSAGE [IDS]`. Unless `verbose`, the reason at the end of a message
/// that does not fit into a line is left out.
fn write_defect(
    defect: &Defect<'_>,
    columns: Columns,
    verbose: bool,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let severity = defect.severity();
    let label = severity_label(severity);
    let mut lead = format!(
        "  {}  ",
        writer.padded(TextStyle::Severity(severity), &label, columns.severity),
    );
    let mut indent = columns.severity + 4;
    if columns.position > 0 {
        let position = position_of(defect, writer);
        lead += &writer.padded(TextStyle::Faint, &position, columns.position);
        lead += "  ";
        indent += columns.position + 2;
    }
    let finding = &defect.first.finding;
    let ids: Vec<&str> = defect
        .controls()
        .into_iter()
        .map(|id| id.as_str())
        .collect();
    let ids = format!("[{}]", ids.join(", "));
    let line_columns = indent + display_width(&finding.message) + 1 + display_width(&ids);
    let message = if verbose || line_columns <= writer.width() {
        finding.message.as_str()
    } else {
        finding.fact()
    };
    let spans = [(TextStyle::Plain, message), (TextStyle::Faint, &ids)];
    writer.entry(&lead, indent, &spans)
}

/// Writes the field path of a defect, and its source lines if they are given: those of the defect
/// before it may be the same.
fn write_source(
    defect: &Defect<'_>,
    source: Option<&SourceLocation>,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let located = defect.first;
    if let Some(path) = located.finding.paths().first() {
        let path = writer.styled(TextStyle::Faint, &path.to_string());
        writer.line(&format!("{:DETAIL_INDENT$}{path}", ""))?;
    }
    match source {
        Some(source) => excerpt::write(&[source], &located.excerpt, writer),
        None => Ok(()),
    }
}

fn write_error(
    error: &RuleError,
    columns: Columns,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let label = writer.padded(TextStyle::Warning, "ERROR", columns.severity);
    let message = format!("not checked: {}", error.error);
    let id = format!("[{}]", error.control);
    let spans = [
        (TextStyle::Plain, message.as_str()),
        (TextStyle::Faint, &id),
    ];
    writer.entry(&format!("  {label}  "), columns.severity + 4, &spans)
}

/// Writes how many defects are not shown, and how to see them.
fn write_hidden(hidden: &[Defect<'_>], writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    if hidden.is_empty() {
        return Ok(());
    }
    let counts = severity_words(count_by_severity(hidden));
    let note = format!("  … and {counts} more: --verbose shows them");
    let note = writer.styled(TextStyle::Faint, &note);
    writer.line(&note)
}
