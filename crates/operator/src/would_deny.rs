//! What the bindings of a cluster would deny of the objects that are there: counted, by binding and
//! namespace, with the worst objects (pure).
//!
//! Of an object some 60 bytes are kept, and kind and name where a binding would deny it.

use super::{
    binding_policy::{BindingOutcome, BindingPolicy, BindingVersion},
    object_uid::ObjectUid,
    sink::BoundControls,
};
use kubevet_cluster::ApiResource;
use kubevet_document::Document;
use kubevet_model::{Kind, Severity};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
    hash::Hash,
    sync::Arc,
    time::SystemTime,
};

/// The number of worst objects of a binding.
const MAX_WORST: usize = 10;

/// What the bindings would deny at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialCounts {
    /// The number of the last sweep that has ended.
    pub sweep: u64,
    /// When it ended.
    pub swept_at: SystemTime,
    /// When this was counted.
    pub counted_at: SystemTime,
    /// Each binding.
    pub bindings: Vec<BindingDenials>,
}

/// What one binding would deny, if `Deny` were among its actions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingDenials {
    /// The binding.
    pub version: BindingVersion,
    /// The counts by namespace; the empty name is for objects outside namespaces.
    pub namespaces: BTreeMap<String, ObjectCounts>,
    /// The worst objects: by severity, then by their number of findings.
    pub worst: Vec<DeniedObject>,
    /// What could not be read, each with the reason.
    pub unread: Vec<String>,
}

/// Numbers of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectCounts {
    /// The objects in the scope of the binding that some control of it checks.
    pub objects: usize,
    /// Those that would be denied.
    pub denied: usize,
    /// The findings for which they would be.
    pub findings: usize,
    /// Those for which not every control could be evaluated, or of whose namespace the labels are
    /// not known.
    pub not_evaluated: usize,
}

/// An object that would be denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeniedObject {
    /// The worst severity.
    pub severity: Severity,
    /// The number of findings.
    pub findings: usize,
    /// The group and kind.
    pub kind: Kind,
    /// The namespace; empty for an object outside namespaces.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectCounts {
    /// True if nothing would be denied, and all was evaluated.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.denied == 0 && self.not_evaluated == 0
    }

    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.denied += other.denied;
        self.findings += other.findings;
        self.not_evaluated += other.not_evaluated;
    }
}

impl BindingDenials {
    /// The counts over all namespaces.
    #[must_use]
    pub fn total(&self) -> ObjectCounts {
        let mut total = ObjectCounts::default();
        for counts in self.namespaces.values() {
            total.add(*counts);
        }
        total
    }
}

/// The objects in the scope of some binding.
#[derive(Default)]
pub(super) struct ObjectDenials {
    objects: HashMap<ObjectUid, Entry>,
    namespaces: Shared<str>,
    outcomes: Shared<[BindingOutcome]>,
}

struct Entry {
    namespace: Arc<str>,
    outcomes: Arc<[BindingOutcome]>,
    /// Group, kind and name, if some binding would deny the object.
    denied: Option<Box<(Kind, String)>>,
}

impl ObjectDenials {
    /// Takes an object that is new or has changed.
    pub(super) fn add(
        &mut self,
        uid: &str,
        object: &Document,
        resource: &ApiResource,
        policy: &BindingPolicy,
    ) {
        let (namespace, outcomes) = policy.check(object, resource);
        let named = || (resource.kind.clone(), object.id().name);
        self.record(uid, &namespace, &outcomes, named);
    }

    fn record(
        &mut self,
        uid: &str,
        namespace: &str,
        outcomes: &[BindingOutcome],
        named: impl FnOnce() -> (Kind, String),
    ) {
        let (uid, _) = ObjectUid::parse(uid);
        if outcomes.is_empty() {
            self.objects.remove(&uid);
            return;
        }
        let is_denied = outcomes.iter().any(|outcome| outcome.findings > 0);
        let entry = Entry {
            namespace: self.namespaces.share(namespace),
            outcomes: self.outcomes.share(outcomes),
            denied: is_denied.then(|| Box::new(named())),
        };
        self.objects.insert(uid, entry);
    }

    /// Forgets an object.
    pub(super) fn remove(&mut self, uid: &str) {
        self.objects.remove(&ObjectUid::parse(uid).0);
    }

