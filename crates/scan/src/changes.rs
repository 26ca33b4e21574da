//! Follows a cluster after it was scanned: an object that changed is evaluated again, and compared
//! with what was known of it.
//!
//! Only the findings are kept, not the objects. An object that a controller made is reported under its
//! owner: its findings are those that the owner has, or had since the scan, because the objects of
//! an earlier revision stay for a while after their owner was repaired.

use super::{
    cluster_evaluator::ClusterEvaluator,
    owned::FindingsByObject,
    reported_objects::{Freshness, Placement, ReportedObjects, is_gone, uid_of},
    schema_checks::SchemaChecks,
};
use kubevet_document::{Document, Node};
use kubevet_engine::Engine;
use kubevet_model::{
    Change, ChangeKind, Control, ControlId, Fingerprint, Kind, ObjectId, ObjectResult, Scan,
    Severity,
};
use kubevet_policy::Params;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// What is known of a cluster.
pub struct ChangeTracker<'a> {
    engine: &'a Engine,
    params: &'a Params,
    controls: Vec<Arc<Control>>,
    schema: SchemaChecks,
    objects: ReportedObjects,
    known: HashMap<Arc<str>, KnownObject>,
}

/// An object with findings.
struct KnownObject {
    object: Arc<ObjectId>,
    findings: BTreeMap<Fingerprint, KnownFinding>,
}

#[derive(Clone, PartialEq, Eq)]
struct KnownFinding {
    control: ControlId,
    severity: Severity,
    message: String,
}

/// What a scan leaves for the changes that follow it.
#[derive(Debug, Default)]
pub struct ScanMemory {
    pub(super) findings: FindingsByObject,
    pub(super) kinds: BTreeSet<Kind>,
}

impl<'a> ChangeTracker<'a> {
    /// Begins with the result of a scan.
    #[must_use]
    pub fn new(engine: &'a Engine, params: &'a Params, scan: &Scan, memory: ScanMemory) -> Self {
        let controls = scan.controls.iter();
        let known = scan.objects.iter().filter_map(|result| {
            let uid = uid_of(result)?;
            Some((uid, KnownObject::new(result)))
        });
        Self {
            engine,
            params,
            controls: controls.map(|result| Arc::clone(&result.control)).collect(),
            schema: SchemaChecks::default(),
            objects: ReportedObjects::with_findings(memory.kinds, memory.findings),
            known: known.collect(),
        }
    }

    /// Evaluates an object that was added or changed.
    pub fn changed(&mut self, object: &Document) -> Vec<Change> {
        if is_being_deleted(object) {
            return Vec::new();
        }
        let result = self.evaluator().evaluate(object);
        let placements = self.objects.add(object, result, Freshness::Followed);
        self.compare_all(placements)
    }

    /// Compares the objects whose owner was awaited. Called from time to time.
    pub fn settle(&mut self) -> Vec<Change> {
        let placements = self.objects.settle();
        self.compare_all(placements)
    }

    /// Forgets an object that was deleted.
    pub fn deleted(&mut self, object: &Document) -> Vec<Change> {
        let uid = object
            .root()
            .get("metadata")
            .and_then(|node| node.get("uid"));
        let Some(uid) = uid.and_then(Node::as_str) else {
            return Vec::new();
        };
        self.objects.remove(object);
        self.known
            .remove(uid)
            .map_or_else(Vec::new, |known| known.deleted())
    }

    /// Forgets the objects of a kind, in a namespace or everywhere, that a new list does not have.
    pub fn relisted(
        &mut self,
        kind: &Kind,
        namespace: Option<&str>,
        uids: &HashSet<String>,
    ) -> Vec<Change> {
        self.objects.retain(kind, namespace, uids);
        let gone = self
            .known
            .extract_if(|uid, known| is_gone(&known.object, uid, kind, namespace, uids));
        gone.flat_map(|(_, known)| known.deleted()).collect()
    }

    fn evaluator(&self) -> ClusterEvaluator<'_> {
        ClusterEvaluator {
            engine: self.engine,
            params: self.params,
            controls: &self.controls,
            schema: &self.schema,
        }
    }

    fn compare_all(&mut self, placements: Vec<Placement>) -> Vec<Change> {
        let mut changes = Vec::new();
        for placement in placements {
            match placement {
                Placement::Reported(result) => changes.extend(self.compare(&result)),
                // Its owner has the findings: nothing of them is repaired.
                Placement::LeftOut(uid) => drop(self.known.remove(&uid)),
            }
        }
        changes
    }

    fn compare(&mut self, result: &ObjectResult) -> Vec<Change> {
        let Some(uid) = uid_of(result) else {
            return Vec::new();
        };
        let new = KnownObject::new(result);
        let old = self.known.remove(&uid);
        let old_findings = old.map(|old| old.findings).unwrap_or_default();
        let mut changes = Vec::new();
        for (key, finding) in &new.findings {
            if !old_findings.contains_key(key) {
                changes.push(finding.change(&new.object, ChangeKind::New));
            }
        }
        for (key, finding) in &old_findings {
            if !new.findings.contains_key(key) {
                changes.push(finding.change(&new.object, ChangeKind::Fixed));
            }
        }
        if !new.findings.is_empty() {
            self.known.insert(uid, new);
        }
        changes
    }
}

impl KnownObject {
    fn new(result: &ObjectResult) -> Self {
        let findings = result.findings.iter().map(|located| {
            let finding = &located.finding;
            let known = KnownFinding {
                control: finding.rule.clone(),
                severity: finding.severity,
                message: finding.message.clone(),
            };
            (finding.fingerprint, known)
        });
        Self {
            object: Arc::clone(&result.object),
            findings: findings.collect(),
        }
    }

    fn deleted(&self) -> Vec<Change> {
        let findings = self.findings.values();
        findings
            .map(|finding| finding.change(&self.object, ChangeKind::Deleted))
            .collect()
    }
}

impl KnownFinding {
    fn change(&self, object: &Arc<ObjectId>, kind: ChangeKind) -> Change {
        Change {
            object: Arc::clone(object),
            kind,
            control: self.control.clone(),
            severity: self.severity,
            message: self.message.clone(),
        }
    }
}

/// True if the object is on its way out. Its deletion follows.
#[must_use]
pub fn is_being_deleted(document: &Document) -> bool {
    let metadata = document.root().get("metadata");
    metadata.is_some_and(|metadata| metadata.get("deletionTimestamp").is_some())
}
