//! A ValidatingAdmissionPolicyBinding: what a policy applies to, and what its validation does.
//!
//! Apart because the API server reports no mistake in a binding: one that names no policy, lacks
//! the params that its policy reads, or names params that its policy does not have, silently
//! enforces nothing or everything.

use super::{naming::MANAGED_BY, params};
use kubevet_model::Action;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The parts of a binding.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyBinding<'b> {
    /// The name of the binding.
    pub name: &'b str,
    /// The name of the policy.
    pub policy: &'b str,
    /// What a failed validation does; never empty, never Deny and Warn together.
    pub actions: &'b BTreeSet<Action>,
    /// The API server's `matchResources`; `None` to match everything.
    pub match_resources: Option<Value>,
    /// The name of the ControlConfiguration; required exactly where the policy reads params.
    pub params: Option<&'b str>,
}

/// The binding as an object.
#[must_use]
pub fn policy_binding(binding: &PolicyBinding<'_>) -> Value {
    let mut spec = Map::new();
    spec.insert("policyName".to_owned(), json!(binding.policy));
    let actions: Vec<&str> = binding
        .actions
        .iter()
        .rev()
        .map(|action| action.name())
        .collect();
    spec.insert("validationActions".to_owned(), json!(actions));
    if let Some(name) = binding.params {
        spec.insert(
            "paramRef".to_owned(),
            params::reference(name, binding.actions.contains(&Action::Deny)),
        );
    }
    if let Some(scope) = &binding.match_resources {
        spec.insert("matchResources".to_owned(), scope.clone());
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": binding.name, "labels": {MANAGED_BY.0: MANAGED_BY.1}},
        "spec": spec,
    })
}

/// The actions for what is exempt or skipped: it is reported and never denied. It is a warning,
/// unless findings only go to the audit log.
pub(super) fn advisory_actions(actions: &BTreeSet<Action>) -> BTreeSet<Action> {
    let warns = actions.iter().any(|action| *action >= Action::Warn);
    BTreeSet::from([if warns { Action::Warn } else { Action::Audit }])
}