    /// Returns the bindings in whose scope an object is.
    pub(super) fn bindings_of(&self, uid: &str, policy: &BindingPolicy) -> Vec<Arc<BoundControls>> {
        let Some(entry) = self.objects.get(&ObjectUid::parse(uid).0) else {
            return Vec::new();
        };
        let numbers = entry.outcomes.iter().map(|of| usize::from(of.binding));
        let selected = numbers.filter(|binding| {
            let is_selected = policy.selects(*binding, &entry.namespace);
            is_selected != Some(false)
        });
        selected
            .filter_map(|binding| policy.bound(binding).map(Arc::clone))
            .collect()
    }

    /// Counts. `unread` is what could not be read, by the position of the binding.
    pub(super) fn count(
        &self,
        policy: &BindingPolicy,
        unread: impl Fn(usize) -> Vec<String>,
    ) -> Vec<BindingDenials> {
        let versions = policy.versions().iter().enumerate();
        let bindings = versions.map(|(number, version)| BindingDenials {
            version: version.clone(),
            unread: unread(number),
            ..BindingDenials::default()
        });
        let mut bindings: Vec<BindingDenials> = bindings.collect();
        self.count_into(&mut bindings, |binding, namespace| {
            policy.selects(binding, namespace)
        });
        bindings
    }

    /// `selects` says whether a binding selects a namespace; `None` if that is not known.
    fn count_into(
        &self,
        bindings: &mut [BindingDenials],
        selects: impl Fn(usize, &str) -> Option<bool>,
    ) {
        let mut selected: HashMap<(u16, &str), Option<bool>> = HashMap::new();
        for entry in self.objects.values() {
            for outcome in entry.outcomes.iter() {
                let number = usize::from(outcome.binding);
                let Some(binding) = bindings.get_mut(number) else {
                    continue;
                };
                let key = (outcome.binding, &*entry.namespace);
                let is_selected = selected
                    .entry(key)
                    .or_insert_with(|| selects(number, &entry.namespace));
                if *is_selected == Some(false) {
                    continue;
                }
                let is_denied = outcome.findings > 0;
                let counts = ObjectCounts {
                    objects: 1,
                    denied: usize::from(is_denied),
                    findings: outcome.findings.into(),
                    not_evaluated: usize::from(is_selected.is_none() || !outcome.is_evaluated),
                };
                match binding.namespaces.get_mut(&*entry.namespace) {
                    Some(known) => known.add(counts),
                    None => drop(
                        binding
                            .namespaces
                            .insert(entry.namespace.to_string(), counts),
                    ),
                }
                if let (true, Some(object)) = (is_denied, &entry.denied) {
                    add_worst(&mut binding.worst, outcome, &entry.namespace, object);
                }
            }
        }
    }
}

/// Adds an object to the worst ones, if it is one of them.
fn add_worst(
    worst: &mut Vec<DeniedObject>,
    outcome: &BindingOutcome,
    namespace: &str,
    (kind, name): &(Kind, String),
) {
    let severity = outcome.severity.unwrap_or(Severity::Low);
    let findings = usize::from(outcome.findings);
    let new = (
        Reverse((severity, findings)),
        namespace,
        kind,
        name.as_str(),
    );
    let position = worst.partition_point(|known| {
        let rank = Reverse((known.severity, known.findings));
        (
            rank,
            known.namespace.as_str(),
            &known.kind,
            known.name.as_str(),
        ) < new
    });
    if position >= MAX_WORST {
        return;
    }
    let object = DeniedObject {
        severity,
        findings,
        kind: kind.clone(),
        // A Namespace is outside namespaces.
        namespace: if *kind == Kind::new("", "Namespace") {
            String::new()
        } else {
            namespace.to_owned()
        },
        name: name.clone(),
    };
    worst.insert(position, object);
    worst.truncate(MAX_WORST);
}

/// Values that many objects share, each kept once, for as long as some object has it.
struct Shared<T: ?Sized> {
    values: HashSet<Arc<T>>,
    /// The number of values at which those that no object has are dropped.
    limit: usize,
}

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Self {
            values: HashSet::new(),
            limit: 1_024,
        }
    }
}

