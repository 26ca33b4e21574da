//! The decision log: a line of JSON for each decision that matters, and for one in so many of the clean ones.
//!
//! Every text of a line is cut to its bound, so is the whole line, and hidden characters are escaped. LogWriter are written by
//! a thread of their own: a reader that stops reading costs lines, which are counted, and never a review.

use super::{
    log_writer::{LogOutput, LogWriter},
    metrics,
    snapshot::ReviewOutcome,
};
use kubevet_admission::Reason;
use kubevet_model::{Action, FixAction, format_bounded, is_hidden, truncate_bytes};
use kubevet_report::EscapingFormatter;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Serializer};
use std::{
    borrow::Cow,
    fmt::Display,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Findings of one line, and as many controls without an answer.
const LISTED: usize = 100;
/// Bindings of one line.
const BINDINGS: usize = 16;
/// Paths, and fixes, of one finding.
const PATHS: usize = 4;
/// Bytes of a name: what Kubernetes allows. So long may a namespace, a kind, a resource and the name of a binding be.
const NAME_BYTES: usize = 253;
/// Bytes of a user's name.
const USER_BYTES: usize = 256;
/// Bytes of a uid: the longest that is taken.
const UID_BYTES: usize = super::review::UID_BYTES;
/// Bytes of a path, and of a value that a fix sets.
const PATH_BYTES: usize = 512;
/// Bytes of a message.
const MESSAGE_BYTES: usize = 4096;
/// Bytes of the findings of one line as they are written; further findings are counted. The longest finding has 66 KiB.
const FINDINGS_BYTES: usize = 88 << 10;
/// Bytes of one line: the findings, and what cannot be more around them.
const LINE_BYTES: usize = 128 << 10;

/// Writes decisions.
pub struct DecisionLog {
    lines: LogWriter,
    /// One in so many clean decisions is written; 0 is none.
    every: u64,
    clean: AtomicU64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: String,
    uid: Cow<'a, str>,
    decision: &'static str,
    operation: &'a str,
    kind: String,
    resource: String,
    namespace: Cow<'a, str>,
    name: String,
    user: Cow<'a, str>,
    dry_run: bool,
    bindings: Vec<Cow<'a, str>>,
    findings: Vec<Finding<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    more_findings: usize,
    unevaluated: Vec<Unevaluated<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    more_unevaluated: usize,
    generation: u64,
    parse_us: u64,
    judge_us: u64,
    decide_us: u64,
}

#[derive(Serialize)]
struct Finding<'a> {
    control: Cow<'a, str>,
    action: &'static str,
    because: &'static str,
    binding: Cow<'a, str>,
    message: Cow<'a, str>,
    paths: Vec<String>,
    fixes: Vec<Fix>,
}

#[derive(Serialize)]
struct Fix {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    remove: bool,
}

#[derive(Serialize)]
struct Unevaluated<'a> {
    control: Option<Cow<'a, str>>,
    message: Cow<'a, str>,
    action: &'static str,
    binding: Cow<'a, str>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl DecisionLog {
    /// A log that writes to `output`, one in `every` of the clean decisions (0: none of them).
    #[must_use]
    pub fn new(output: LogOutput, every: u64, metrics: &super::WebhookMetrics) -> Self {
        let say = |count: u64| {
            tracing::warn!(
                "{count} lines of the decision log were not written: its reader or disk took none"
            );
            None
        };
        Self {
            lines: LogWriter::new(output, metrics.unlogged(), say),
            every,
            clean: AtomicU64::new(0),
        }
    }

    /// Waits, at most so long, until what was handed over is written. For the end of the process.
    pub fn flush(&self, within: Duration) {
        self.lines.flush(within);
    }

    /// Opens the log's file anew before the next line.
    pub fn reopen(&self) {
        self.lines.reopen();
    }

    pub(super) fn write(&self, answered: &ReviewOutcome, generation: u64) {
        if self.matters(answered)
            && let Some(line) = json(&line(answered, generation))
        {
            self.lines.write(line);
        }
    }

    fn matters(&self, answered: &ReviewOutcome) -> bool {
        let decision = &answered.decision;
        let connects = answered
            .review
            .as_ref()
            .is_some_and(|it| it.operation == kubevet_model::Operation::Connect);
        let clean = decision.outcomes.is_empty()
            && decision.unevaluated.is_empty()
            && decision.allowed
            && !connects;
        !clean
            || (self.every > 0
                && self
                    .clean
                    .fetch_add(1, Ordering::Relaxed)
                    .is_multiple_of(self.every))
    }
}

/// The line as bytes, with its end; `None` where it is over its bound, which the parts do not let it be.
fn json(line: &Line<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(512);
    line.serialize(&mut Serializer::with_formatter(
        &mut bytes,
        EscapingFormatter(CompactFormatter),
    ))
    .ok()?;
    bytes.push(b'\n');
    (bytes.len() <= LINE_BYTES).then_some(bytes)
}

