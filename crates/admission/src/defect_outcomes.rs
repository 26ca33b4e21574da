//! Findings of several controls with one cause, told once.

use super::{AdmissionRequest, Enforcement, FindingOutcome, Reason};
use kubevet_model::{ControlId, FieldPath, Violation};
use kubevet_policy as policy;
use std::collections::{BTreeMap, btree_map::Entry};

/// Findings with one cause. All of them have one action and one reason.
pub(super) struct DefectOutcomes<'o> {
    /// The worst finding, which speaks for all.
    pub(super) worst: &'o FindingOutcome,
    /// The other findings.
    others: Vec<&'o FindingOutcome>,
}

/// What findings with one cause have in common.
type CauseKey = (Reason, Vec<String>);

impl<'o> DefectOutcomes<'o> {
    /// Groups the findings of one action, the worst first. The defects are in the order of their
    /// worst findings.
    pub(super) fn group(
        outcomes: &[&'o FindingOutcome],
        enforcement: &Enforcement,
        request: &AdmissionRequest<'_>,
    ) -> Vec<Self> {
        let mut defects: Vec<Self> = Vec::new();
        let mut indices: BTreeMap<CauseKey, usize> = BTreeMap::new();
        for outcome in outcomes {
            let key = (
                outcome.reason,
                cause(&outcome.finding, enforcement, request),
            );
            match indices.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(defects.len());
                    defects.push(Self {
                        worst: outcome,
                        others: Vec::new(),
                    });
                }
                Entry::Occupied(entry) => {
                    if let Some(defect) = defects.get_mut(*entry.get()) {
                        defect.others.push(outcome);
                    }
                }
            }
        }
        defects
    }

    /// Returns the findings, the worst first.
    pub(super) fn findings(&self) -> impl Iterator<Item = &'o FindingOutcome> {
        [self.worst].into_iter().chain(self.others.iter().copied())
    }

    /// Returns the ids of the controls, that of the worst finding first.
    pub(super) fn controls(&self) -> Vec<&'o ControlId> {
        let mut ids = Vec::new();
        for outcome in self.findings() {
            if !ids.contains(&&outcome.finding.control) {
                ids.push(&outcome.finding.control);
            }
        }
        ids
    }
}

/// Returns the key of the cause; of a finding that shares its cause with none, its control, its
/// place and its fact.
fn cause(
    finding: &Violation,
    enforcement: &Enforcement,
    request: &AdmissionRequest<'_>,
) -> Vec<String> {
    let control = enforcement.controls.get(&finding.control);
    let shared = request.object.and_then(|object| {
        policy::shared_cause(object, control.map(AsRef::as_ref), finding, |path| {
            path.to_string()
        })
    });
    shared.unwrap_or_else(|| {
        let path = finding.paths.first().map(FieldPath::to_string);
        let control = finding.control.to_string();
        vec![control, path.unwrap_or_default(), finding.fact().to_owned()]
    })
}
