//! Objects that a controller made for another object of the same input, such as the Pods of a
//! Deployment in what `kubectl get all -o yaml` prints. Their findings are those of the owner, and
//! are fixed there.
//!
//! An owner reference alone proves nothing, so every object is evaluated. One is left out of the
//! report only if each of its findings is a finding of its owner too, or if it is a ReplicaSet that
//! its owner keeps at no replicas: it runs nothing.

use kubevet_document::{Document, Node, Number};
use kubevet_model::{Fingerprint, Kind, ObjectId, ObjectResult};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Tells objects apart by kind, namespace and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnerKey(Fingerprint);

/// What the owner reference of an object says, and what the object itself must know of it.
#[derive(Debug)]
pub(super) struct Ownership {
    /// The key of the object.
    key: Fingerprint,
    /// Its controller; `None` if it has none.
    pub(super) owner: Option<Owner>,
}

/// The controller of an object.
#[derive(Debug)]
pub(super) struct Owner {
    key: Fingerprint,
    /// The kind.
    pub(super) kind: Kind,
    name: String,
    /// True for a ReplicaSet without replicas.
    keeps_idle: bool,
}

/// Why an object is left out of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LeftOut {
    /// Its owner has the same findings.
    SameFindings,
    /// Its owner keeps it at no replicas.
    Idle,
}

impl Ownership {
    pub(super) fn of(document: &Document) -> Self {
        let id = document.id();
        Self {
            key: key(&id.group_kind(), &id.namespace, &id.name),
            owner: owner(document, &id),
        }
    }

    pub(super) fn key(&self) -> OwnerKey {
        OwnerKey(self.key)
    }

    /// The key of the controller; `None` if it has none.
    pub(super) fn owner_key(&self) -> Option<OwnerKey> {
        self.owner.as_ref().map(Owner::key)
    }
}

impl Owner {
    pub(super) fn key(&self) -> OwnerKey {
        OwnerKey(self.key)
    }

    /// Returns the name as reports print it.
    pub(super) fn display(&self, object: &ObjectId) -> String {
        let owner = ObjectId {
            kind: self.kind.name.clone(),
            namespace: object.namespace.clone(),
            name: self.name.clone(),
            ..ObjectId::default()
        };
        owner.to_string()
    }
}

/// The findings of every object, by its key: what an owner is compared by.
#[derive(Debug, Default)]
pub(super) struct FindingsByObject {
    by_key: HashMap<Fingerprint, Known>,
    /// Counts the readings of all objects.
    reading: u32,
    /// Equal sets are stored once: most objects have none, and many are made from one template.
    sets: HashSet<FindingSet>,
    /// The number of sets at which those without an object are dropped.
    max_sets: usize,
}

/// The findings of one object.
#[derive(Debug)]
struct Known {
    findings: FindingSet,
    /// The last reading of all objects in which it was there.
    reading: u32,
}

/// The number of sets that are kept although no object may have them.
const MIN_SETS: usize = 1_024;

/// The keys of control and message of each finding, sorted.
pub(super) type FindingSet = Arc<[Fingerprint]>;

impl FindingsByObject {
    /// Adds an object. The last of several with one name counts.
    pub(super) fn add(&mut self, ownership: &Ownership, result: &ObjectResult) {
        let findings = self.interned(finding_set(result));
        self.insert(ownership, findings);
    }

    fn insert(&mut self, ownership: &Ownership, findings: FindingSet) {
        let reading = self.reading;
        let known = Known { findings, reading };
        self.by_key.insert(ownership.key, known);
    }

    /// Begins to read all objects.
    pub(super) fn begin_reading(&mut self) {
        self.reading = self.reading.wrapping_add(1);
    }

    /// Forgets the objects that were not added since all are read.
    pub(super) fn end_reading(&mut self) {
        let reading = self.reading;
        self.by_key.retain(|_, known| known.reading == reading);
    }

    fn interned(&mut self, set: FindingSet) -> FindingSet {
        if let Some(known) = self.sets.get(&set) {
            return Arc::clone(known);
        }
        // Sets that no object has any more are dropped before there are twice as many.
        if self.sets.len() >= self.max_sets.max(MIN_SETS) {
            self.sets.retain(|set| Arc::strong_count(set) > 1);
            self.max_sets = self.sets.len() * 2;
        }
        self.sets.insert(Arc::clone(&set));
        set
    }

