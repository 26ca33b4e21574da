//! One line of the decision log: its fields, and their bounds.
//!
//! Every string of a line is truncated to its bound, and the whole line has one too. Hidden
//! characters are escaped, so that no object can change how a terminal displays the log.

use super::{
    caller_timeout::TimeBudget, envelope::MAX_UID_BYTES, metrics::verdict_name, review::Review,
    snapshot::ReviewOutcome,
};
use kubevet_admission::{FindingOutcome, Reason, UnevaluatedControl};
use kubevet_model::{Action, Fix, FixAction, format_bounded, is_hidden, truncate_bytes};
use kubevet_report::EscapingFormatter;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Serializer};
use std::{
    borrow::Cow,
    fmt::Display,
    time::{Duration, SystemTime},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The number of findings in a line, and of unevaluated controls.
const MAX_LISTED: usize = 100;
/// The number of bindings in a line.
const MAX_BINDINGS: usize = 16;
/// The number of paths of a finding, and of its fixes.
const MAX_PATHS: usize = 4;
/// The number of bytes of a namespace, a kind, a resource or a name: as many as Kubernetes allows.
const MAX_NAME_BYTES: usize = 253;
/// The number of bytes of a user's name.
const MAX_USER_BYTES: usize = 256;
/// The number of bytes of a path, and of the value of a fix.
const MAX_PATH_BYTES: usize = 512;
/// The number of bytes of a message.
const MAX_MESSAGE_BYTES: usize = 4096;
/// The number of bytes of all findings and unevaluated controls in a line, escaped. Those that do
/// not fit are counted. The largest finding has 66 KiB.
const MAX_FINDINGS_BYTES: usize = 88 << 10;
/// The number of bytes of a line: the findings, and the most that the other fields can have.
const MAX_LINE_BYTES: usize = 128 << 10;

/// A line of the decision log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogEntry<'a> {
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
    findings: Vec<FindingEntry<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    more_findings: usize,
    unevaluated: Vec<UnevaluatedEntry<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    more_unevaluated: usize,
    generation: u64,
    parse_us: u64,
    judge_us: u64,
    decide_us: u64,
    /// The time from the first byte of the request to the end of its body.
    read_us: u64,
    /// The time from the first byte of the request to this line.
    total_us: u64,
}

#[derive(Serialize)]
struct FindingEntry<'a> {
    control: Cow<'a, str>,
    action: &'static str,
    because: &'static str,
    binding: Cow<'a, str>,
    message: Cow<'a, str>,
    paths: Vec<String>,
    fixes: Vec<FixEntry>,
}

#[derive(Serialize)]
struct FixEntry {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    remove: bool,
}

#[derive(Serialize)]
struct UnevaluatedEntry<'a> {
    control: Option<Cow<'a, str>>,
    message: String,
    action: &'static str,
    binding: Cow<'a, str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl<'a> LogEntry<'a> {
    /// Returns the entry of a decision that was made now. `generation` is that of the snapshot.
    pub(super) fn new(
        outcome: &'a ReviewOutcome,
        generation: u64,
        time_budget: &TimeBudget,
    ) -> Self {
        let ReviewOutcome {
            uid,
            review,
            decision,
            phases,
            ..
        } = outcome;
        let review = review.as_ref();
        let mut free_bytes = MAX_FINDINGS_BYTES;
        let findings = decision.outcomes.iter().map(FindingEntry::new);
        let findings = take_fitting(findings, &mut free_bytes, FindingEntry::max_bytes);
        let unevaluated = decision.unevaluated.iter().map(UnevaluatedEntry::new);
        let unevaluated = take_fitting(unevaluated, &mut free_bytes, UnevaluatedEntry::max_bytes);
        let name_of = |name: &dyn Display| format_bounded(name, MAX_NAME_BYTES);
        let bindings = decision.bindings.iter().take(MAX_BINDINGS);
        Self {
            time: now(),
            uid: truncate_bytes(uid, MAX_UID_BYTES),
            decision: verdict_name(outcome),
            operation: review.map_or("", |review| review.operation.name()),
            kind: review.map_or_else(String::new, |review| name_of(&review.kind)),
            resource: review.map_or_else(String::new, resource),
            namespace: truncate_bytes(
                review.map_or("", |review| &review.namespace),
                MAX_NAME_BYTES,
            ),
            name: review.map_or_else(String::new, |review| name_of(&review.display_name())),
            user: truncate_bytes(
                review.map_or("", |review| &review.user.name),
                MAX_USER_BYTES,
            ),
            dry_run: review.is_some_and(|review| review.dry_run),
            bindings: bindings
                .map(|binding| truncate_bytes(binding, MAX_NAME_BYTES))
                .collect(),
            more_findings: decision.findings_count().saturating_sub(findings.len()),
            findings,
            more_unevaluated: decision.unevaluated.len() - unevaluated.len(),
            unevaluated,
            generation,
            parse_us: as_micros(phases.parse),
            judge_us: as_micros(phases.evaluate),
            decide_us: as_micros(phases.decide),
            read_us: as_micros(time_budget.received - time_budget.start),
            total_us: as_micros(time_budget.start.elapsed()),
        }
    }

    /// Serializes the entry with a line break at its end; `None` if it exceeds its bound, which the
    /// bounds of its parts exclude.
    pub(super) fn to_line(&self) -> Option<Vec<u8>> {
        let mut line = Vec::with_capacity(512);
        let formatter = EscapingFormatter(CompactFormatter);
        self.serialize(&mut Serializer::with_formatter(&mut line, formatter))
            .ok()?;
        line.push(b'\n');
        (line.len() <= MAX_LINE_BYTES).then_some(line)
    }
}

