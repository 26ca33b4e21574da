//! A replay as a table for people: namespace, control and user, worst first, and what was left out.

use crate::{
    Style,
    sanitize::{display_width, truncate_columns},
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{DenialGroup, Replay, count};
use std::io;

/// The width of the severity column: its header is the longest cell.
const SEVERITY_COLUMNS: usize = 8;
/// The maximum width of the column of control ids and titles.
const MAX_CONTROL_COLUMNS: usize = 40;
/// The cell of a cluster-scoped object's namespace, and of a user who is not known.
const NONE: &str = "-";

/// The cells of a row that are padded to the widest of their column.
struct Row<'r> {
    denial: &'r DenialGroup,
    namespace: &'r str,
    control: String,
    user: &'r str,
}

/// Writes the table.
pub(super) fn write(replay: &Replay, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = TerminalWriter::new(style, out);
    writer.heading(&headline(replay))?;
    if !replay.denials.is_empty() {
        writer.blank_line()?;
        write_rows(&replay.denials, &mut writer)?;
    }
    let notes = notes(replay);
    if !notes.is_empty() {
        writer.blank_line()?;
    }
    for note in notes {
        writer.wrapped("", 0, &[(TextStyle::Plain, &note)])?;
    }
    Ok(())
}

fn headline(replay: &Replay) -> String {
    let requests = count(replay.requests, "request");
    let objects = count(replay.objects, "object");
    let denied = replay.newly_denied;
    if replay.requests == 0 {
        "Nothing was checked: there is no request in what was read.".to_owned()
    } else if replay.checked == 0 {
        format!("Nothing was checked: the bindings cover none of {requests}.")
    } else if denied.requests == 0 {
        format!("None of {requests} would newly be denied, for {objects}.")
    } else {
        format!(
            "{} of {requests} would newly be denied, for {} of {objects}.",
            denied.requests, denied.objects
        )
    }
}

fn write_rows(denials: &[DenialGroup], writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let rows: Vec<Row<'_>> = denials.iter().map(row).collect();
    let namespaces = column("NAMESPACE", rows.iter().map(|row| row.namespace));
    let controls = column("CONTROL", rows.iter().map(|row| row.control.as_str()));
    let users = column("USER", rows.iter().map(|row| row.user));
    let header = format!(
        "{:namespaces$}  {:SEVERITY_COLUMNS$}  {:controls$}  {:users$}  REQUESTS  OBJECTS  EXAMPLE",
        "NAMESPACE", "SEVERITY", "CONTROL", "USER"
    );
    let header = writer.styled(TextStyle::Faint, &header);
    writer.line(&header)?;
    for row in &rows {
        let DenialGroup {
            severity,
            counts,
            example_kind,
            example_name,
            ..
        } = row.denial;
        let line = format!(
            "{}  {}  {}  {}  {:>8}  {:>7}  {}",
            writer.padded(TextStyle::Plain, row.namespace, namespaces),
            writer.padded(
                TextStyle::Severity(*severity),
                severity.name(),
                SEVERITY_COLUMNS
            ),
            writer.padded(TextStyle::Strong, &row.control, controls),
            writer.padded(TextStyle::Plain, row.user, users),
            counts.requests,
            counts.objects,
            writer.styled(TextStyle::Plain, &format!("{example_kind} {example_name}")),
        );
        writer.line(&line)?;
    }
    Ok(())
}

fn row(denial: &DenialGroup) -> Row<'_> {
    let control = format!("{} {}", denial.control, denial.title);
    Row {
        denial,
        namespace: match denial.namespace.as_str() {
            "" => NONE,
            namespace => namespace,
        },
        control: truncate_columns(control.trim_end(), MAX_CONTROL_COLUMNS),
        user: denial.user.as_deref().unwrap_or(NONE),
    }
}

/// Returns the width of a column with this header and these cells.
fn column<'c>(header: &str, cells: impl Iterator<Item = &'c str>) -> usize {
    let widest = cells.map(display_width).max().unwrap_or_default();
    widest.max(header.len())
}

/// Returns what was not counted, a sentence each.
fn notes(replay: &Replay) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |number: usize, text: &dyn Fn(String) -> String, noun: &str| {
        if number > 0 {
            notes.push(text(count(number, noun)));
        }
    };
    note(
        replay.newly_denied_to_controllers,
        &|requests| {
            format!(
                "{requests} of a built-in controller would be denied: workloads that are in the \
                 cluster already would get no new Pods."
            )
        },
        "request",
    );
    note(
        replay.denied_before,
        &|requests| format!("Denied before, and not listed: {requests}."),
        "request",
    );
    note(
        replay.owned,
        &|objects| {
            format!(
                "Skipped: {objects} that built-in controllers created for an owner, since the owner \
                 counts."
            )
        },
        "object",
    );
    note(
        replay.exempt,
        &|objects| format!("Skipped: {objects} in namespaces that the webhook is not called for."),
        "object",
    );
    if replay.checked > 0 {
        note(
            replay.requests.saturating_sub(replay.checked),
            &|requests| format!("Not checked, since no binding covers them: {requests}."),
            "request",
        );
    }
    let unevaluated: usize = replay.unevaluated.iter().map(|cause| cause.requests).sum();
    note(
        unevaluated,
        &|requests| format!("Not evaluated, see the errors: {requests}."),
        "request",
    );
    note(
        replay.problems.len(),
        &|errors| format!("Not everything was read: {errors}."),
        "error",
    );
    notes
}
