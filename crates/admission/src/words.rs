//! The words for findings: one line about one, and the message of a denial.
//!
//! Names and messages come from objects and policies, so no line of theirs may become two, and none may grow without
//! bound.

use super::{Case, Outcome, Rules, Unevaluated};
use kubevet_model::{Control, Finding, FixAction, Operation, one_line};
use std::fmt::Write as _;

/// The first line of a denial: it is all that some clients show.
const FIRST_LINE: usize = 300;
/// Each further line.
const LINE: usize = 300;
/// Findings that a denial names.
const LISTED: usize = 20;
/// Bytes of a denial.
const MESSAGE_BYTES: usize = 4096;
/// The longest value that a line says to set.
const VALUE: usize = 60;
/// The longest advice.
const ADVICE: usize = 100;
/// The longest path in a line.
const PATH: usize = 120;

/// The message of a denial; `denied` has the worst first.
/// `more` counts those that are denied and not among them.
pub(super) fn denial(denied: &[&Outcome], more: usize, rules: &Rules, case: &Case<'_>) -> String {
    let count = denied.len() + more;
    let mut text = String::new();
    let mut named = 0;
    for (place, outcome) in denied.iter().take(LISTED).enumerate() {
        let first = place == 0;
        let tail = match (first, count) {
            (false, _) => String::new(),
            (true, 1) => format!(" [binding {}]", one_line(&outcome.binding, 60)),
            (true, count) => format!(
                " [binding {}, 1 of {count}]",
                one_line(&outcome.binding, 60)
            ),
        };
        let room = (if first { FIRST_LINE } else { LINE }).saturating_sub(tail.chars().count());
        let line = format!("{}{tail}", line(outcome, rules, case, room));
        if text.len() + line.len() > MESSAGE_BYTES - 40 {
            break;
        }
        if !first {
            text.push('\n');
        }
        text.push_str(&line);
        named += 1;
    }
    if count > named {
        let _ = write!(text, "\n… and {} more", count - named);
    }
    text
}

/// Adds what could not be judged and is denied for it.
pub(super) fn add_unjudged(unjudged: &[&Unevaluated], text: &mut String) {
    let Some(first) = unjudged.first() else {
        return;
    };
    if !text.is_empty() {
        text.push('\n');
    }
    let control = first
        .control
        .as_ref()
        .map_or_else(String::new, |it| format!("{it} "));
    let more = match unjudged.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let (why, binding) = (one_line(&first.message, LINE), one_line(&first.binding, 60));
    let _ = write!(
        text,
        "{control}could not be judged{more}: {why}: try again, or ask whoever wrote the binding, which denies what is \
         not judged (onUnevaluated) [binding {binding}]"
    );
}

/// `C-0057 Privileged container: what is wrong (where): what to do`, in at most `room` characters. What is wrong gives
/// way first: where and what to do are shorter and matter more.
fn line(outcome: &Outcome, rules: &Rules, case: &Case<'_>, room: usize) -> String {
    let finding = &outcome.finding;
    let control = rules.controls.get(&finding.control);
    let name = control.map_or_else(String::new, |it| format!(" {}", one_line(&it.name, 60)));
    let place = place(finding, case);
    let todo = todo(finding, control.map(AsRef::as_ref));
    let frame = finding.control.as_str().chars().count()
        + name.chars().count()
        + place.chars().count()
        + todo.chars().count();
    let left = room.saturating_sub(frame + 2).max(30);
    one_line(
        &format!(
            "{}{name}: {}{place}{todo}",
            finding.control,
            one_line(&finding.message, left)
        ),
        room,
    )
}

fn place(finding: &Finding, case: &Case<'_>) -> String {
    let attributes = &case.attributes;
    if attributes.operation == Operation::Connect {
        let (kind, name) = (
            connected(attributes.resource),
            one_line(attributes.name, 60),
        );
        return match one_line(attributes.namespace, 60) {
            namespace if namespace.is_empty() => format!(" ({kind} {name})"),
            namespace => format!(" ({kind} {namespace}/{name})"),
        };
    }
    match finding.paths.first() {
        Some(path) => format!(" ({})", tail(&path.to_string(), PATH)),
        None => String::new(),
    }
}

/// What a connection leads to.
fn connected(resource: &str) -> &'static str {
    match resource {
        "nodes" => "node",
        "services" => "service",
        _ => "pod",
    }
}

fn todo(finding: &Finding, control: Option<&Control>) -> String {
    let same = |path: &kubevet_model::FieldPath| finding.paths.first() == Some(path);
    let shown = |path: &kubevet_model::FieldPath| {
        if same(path) {
            "it".to_owned()
        } else {
            tail(&path.to_string(), PATH)
        }
    };
    match finding.fixes.first() {
        Some(fix) => match &fix.action {
            FixAction::Set(value) => {
                format!(": set {} to {}", shown(&fix.path), one_line(value, VALUE))
            }
            FixAction::Remove => format!(": remove {}", shown(&fix.path)),
        },
        None => match control {
            Some(control) => format!(": {}", advice(&control.remediation)),
            None => String::new(),
        },
    }
}

/// The first sentence of a remediation, or as many whole clauses of it as fit.
fn advice(remediation: &str) -> String {
    let text = remediation.trim();
    let sentence = text
        .split_once(". ")
        .map_or_else(|| text.trim_end_matches('.'), |(first, _)| first);
    if sentence.chars().count() <= ADVICE {
        return one_line(sentence, ADVICE);
    }
    let clauses = sentence
        .match_indices(", ")
        .map(|(at, _)| at)
        .filter(|at| *at <= ADVICE);
    match clauses.last() {
        Some(end) => one_line(sentence.get(..end).unwrap_or(sentence), ADVICE),
        None => one_line(sentence, ADVICE),
    }
}

/// The end of a path, which says more than its beginning, in at most `room` characters.
pub(super) fn tail(path: &str, room: usize) -> String {
    let count = path.chars().count();
    if count <= room {
        return one_line(path, room);
    }
    let rest: String = path.chars().skip(count - room + 1).collect();
    format!("…{}", one_line(&rest, room))
}
