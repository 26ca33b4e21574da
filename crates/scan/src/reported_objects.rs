//! Which objects of a cluster that is followed are reported, and which are left out because a
//! controller made them for an object with the same findings.
//!
//! Neither objects nor their results are kept, but for a bounded number that wait for their owner:
//! another watch may bring it.

use super::owned::{FindingSet, FindingsByObject, OwnerKey, Ownership};
use kubevet_document::{Document, Node};
use kubevet_model::{Kind, ObjectId, ObjectResult, Origin};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// The most objects that wait for their owner. One more is reported at once, and left out later if
/// its owner comes.
const MAX_WAITING: usize = 2_000;

/// What the owner of an object is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The findings that it has now.
    Current,
    /// Those, and the ones that it had since all objects were read: the objects of an earlier
    /// revision stay for a while after their owner was repaired.
    Followed,
}

/// What became of an object.
#[derive(Debug)]
pub enum Placement {
    /// It is reported.
    Reported(ObjectResult),
    /// The object of this uid is not reported: its owner has its findings.
    LeftOut(Arc<str>),
}

/// The objects of a cluster, by what is compared of them.
#[derive(Debug, Default)]
pub struct ReportedObjects {
    /// The kinds of the objects that are followed.
    kinds: BTreeSet<Kind>,
    findings: FindingsByObject,
    waiting: HashMap<Arc<str>, Waiting>,
    /// The reported objects whose owner is followed: it may come later, or get their findings.
    owned: HashMap<Arc<str>, OwnedObject>,
    /// Counts the calls of `settle`.
    round: u64,
}

#[derive(Debug)]
struct Waiting {
    ownership: Ownership,
    result: ObjectResult,
    since: u64,
}

#[derive(Debug)]
struct OwnedObject {
    owner: OwnerKey,
    findings: FindingSet,
}

impl ReportedObjects {
    /// `kinds` are those of the objects that are followed: an object with an owner of another kind
    /// does not wait for it.
    #[must_use]
    pub fn new(kinds: BTreeSet<Kind>) -> Self {
        Self {
            kinds,
            ..Self::default()
        }
    }

    pub(super) fn with_findings(kinds: BTreeSet<Kind>, findings: FindingsByObject) -> Self {
        Self {
            findings,
            ..Self::new(kinds)
        }
    }

    /// Replaces the kinds of the objects that are followed.
    pub fn set_kinds(&mut self, kinds: BTreeSet<Kind>) {
        self.kinds = kinds;
    }

    /// The number of objects that wait for their owner.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Begins to read all objects.
    pub fn begin_reading(&mut self) {
        self.findings.begin_reading();
    }

    /// Forgets the findings of the objects that were not added since all are read.
    pub fn end_reading(&mut self) {
        self.findings.end_reading();
    }

    /// Takes the result of an object that is new or has changed. Returns what became of it, unless
    /// it waits for its owner, and of the objects that it is the owner of.
    pub fn add(
        &mut self,
        object: &Document,
        result: ObjectResult,
        freshness: Freshness,
    ) -> Vec<Placement> {
        let Some(uid) = uid_of(&result) else {
            return Vec::new();
        };
        let ownership = Ownership::of(object);
        match freshness {
            Freshness::Current => self.findings.add(&ownership, &result),
            Freshness::Followed => self.findings.merge(&ownership, &result),
        }
        let mut placements = self.place_owned(ownership.key());
        let waits = self.waits(&uid, &ownership, &result, freshness);
        if waits && (self.waiting.len() < MAX_WAITING || self.waiting.contains_key(&uid)) {
            let since = self.waiting.get(&uid).map_or(self.round, |old| old.since);
            let waiting = Waiting {
                ownership,
                result,
                since,
            };
            self.waiting.insert(uid, waiting);
        } else {
            self.waiting.remove(&uid);
            placements.push(self.place(uid, &ownership, result));
        }
        placements
    }

    /// True if the owner of an object decides about it that may come in a moment. Watches have no order
    /// among each other: what a controller has made may come before the change of its owner that it was
    /// made for. An object that is reported already does not wait.
    fn waits(
        &self,
        uid: &Arc<str>,
        ownership: &Ownership,
        result: &ObjectResult,
        freshness: Freshness,
    ) -> bool {
        let owner = ownership.owner.as_ref();
        let Some(owner) = owner.filter(|owner| self.kinds.contains(&owner.kind)) else {
            return false;
        };
        if !self.findings.contains(owner) {
            return true;
        }
        freshness == Freshness::Followed
            && result.errors.is_empty()
            && !self.owned.contains_key(uid)
            && self.findings.left_out(ownership, result).is_none()
    }

