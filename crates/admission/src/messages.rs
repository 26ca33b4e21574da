//! The message of a denial: one line a defect, the worst first.

use super::{
    FindingOutcome, UnevaluatedControl, defect_line::DefectLines, defect_outcomes::DefectOutcomes,
};
use kubevet_model::one_line;
use std::fmt::Write as _;

/// The number of characters of a line. Some clients show the first line only.
const MAX_LINE_CHARS: usize = 300;
/// The number of defects that a denial lists.
const MAX_LISTED_DEFECTS: usize = 20;
/// The number of bytes of a denial.
const MAX_MESSAGE_BYTES: usize = 4096;
/// The number of bytes that are kept free for the line that counts the unlisted defects.
const COUNT_LINE_BYTES: usize = 40;
/// The number of characters of the name of a binding.
const MAX_NAME_CHARS: usize = 60;

/// Returns the message of a denial. `denied` has the worst finding first; `dropped` is the number
/// of denied findings that are not in it.
pub(super) fn denial_message(
    denied: &[&FindingOutcome],
    dropped: usize,
    lines: &DefectLines<'_>,
) -> String {
    let defects = DefectOutcomes::group(denied, lines.enforcement, lines.request);
    let count = defects.len() + dropped;
    let mut message = String::new();
    let mut listed = 0;
    for (index, defect) in defects.iter().take(MAX_LISTED_DEFECTS).enumerate() {
        let is_first = index == 0;
        let binding = one_line(&defect.worst.binding, MAX_NAME_CHARS);
        let binding = match (is_first, count) {
            (false, _) => String::new(),
            (true, 1) => format!(" [binding {binding}]"),
            (true, count) => format!(" [binding {binding}, 1 of {count}]"),
        };
        let remedy = match lines.remedy(defect) {
            remedy if remedy.is_empty() => remedy,
            remedy => format!(": {remedy}"),
        };
        let line = lines.line(defect, &format!("{remedy}{binding}"), MAX_LINE_CHARS);
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
        count => format!(" (and {} more)", count - 1),
    };
    let cause = one_line(&first.cause.to_string(), MAX_LINE_CHARS);
    let binding = one_line(&first.binding, MAX_NAME_CHARS);
    let _ = write!(
        message,
        "{control}not checked{more}: {cause}; try again, or ask the owner of the binding, which denies \
         what could not be checked (onUnevaluated) [binding {binding}]"
    );
}
