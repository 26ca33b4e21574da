//! An object and its verdict as they are written.

use super::{ResultStoreError, finding_record::FindingRecord, stored_text::stored_text};
use kubevet_model::{Fingerprint, ObjectResult, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// The most bytes of a name, a kind or an id.
const MAX_NAME_BYTES: usize = 512;
/// The most bytes of the reason why a control was not evaluated.
const MAX_REASON_BYTES: usize = 1024;
/// The most findings of one object that are stored; the others are counted.
pub(super) const MAX_FINDINGS_PER_OBJECT: usize = 10_000;

/// The result of one object of a cluster, to be written.
#[derive(Debug, Clone, Copy)]
pub struct ObjectWrite<'a> {
    /// The result. Its messages are masked already, as those of every report.
    pub result: &'a ObjectResult,
    /// The uid of its controller.
    pub owner_uid: Option<&'a str>,
    /// The names of the exceptions that accept findings of it, by fingerprint.
    pub exceptions: &'a BTreeMap<Fingerprint, String>,
}

/// No exceptions.
static NO_EXCEPTIONS: BTreeMap<Fingerprint, String> = BTreeMap::new();

impl<'a> ObjectWrite<'a> {
    /// A result without owner and exceptions.
    #[must_use]
    pub fn new(result: &'a ObjectResult) -> Self {
        Self {
            result,
            owner_uid: None,
            exceptions: &NO_EXCEPTIONS,
        }
    }
}

/// The columns of an object, and the rows of its findings.
#[derive(Debug)]
pub(super) struct ObjectRecord {
    pub(super) uid: String,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) resource_version: String,
    pub(super) owner_uid: Option<String>,
    /// The ids of the evaluated controls, with a space between them.
    pub(super) controls: String,
    pub(super) controls_digest: String,
    /// By fingerprint. Findings with one fingerprint are one.
    pub(super) findings: BTreeMap<String, FindingRecord>,
    pub(super) findings_left_out: usize,
    /// The controls that could not be evaluated, with the reason.
    pub(super) errors: BTreeMap<String, String>,
    /// Of everything but the resource version.
    pub(super) digest: String,
}

impl ObjectRecord {
    pub(super) fn new(write: &ObjectWrite<'_>) -> Result<Self, ResultStoreError> {
        let result = write.result;
        let Origin::Cluster {
            uid,
            resource_version,
        } = &result.origin
        else {
            return Err(ResultStoreError::NoUid(result.object.to_string()));
        };
        if uid.is_empty() {
            return Err(ResultStoreError::NoUid(result.object.to_string()));
        }
        let name = |text: &str| stored_text(text, MAX_NAME_BYTES).into_owned();
        // The worst are stored where there are too many.
        let mut worst_first: Vec<_> = result.findings.iter().collect();
        worst_first.sort_by_key(|located| std::cmp::Reverse(located.finding.severity));
        let mut findings = BTreeMap::new();
        let mut left_out = BTreeSet::new();
        for located in worst_first {
            let key = located.finding.fingerprint;
            if findings.len() < MAX_FINDINGS_PER_OBJECT {
                let exception = write.exceptions.get(&key).map(String::as_str);
                let record = || FindingRecord::new(located, exception);
                findings.entry(key.to_string()).or_insert_with(record);
            } else {
                left_out.insert(key);
            }
        }
        let errors = result.errors.iter().map(|error| {
            let reason = error.error.to_string();
            let reason = stored_text(&reason, MAX_REASON_BYTES).into_owned();
            (name(error.control.as_str()), reason)
        });
        let controls: Vec<String> = result.judged.iter().map(|id| name(id.as_str())).collect();
        let controls = controls.join(" ");
        let mut record = Self {
            uid: name(uid),
            api_version: name(&result.object.api_version),
            kind: name(&result.object.kind),
            namespace: name(&result.object.namespace),
            name: name(&result.object.name),
            resource_version: name(resource_version),
            owner_uid: write.owner_uid.map(name),
            controls_digest: Fingerprint::of([controls.as_str()]).to_string(),
            controls,
            findings,
            findings_left_out: left_out.len(),
            errors: errors.collect(),
            digest: String::new(),
        };
        record.digest = record.compute_digest();
        Ok(record)
    }

    fn compute_digest(&self) -> String {
        let left_out = self.findings_left_out.to_string();
        let counts = format!("{} {}", self.findings.len(), self.errors.len());
        let identity = [
            self.api_version.as_str(),
            &self.kind,
            &self.namespace,
            &self.name,
            self.owner_uid.as_deref().unwrap_or_default(),
            &self.controls_digest,
            &left_out,
            &counts,
        ];
        let findings = self.findings.iter();
        let findings = findings.flat_map(|(key, finding)| [key.as_str(), &finding.digest]);
        let errors = self.errors.iter();
        let errors = errors.flat_map(|(control, reason)| [control.as_str(), reason]);
        Fingerprint::of(identity.into_iter().chain(findings).chain(errors)).to_string()
    }
}