fn line(answered: &ReviewOutcome, generation: u64) -> Line<'_> {
    let decision = &answered.decision;
    let review = answered.review.as_ref();
    let resource = review.map_or_else(String::new, |it| {
        let group = if it.resource.group.is_empty() {
            ""
        } else {
            "."
        };
        let sub = if it.subresource.is_empty() { "" } else { "/" };
        format_bounded(
            &format_args!(
                "{}{group}{}{sub}{}",
                it.resource.name, it.resource.group, it.subresource
            ),
            NAME_BYTES,
        )
    });
    let micros = |it: Duration| u64::try_from(it.as_micros()).unwrap_or(u64::MAX);
    let mut room = FINDINGS_BYTES;
    let findings: Vec<_> = fitting(
        decision.outcomes.iter().map(finding),
        &mut room,
        Finding::cost,
    );
    let unevaluated: Vec<_> = fitting(
        decision.unevaluated.iter().map(unevaluated),
        &mut room,
        Unevaluated::cost,
    );
    Line {
        time: now(),
        uid: cut(&answered.uid, UID_BYTES),
        decision: metrics::verdict(answered),
        operation: review.map_or("", |it| it.operation.name()),
        kind: review.map_or_else(String::new, |it| format_bounded(&it.kind, NAME_BYTES)),
        resource,
        namespace: cut(review.map_or("", |it| &it.namespace), NAME_BYTES),
        name: review.map_or_else(String::new, |it| {
            format_bounded(&it.shown_name(), NAME_BYTES)
        }),
        user: cut(review.map_or("", |it| &it.user.name), USER_BYTES),
        dry_run: review.is_some_and(|it| it.dry_run),
        bindings: decision
            .bindings
            .iter()
            .take(BINDINGS)
            .map(|it| cut(it, NAME_BYTES))
            .collect(),
        more_findings: decision.findings_count().saturating_sub(findings.len()),
        findings,
        more_unevaluated: decision.unevaluated.len() - unevaluated.len(),
        unevaluated,
        generation,
        parse_us: micros(answered.phases.parse),
        judge_us: micros(answered.phases.evaluate),
        decide_us: micros(answered.phases.decide),
    }
}

/// As many of them as there is room for. Those behind are never made.
fn fitting<T>(all: impl Iterator<Item = T>, room: &mut usize, cost: fn(&T) -> usize) -> Vec<T> {
    let mut kept = Vec::new();
    for it in all.take(LISTED) {
        let Some(left) = room.checked_sub(cost(&it)) else {
            break;
        };
        *room = left;
        kept.push(it);
    }
    kept
}

fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    truncate_bytes(text, bytes)
}

fn finding(outcome: &kubevet_admission::FindingOutcome) -> Finding<'_> {
    let path = |it: &dyn Display| format_bounded(it, PATH_BYTES);
    let fixes = outcome
        .finding
        .fixes
        .iter()
        .take(PATHS)
        .map(|it| match &it.action {
            FixAction::Set(value) if value.len() <= PATH_BYTES => Fix {
                path: path(&it.path),
                value: serde_json::from_str(value).ok(),
                remove: false,
            },
            FixAction::Set(value) => Fix {
                path: path(&it.path),
                value: Some(cut(value, PATH_BYTES).into_owned().into()),
                remove: false,
            },
            FixAction::Remove => Fix {
                path: path(&it.path),
                value: None,
                remove: true,
            },
        });
    Finding {
        control: cut(outcome.finding.control.as_str(), NAME_BYTES),
        action: outcome.action.map_or("none", Action::name),
        because: because(outcome.reason),
        binding: cut(&outcome.binding, NAME_BYTES),
        message: cut(&outcome.finding.message, MESSAGE_BYTES),
        paths: outcome
            .finding
            .paths
            .iter()
            .take(PATHS)
            .map(|it| path(it))
            .collect(),
        fixes: fixes.collect(),
    }
}

fn unevaluated(it: &kubevet_admission::UnevaluatedControl) -> Unevaluated<'_> {
    Unevaluated {
        control: it.control.as_ref().map(|it| cut(it.as_str(), NAME_BYTES)),
        message: cut(&it.message, MESSAGE_BYTES),
        action: it.action.map_or("none", Action::name),
        binding: cut(&it.binding, NAME_BYTES),
    }
}

impl Finding<'_> {
    /// Bytes that it takes in a line, at most.
    fn cost(&self) -> usize {
        let fix = |it: &Fix| {
            let value = it
                .value
                .as_ref()
                .map_or(0, |it| escaped_bytes(&it.to_string()));
            64 + escaped_bytes(&it.path) + value
        };
        let texts = [&self.control, &self.binding, &self.message]
            .into_iter()
            .map(|it| escaped_bytes(it));
        let paths = self.paths.iter().map(|it| escaped_bytes(it) + 3);
        128 + texts.sum::<usize>()
            + paths.sum::<usize>()
            + self.fixes.iter().map(fix).sum::<usize>()
    }
}

