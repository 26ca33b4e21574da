//! Which critical findings are new: those that an object did not have when its result was written
//! before. It is pure.
//!
//! What is there when this replica begins to lead is not new, nor is what a control finds that was not
//! evaluated before.

use kubevet_model::{Control, ControlId, LocatedFinding, ObjectResult, Origin, Severity};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The most objects with critical findings that are remembered. No finding of a further one is new.
const MAX_OBJECTS: usize = 200_000;

/// The critical findings that objects have.
#[derive(Debug, Default)]
pub(super) struct KnownFindings {
    /// The controls of the critical findings of each object that has one, by its uid.
    by_uid: HashMap<Arc<str>, BTreeSet<ControlId>>,
    /// The controls that were evaluated in the sweep that ended last; empty before the first one.
    settled: BTreeSet<ControlId>,
    /// The controls of the last results.
    current: Option<Arc<[Arc<Control>]>>,
}

/// The first critical finding of a control that an object has newly.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewFinding<'r> {
    pub(super) finding: &'r LocatedFinding,
    /// The number of its other findings of this control.
    pub(super) others: usize,
}

impl KnownFindings {
    /// Forgets everything: another replica may have led meanwhile.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the result of an object. Returns its new critical findings, one for each control.
    pub(super) fn add<'r>(
        &mut self,
        result: &'r ObjectResult,
        controls: &Arc<[Arc<Control>]>,
    ) -> Vec<NewFinding<'r>> {
        self.current = Some(Arc::clone(controls));
        let Origin::Cluster { uid, .. } = &result.origin else {
            return Vec::new();
        };
        let mut failed = BTreeSet::new();
        let mut new: Vec<NewFinding<'r>> = Vec::new();
        let before = self.by_uid.get(uid);
        let critical = result.findings.iter();
        let critical = critical.filter(|located| located.finding.severity == Severity::Critical);
        for located in critical {
            let control = &located.finding.rule;
            let is_first = failed.insert(control.clone());
            let is_known = before.is_some_and(|before| before.contains(control));
            if is_known || !self.settled.contains(control) {
                continue;
            }
            if is_first {
                new.push(NewFinding {
                    finding: located,
                    others: 0,
                });
            } else if let Some(first) = new
                .iter_mut()
                .find(|first| first.finding.finding.rule == *control)
            {
                first.others += 1;
            }
        }
        if failed.is_empty() {
            self.by_uid.remove(uid);
        } else if before.is_some() || self.by_uid.len() < MAX_OBJECTS {
            self.by_uid.insert(Arc::clone(uid), failed);
        } else {
            new.clear();
        }
        new
    }

    /// Forgets an object.
    pub(super) fn remove(&mut self, uid: &str) {
        self.by_uid.remove(uid);
    }

    /// A sweep has ended: what its controls find from now on is new.
    pub(super) fn settle(&mut self) {
        let Some(controls) = &self.current else {
            return;
        };
        self.settled = controls.iter().map(|control| control.id.clone()).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_model::{Evidence, Finding, Fingerprint, ObjectId};

    fn controls(ids: &[&str]) -> Arc<[Arc<Control>]> {
        let (library, _) = kubevet_policy::embedded();
        let mut controls = library.metadata();
        controls.retain(|control| ids.contains(&control.id.as_str()));
        assert_eq!(controls.len(), ids.len());
        controls.into()
    }

    /// A result with a finding for each control; in lower case, one of high severity.
    fn result(uid: &str, failed: &[&str]) -> ObjectResult {
        let object = Arc::new(ObjectId {
            name: uid.to_owned(),
            ..ObjectId::default()
        });
        let origin = Origin::Cluster {
            uid: uid.into(),
            resource_version: "1".into(),
        };
        let findings = failed.iter().map(|id| {
            let severity = if id.starts_with('c') {
                Severity::High
            } else {
                Severity::Critical
            };
            LocatedFinding {
                finding: Finding {
                    subject: Arc::clone(&object),
                    rule: ControlId::from(id.to_uppercase().as_str()),
                    severity,
                    message: String::new(),
                    evidence: Evidence::Paths {
                        paths: Vec::new(),
                        fixes: Vec::new(),
                    },
                    origin: origin.clone(),
                    fingerprint: Fingerprint::of(["f"]),
                    defect: Fingerprint::of(["d"]),
                },
                source: None,
                container: None,
                excerpt: Vec::new(),
            }
        });
        ObjectResult {
            findings: findings.collect(),
            object: Arc::clone(&object),
            origin: origin.clone(),
            judged: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn new(
        known: &mut KnownFindings,
        result: &ObjectResult,
        controls: &Arc<[Arc<Control>]>,
    ) -> Vec<(String, usize)> {
        let new = known.add(result, controls).into_iter();
        new.map(|new| (new.finding.finding.rule.to_string(), new.others))
            .collect()
    }

    #[test]
    fn only_what_comes_after_the_first_sweep_is_new() {
        let (one, two) = (controls(&["C-0057"]), controls(&["C-0057", "C-0038"]));
        let mut known = KnownFindings::default();
        let c0057 = |others| vec![("C-0057".to_owned(), others)];
        let nothing: Vec<(String, usize)> = Vec::new();
        // What is there at first.
        assert_eq!(new(&mut known, &result("a", &["C-0057"]), &one), nothing);
        known.settle();
        assert_eq!(new(&mut known, &result("a", &["C-0057"]), &one), nothing);
        // An object that comes, with two findings of a control and one of lower severity.
        let comes = result("b", &["C-0057", "C-0057", "c-0038"]);
        assert_eq!(new(&mut known, &comes, &one), c0057(1));
        assert_eq!(new(&mut known, &comes, &one), nothing);
        // Repaired, and broken again.
        assert_eq!(new(&mut known, &result("b", &[]), &one), nothing);
        assert_eq!(new(&mut known, &comes, &one), c0057(1));
        // A control that was not evaluated before, until a sweep has ended.
        let both = result("b", &["C-0057", "C-0038"]);
        assert_eq!(new(&mut known, &both, &two), nothing);
        known.settle();
        assert_eq!(
            new(&mut known, &result("c", &["C-0038"]), &two),
            [("C-0038".to_owned(), 0)]
        );
        // Gone, and created anew with its uid; another leader.
        known.remove("a");
        assert_eq!(new(&mut known, &result("a", &["C-0057"]), &two), c0057(0));
        known.clear();
        assert_eq!(new(&mut known, &result("d", &["C-0057"]), &two), nothing);
    }
}
