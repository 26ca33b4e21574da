//! One defect as one line: `C-0057 (critical) container web is privileged [securityContext.privileged]`,
//! and what to do about it.
//!
//! Names and messages come from objects and policies: each becomes a single line of bounded length,
//! so that none can imitate another line or fill the answer.

use super::{AdmissionRequest, Enforcement, defect_outcomes::DefectOutcomes};
use kubevet_document::flow_yaml;
use kubevet_k8s::workload::container_of;
use kubevet_model::{Control, FieldPath, FixAction, Operation, Severity, Violation, one_line};

/// The number of ids of a line.
const MAX_LISTED_IDS: usize = 5;
/// The number of characters of an id.
const MAX_ID_CHARS: usize = 30;
/// The number of characters of the name of an object.
const MAX_NAME_CHARS: usize = 60;
/// The number of characters of the value of a fix.
const MAX_VALUE_CHARS: usize = 60;
/// The number of characters of an advice.
const MAX_ADVICE_CHARS: usize = 100;
/// The number of characters of a path.
const MAX_PATH_CHARS: usize = 100;
/// The number of characters that the fact keeps, however long the rest of the line.
const MIN_FACT_CHARS: usize = 30;

/// Writes the defects of one request.
pub(super) struct DefectLines<'a> {
    pub(super) enforcement: &'a Enforcement,
    pub(super) request: &'a AdmissionRequest<'a>,
}

impl DefectLines<'_> {
    /// Returns `IDS (SEVERITY) FACT [LOCATION]END` in at most `max_chars` characters. If it does not
    /// fit, the fact is truncated: the location is shorter and more useful.
    pub(super) fn line(&self, defect: &DefectOutcomes<'_>, end: &str, max_chars: usize) -> String {
        let finding = &defect.worst.finding;
        let severity = self
            .control(finding)
            .map_or(Severity::Low, |control| control.severity);
        let start = format!("{} ({severity})", ids(defect));
        let location = match self.location(finding) {
            location if location.is_empty() => location,
            location => format!(" [{location}]"),
        };
        let used_chars: usize = [&start, &location, end]
            .iter()
            .map(|part| part.chars().count())
            .sum();
        let fact_chars = max_chars.saturating_sub(used_chars + 1).max(MIN_FACT_CHARS);
        let fact = if self.is_connection() {
            // What is after the colon is the command.
            finding.message.as_str()
        } else {
            finding.fact()
        };
        let fact = one_line(fact, fact_chars);
        one_line(&format!("{start} {fact}{location}{end}"), max_chars)
    }

    /// Returns what to do: the first fix of a finding, else the advice of the worst control.
    pub(super) fn remedy(&self, defect: &DefectOutcomes<'_>) -> String {
        let fix = defect
            .findings()
            .find_map(|outcome| outcome.finding.fixes.first());
        let Some(fix) = fix else {
            let control = self.control(&defect.worst.finding);
            return control.map_or_else(String::new, |control| advice(&control.remediation));
        };
        let finding = &defect.worst.finding;
        let target = if finding.paths.first() == Some(&fix.path) {
            "it".to_owned()
        } else {
            self.short_path(finding, &fix.path)
        };
        match &fix.action {
            FixAction::Set(json) => {
                let value = one_line(&flow_yaml(json), MAX_VALUE_CHARS);
                format!("set {target} to {value}")
            }
            FixAction::Remove => format!("remove {target}"),
        }
    }

    fn is_connection(&self) -> bool {
        self.request.attributes.operation == Operation::Connect
    }

    fn control(&self, finding: &Violation) -> Option<&Control> {
        let control = self.enforcement.controls.get(&finding.control);
        control.map(AsRef::as_ref)
    }

    /// Returns where a finding is: a path, or the target of a connection.
    fn location(&self, finding: &Violation) -> String {
        let attributes = &self.request.attributes;
        if self.is_connection() {
            let kind = connection_target(attributes.resource);
            let name = one_line(attributes.name, MAX_NAME_CHARS);
            let namespace = one_line(attributes.namespace, MAX_NAME_CHARS);
            return if namespace.is_empty() {
                format!("{kind} {name}")
            } else {
                format!("{kind} {namespace}/{name}")
            };
        }
        let path = finding.paths.first();
        path.map_or_else(String::new, |path| self.short_path(finding, path))
    }

    /// Returns a path for people. Where the finding names the container, the path begins in it.
    fn short_path(&self, finding: &Violation, path: &FieldPath) -> String {
        let path = self
            .path_in_container(finding, path)
            .unwrap_or(path.as_str());
        truncate_start(path, MAX_PATH_CHARS)
    }

    fn path_in_container<'p>(&self, finding: &Violation, path: &'p FieldPath) -> Option<&'p str> {
        let container = container_of(self.request.kind, path)?;
        let object = self.request.object?;
        let name = object.resolve(&container.key("name")).value?.as_str()?;
        let is_named = finding.fact().contains(&format!("container {name} "));
        let rest = path.as_str().strip_prefix(container.as_str())?;
        rest.strip_prefix('.').filter(|_| is_named)
    }
}

/// Returns the ids of the controls: `C-0009, C-0050, C-0270`.
fn ids(defect: &DefectOutcomes<'_>) -> String {
    let controls = defect.controls();
    let listed = controls.iter().take(MAX_LISTED_IDS);
    let listed: Vec<String> = listed
        .map(|id| one_line(id.as_str(), MAX_ID_CHARS))
        .collect();
    match controls.len().saturating_sub(MAX_LISTED_IDS) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
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

/// Returns the first sentence of a remediation, or as many whole clauses of it as fit, as the rest
/// of a sentence.
fn advice(remediation: &str) -> String {
    let paragraph = remediation.trim().lines().next().unwrap_or_default();
    let sentence = match paragraph.split_once(". ") {
        Some((first, _)) => first,
        None => paragraph.trim_end_matches(['.', ':']),
    };
    let sentence = lowercase_first_word(sentence);
    if sentence.chars().count() <= MAX_ADVICE_CHARS {
        return one_line(&sentence, MAX_ADVICE_CHARS);
    }
    // Bytes are compared with characters here: the clause is shorter than it could be at worst.
    let clause_ends = sentence.match_indices(", ").map(|(end, _)| end);
    let clause = clause_ends
        .filter(|end| *end <= MAX_ADVICE_CHARS)
        .last()
        .and_then(|end| sentence.get(..end));
    one_line(clause.unwrap_or(&sentence), MAX_ADVICE_CHARS)
}

/// Returns a sentence whose first word begins with a small letter, unless capitals are a part of the
/// word (`AppArmor`, `CPU`).
fn lowercase_first_word(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let rest = chars.as_str();
    let word = rest.split_whitespace().next().unwrap_or_default();
    if rest.starts_with(' ') || word.chars().any(char::is_uppercase) {
        return sentence.to_owned();
    }
    format!("{}{rest}", first.to_lowercase())
}

/// Returns the end of a path, which is more specific than its start, in at most `max_chars`
/// characters.
fn truncate_start(path: &str, max_chars: usize) -> String {
    let count = path.chars().count();
    if count <= max_chars {
        return one_line(path, max_chars);
    }
    let end: String = path.chars().skip(count - max_chars + 1).collect();
    format!("…{}", one_line(&end, max_chars))
}