    /// Adds the findings of an object to those that it had before.
    pub(super) fn merge(&mut self, ownership: &Ownership, result: &ObjectResult) {
        let mut all = finding_set(result).to_vec();
        let before = self.by_key.get(&ownership.key);
        all.extend(
            before
                .into_iter()
                .flat_map(|known| known.findings.iter().copied()),
        );
        all.sort_unstable();
        all.dedup();
        let findings = self.interned(all.into());
        self.insert(ownership, findings);
    }

    /// Removes an object.
    pub(super) fn remove(&mut self, ownership: &Ownership) {
        self.by_key.remove(&ownership.key);
    }

    /// True if the object was added.
    pub(super) fn contains(&self, owner: &Owner) -> bool {
        self.by_key.contains_key(&owner.key)
    }

    /// The findings of an object that was added.
    pub(super) fn of(&self, ownership: &Ownership) -> Option<FindingSet> {
        let known = self.by_key.get(&ownership.key);
        known.map(|known| Arc::clone(&known.findings))
    }

    /// True if an object was added and has all these findings.
    pub(super) fn has_all(&self, owner: OwnerKey, findings: &FindingSet) -> bool {
        let of_owner = self.by_key.get(&owner.0);
        of_owner.is_some_and(
            |Known {
                 findings: of_owner, ..
             }| {
                let mut findings = findings.iter();
                findings.all(|finding| of_owner.binary_search(finding).is_ok())
            },
        )
    }

    /// Returns why an object is left out; `None` if it is reported.
    pub(super) fn left_out(&self, ownership: &Ownership, result: &ObjectResult) -> Option<LeftOut> {
        let owner = ownership.owner.as_ref()?;
        let of_owner = &self.by_key.get(&owner.key)?.findings;
        if ownership.key == owner.key || !result.errors.is_empty() {
            return None;
        }
        if owner.keeps_idle {
            return Some(LeftOut::Idle);
        }
        // The paths differ, since the owner has the pod spec elsewhere; the messages name containers
        // and volumes.
        let has_all = finding_set(result)
            .iter()
            .all(|finding| of_owner.binary_search(finding).is_ok());
        has_all.then_some(LeftOut::SameFindings)
    }
}

fn finding_set(result: &ObjectResult) -> FindingSet {
    let findings = result.findings.iter().map(|located| {
        let finding = &located.finding;
        Fingerprint::of([finding.rule.as_str(), finding.message.as_str()])
    });
    let mut set: Vec<Fingerprint> = findings.collect();
    set.sort_unstable();
    set.dedup();
    set.into()
}

fn key(kind: &Kind, namespace: &str, name: &str) -> Fingerprint {
    Fingerprint::of([kind.group.as_str(), kind.name.as_str(), namespace, name])
}

/// Returns the controller of an object; `None` if it has none.
fn owner(document: &Document, id: &ObjectId) -> Option<Owner> {
    let metadata = document.root().get("metadata")?;
    let owner = metadata.get("ownerReferences")?.elements().find(|owner| {
        let is_controller = owner.get("controller").and_then(Node::as_bool);
        is_controller == Some(true)
    })?;
    let text = |key| owner.get(key).and_then(Node::as_str).unwrap_or_default();
    let kind = Kind::new(Kind::group_of(text("apiVersion")), text("kind"));
    let name = text("name").to_owned();
    Some(Owner {
        key: key(&kind, &id.namespace, &name),
        kind,
        name,
        keeps_idle: is_idle_replica_set(document, id),
    })
}

/// True for a ReplicaSet without replicas: a revision of a Deployment that is kept to return to it.
fn is_idle_replica_set(document: &Document, id: &ObjectId) -> bool {
    let replicas = document
        .root()
        .get("spec")
        .and_then(|spec| spec.get("replicas"));
    id.kind == "ReplicaSet"
        && Kind::group_of(&id.api_version) == "apps"
        && replicas.and_then(Node::as_number) == Some(Number::Int(0))
}
