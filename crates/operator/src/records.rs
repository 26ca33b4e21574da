//! What is kept of each object: about 80 bytes, and no part of the object itself.
//!
//! A verdict has no findings and is kept once for all objects that have it. Whether a result has
//! changed is told by a hash of all of it.

use super::object_uid::ObjectUid;
use kubevet_model::{Kind, ObjectResult};
use kubevet_scan::ObjectVerdict;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{BuildHasher, Hash as _, Hasher as _, RandomState},
    sync::Arc,
};

/// The objects that are known.
#[derive(Debug, Default)]
pub(super) struct Records {
    by_uid: HashMap<ObjectUid, Record>,
    /// The texts of uids that are no UUIDs.
    texts: HashMap<ObjectUid, Arc<str>>,
    kinds: Names<Kind>,
    namespaces: Names<String>,
    verdicts: Verdicts,
    hasher: RandomState,
}

#[derive(Debug)]
struct Record {
    /// `metadata.resourceVersion`; 0 where it is no number.
    version: u64,
    /// A hash of the result that was last reported.
    content: u64,
    namespace: u32,
    /// The verdict; `None` if the object is not reported.
    verdict: Option<u32>,
    /// The last reading in which the object was seen.
    seen: u32,
    /// The last sweep in which its result was written.
    written: u32,
    kind: u32,
}

/// An object as it arrives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub(super) uid: &'a str,
    pub(super) version: u64,
    pub(super) kind: &'a Kind,
    pub(super) namespace: &'a str,
    /// The number of the present reading.
    pub(super) reading: u32,
}

impl Records {
    /// Records that an object is there. False if a newer state of it is known: this one must not be
    /// evaluated.
    pub(super) fn arrive(&mut self, arrival: Arrival<'_>) -> bool {
        let (uid, is_exact) = ObjectUid::parse(arrival.uid);
        if let Some(record) = self.by_uid.get_mut(&uid) {
            record.seen = arrival.reading;
            if arrival.version != 0 && arrival.version < record.version {
                return false;
            }
            record.version = arrival.version;
            return true;
        }
        if !is_exact {
            self.texts.insert(uid, arrival.uid.into());
        }
        let record = Record {
            version: arrival.version,
            content: 0,
            namespace: self.namespaces.number(arrival.namespace),
            verdict: None,
            seen: arrival.reading,
            written: 0,
            kind: self.kinds.number(arrival.kind),
        };
        self.by_uid.insert(uid, record);
        true
    }

    /// Records that an object is there that cannot be read: what is known of it stays.
    pub(super) fn see(&mut self, uid: &str, reading: u32) {
        if let Some(record) = self.by_uid.get_mut(&ObjectUid::parse(uid).0) {
            record.seen = reading;
        }
    }

    /// Records the result of an object that is reported. True if it is not the one that was written
    /// in this sweep, or before.
    pub(super) fn report(&mut self, uid: &str, result: &ObjectResult, sweep: u32) -> bool {
        let (uid, _) = ObjectUid::parse(uid);
        let content = content_hash(result, &self.hasher);
        let Some(record) = self.by_uid.get_mut(&uid) else {
            return false;
        };
        let is_same = record.verdict.is_some() && record.content == content;
        let is_written = is_same && record.written == sweep;
        if !is_same {
            let old = record
                .verdict
                .replace(self.verdicts.add(result, &self.hasher));
            self.verdicts.remove(old);
        }
        record.content = content;
        record.written = sweep;
        !is_written
    }

    /// True if an object needs no further writing in a sweep: its result was written, or it has none.
    pub(super) fn is_settled(&self, uid: &str, sweep: u32) -> bool {
        let record = self.by_uid.get(&ObjectUid::parse(uid).0);
        record.is_none_or(|record| record.verdict.is_none() || record.written == sweep)
    }

    /// Records that an object is not reported. True if it was.
    pub(super) fn leave_out(&mut self, uid: &str) -> bool {
        let (uid, _) = ObjectUid::parse(uid);
        let record = self.by_uid.get_mut(&uid);
        let old = record.and_then(|record| record.verdict.take());
        self.verdicts.remove(old);
        old.is_some()
    }

    /// Forgets an object. True if it was reported.
    pub(super) fn remove(&mut self, uid: &str) -> bool {
        let (uid, _) = ObjectUid::parse(uid);
        self.texts.remove(&uid);
        let record = self.by_uid.remove(&uid);
        let old = record.and_then(|record| record.verdict);
        self.verdicts.remove(old);
        old.is_some()
    }

