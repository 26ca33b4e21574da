//! The decision log: a line of JSON for each decision that matters, and for one in so many of the clean ones.
//!
//! Lines are written by a thread of their own: a reader that stops reading costs lines, which are counted, and never a
//! review.

use super::{gate::Answered, metrics, writer::Writer};
use crate::{
    decision::Because,
    model::{Action, FixAction},
};
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use std::{
    io::Write,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Lines that wait for the writer.
const WAITING: usize = 4096;
/// Findings of one line.
const LISTED: usize = 100;

/// Writes decisions.
pub struct DecisionLog {
    lines: Writer<Vec<u8>>,
    /// One in so many clean decisions is written; 0 is none.
    every: u64,
    clean: AtomicU64,
    lost: Counter,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: String,
    uid: &'a str,
    decision: &'static str,
    operation: &'a str,
    kind: String,
    resource: String,
    namespace: &'a str,
    name: String,
    user: &'a str,
    dry_run: bool,
    bindings: &'a [String],
    findings: Vec<Finding<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    more_findings: usize,
    unevaluated: Vec<Unevaluated<'a>>,
    generation: u64,
    parse_us: u64,
    judge_us: u64,
    decide_us: u64,
}

#[derive(Serialize)]
struct Finding<'a> {
    control: &'a str,
    action: &'static str,
    because: &'static str,
    binding: &'a str,
    message: &'a str,
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
    control: Option<&'a str>,
    message: &'a str,
    action: &'static str,
    binding: &'a str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl DecisionLog {
    /// A log that writes to `out`, one in `every` of the clean decisions (0: none of them).
    pub fn new(mut out: impl Write + Send + 'static, every: u64, lost: &super::Metrics) -> Self {
        let unwritten = lost.unlogged();
        let lines = Writer::new(WAITING, move |line: Vec<u8>| {
            // A reader that went away costs the lines, not the gate.
            if out.write_all(&line).and_then(|()| out.flush()).is_err() {
                unwritten.inc();
            }
        });
        Self { lines, every, clean: AtomicU64::new(0), lost: lost.unlogged() }
    }

    /// Waits, at most so long, until what was handed over is written. For the end of the process.
    pub fn flush(&self, within: Duration) {
        self.lines.flush(within);
    }

    pub(super) fn write(&self, answered: &Answered, generation: u64) {
        if !self.matters(answered) {
            return;
        }
        let Ok(mut line) = serde_json::to_vec(&line(answered, generation)) else { return };
        line.push(b'\n');
        if !self.lines.hand_over(line) {
            self.lost.inc();
        }
    }

    fn matters(&self, answered: &Answered) -> bool {
        let decision = &answered.decision;
        let connects = answered.review.as_ref().is_some_and(|it| it.operation == crate::model::Operation::Connect);
        let clean = decision.outcomes.is_empty() && decision.unevaluated.is_empty() && decision.allowed && !connects;
        !clean || (self.every > 0 && self.clean.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.every))
    }
}

fn line(answered: &Answered, generation: u64) -> Line<'_> {
    let decision = &answered.decision;
    let review = answered.review.as_ref();
    let resource = review.map_or_else(String::new, |it| {
        let group = if it.resource.group.is_empty() { String::new() } else { format!(".{}", it.resource.group) };
        let sub = if it.subresource.is_empty() { String::new() } else { format!("/{}", it.subresource) };
        format!("{}{group}{sub}", it.resource.name)
    });
    let micros = |it: Duration| u64::try_from(it.as_micros()).unwrap_or(u64::MAX);
    Line {
        time: now(),
        uid: &answered.uid,
        decision: metrics::verdict(answered),
        operation: review.map_or("", |it| it.operation.name()),
        kind: review.map_or_else(String::new, |it| it.kind.to_string()),
        resource,
        namespace: review.map_or("", |it| &it.namespace),
        name: review.map_or_else(String::new, super::Review::shown_name),
        user: review.map_or("", |it| &it.user.name),
        dry_run: review.is_some_and(|it| it.dry_run),
        bindings: &decision.bindings,
        findings: decision.outcomes.iter().take(LISTED).map(finding).collect(),
        more_findings: decision.findings_count().saturating_sub(LISTED),
        unevaluated: decision.unevaluated.iter().take(LISTED).map(unevaluated).collect(),
        generation,
        parse_us: micros(answered.phases.parse),
        judge_us: micros(answered.phases.judge),
        decide_us: micros(answered.phases.decide),
    }
}

fn finding(outcome: &crate::decision::Outcome) -> Finding<'_> {
    let fixes = outcome.finding.fixes.iter().map(|it| match &it.action {
        FixAction::Set(value) => {
            Fix { path: it.path.to_string(), value: serde_json::from_str(value).ok(), remove: false }
        }
        FixAction::Remove => Fix { path: it.path.to_string(), value: None, remove: true },
    });
    Finding {
        control: outcome.finding.control.as_str(),
        action: outcome.action.map_or("none", Action::name),
        because: because(outcome.because),
        binding: &outcome.binding,
        message: &outcome.finding.message,
        paths: outcome.finding.paths.iter().map(ToString::to_string).collect(),
        fixes: fixes.collect(),
    }
}

fn unevaluated(it: &crate::decision::Unevaluated) -> Unevaluated<'_> {
    Unevaluated {
        control: it.control.as_ref().map(crate::model::ControlId::as_str),
        message: &it.message,
        action: it.action.map_or("none", Action::name),
        binding: &it.binding,
    }
}

/// Why the action is what it is.
pub(super) fn because(because: Because) -> &'static str {
    match because {
        Because::New => "new",
        Because::Existing => "existing",
        Because::Owned => "owned",
        Because::Exempt => "exempt",
        Because::Deleting => "deleting",
        Because::StatusWrite => "status",
    }
}

fn now() -> String {
    OffsetDateTime::from(SystemTime::now()).format(&Rfc3339).unwrap_or_default()
}
