//! Which results the objects of a cluster have (pure): what is removed with an object, what a sweep
//! leaves, and what the sums of a namespace are made of.
//!
//! Of each object it keeps the names of its results, some 250 bytes.

use kubevet_model::{Kind, ResultKey, ResultKind, SeverityCounts, Unread, UnreadPlace};
use kubevet_results::SummaryMember;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    mem,
    sync::Arc,
};

/// The results of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexedResult {
    /// The number of the sweep that they were written in last.
    pub(super) sweep: u64,
    pub(super) kind: Kind,
    /// The namespace of the object; empty if it belongs to none.
    pub(super) namespace: String,
    /// The name of its configuration scan; empty if that kind is not written.
    pub(super) scan: String,
    /// The name of its policy report; empty if no such kind is written.
    pub(super) report: String,
    /// The number of controls that it fails.
    pub(super) failed: SeverityCounts,
}

/// The results of all objects.
#[derive(Debug)]
pub(super) struct ResultIndex {
    kinds: Vec<ResultKind>,
    /// The namespace of configuration scans of objects outside namespaces.
    own_namespace: String,
    by_uid: HashMap<Arc<str>, IndexedResult>,
    /// The configuration scans of each namespace, and the object that each is of.
    scans: BTreeMap<String, BTreeMap<String, Arc<str>>>,
    /// The namespaces whose sums may have changed.
    changed: BTreeSet<String>,
}

