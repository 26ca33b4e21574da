//! A binding of a policy: where it holds, and what is done.
//!
//! Apart because a binding is where exports die in silence: one that names no policy, lacks the params that its policy
//! reads, or names params that its policy does not have, enforces nothing or everything, and nobody is told.

use super::{name::MANAGED_BY, params};
use kubevet_model::Action;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What a binding is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyBinding<'b> {
    /// Its name.
    pub name: &'b str,
    /// The policy that it binds.
    pub policy: &'b str,
    /// What is done; never empty, never Deny and Warn together.
    pub actions: &'b BTreeSet<Action>,
    /// The API server's `matchResources`, where it does not take everything.
    pub match_resources: Option<Value>,
    /// The ControlConfiguration, exactly where the policy reads params.
    pub params: Option<&'b str>,
}

/// The ValidatingAdmissionPolicyBinding.
#[must_use]
pub fn policy_binding(binding: &PolicyBinding<'_>) -> Value {
    let mut spec = Map::new();
    spec.insert("policyName".to_owned(), json!(binding.policy));
    let words: Vec<&str> = binding.actions.iter().rev().map(|it| it.name()).collect();
    spec.insert("validationActions".to_owned(), json!(words));
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

/// What is done about what was let pass or not judged: it is told, and never denied. Where only the audit log is told
/// of findings, that is told of these.
pub(super) fn telling(actions: &BTreeSet<Action>) -> BTreeSet<Action> {
    let told = actions.iter().any(|it| *it >= Action::Warn);
    BTreeSet::from([if told { Action::Warn } else { Action::Audit }])
}