impl<T: ?Sized + Hash + Eq> Shared<T> {
    fn share<'v>(&mut self, value: &'v T) -> Arc<T>
    where
        Arc<T>: From<&'v T>,
    {
        if let Some(known) = self.values.get(value) {
            return Arc::clone(known);
        }
        if self.values.len() >= self.limit {
            self.values.retain(|value| Arc::strong_count(value) > 1);
            self.limit = self.values.len() * 2 + 1_024;
        }
        let new: Arc<T> = value.into();
        self.values.insert(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(binding: u16, findings: u16, severity: Severity) -> BindingOutcome {
        BindingOutcome {
            binding,
            findings,
            severity: (findings > 0).then_some(severity),
            is_evaluated: true,
        }
    }

    /// Objects by uid: their namespace, and their number of findings under the first binding; `None`
    /// if they are out of its scope.
    fn counted(
        steps: &[(&str, &str, Option<u16>)],
        selects: impl Fn(usize, &str) -> Option<bool>,
    ) -> BindingDenials {
        let mut denials = ObjectDenials::default();
        for (uid, namespace, findings) in steps {
            let outcomes = findings.map(|number| outcome(0, number, Severity::High));
            let outcomes: Vec<BindingOutcome> = outcomes.into_iter().collect();
            let named = || (Kind::new("", "Pod"), (*uid).to_owned());
            denials.record(uid, namespace, &outcomes, named);
        }
        let mut bindings = vec![BindingDenials::default()];
        denials.count_into(&mut bindings, selects);
        bindings.remove(0)
    }

    #[track_caller]
    fn check(
        steps: &[(&str, &str, Option<u16>)],
        selects: impl Fn(usize, &str) -> Option<bool>,
        expected: &[(&str, [usize; 4])],
        worst: &[&str],
    ) {
        let of = counted(steps, selects);
        let counts = of.namespaces.iter().map(|(name, of)| {
            (
                name.as_str(),
                [of.objects, of.denied, of.findings, of.not_evaluated],
            )
        });
        assert_eq!(counts.collect::<Vec<_>>(), expected, "{steps:?}");
        let names: Vec<&str> = of.worst.iter().map(|object| &*object.name).collect();
        assert_eq!(names, worst, "{steps:?}");
    }

    #[test]
    fn objects_are_counted_in_their_last_state() {
        let all = |_: usize, _: &str| Some(true);
        check(&[], all, &[], &[]);
        check(
            &[
                ("a", "shop", Some(0)),
                ("b", "shop", Some(2)),
                ("c", "", Some(1)),
            ],
            all,
            &[("", [1, 1, 1, 0]), ("shop", [2, 1, 2, 0])],
            &["b", "c"],
        );
        check(
            &[("a", "shop", Some(3)), ("a", "shop", Some(0))],
            all,
            &[("shop", [1, 0, 0, 0])],
            &[],
        );
        // An object that leaves the scope is not counted any more.
        check(
            &[("a", "shop", Some(3)), ("a", "shop", None)],
            all,
            &[],
            &[],
        );
    }

    #[test]
    fn namespaces_are_selected_when_objects_are_counted() {
        let steps = [("a", "shop", Some(1)), ("b", "web", Some(0))];
        check(
            &steps,
            |_, namespace| Some(namespace == "web"),
            &[("web", [1, 0, 0, 0])],
            &[],
        );
        // A namespace whose labels are not known is never clean.
        let unknown = |_: usize, namespace: &str| (namespace != "web").then_some(true);
        check(
            &steps,
            unknown,
            &[("shop", [1, 1, 1, 0]), ("web", [1, 0, 0, 1])],
            &["a"],
        );
        let web = counted(&steps, unknown).namespaces["web"];
        assert!(!web.is_clean());
    }

    #[test]
    fn worst_objects_are_by_severity_then_by_findings() {
        let mut worst = Vec::new();
        let objects = (0_u16..30).map(|number| {
            let severity = if number == 3 {
                Severity::Critical
            } else {
                Severity::High
            };
            outcome(0, number % 20 + 1, severity)
        });
        for (number, outcome) in objects.enumerate() {
            let object = (Kind::new("", "Pod"), format!("p{number:02}"));
            add_worst(&mut worst, &outcome, "shop", &object);
        }
        let names: Vec<&str> = worst.iter().map(|object| &*object.name).collect();
        assert_eq!(
            names,
            [
                "p03", "p19", "p18", "p17", "p16", "p15", "p14", "p13", "p12", "p11"
            ]
        );
    }

    #[test]
    fn shared_values_are_dropped_with_their_objects() {
        let mut shared = Shared::<str>::default();
        let kept = shared.share("kept");
        for number in 0..5_000 {
            shared.share(&number.to_string());
        }
        assert!(shared.values.len() < 2_100, "{}", shared.values.len());
        assert!(Arc::ptr_eq(&kept, &shared.share("kept")));
    }
}