/// Formats a resource: `deployments.apps/scale`.
fn resource(review: &Review) -> String {
    let group_separator = if review.resource.group.is_empty() {
        ""
    } else {
        "."
    };
    let subresource_separator = if review.subresource.is_empty() {
        ""
    } else {
        "/"
    };
    let resource = format_args!(
        "{}{group_separator}{}{subresource_separator}{}",
        review.resource.name, review.resource.group, review.subresource
    );
    format_bounded(&resource, MAX_NAME_BYTES)
}

/// Takes entries as long as they fit, and charges their bytes. Entries behind them are not built.
fn take_fitting<T>(
    entries: impl Iterator<Item = T>,
    free_bytes: &mut usize,
    max_bytes: fn(&T) -> usize,
) -> Vec<T> {
    let mut taken = Vec::new();
    for entry in entries.take(MAX_LISTED) {
        let Some(left) = free_bytes.checked_sub(max_bytes(&entry)) else {
            break;
        };
        *free_bytes = left;
        taken.push(entry);
    }
    taken
}

impl<'a> FindingEntry<'a> {
    fn new(outcome: &'a FindingOutcome) -> Self {
        let finding = &outcome.finding;
        let paths = finding.paths.iter().take(MAX_PATHS);
        let fixes = finding.fixes.iter().take(MAX_PATHS);
        Self {
            control: truncate_bytes(finding.control.as_str(), MAX_NAME_BYTES),
            action: outcome.action.map_or("none", Action::name),
            because: reason_name(outcome.reason),
            binding: truncate_bytes(&outcome.binding, MAX_NAME_BYTES),
            message: truncate_bytes(&finding.message, MAX_MESSAGE_BYTES),
            paths: paths
                .map(|path| format_bounded(path, MAX_PATH_BYTES))
                .collect(),
            fixes: fixes.map(FixEntry::new).collect(),
        }
    }

    /// Returns the most bytes that it has in a line.
    fn max_bytes(&self) -> usize {
        let strings = [&self.control, &self.binding, &self.message].into_iter();
        let strings = strings.map(|string| escaped_bytes(string));
        // Quotes and a comma.
        let paths = self.paths.iter().map(|path| escaped_bytes(path) + 3);
        let fixes = self.fixes.iter().map(FixEntry::max_bytes);
        // The constant is for the keys, the quotes and the short values.
        128 + strings.sum::<usize>() + paths.sum::<usize>() + fixes.sum::<usize>()
    }
}

impl FixEntry {
    fn new(fix: &Fix) -> Self {
        let (value, remove) = match &fix.action {
            FixAction::Set(json) if json.len() <= MAX_PATH_BYTES => {
                (serde_json::from_str(json).ok(), false)
            }
            // Truncated JSON is not valid: it is logged as a string.
            FixAction::Set(json) => {
                let truncated = truncate_bytes(json, MAX_PATH_BYTES).into_owned();
                (Some(truncated.into()), false)
            }
            FixAction::Remove => (None, true),
        };
        Self {
            path: format_bounded(&fix.path, MAX_PATH_BYTES),
            value,
            remove,
        }
    }

    fn max_bytes(&self) -> usize {
        let value = self.value.as_ref();
        let value_bytes = value.map_or(0, |value| escaped_bytes(&value.to_string()));
        64 + escaped_bytes(&self.path) + value_bytes
    }
}

impl<'a> UnevaluatedEntry<'a> {
    fn new(unevaluated: &'a UnevaluatedControl) -> Self {
        let control = unevaluated.control.as_ref();
        let message = unevaluated.cause.to_string();
        Self {
            control: control.map(|control| truncate_bytes(control.as_str(), MAX_NAME_BYTES)),
            message: truncate_bytes(&message, MAX_MESSAGE_BYTES).into_owned(),
            action: unevaluated.action.map_or("none", Action::name),
            binding: truncate_bytes(&unevaluated.binding, MAX_NAME_BYTES),
        }
    }

    /// Returns the most bytes that it has in a line.
    fn max_bytes(&self) -> usize {
        let control = self.control.as_ref();
        let control_bytes = control.map_or(0, |control| escaped_bytes(control));
        128 + control_bytes + escaped_bytes(&self.message) + escaped_bytes(&self.binding)
    }
}

/// Returns the name of a reason, as `because` in the log.
pub(super) fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::New => "new",
        Reason::Existing => "existing",
        Reason::Owned => "owned",
        Reason::Exempt => "exempt",
        Reason::Deleting => "deleting",
        Reason::StatusWrite => "status",
    }
}

/// Returns the number of bytes of a string in JSON, without quotes.
fn escaped_bytes(string: &str) -> usize {
    let bytes = |c: char| match c {
        '"' | '\\' => 2,
        // `\u` and four digits for each UTF-16 code unit.
        c if is_hidden(c) => 6 * c.len_utf16(),
        c => c.len_utf8(),
    };
    string.chars().map(bytes).sum()
}

fn as_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Returns the current time by RFC 3339, in UTC.
fn now() -> String {
    OffsetDateTime::from(SystemTime::now())
        .format(&Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
