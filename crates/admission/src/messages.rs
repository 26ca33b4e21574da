//! The message of a denial, and one line about one finding.
//!
//! Names and messages come from objects and policies: each becomes a single line of bounded length,
//! so that none can imitate another line or fill the answer.

use super::{AdmissionRequest, Enforcement, FindingOutcome, UnevaluatedControl};
use kubevet_model::{Control, FieldPath, FixAction, Operation, Violation, one_line};
use std::fmt::Write as _;

/// The number of characters of a line. Some clients show the first line only.
const MAX_LINE_CHARS: usize = 300;
/// The number of findings that a denial lists.
const MAX_LISTED_FINDINGS: usize = 20;
/// The number of bytes of a denial.
const MAX_MESSAGE_BYTES: usize = 4096;
/// The number of bytes that are kept free for the line that counts the unlisted findings.
const COUNT_LINE_BYTES: usize = 40;
/// The number of characters of the name of a control, a binding or an object.
const MAX_NAME_CHARS: usize = 60;
/// The number of characters of the value of a fix.
const MAX_VALUE_CHARS: usize = 60;
/// The number of characters of an advice.
const MAX_ADVICE_CHARS: usize = 100;
/// The number of characters of a path in a line.
const MAX_PATH_CHARS: usize = 120;
/// The number of characters that the message of a finding keeps, however long the rest of the line.
const MIN_FINDING_CHARS: usize = 30;

/// Returns the message of a denial. `denied` has the worst finding first; `dropped` is the number
/// of denied findings that are not in it.
pub(super) fn denial_message(
    denied: &[&FindingOutcome],
    dropped: usize,
    enforcement: &Enforcement,
    request: &AdmissionRequest<'_>,
) -> String {
    let count = denied.len() + dropped;
    let mut message = String::new();
    let mut listed = 0;
    for (index, outcome) in denied.iter().take(MAX_LISTED_FINDINGS).enumerate() {
        let is_first = index == 0;
        let binding = one_line(&outcome.binding, MAX_NAME_CHARS);
        let end = match (is_first, count) {
            (false, _) => String::new(),
            (true, 1) => format!(" [binding {binding}]"),
            (true, count) => format!(" [binding {binding}, 1 of {count}]"),
        };
        let max_start_chars = MAX_LINE_CHARS.saturating_sub(end.chars().count());
        let start = finding_line(outcome, enforcement, request, max_start_chars);
        let line = format!("{start}{end}");
        if message.len() + line.len() > MAX_MESSAGE_BYTES - COUNT_LINE_BYTES {
            break;
        }
        if !is_first {
            message.push('\n');
        }
        message.push_str(&line);
        listed += 1;
    }
    if count > listed {
        let _ = write!(message, "\n… and {} more", count - listed);
    }
    message
}

/// Appends a line about the controls that deny because they could not be evaluated.
pub(super) fn append_unevaluated(unevaluated: &[&UnevaluatedControl], message: &mut String) {
    let Some(first) = unevaluated.first() else {
        return;
    };
    if !message.is_empty() {
        message.push('\n');
    }
    let control = match &first.control {
        Some(control) => format!("{control} "),
        None => String::new(),
    };
    let more = match unevaluated.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let cause = one_line(&first.cause.to_string(), MAX_LINE_CHARS);
    let binding = one_line(&first.binding, MAX_NAME_CHARS);
    let _ = write!(
        message,
        "{control}could not be judged{more}: {cause}: try again, or ask whoever wrote the binding, \
         which denies what is not judged (onUnevaluated) [binding {binding}]"
    );
}

