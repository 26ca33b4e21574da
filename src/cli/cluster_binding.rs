//! A binding of the cluster: how it is read, and the condition that its status gets. Gate and operator
//! read it alike. It writes no status.

use kubevet_cluster::{BindingCondition, LOST_REASON, StoredBinding};
use kubevet_document::{self as document, Limits};
use kubevet_model::{ProblemCode, count};
use kubevet_policy::{self as policy, Binding, BindingCheck, Library, RemarkLevel};
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
        Ok((binding, check)) => {
            let condition = accepted_condition(&binding, &check);
            (Some(binding), condition, spec_json(stored), false, false)
        }
        Err(rejection) => {
            let binding = last_good.cloned();
            let binding = binding.or_else(|| last_good_in_status(stored, library));
            // A binding without an effect protected nothing, so nothing was lost.
            let is_lost =
                binding.is_none() && stored.history.was_in_force && !rejection.is_without_effect;
            log_refusal(stored, &rejection, is_lost);
            let condition = refused_condition(&rejection, binding.is_some(), is_lost);
            (binding, condition, None, true, is_lost)
        }
    };
    EvaluatedBinding {
        binding,
        is_refused,
        is_lost,
        status: BindingStatus {
            name: stored.name.clone(),
            generation: stored.generation,
            condition,
            last_good: spec,
        },
    }
}

/// Returns the form of a binding of the cluster that is in force: the present one, or else the last good
/// one. `last_good` is its form before the change.
pub(super) fn read_cluster_binding(
    stored: &StoredBinding,
    last_good: Option<&Binding>,
    library: &Library,
) -> Option<Binding> {
    evaluate(stored, last_good, library).binding
}

/// Why a binding is not in force.
struct Rejection {
    /// The errors, with the paths of their fields.
    errors: String,
    /// True if the binding is valid, and nothing of it would be in force.
    is_without_effect: bool,
}

fn log_refusal(stored: &StoredBinding, rejection: &Rejection, is_lost: bool) {
    let binding = &stored.name;
    warn!(binding, "the binding is rejected: {}", rejection.errors);
    if is_lost {
        error!(
            binding,
            "the binding was in force before, and no form of it can be read"
        );
    }
}

fn read(
    stored: &StoredBinding,
    json: &[u8],
    library: &Library,
) -> Result<(Binding, BindingCheck), Rejection> {
    let file = Arc::from(format!("ControlBinding {}", stored.name));
    let parsed = document::read_json(&file, json, &Limits::default());
    let document = parsed.documents.first();
    let Some(document) = document.filter(|_| parsed.problems.is_empty()) else {
        let messages = parsed.problems.iter().map(|problem| &*problem.message);
        return Err(Rejection {
            errors: messages.collect::<Vec<_>>().join("; "),
            is_without_effect: false,
        });
    };
    match policy::read_binding(document, library) {
        Ok(binding) => {
            let check = policy::check_binding(document, &binding, library);
            Ok((binding, check))
        }
        Err(problems) => Err(Rejection {
            errors: policy::describe_problems(document, &problems).join("; "),
            is_without_effect: problems
                .iter()
                .all(|problem| problem.code == ProblemCode::BindingNoEffect),
        }),
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
    let read = read(stored, object.to_string().as_bytes(), library).ok();
    read.map(|(binding, _)| binding)
}

/// Returns the `spec` of a binding as JSON.
fn spec_json(stored: &StoredBinding) -> Option<String> {
    let object: Value = serde_json::from_slice(&stored.json).ok()?;
    object.get("spec").map(ToString::to_string)
}

/// The condition of a binding that is in force, or a part of it: first what is enforced, then what
/// has no effect.
fn accepted_condition(binding: &Binding, check: &BindingCheck) -> BindingCondition {
    let actions = binding.actions.iter().rev();
    let actions: Vec<&str> = actions.map(|action| action.name()).collect();
    let controls = count(check.effective.len(), "control");
    let mut parts = vec![format!("{controls} ({})", actions.join(", "))];
    let remarks = check.remarks.iter();
    parts.extend(remarks.map(|remark| remark.problem.message.clone()));
    BindingCondition {
        condition_type: "Accepted".to_owned(),
        holds: Some(true),
        reason: if is_partial(check) {
            "PartlyInForce"
        } else {
            "InForce"
        }
        .to_owned(),
        message: parts.join("; "),
    }
}

/// True if a part of the binding has no effect.
fn is_partial(check: &BindingCheck) -> bool {
    let mut remarks = check.remarks.iter();
    remarks.any(|remark| remark.level == RemarkLevel::Warning)
}

fn refused_condition(
    rejection: &Rejection,
    has_last_good: bool,
    is_lost: bool,
) -> BindingCondition {
    let reason = match (is_lost, rejection.is_without_effect) {
        (true, _) => LOST_REASON,
        (false, true) => "NoEffect",
        (false, false) => "Invalid",
    };
    let consequence = match (has_last_good, is_lost) {
        (true, _) => "the last good form stays in force",
        (false, true) => {
            "the binding is not in force although it was: a kubevet that starts is not ready until the binding is fixed"
        }
        (false, false) => "the binding is not in force",
    };
    BindingCondition {
        condition_type: "Accepted".to_owned(),
        holds: Some(false),
        reason: reason.to_owned(),
        message: format!("{}; {consequence}", rejection.errors),
    }
}
