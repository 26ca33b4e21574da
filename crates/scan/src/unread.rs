//! The objects of a cluster that could not be read, collected while it is read: one entry for each
//! kind and reason, with the namespaces that it holds for.

use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{Control, Kind, Unread, UnreadPlace};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What could not be read so far.
#[derive(Debug, Clone, Default)]
pub struct UnreadLog {
    /// The namespaces by kind and reason; `None` for the whole cluster.
    by_reason: BTreeMap<(Kind, String), Option<BTreeSet<String>>>,
    /// The namespaces that were read instead of all, by kind and reason.
    all_but: BTreeMap<(Kind, String), Vec<String>>,
}

impl UnreadLog {
    /// Records that no object of a kind was read, or not all.
    pub fn everywhere(&mut self, kind: &Kind, reason: impl Into<String>) {
        self.by_reason.insert((kind.clone(), reason.into()), None);
    }

    /// Records that the objects of one namespace were not read, or not all.
    pub fn in_namespace(&mut self, kind: &Kind, namespace: &str, reason: impl Into<String>) {
        let key = (kind.clone(), reason.into());
        let namespaces = self
            .by_reason
            .entry(key)
            .or_insert_with(|| Some(BTreeSet::new()));
        if let Some(namespaces) = namespaces {
            namespaces.insert(namespace.to_owned());
        }
    }

    /// Records that only the objects of some namespaces were read, since the others are not known.
    pub fn in_others(&mut self, kind: &Kind, read: &[String], reason: impl Into<String>) {
        let mut read = read.to_vec();
        read.sort();
        self.all_but.insert((kind.clone(), reason.into()), read);
    }

    /// True if everything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_reason.is_empty() && self.all_but.is_empty()
    }

    /// Adds what another log has.
    pub fn extend(&mut self, other: &Self) {
        for ((kind, reason), namespaces) in &other.by_reason {
            match namespaces {
                None => self.everywhere(kind, reason.clone()),
                Some(names) => {
                    for name in names {
                        self.in_namespace(kind, name, reason.clone());
                    }
                }
            }
        }
        for ((kind, reason), read) in &other.all_but {
            self.in_others(kind, read, reason.clone());
        }
    }

    /// Forgets what is recorded of a kind: it was read.
    pub fn remove_kind(&mut self, kind: &Kind) {
        self.by_reason.retain(|(of, _), _| of != kind);
        self.all_but.retain(|(of, _), _| of != kind);
    }

    /// The kinds of which something could not be read.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<Kind> {
        let keys = self.by_reason.keys().chain(self.all_but.keys());
        keys.map(|(kind, _)| kind.clone()).collect()
    }

    /// Returns the entries with the controls that read the kinds.
    #[must_use]
    pub fn into_unread(self, controls: &[Arc<Control>]) -> Vec<Unread> {
        let places = self.by_reason.into_iter().map(|(key, namespaces)| {
            let place = match namespaces {
                None => UnreadPlace::Everywhere,
                Some(names) => UnreadPlace::Namespaces(names.into_iter().collect()),
            };
            (key, place)
        });
        let others = self.all_but.into_iter();
        let others = others.map(|(key, read)| (key, UnreadPlace::NamespacesBut(read)));
        let mut unread: Vec<Unread> = places
            .chain(others)
            .map(|((kind, reason), place)| {
                let of_kind = controls
                    .iter()
                    .filter(|control| control.kinds.matches(&kind));
                let mut ids: Vec<_> = of_kind.map(|control| control.id.clone()).collect();
                ids.sort();
                Unread {
                    kind,
                    place,
                    reason,
                    controls: ids,
                }
            })
            .collect();
        unread.sort();
        unread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_with_one_reason_are_one_entry() {
        let (pod, role) = (Kind::new("", "Pod"), Kind::new("rbac", "Role"));
        let mut log = UnreadLog::default();
        assert!(log.is_empty());
        log.in_namespace(&pod, "web", "not allowed");
        log.in_namespace(&pod, "shop", "not allowed");
        log.in_namespace(&pod, "slow", "no answer");
        log.everywhere(&role, "gone");
        log.in_namespace(&role, "web", "gone");
        log.in_others(&role, &["own".to_owned()], "unknown");
        assert!(!log.is_empty());
        let lines: Vec<String> = log
            .into_unread(&[])
            .iter()
            .map(|unread| format!("{unread}: {}", unread.reason))
            .collect();
        assert_eq!(
            lines,
            [
                "Pod in shop, web: not allowed",
                "Pod in slow: no answer",
                "Role of rbac: gone",
                "Role of rbac in every namespace but own: unknown",
            ]
        );
    }
}