/// Returns `CONTROL NAME: MESSAGE (LOCATION): REMEDY` in at most `max_chars` characters. If it does
/// not fit, the message of the finding is truncated first: the location and the remedy are shorter
/// and more useful.
fn finding_line(
    outcome: &FindingOutcome,
    enforcement: &Enforcement,
    request: &AdmissionRequest<'_>,
    max_chars: usize,
) -> String {
    let finding = &outcome.finding;
    let control = enforcement
        .controls
        .get(&finding.control)
        .map(AsRef::as_ref);
    let name = match control {
        Some(control) => format!(" {}", one_line(&control.name, MAX_NAME_CHARS)),
        None => String::new(),
    };
    let location = location(finding, request);
    let remedy = remedy(finding, control);
    let id = finding.control.as_str();
    let parts = [id, &name, &location, &remedy];
    let used_chars: usize = parts.iter().map(|part| part.chars().count()).sum();
    // Two more characters are the colon and the space before the message.
    let message_chars = max_chars
        .saturating_sub(used_chars + 2)
        .max(MIN_FINDING_CHARS);
    let message = one_line(&finding.message, message_chars);
    one_line(
        &format!("{id}{name}: {message}{location}{remedy}"),
        max_chars,
    )
}

/// Returns where a finding is, in parentheses: a path, or the target of a connection.
fn location(finding: &Violation, request: &AdmissionRequest<'_>) -> String {
    let attributes = &request.attributes;
    if attributes.operation == Operation::Connect {
        let kind = connection_target(attributes.resource);
        let name = one_line(attributes.name, MAX_NAME_CHARS);
        let namespace = one_line(attributes.namespace, MAX_NAME_CHARS);
        return if namespace.is_empty() {
            format!(" ({kind} {name})")
        } else {
            format!(" ({kind} {namespace}/{name})")
        };
    }
    match finding.paths.first() {
        Some(path) => format!(" ({})", truncate_start(&path.to_string(), MAX_PATH_CHARS)),
        None => String::new(),
    }
}

/// Returns the kind of object that a CONNECT request reaches.
fn connection_target(resource: &str) -> &'static str {
    match resource {
        "nodes" => "node",
        "services" => "service",
        _ => "pod",
    }
}

/// Returns the remedy of a finding: its first fix, else the advice of its control.
fn remedy(finding: &Violation, control: Option<&Control>) -> String {
    let target = |path: &FieldPath| {
        if finding.paths.first() == Some(path) {
            "it".to_owned()
        } else {
            truncate_start(&path.to_string(), MAX_PATH_CHARS)
        }
    };
    match finding.fixes.first() {
        Some(fix) => match &fix.action {
            FixAction::Set(value) => {
                let value = one_line(value, MAX_VALUE_CHARS);
                format!(": set {} to {value}", target(&fix.path))
            }
            FixAction::Remove => format!(": remove {}", target(&fix.path)),
        },
        None => match control {
            Some(control) => format!(": {}", advice(&control.remediation)),
            None => String::new(),
        },
    }
}

/// Returns the first sentence of a remediation, or as many whole clauses of it as fit.
fn advice(remediation: &str) -> String {
    let remediation = remediation.trim();
    let sentence = match remediation.split_once(". ") {
        Some((first, _)) => first,
        None => remediation.trim_end_matches('.'),
    };
    if sentence.chars().count() <= MAX_ADVICE_CHARS {
        return one_line(sentence, MAX_ADVICE_CHARS);
    }
    // Bytes are compared with characters here: the clause is shorter than it could be at worst.
    let clause_ends = sentence.match_indices(", ").map(|(end, _)| end);
    let clause = clause_ends
        .filter(|end| *end <= MAX_ADVICE_CHARS)
        .last()
        .and_then(|end| sentence.get(..end));
    one_line(clause.unwrap_or(sentence), MAX_ADVICE_CHARS)
}

/// Returns the end of a path, which is more specific than its start, in at most `max_chars`
/// characters.
pub(super) fn truncate_start(path: &str, max_chars: usize) -> String {
    let count = path.chars().count();
    if count <= max_chars {
        return one_line(path, max_chars);
    }
    let end: String = path.chars().skip(count - max_chars + 1).collect();
    format!("…{}", one_line(&end, max_chars))
}