    /// Forgets the objects of a kind, in a namespace or everywhere, that `is_gone` holds for. It gets
    /// uid and version of each. Returns the uids.
    pub(super) fn remove_gone(
        &mut self,
        kind: &Kind,
        namespace: Option<&str>,
        is_gone: impl Fn(&str, u64) -> bool,
    ) -> Vec<Arc<str>> {
        let Some(kind) = self.kinds.get(kind) else {
            return Vec::new();
        };
        let number = namespace.map(|name| self.namespaces.get(name));
        let texts = &self.texts;
        let gone = self.by_uid.iter().filter(|(_, record)| {
            record.kind == kind && number.is_none_or(|number| number == Some(record.namespace))
        });
        let gone = gone.filter_map(|(uid, record)| {
            let text = text_of(texts, *uid);
            is_gone(&text, record.version).then_some(text)
        });
        let gone: Vec<Arc<str>> = gone.collect();
        for uid in &gone {
            self.remove(uid);
        }
        gone
    }

    /// Forgets the objects that were not seen in a reading although their kind was read to its end
    /// where they were. Returns the uids.
    pub(super) fn remove_unseen(
        &mut self,
        reading: u32,
        is_read: impl Fn(&Kind, &str) -> bool,
    ) -> Vec<Arc<str>> {
        let mut known: HashMap<(u32, u32), bool> = HashMap::new();
        let mut gone = Vec::new();
        for (uid, record) in self
            .by_uid
            .iter()
            .filter(|(_, record)| record.seen < reading)
        {
            let place = (record.kind, record.namespace);
            let is_read = *known.entry(place).or_insert_with(|| {
                let kind = self.kinds.name(record.kind);
                let namespace = self.namespaces.name(record.namespace);
                kind.zip(namespace)
                    .is_some_and(|(kind, namespace)| is_read(kind, namespace))
            });
            if is_read {
                gone.push(text_of(&self.texts, *uid));
            }
        }
        for uid in &gone {
            self.remove(uid);
        }
        gone
    }

    /// The kinds of the reported objects.
    pub(super) fn reported_kinds(&self) -> BTreeSet<Kind> {
        let reported = self
            .by_uid
            .values()
            .filter(|record| record.verdict.is_some());
        let numbers: BTreeSet<u32> = reported.map(|record| record.kind).collect();
        let kinds = numbers
            .into_iter()
            .filter_map(|number| self.kinds.name(number));
        kinds.cloned().collect()
    }

    /// The number of objects of each kind.
    pub(super) fn counts_by_kind(&self) -> BTreeMap<Kind, usize> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for record in self.by_uid.values() {
            *counts.entry(record.kind).or_default() += 1;
        }
        let named = counts
            .into_iter()
            .filter_map(|(number, count)| Some((self.kinds.name(number)?.clone(), count)));
        named.collect()
    }

    /// The verdicts of the reported objects, each with its number of objects.
    pub(super) fn verdicts(&self) -> impl Iterator<Item = (&ObjectVerdict, usize)> {
        self.verdicts.iter()
    }

    /// The number of objects by namespace and verdict.
    pub(super) fn verdicts_by_namespace(&self) -> BTreeMap<&str, Vec<(&ObjectVerdict, usize)>> {
        let mut counts: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for record in self.by_uid.values() {
            if let Some(verdict) = record.verdict {
                *counts.entry((record.namespace, verdict)).or_default() += 1;
            }
        }
        let mut named: BTreeMap<&str, Vec<(&ObjectVerdict, usize)>> = BTreeMap::new();
        for ((namespace, verdict), count) in counts {
            let name = self.namespaces.name(namespace);
            if let (Some(name), Some(verdict)) = (name, self.verdicts.get(verdict)) {
                named.entry(name).or_default().push((verdict, count));
            }
        }
        named
    }
}

fn text_of(texts: &HashMap<ObjectUid, Arc<str>>, uid: ObjectUid) -> Arc<str> {
    match texts.get(&uid) {
        Some(text) => Arc::clone(text),
        None => uid.to_string().into(),
    }
}