    /// Returns what became of the objects whose owner has not come since the call before. Called
    /// from time to time.
    pub fn settle(&mut self) -> Vec<Placement> {
        let round = self.round;
        self.round += 1;
        let settled: Vec<_> = self
            .waiting
            .extract_if(|_, waiting| waiting.since < round)
            .collect();
        let settled = settled.into_iter();
        settled
            .map(|(uid, waiting)| self.place(uid, &waiting.ownership, waiting.result))
            .collect()
    }

    /// Returns what became of all objects that wait: no owner comes any more.
    pub fn settle_all(&mut self) -> Vec<Placement> {
        self.settle().into_iter().chain(self.settle()).collect()
    }

    /// Forgets an object that was deleted.
    pub fn remove(&mut self, object: &Document) {
        self.findings.remove(&Ownership::of(object));
        if let Some(uid) = object.root().get("metadata").and_then(uid_in) {
            self.remove_uid(uid);
        }
    }

    /// Forgets an object of which only the uid is known. What its name had stays until an object of
    /// this name is added.
    pub fn remove_uid(&mut self, uid: &str) {
        self.waiting.remove(uid);
        self.owned.remove(uid);
    }

    /// Forgets the waiting objects of a kind, in a namespace or everywhere, without these uids.
    pub(super) fn retain(&mut self, kind: &Kind, namespace: Option<&str>, uids: &HashSet<String>) {
        self.waiting
            .retain(|uid, waiting| !is_gone(&waiting.result.object, uid, kind, namespace, uids));
    }

    /// Looks again at the waiting and the reported objects of an owner.
    fn place_owned(&mut self, owner: OwnerKey) -> Vec<Placement> {
        let mut placements = Vec::new();
        if !self.waiting.is_empty() {
            let of_owner = |waiting: &Waiting| waiting.ownership.owner_key() == Some(owner);
            let come: Vec<_> = self
                .waiting
                .extract_if(|_, waiting| of_owner(waiting))
                .collect();
            for (uid, waiting) in come {
                placements.push(self.place(uid, &waiting.ownership, waiting.result));
            }
        }
        if !self.owned.is_empty() {
            let findings = &self.findings;
            let has_all = |owned: &OwnedObject| {
                owned.owner == owner && findings.has_all(owner, &owned.findings)
            };
            let left_out = self.owned.extract_if(|_, owned| has_all(owned));
            placements.extend(left_out.map(|(uid, _)| Placement::LeftOut(uid)));
        }
        placements
    }

    fn place(&mut self, uid: Arc<str>, ownership: &Ownership, result: ObjectResult) -> Placement {
        self.owned.remove(&uid);
        if self.findings.left_out(ownership, &result).is_some() {
            return Placement::LeftOut(uid);
        }
        // One that could not be evaluated is never left out.
        if let Some(owner) = &ownership.owner
            && self.kinds.contains(&owner.kind)
            && result.errors.is_empty()
            && let Some(findings) = self.findings.of(ownership)
        {
            let owner = owner.key();
            self.owned.insert(uid, OwnedObject { owner, findings });
        }
        Placement::Reported(result)
    }
}

/// True for an object of a kind, in a namespace or everywhere, whose uid is not among these.
pub(super) fn is_gone(
    object: &ObjectId,
    uid: &str,
    kind: &Kind,
    namespace: Option<&str>,
    uids: &HashSet<String>,
) -> bool {
    object.group_kind() == *kind
        && namespace.is_none_or(|namespace| object.namespace == namespace)
        && !uids.contains(uid)
}

/// Returns the uid of the object of a result; `None` if it has none.
pub(super) fn uid_of(result: &ObjectResult) -> Option<Arc<str>> {
    match &result.origin {
        Origin::Cluster { uid, .. } if !uid.is_empty() => Some(Arc::clone(uid)),
        _ => None,
    }
}

