//! The ruling of each binding on one finding: the action, and its reason.
//!
//! The old object is evaluated only if a reason depends on it.

use super::{
    Reason, UnevaluatedCause,
    actions::finding_action,
    controller_owned::ControllerOwner,
    evaluation::{Evaluation, IndexedBinding},
    outcomes::{OutcomeCollector, Ruling},
    prior_state::{PriorFindings, PriorState},
};
use kubevet_model::{Action, EvalError, OnUpdate, Violation};
use kubevet_policy::Binding;
use std::cell::OnceCell;

impl Evaluation<'_> {
    /// Collects the outcome of one finding: the strongest action of the bindings that cover its
    /// control.
    pub(super) fn rule_on_finding<'p>(
        &self,
        finding: &Violation,
        bindings: &[IndexedBinding<'_>],
        prior_findings: impl Fn() -> Option<&'p PriorFindings>,
        outcomes: &mut OutcomeCollector,
    ) {
        let mut strongest: Option<Ruling<'_>> = None;
        let mut would_deny: Vec<&Binding> = Vec::new();
        let prior_state = OnceCell::new();
        let covers = |binding: &Binding| binding.controls.contains(&finding.control);
        for (index, binding) in bindings.iter().filter(|(_, binding)| covers(binding)) {
            let prior_state = || {
                prior_state.get_or_init(|| match prior_findings() {
                    Some(findings) => findings.state_of(&self.key_hasher, finding),
                    None => PriorState::Absent,
                })
            };
            match self.reason(binding, finding, prior_state) {
                Ok(reason) => {
                    if reason == Reason::New && !binding.actions.contains(&Action::Deny) {
                        would_deny.push(binding);
                    }
                    let ruling = Ruling {
                        binding_index: *index,
                        binding,
                        action: finding_action(binding, reason),
                        reason,
                    };
                    if strongest.is_none_or(|other| other.action < ruling.action) {
                        strongest = Some(ruling);
                    }
                }
                Err(error) => {
                    let cause = UnevaluatedCause::UnknownPriorState {
                        finding: finding.message.clone(),
                        error,
                    };
                    let control = Some(finding.control.clone());
                    self.add_unevaluated(binding, control, cause, outcomes);
                }
            }
        }
        if let Some(ruling) = strongest {
            outcomes.add(finding, ruling);
            if ruling.action != Some(Action::Deny) {
                for binding in would_deny {
                    outcomes.add_would_deny(finding, binding);
                }
            }
        }
    }

    /// Returns the reason for the action on a finding. It cannot be determined if the old object
    /// could not be evaluated; then the error is that of its evaluation.
    fn reason<'p>(
        &self,
        binding: &Binding,
        finding: &Violation,
        prior_state: impl FnOnce() -> &'p PriorState,
    ) -> Result<Reason, EvalError> {
        // These two come first: they need no evaluation of the old object.
        if self.request.writes_status() {
            return Ok(Reason::StatusWrite);
        }
        if self.is_exempt() {
            return Ok(Reason::Exempt);
        }
        match (prior_state(), binding.on_update) {
            (PriorState::Present, OnUpdate::New) => return Ok(Reason::Existing),
            // An object that is being deleted must be able to lose its finalizers, even under a
            // binding that holds updates to everything.
            (PriorState::Present | PriorState::Unknown(_), _) if self.is_being_deleted => {
                return Ok(Reason::Deleting);
            }
            (PriorState::Unknown(error), OnUpdate::New) => return Err(error.clone()),
            _ => {}
        }
        Ok(if self.is_exempt_by_owner(binding, finding) {
            Reason::Owned
        } else {
            Reason::New
        })
    }

    fn is_exempt_by_owner(&self, binding: &Binding, finding: &Violation) -> bool {
        let control = self.enforcement.controls.get(&finding.control);
        let is_checked = |owner: &ControllerOwner<'_>| {
            control.is_some_and(|control| owner.is_checked_by(control))
        };
        self.owner.as_ref().is_some_and(is_checked) && self.is_owner_covered(binding)
    }
}