/// Returns a hash of all that a sink may show of a result, without the version of the object.
fn content_hash(result: &ObjectResult, hasher: &RandomState) -> u64 {
    let mut hash = hasher.build_hasher();
    result.judged.hash(&mut hash);
    for located in &result.findings {
        let finding = &located.finding;
        finding.rule.hash(&mut hash);
        finding.fingerprint.hash(&mut hash);
        finding.message.hash(&mut hash);
        hash.write_u8(finding.severity as u8);
        located.container.hash(&mut hash);
        for path in finding.paths() {
            path.to_string().hash(&mut hash);
        }
        for fix in finding.fixes() {
            format!("{fix:?}").hash(&mut hash);
        }
    }
    hash_errors(result, &mut hash);
    hash.finish()
}

fn hash_errors(result: &ObjectResult, hash: &mut impl std::hash::Hasher) {
    for error in &result.errors {
        error.control.hash(hash);
        error.error.to_string().hash(hash);
    }
}

/// The verdicts that objects have.
#[derive(Debug, Default)]
struct Verdicts {
    /// The numbers of the verdicts by their hash.
    by_hash: HashMap<u64, Vec<u32>>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot {
    verdict: ObjectVerdict,
    hash: u64,
    objects: usize,
}

impl Verdicts {
    /// Counts one more object with the verdict of a result, and returns its number.
    fn add(&mut self, result: &ObjectResult, hasher: &RandomState) -> u32 {
        let verdict = ObjectVerdict::of(result);
        let mut hash = hasher.build_hasher();
        verdict.judged.hash(&mut hash);
        verdict.failed.hash(&mut hash);
        hash_errors(result, &mut hash);
        let hash = hash.finish();
        let numbers = self.by_hash.entry(hash).or_default();
        for number in numbers.iter() {
            let slot = self
                .slots
                .get_mut(*number as usize)
                .and_then(Option::as_mut);
            if let Some(slot) = slot.filter(|slot| slot.verdict == verdict) {
                slot.objects += 1;
                return *number;
            }
        }
        let slot = Slot {
            verdict,
            hash,
            objects: 1,
        };
        let number = match self.free.pop() {
            Some(number) => {
                if let Some(free) = self.slots.get_mut(number as usize) {
                    *free = Some(slot);
                }
                number
            }
            None => {
                self.slots.push(Some(slot));
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        numbers.push(number);
        number
    }

    /// Counts one object less. A verdict that no object has is dropped.
    fn remove(&mut self, number: Option<u32>) {
        let Some(number) = number else { return };
        let Some(place) = self.slots.get_mut(number as usize) else {
            return;
        };
        let Some(slot) = place else { return };
        slot.objects = slot.objects.saturating_sub(1);
        if slot.objects > 0 {
            return;
        }
        if let Some(numbers) = self.by_hash.get_mut(&slot.hash) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_hash.remove(&slot.hash);
            }
        }
        *place = None;
        self.free.push(number);
    }

    fn get(&self, number: u32) -> Option<&ObjectVerdict> {
        let slot = self.slots.get(number as usize)?.as_ref()?;
        Some(&slot.verdict)
    }

    fn iter(&self) -> impl Iterator<Item = (&ObjectVerdict, usize)> {
        let slots = self.slots.iter().flatten();
        slots.map(|slot| (&slot.verdict, slot.objects))
    }
}

/// Names that many objects share, each kept once. They are as many as a cluster has ever had.
#[derive(Debug)]
struct Names<T> {
    names: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: std::hash::Hash + Eq + Clone> Names<T> {
    fn get<Q>(&self, name: &Q) -> Option<u32>
    where
        T: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        self.numbers.get(name).copied()
    }

