//! The result of a decision: allowed or denied, and the outcome of each finding.

use super::{Exclusion, UnevaluatedControl};
use kubevet_model::{Action, ControlId, ControlIds, Violation};
use std::collections::BTreeMap;

/// The decision about one request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// True if the request is allowed.
    pub allowed: bool,
    /// The status of a denial; absent if the request is allowed.
    pub status: Option<DenialStatus>,
    /// Warnings for the client, worst first, within the API server's limits.
    pub warnings: Vec<String>,
    /// Audit annotations by their key, without a prefix: `denied` → `C-0057 spec.containers[0]`.
    pub annotations: BTreeMap<String, String>,
    /// Findings and their outcomes, worst first. Of each control and action only the first are
    /// kept.
    pub outcomes: Vec<FindingOutcome>,
    /// The number of findings that are not among the outcomes.
    pub dropped: Vec<DroppedFindings>,
    /// Controls that could not be evaluated.
    pub unevaluated: Vec<UnevaluatedControl>,
    /// The controls that were evaluated, sorted.
    pub evaluated: ControlIds,
    /// The names of the bindings that match the request.
    pub bindings: Vec<String>,
    /// What bindings that deny nothing would deny with `Deny`, by control and binding.
    pub would_deny: Vec<WouldDeny>,
    /// The bindings that exclude the request, although a control of theirs checks its kind.
    pub excluded: Vec<Exclusion>,
}

/// The findings of one control that one binding would deny, if `Deny` were among its actions. The
/// findings that another binding with equal params denies are not among them, nor those that no
/// binding would deny: existing ones, and those of objects that a built-in controller creates for a
/// covered owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldDeny {
    /// The control that was violated.
    pub control: ControlId,
    /// The binding that denies nothing.
    pub binding: String,
    /// The number of findings.
    pub count: usize,
}

/// The number of findings of one control, action and binding that a decision does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedFindings {
    /// The control that was violated.
    pub control: ControlId,
    /// The action that was taken; `None` if there was none.
    pub action: Option<Action>,
    /// The binding that caused the action.
    pub binding: String,
    /// The number of findings.
    pub count: usize,
}

/// The status of a denial, as the client of the API server gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialStatus {
    /// The HTTP status code.
    pub code: u16,
    /// The `reason` of a Kubernetes `Status`, such as `Forbidden`.
    pub reason: &'static str,
    /// The message. Its first line is useful alone, since some clients show no more.
    pub message: String,
}

/// A finding with its action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingOutcome {
    /// The finding.
    pub finding: Violation,
    /// The strongest action over all bindings; `None` if there was none.
    pub action: Option<Action>,
    /// The reason for the action.
    pub reason: Reason,
    /// The binding that caused the action.
    pub binding: String,
}

/// The reason why a finding has its action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The request introduces the finding.
    New,
    /// The object had the finding before.
    Existing,
    /// A built-in controller creates the object for an owner that the binding covers.
    Owned,
    /// The namespace is exempt.
    Exempt,
    /// The object is being deleted.
    Deleting,
    /// The request writes the status only.
    StatusWrite,
}

impl Decision {
    /// Returns the number of all findings, dropped ones included.
    #[must_use]
    pub fn findings_count(&self) -> usize {
        let dropped = self.dropped.iter().map(|dropped| dropped.count);
        self.outcomes.len() + dropped.sum::<usize>()
    }

    /// Returns the number of dropped findings with `action`, of one control or of all.
    pub(super) fn dropped_count(&self, action: Action, control: Option<&ControlId>) -> usize {
        let is_counted = |dropped: &&DroppedFindings| {
            dropped.action == Some(action)
                && control.is_none_or(|control| dropped.control == *control)
        };
        let counted = self.dropped.iter().filter(is_counted);
        counted.map(|dropped| dropped.count).sum()
    }
}