impl Unevaluated<'_> {
    /// As for a finding.
    fn cost(&self) -> usize {
        let control = self.control.as_ref().map_or(0, |it| escaped_bytes(it));
        128 + control + escaped_bytes(&self.message) + escaped_bytes(&self.binding)
    }
}

/// Bytes of a text within a JSON string.
fn escaped_bytes(text: &str) -> usize {
    let bytes = |c: char| match c {
        '"' | '\\' => 2,
        c if is_hidden(c) => 6 * c.len_utf16(),
        c => c.len_utf8(),
    };
    text.chars().map(bytes).sum()
}

/// Why the action is what it is.
pub(super) fn because(because: Reason) -> &'static str {
    match because {
        Reason::New => "new",
        Reason::Existing => "existing",
        Reason::Owned => "owned",
        Reason::Exempt => "exempt",
        Reason::Deleting => "deleting",
        Reason::StatusWrite => "status",
    }
}

fn now() -> String {
    OffsetDateTime::from(SystemTime::now())
        .format(&Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PhaseDurations;
    use kubevet_admission::{Decision, FindingOutcome};
    use kubevet_model::{ControlId, FieldPath, Fix as Mend, Violation as Found, is_hidden};
    use serde_json::Value;

    /// An answer with so many findings, each text of it `unit` repeated to so many bytes.
    fn answered(findings: usize, unit: &str, bytes: usize) -> ReviewOutcome {
        let long = unit.repeat(bytes / unit.len());
        let path = FieldPath::default().key("data").key(&long);
        let finding = Found {
            control: ControlId::from("C-0012"),
            paths: vec![path.clone(); 20],
            message: long.clone(),
            fixes: vec![
                Mend {
                    path,
                    action: FixAction::Set(Value::from(long.clone()).to_string())
                };
                20
            ],
        };
        let outcome = FindingOutcome {
            finding,
            action: Some(Action::Deny),
            reason: Reason::New,
            binding: long.clone(),
        };
        let unevaluated = kubevet_admission::UnevaluatedControl {
            control: None,
            message: long.clone(),
            action: Some(Action::Deny),
            binding: long.clone(),
        };
        let decision = Decision {
            outcomes: vec![outcome; findings],
            unevaluated: vec![unevaluated; findings],
            bindings: vec![long.clone(); 40],
            ..Decision::default()
        };
        ReviewOutcome {
            uid: long,
            review: None,
            decision,
            body: Vec::new(),
            phases: PhaseDurations::default(),
        }
    }

    /// Whatever a decision holds: the line is written, within its bound, whole JSON, with nothing hidden in it, and what
    /// is left out is counted.
    #[test]
    fn a_line_is_bounded_in_every_text_and_as_a_whole() {
        for unit in [
            "x",
            "\"",
            "\\",
            "\u{1}",
            "\u{9b}",
            "\u{202e}",
            "\u{e0001}",
            "漢",
            "é",
        ] {
            for (findings, bytes) in [
                (0, 10),
                (1, 10),
                (1, 1 << 20),
                (150, 1 << 10),
                (150, 20 << 10),
            ] {
                let answered = answered(findings, unit, bytes);
                let line = line(&answered, 1);
                let listed = line.findings.len();
                assert_eq!(
                    listed + line.more_findings,
                    findings,
                    "{unit:?} {findings} {bytes}"
                );
                assert_eq!(
                    line.unevaluated.len() + line.more_unevaluated,
                    findings,
                    "{unit:?} {findings} {bytes}"
                );
                assert!(
                    listed > 0 || findings == 0,
                    "{unit:?} {findings} {bytes}: the first is always there"
                );
                let json = json(&line)
                    .unwrap_or_else(|| panic!("{unit:?} {findings} {bytes}: over the bound"));
                let text = String::from_utf8(json).unwrap();
                let whole: Value = serde_json::from_str(&text).unwrap();
                assert!(whole["findings"].is_array());
                assert!(
                    !text.trim_end_matches('\n').contains(is_hidden),
                    "{unit:?} {findings} {bytes}"
                );
            }
        }
    }

    /// Findings beyond those of a line are counted and not made.
    #[test]
    fn findings_beyond_the_line_cost_nothing() {
        let made = std::cell::Cell::new(0);
        let all = (0..10_000).inspect(|_| made.set(made.get() + 1));
        let mut room = 1000;
        assert_eq!(fitting(all, &mut room, |_| 99).len(), 10);
        assert_eq!((made.get(), room), (11, 10));
        let mut room = usize::MAX;
        assert_eq!(fitting(0..10_000, &mut room, |_| 1).len(), LISTED);
    }
}