    fn number<Q>(&mut self, name: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(number) = self.get(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    fn name(&self, number: u32) -> Option<&T> {
        self.names.get(number as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_model::{ObjectId, Origin};

    fn result(uid: &str, judged: &[&str]) -> ObjectResult {
        ObjectResult {
            object: Arc::new(ObjectId::default()),
            origin: Origin::Cluster {
                uid: uid.into(),
                resource_version: "1".into(),
            },
            judged: judged.iter().map(|id| (*id).into()).collect(),
            findings: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn arrive(
        records: &mut Records,
        uid: &str,
        namespace: &str,
        version: u64,
        reading: u32,
    ) -> bool {
        records.arrive(Arrival {
            uid,
            version,
            kind: &Kind::new("", "Pod"),
            namespace,
            reading,
        })
    }

    #[test]
    fn older_state_is_not_evaluated() {
        let mut records = Records::default();
        assert!(arrive(&mut records, "a", "shop", 5, 1));
        assert!(arrive(&mut records, "a", "shop", 5, 1));
        assert!(!arrive(&mut records, "a", "shop", 4, 1));
        assert!(arrive(&mut records, "a", "shop", 6, 1));
        // The version of another storage is no number.
        assert!(arrive(&mut records, "a", "shop", 0, 1));
        assert_eq!(records.by_uid.len(), 1);
    }

    #[test]
    fn result_is_written_once_a_sweep_and_when_it_changes() {
        let mut records = Records::default();
        arrive(&mut records, "a", "shop", 1, 1);
        assert!(records.report("a", &result("a", &["C-1"]), 1));
        assert!(!records.report("a", &result("a", &["C-1"]), 1));
        assert!(records.report("a", &result("a", &["C-1", "C-2"]), 1));
        assert!(records.report("a", &result("a", &["C-1", "C-2"]), 2));
        assert!(!records.report("none", &result("none", &[]), 2));
        assert!(records.is_settled("a", 2) && !records.is_settled("a", 3));
        assert!(records.leave_out("a"));
        assert!(!records.leave_out("a"));
        assert!(records.report("a", &result("a", &["C-1", "C-2"]), 2));
        assert!(records.remove("a"));
        assert!(!records.remove("a"));
    }

    #[test]
    fn equal_verdicts_are_kept_once() {
        let mut records = Records::default();
        for (uid, judged) in [("a", ["C-1"]), ("b", ["C-1"]), ("c", ["C-2"])] {
            arrive(&mut records, uid, "shop", 1, 1);
            records.report(uid, &result(uid, &judged), 1);
        }
        let counts = |records: &Records| -> Vec<(String, usize)> {
            let verdicts = records.verdicts();
            verdicts
                .map(|(verdict, number)| (verdict.judged[0].to_string(), number))
                .collect()
        };
        let count = |id: &str, number| (id.to_owned(), number);
        assert_eq!(counts(&records), [count("C-1", 2), count("C-2", 1)]);
        records.remove("a");
        records.remove("b");
        assert_eq!(counts(&records), [count("C-2", 1)]);
        arrive(&mut records, "d", "shop", 1, 1);
        records.report("d", &result("d", &["C-3"]), 1);
        assert_eq!(counts(&records), [count("C-3", 1), count("C-2", 1)]);
        assert_eq!(records.verdicts_by_namespace()["shop"].len(), 2);
    }

    #[test]
    fn objects_that_a_list_does_not_have_are_gone() {
        let uuid = "0b0cbb38-6e0f-4c1c-9d3e-f1a2b3c4d5e6";
        let pod = Kind::new("", "Pod");
        let all = || {
            let mut records = Records::default();
            arrive(&mut records, uuid, "shop", 1, 1);
            arrive(&mut records, "odd", "web", 2, 1);
            arrive(&mut records, "kept", "shop", 3, 2);
            records
        };
        let texts = |gone: Vec<Arc<str>>| -> BTreeSet<String> {
            gone.iter().map(ToString::to_string).collect()
        };
        let set = |uids: &[&str]| uids.iter().map(|uid| (*uid).to_owned()).collect();
        let gone = |kind: &Kind, namespace| {
            texts(all().remove_gone(kind, namespace, |_, version| version < 3))
        };
        assert_eq!(gone(&Kind::new("", "Service"), None), set(&[]));
        assert_eq!(gone(&pod, Some("none")), set(&[]));
        assert_eq!(gone(&pod, Some("shop")), set(&[uuid]));
        assert_eq!(gone(&pod, None), set(&[uuid, "odd"]));

        let unseen = |namespaces: &[&str]| {
            let is_read = |kind: &Kind, namespace: &str| {
                *kind == Kind::new("", "Pod") && namespaces.contains(&namespace)
            };
            texts(all().remove_unseen(2, is_read))
        };
        assert_eq!(unseen(&[]), set(&[]));
        assert_eq!(unseen(&["web"]), set(&["odd"]));
        assert_eq!(unseen(&["shop", "web"]), set(&[uuid, "odd"]));
        let mut records = all();
        records.remove_unseen(2, |_, _| true);
        assert_eq!(records.counts_by_kind(), [(pod, 1)].into());
    }
}