impl ResultIndex {
    pub(super) fn new(kinds: &[ResultKind], own_namespace: &str) -> Self {
        Self {
            kinds: kinds.to_vec(),
            own_namespace: own_namespace.to_owned(),
            by_uid: HashMap::new(),
            scans: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }

    /// Records the results of an object.
    pub(super) fn record(&mut self, uid: &Arc<str>, result: IndexedResult) {
        if !result.scan.is_empty() {
            let namespace = scan_namespace(&result.namespace, &self.own_namespace).to_owned();
            let before = self.by_uid.get(uid).map(|before| before.failed);
            let scans = self.scans.entry(namespace.clone()).or_default();
            let other = scans.insert(result.scan.clone(), Arc::clone(uid));
            if before != Some(result.failed) || other.as_ref() != Some(uid) {
                self.changed.insert(namespace);
            }
        }
        self.by_uid.insert(Arc::clone(uid), result);
    }

    /// Forgets an object, and returns its results. What a new object of the same name has now stays.
    pub(super) fn remove(&mut self, uid: &str) -> Vec<ResultKey> {
        let Some(result) = self.by_uid.remove(uid) else {
            return Vec::new();
        };
        let namespace = scan_namespace(&result.namespace, &self.own_namespace).to_owned();
        let mut has_scan = false;
        if let Some(scans) = self.scans.get_mut(&namespace)
            && scans.get(&result.scan).is_some_and(|of| **of == *uid)
        {
            has_scan = true;
            scans.remove(&result.scan);
            if scans.is_empty() {
                self.scans.remove(&namespace);
            }
            self.changed.insert(namespace.clone());
        }
        let key = |kind: &ResultKind| -> Option<ResultKey> {
            let (namespace, name) = match kind {
                ResultKind::WorkloadConfigurationScan
                | ResultKind::WorkloadConfigurationScanSummary => {
                    (has_scan.then_some(namespace.as_str())?, &result.scan)
                }
                ResultKind::ConfigurationScanSummary => return None,
                ResultKind::PolicyReport
                | ResultKind::ClusterPolicyReport
                | ResultKind::Report
                | ResultKind::ClusterReport => {
                    let is_of_kind = kind.is_namespaced() != result.namespace.is_empty();
                    is_of_kind.then_some((result.namespace.as_str(), &result.report))?
                }
            };
            Some(ResultKey {
                kind: *kind,
                namespace: namespace.to_owned(),
                name: name.clone(),
            })
        };
        self.kinds.iter().filter_map(key).collect()
    }

    /// Returns the namespaces whose sums may have changed since the last call.
    pub(super) fn take_changed(&mut self) -> BTreeSet<String> {
        mem::take(&mut self.changed)
    }

    /// Makes [`Self::take_changed`] return these namespaces once more.
    pub(super) fn set_changed(&mut self, namespaces: impl IntoIterator<Item = String>) {
        self.changed.extend(namespaces);
    }

    /// Returns the summaries of a namespace.
    pub(super) fn members(&self, namespace: &str) -> Vec<SummaryMember> {
        let scans = self.scans.get(namespace).into_iter().flatten();
        let members = scans.filter_map(|(name, uid)| {
            Some(SummaryMember {
                name: name.clone(),
                failed: self.by_uid.get(uid)?.failed,
            })
        });
        members.collect()
    }

    /// Forgets objects that a complete sweep has not seen, but for those that could not be read. All
    /// sums may have changed.
    pub(super) fn settle(&mut self, sweep: u64, unread: &[Unread]) {
        let is_gone = |result: &IndexedResult| {
            let is_unread = |unread: &Unread| {
                unread.kind == result.kind && is_in(&unread.place, &result.namespace)
            };
            result.sweep != sweep && !unread.iter().any(is_unread)
        };
        let gone = self.by_uid.iter().filter(|(_, result)| is_gone(result));
        let gone: Vec<Arc<str>> = gone.map(|(uid, _)| Arc::clone(uid)).collect();
        for uid in gone {
            self.remove(&uid);
        }
        self.changed.extend(self.scans.keys().cloned());
    }

    /// Returns what says whether a result that was found is one of an object. Results of what could
    /// not be read stay, also where this process does not know them.
    pub(super) fn wanted<'a>(&'a self, unread: &'a [Unread]) -> impl Fn(&ResultKey) -> bool + 'a {
        let reports = self.by_uid.values();
        let reports: HashSet<(&str, &str)> = reports
            .map(|result| (result.namespace.as_str(), result.report.as_str()))
            .collect();
        move |key| {
            let is_known = match key.kind {
                ResultKind::WorkloadConfigurationScan
                | ResultKind::WorkloadConfigurationScanSummary => {
                    let scans = self.scans.get(&key.namespace);
                    scans.is_some_and(|scans| scans.contains_key(&key.name))
                }
                ResultKind::ConfigurationScanSummary => self.scans.contains_key(&key.name),
                _ => reports.contains(&(key.namespace.as_str(), key.name.as_str())),
            };
            is_known || unread.iter().any(|unread| may_be_of(key, unread))
        }
    }
}

/// The namespace of the configuration scan of an object.
fn scan_namespace<'a>(namespace: &'a str, own_namespace: &'a str) -> &'a str {
    if namespace.is_empty() {
        own_namespace
    } else {
        namespace
    }
}

fn is_in(place: &UnreadPlace, namespace: &str) -> bool {
    let has = |names: &[String]| names.iter().any(|name| name == namespace);
    match place {
        UnreadPlace::Everywhere => true,
        UnreadPlace::Namespaces(names) => has(names),
        UnreadPlace::NamespacesBut(names) => !has(names),
    }
}

/// True if a result may be of an object that could not be read. The name of a configuration scan
/// begins with the kind; that of a report tells nothing.
fn may_be_of(key: &ResultKey, unread: &Unread) -> bool {
    match key.kind {
        ResultKind::WorkloadConfigurationScan | ResultKind::WorkloadConfigurationScanSummary => {
            let kind = unread.kind.name.to_ascii_lowercase();
            let rest = key.name.strip_prefix(&kind);
            rest.is_some_and(|rest| rest.starts_with(['-', '.']))
                && is_in(&unread.place, &key.namespace)
        }
        ResultKind::ConfigurationScanSummary => is_in(&unread.place, &key.name),
        _ => is_in(&unread.place, &key.namespace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> ResultKey {
        let (kind, place) = text.split_once(' ').unwrap();
        let kind = ResultKind::ALL.iter().find(|of| of.name() == kind).unwrap();
        let (namespace, name) = place.split_once('/').unwrap_or(("", place));
        ResultKey {
            kind: *kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// An index with objects, each as uid, sweep, kind, namespace and name.
    fn index(objects: &[(&str, u64, &str, &str, &str)]) -> ResultIndex {
        let mut index = ResultIndex::new(ResultKind::ALL, "own");
        for (uid, sweep, kind, namespace, name) in objects {
            let result = IndexedResult {
                sweep: *sweep,
                kind: Kind::new("", *kind),
                namespace: (*namespace).to_owned(),
                scan: format!("{}-{name}", kind.to_ascii_lowercase()),
                report: format!("kubevet-{uid}"),
                failed: SeverityCounts::default(),
            };
            index.record(&Arc::from(*uid), result);
        }
        index
    }

    fn removed(index: &mut ResultIndex, uid: &str) -> Vec<String> {
        let keys = index.remove(uid);
        keys.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn results_of_an_object_are_removed_once() {
        let mut index = index(&[("a", 1, "Pod", "shop", "x"), ("b", 1, "Node", "", "y")]);
        let expected = [
            "WorkloadConfigurationScan shop/pod-x",
            "WorkloadConfigurationScanSummary shop/pod-x",
            "PolicyReport shop/kubevet-a",
            "Report shop/kubevet-a",
        ];
        assert_eq!(removed(&mut index, "a"), expected);
        assert_eq!(removed(&mut index, "a"), [""; 0]);
        let expected = [
            "WorkloadConfigurationScan own/node-y",
            "WorkloadConfigurationScanSummary own/node-y",
            "ClusterPolicyReport kubevet-b",
            "ClusterReport kubevet-b",
        ];
        assert_eq!(removed(&mut index, "b"), expected);
        assert!(index.members("own").is_empty());
    }

    #[test]
    fn results_of_a_new_object_of_the_same_name_stay() {
        let mut index = index(&[("a", 1, "Pod", "shop", "x"), ("b", 1, "Pod", "shop", "x")]);
        let expected = ["PolicyReport shop/kubevet-a", "Report shop/kubevet-a"];
        assert_eq!(removed(&mut index, "a"), expected);
        assert_eq!(index.members("shop").len(), 1);
    }

    /// Ends sweep 2 and tells which keys are wanted.
    #[track_caller]
    fn check_wanted(unread: &[(&str, UnreadPlace)], keys: &[(&str, bool)]) {
        let mut index = index(&[
            ("a", 2, "Pod", "shop", "seen"),
            ("b", 1, "Pod", "shop", "gone"),
            ("c", 1, "ConfigMap", "shop", "unread"),
        ]);
        let unread = unread.iter().map(|(kind, place)| Unread {
            kind: Kind::new("", *kind),
            place: place.clone(),
            reason: String::new(),
            controls: Vec::new(),
        });
        let unread: Vec<Unread> = unread.collect();
        index.settle(2, &unread);
        let wanted = index.wanted(&unread);
        for (text, expected) in keys {
            assert_eq!(wanted(&key(text)), *expected, "{text}");
        }
    }

    #[test]
    fn what_a_sweep_has_not_seen_is_left_over() {
        let keys = [
            ("WorkloadConfigurationScan shop/pod-seen", true),
            ("PolicyReport shop/kubevet-a", true),
            ("ConfigurationScanSummary shop", true),
            ("WorkloadConfigurationScan shop/pod-gone", false),
            ("PolicyReport shop/kubevet-b", false),
            ("WorkloadConfigurationScan shop/configmap-unread", false),
            ("WorkloadConfigurationScan old/pod-seen", false),
            ("ConfigurationScanSummary old", false),
            ("ClusterReport kubevet-z", false),
        ];
        check_wanted(&[], &keys);
    }

    #[test]
    fn what_could_not_be_read_is_not_left_over() {
        let everywhere = ("ConfigMap", UnreadPlace::Everywhere);
        let keys = [
            ("WorkloadConfigurationScan shop/pod-gone", false),
            ("WorkloadConfigurationScan shop/configmap-unread", true),
            ("WorkloadConfigurationScan old/configmap-z", true),
            ("WorkloadConfigurationScan old/configmapper-z", false),
            ("PolicyReport shop/kubevet-c", true),
            // It may be of a ConfigMap.
            ("PolicyReport shop/kubevet-z", true),
            ("ConfigurationScanSummary old", true),
        ];
        check_wanted(&[everywhere], &keys);
        let in_shop = UnreadPlace::Namespaces(vec!["shop".to_owned()]);
        let keys = [
            ("WorkloadConfigurationScan shop/configmap-unread", true),
            ("WorkloadConfigurationScan old/configmap-z", false),
            ("PolicyReport old/kubevet-z", false),
        ];
        check_wanted(&[("ConfigMap", in_shop)], &keys);
    }

    #[test]
    fn namespaces_are_summed_again_where_a_member_changed() {
        let mut index = index(&[("a", 1, "Pod", "shop", "x")]);
        assert_eq!(index.take_changed().len(), 1);
        let mut same = IndexedResult {
            sweep: 2,
            kind: Kind::new("", "Pod"),
            namespace: "shop".to_owned(),
            scan: "pod-x".to_owned(),
            report: "kubevet-a".to_owned(),
            failed: SeverityCounts::default(),
        };
        index.record(&Arc::from("a"), same.clone());
        assert!(index.take_changed().is_empty());
        same.failed.high = 1;
        index.record(&Arc::from("a"), same);
        assert_eq!(index.take_changed().len(), 1);
        index.remove("a");
        assert_eq!(index.take_changed().len(), 1);
    }
}
