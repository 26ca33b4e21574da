//! The action that one binding takes: for a finding, and for a control that was not evaluated.

use super::Reason;
use kubevet_model::{Action, OnUnevaluated};
use kubevet_policy::Binding;

/// Returns the action for a finding with `reason`: the strongest of the binding, but a denial only
/// for new findings. Everything else is warned of instead.
pub(super) fn finding_action(binding: &Binding, reason: Reason) -> Option<Action> {
    let strongest = binding.actions.iter().next_back().copied();
    match strongest {
        Some(Action::Deny) if reason != Reason::New => Some(Action::Warn),
        action => action,
    }
}

/// Returns the action for a control that could not be evaluated. It is no denial if `never_deny`,
/// or if the binding denies nothing.
pub(super) fn unevaluated_action(binding: &Binding, never_deny: bool) -> Option<Action> {
    let denies = binding.actions.contains(&Action::Deny) && !never_deny;
    match binding.on_unevaluated {
        OnUnevaluated::Allow => None,
        OnUnevaluated::Deny if denies => Some(Action::Deny),
        OnUnevaluated::Warn | OnUnevaluated::Deny => Some(Action::Warn),
    }
}
