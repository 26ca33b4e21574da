//! A binding of the cluster: how it is read, and the condition that its status gets.

use kubevet_cluster::{BindingCondition, LOST_REASON, StoredBinding};
use kubevet_document::{self as document, Limits};
use kubevet_k8s::matching::Attributes;
use kubevet_model::{Action, Operation, Problem};
use kubevet_policy::{self as policy, Binding, Library};
use serde_json::{Value, json};
use std::sync::Arc;
use tracing::{error, warn};

/// The result of reading a binding of the cluster.
pub(super) struct EvaluatedBinding {
    /// The form to enforce: the current one, or the last good one if the current one is broken.
    pub(super) binding: Option<Binding>,
    /// True if the current form is broken.
    pub(super) is_refused: bool,
    /// True if the binding was in effect before this process started, and has no form that can be
    /// read.
    pub(super) is_lost: bool,
    pub(super) status: BindingStatus,
}

/// The status of a binding, as it is written into the cluster.
#[derive(Clone)]
pub(super) struct BindingStatus {
    pub(super) name: String,
    /// The generation of the spec that the condition is about.
    pub(super) generation: i64,
    pub(super) condition: BindingCondition,
    /// True if the enforced form denies requests.
    pub(super) denies: bool,
    /// The spec to store for a process that finds the binding broken at its start.
    pub(super) last_good: Option<String>,
}

/// Reads a binding. `last_good` is its form before the change.
pub(super) fn evaluate(
    stored: &StoredBinding,
    last_good: Option<&Binding>,
    library: &Library,
) -> EvaluatedBinding {
    let (binding, condition, spec, is_refused, is_lost) = match read(stored, &stored.json, library)
    {
        Ok(binding) => {
            let condition = accepted_condition(&binding);
            (Some(binding), condition, spec_json(stored), false, false)
        }
        Err(problems) => {
            let binding = last_good.cloned();
            let binding = binding.or_else(|| last_good_in_status(stored, library));
            let is_lost = binding.is_none() && stored.history.was_in_force;
            log_refusal(stored, &problems, is_lost);
            let condition = refused_condition(&problems, binding.is_some(), is_lost);
            (binding, condition, None, true, is_lost)
        }
    };
    let denies = binding
        .as_ref()
        .is_some_and(|binding| binding.actions.contains(&Action::Deny));
    EvaluatedBinding {
        binding,
        is_refused,
        is_lost,
        status: BindingStatus {
            name: stored.name.clone(),
            generation: stored.generation,
            condition,
            denies,
            last_good: spec,
        },
    }
}

fn log_refusal(stored: &StoredBinding, problems: &[Problem], is_lost: bool) {
    warn!(
        binding = stored.name,
        "the binding is refused: {}",
        join_messages(problems)
    );
    if is_lost {
        error!(
            binding = stored.name,
            "it was in force before, and no form of it can be read"
        );
    }
}

fn read(stored: &StoredBinding, json: &[u8], library: &Library) -> Result<Binding, Vec<Problem>> {
    let file = Arc::from(format!("ControlBinding {}", stored.name));
    let parsed = document::read_json(&file, json, &Limits::default());
    match parsed.documents.first() {
        Some(document) if parsed.problems.is_empty() => policy::read_binding(document, library),
        _ => Err(parsed.problems),
    }
}

/// Returns the last good form that an earlier process has left in the status, if it can still be
/// read.
fn last_good_in_status(stored: &StoredBinding, library: &Library) -> Option<Binding> {
    let spec: Value = serde_json::from_str(stored.history.last_good.as_deref()?).ok()?;
    let object = json!({
        "apiVersion": "kubevet.io/v1alpha1",
        "kind": "ControlBinding",
        "metadata": {"name": stored.name},
        "spec": spec,
    });
    read(stored, object.to_string().as_bytes(), library).ok()
}

/// Returns the `spec` of a binding as JSON.
fn spec_json(stored: &StoredBinding) -> Option<String> {
    let object: Value = serde_json::from_slice(&stored.json).ok()?;
    object.get("spec").map(ToString::to_string)
}

fn accepted_condition(binding: &Binding) -> BindingCondition {
    let actions = binding.actions.iter().rev();
    let actions: Vec<&str> = actions.map(|action| action.name()).collect();
    let count = binding.controls.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut message = format!("covers {count} control{plural}; {}", actions.join(", "));
    if !binding.match_resources.object_selector.is_empty() {
        message.push_str(
            "; whoever labels an object decides whether it is judged, and Pods of owners that are already there are \
             treated as new (objectSelector)",
        );
    }
    if binding.actions.contains(&Action::Deny) && matches_pods_without_owners(binding) {
        message.push_str(
            "; its rules take pods and not replicasets, so Pods of Deployments that are already there will be denied",
        );
    }
    BindingCondition {
        condition_type: "Accepted".to_owned(),
        holds: Some(true),
        reason: "InForce".to_owned(),
        message,
    }
}

/// True if the rules match Pods, but not the ReplicaSets that own them as a rule.
fn matches_pods_without_owners(binding: &Binding) -> bool {
    let matches = |group: &str, resource: &str| {
        binding.match_resources.matches_rules(&Attributes {
            operation: Operation::Create,
            group,
            version: "v1",
            resource,
            subresource: "",
            name: "",
            namespace: "default",
            labels: None,
            old_labels: None,
        })
    };
    matches("", "pods") && !matches("apps", "replicasets")
}

fn refused_condition(problems: &[Problem], has_last_good: bool, is_lost: bool) -> BindingCondition {
    let (reason, consequence) = match (has_last_good, is_lost) {
        (true, _) => ("Invalid", "; the last good form stays in force"),
        (_, true) => (
            LOST_REASON,
            "; nothing of it is in force although it was: a kubevet that starts is not ready until it is mended",
        ),
        _ => ("Invalid", "; nothing of it is in force"),
    };
    BindingCondition {
        condition_type: "Accepted".to_owned(),
        holds: Some(false),
        reason: reason.to_owned(),
        message: format!("{}{consequence}", join_messages(problems)),
    }
}

fn join_messages(problems: &[Problem]) -> String {
    let problems = problems.iter();
    let mut messages: Vec<&str> = problems.map(|problem| problem.message.as_str()).collect();
    messages.dedup();
    messages.join("; ")
}