fn uid_in(metadata: Node<'_>) -> Option<&str> {
    metadata.get("uid").and_then(Node::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_document::{self as document, Limits};
    use kubevet_model::{Evidence, Finding, Fingerprint, LocatedFinding, Severity};

    /// An object of `shop` with a finding for each message; its owner is a ReplicaSet.
    fn object(kind: &str, name: &str, owner: &str, messages: &[&str]) -> (Document, ObjectResult) {
        let owners = match owner {
            "" => String::new(),
            owner => format!(
                "[{{apiVersion: apps/v1, kind: ReplicaSet, name: {owner}, controller: true}}]"
            ),
        };
        let api_version = if kind == "Pod" { "v1" } else { "apps/v1" };
        let text = format!(
            "{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: {name}, uid: {name}, \
             namespace: shop, ownerReferences: {owners}}}, spec: {{replicas: 1}}}}"
        );
        let parsed = document::read(&"x.yaml".into(), text.as_bytes(), &Limits::default());
        let document = parsed.documents[0].clone();
        let object = Arc::new(document.id());
        let origin = Origin::Cluster {
            uid: name.into(),
            resource_version: "1".into(),
        };
        let findings = messages.iter().map(|message| LocatedFinding {
            finding: Finding {
                subject: Arc::clone(&object),
                rule: "C-1".into(),
                severity: Severity::High,
                message: (*message).to_owned(),
                evidence: Evidence::Paths {
                    paths: Vec::new(),
                    fixes: Vec::new(),
                },
                origin: origin.clone(),
                fingerprint: Fingerprint::of([*message]),
                defect: Fingerprint::of([*message]),
            },
            source: None,
            container: None,
            excerpt: Vec::new(),
        });
        let findings = findings.collect();
        let result = ObjectResult {
            object,
            origin,
            judged: vec!["C-1".into()],
            findings,
            errors: Vec::new(),
        };
        (document, result)
    }

    fn objects() -> ReportedObjects {
        let kinds = [Kind::new("", "Pod"), Kind::new("apps", "ReplicaSet")];
        ReportedObjects::new(kinds.into())
    }

    fn names(placements: &[Placement]) -> Vec<String> {
        let names = placements.iter().map(|placement| match placement {
            Placement::Reported(result) => result.object.name.clone(),
            Placement::LeftOut(uid) => format!("-{uid}"),
        });
        names.collect()
    }

    #[track_caller]
    fn add(
        objects: &mut ReportedObjects,
        (document, result): (Document, ObjectResult),
        freshness: Freshness,
        expected: &[&str],
    ) {
        assert_eq!(names(&objects.add(&document, result, freshness)), expected);
    }

    #[test]
    fn object_waits_for_its_owner_for_one_round() {
        let mut objects = objects();
        let pod = || object("Pod", "pod", "rs", &["a"]);
        add(&mut objects, pod(), Freshness::Followed, &[]);
        assert_eq!(objects.waiting(), 1);
        assert_eq!(names(&objects.settle()), [] as [&str; 0]);
        assert_eq!(names(&objects.settle()), ["pod"]);
        // The owner comes late.
        let owner = object("ReplicaSet", "rs", "", &["a"]);
        add(&mut objects, owner, Freshness::Followed, &["-pod", "rs"]);
        add(&mut objects, pod(), Freshness::Followed, &["-pod"]);
    }

    #[test]
    fn waiting_object_is_placed_when_its_owner_comes() {
        let mut objects = objects();
        let same = object("Pod", "same", "rs", &["a"]);
        add(&mut objects, same, Freshness::Current, &[]);
        let owner = object("ReplicaSet", "rs", "", &["a"]);
        add(&mut objects, owner, Freshness::Current, &["-same", "rs"]);
        let more = object("Pod", "more", "rs", &["a", "b"]);
        add(&mut objects, more, Freshness::Current, &["more"]);
        assert_eq!(objects.waiting(), 0);
    }

    #[test]
    fn object_that_comes_before_the_change_of_its_owner_waits_for_it() {
        let mut objects = objects();
        let before = object("ReplicaSet", "rs", "", &[]);
        add(&mut objects, before, Freshness::Current, &["rs"]);
        let pod = || object("Pod", "pod", "rs", &["a"]);
        let other = || object("Pod", "other", "rs", &["b"]);
        add(&mut objects, pod(), Freshness::Followed, &[]);
        let changed = object("ReplicaSet", "rs", "", &["a"]);
        add(&mut objects, changed, Freshness::Followed, &["-pod", "rs"]);
        // One that differs from its owner is reported a moment later, and does not wait again.
        add(&mut objects, other(), Freshness::Followed, &[]);
        assert_eq!(names(&objects.settle()), [] as [&str; 0]);
        assert_eq!(names(&objects.settle()), ["other"]);
        add(&mut objects, other(), Freshness::Followed, &["other"]);
    }

    #[test]
    fn object_of_an_earlier_revision_stays_left_out_until_all_are_read() {
        let mut objects = objects();
        let bad = object("ReplicaSet", "rs", "", &["a"]);
        let fixed = || object("ReplicaSet", "rs", "", &[]);
        let pod = || object("Pod", "pod", "rs", &["a"]);
        add(&mut objects, bad, Freshness::Current, &["rs"]);
        add(&mut objects, fixed(), Freshness::Followed, &["rs"]);
        add(&mut objects, pod(), Freshness::Followed, &["-pod"]);
        add(&mut objects, fixed(), Freshness::Current, &["rs"]);
        add(&mut objects, pod(), Freshness::Current, &["pod"]);
    }

    #[test]
    fn number_of_waiting_objects_is_bounded() {
        let mut objects = objects();
        for number in 0..MAX_WAITING {
            let pod = object("Pod", &format!("p{number}"), "rs", &["a"]);
            add(&mut objects, pod, Freshness::Current, &[]);
        }
        let last = object("Pod", "last", "rs", &["a"]);
        add(&mut objects, last, Freshness::Current, &["last"]);
        assert_eq!(objects.waiting(), MAX_WAITING);
        assert_eq!(objects.settle_all().len(), MAX_WAITING);
    }
}
