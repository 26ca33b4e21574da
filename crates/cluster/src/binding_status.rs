//! Conditions of a ControlBinding: what it covers, and why a part of it cannot work.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    control_bindings::{self, GROUP, LAST_GOOD_POINTER, MAX_LAST_GOOD_BYTES, RESOURCE},
};
use k8s_openapi::jiff::Timestamp;
use kube::{
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use kubevet_model::one_line;
use serde_json::{Map, Value, json};

/// The number of attempts where another client writes at the same time.
const MAX_ATTEMPTS: usize = 4;
/// The most characters of a condition's message.
const MAX_MESSAGE_CHARS: usize = 4000;

/// One condition, in the common form of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingCondition {
    /// The type, such as `Accepted`.
    pub condition_type: String,
    /// The status; `None` for unknown.
    pub holds: Option<bool>,
    /// The reason, one word in CamelCase.
    pub reason: String,
    /// The message, a sentence.
    pub message: String,
}

impl Cluster {
    /// Writes the conditions of a binding, as observed at `generation`, if they differ from those
    /// in its status. Conditions of other types stay.
    ///
    /// `last_good` is the `spec`, as JSON, to keep for a process that starts and finds the binding
    /// broken. One that is too long removes the kept one, which would be of an older generation.
    ///
    /// Returns false if nothing was written: nothing is new, or the binding has changed since (the
    /// reader of the new generation writes its status), or is deleted.
    ///
    /// Needs `get` on `controlbindings` and `patch` on `controlbindings/status`.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`]; a conflict only after several attempts.
    pub async fn set_binding_status(
        &self,
        name: &str,
        generation: i64,
        conditions: &[BindingCondition],
        last_good: Option<&str>,
    ) -> Result<bool, ClusterError> {
        let mut attempt = 1;
        loop {
            match self
                .write_status(name, generation, conditions, last_good)
                .await
            {
                Err(ClusterError::NotFound { .. }) => return Ok(false),
                Err(ClusterError::Conflict { .. }) if attempt < MAX_ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn write_status(
        &self,
        name: &str,
        generation: i64,
        conditions: &[BindingCondition],
        last_good: Option<&str>,
    ) -> Result<bool, ClusterError> {
        let api = control_bindings::api(self);
        let get = ApiCall {
            verb: "get",
            group: GROUP,
            resource: RESOURCE,
            namespace: None,
            name: Some(name),
        };
        let binding = get.send(self.timeouts.call, api.get(name)).await?;
        if binding.metadata.generation != Some(generation) {
            return Ok(false);
        }
        let Some(status) = status_patch(&binding, generation, conditions, last_good) else {
            return Ok(false);
        };
        // The resource version makes the patch fail if another client wrote since.
        let patch = json!({
            "metadata": {"resourceVersion": binding.metadata.resource_version},
            "status": status,
        });
        let call = ApiCall {
            verb: "patch",
            resource: "controlbindings/status",
            ..get
        };
        let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
        call.send(self.timeouts.call, api.patch_status(name, &params, &patch))
            .await
            .map(|_| true)
    }
}

/// Returns the merge patch of a status; `None` if nothing changes.
fn status_patch(
    binding: &DynamicObject,
    generation: i64,
    conditions: &[BindingCondition],
    last_good: Option<&str>,
) -> Option<Map<String, Value>> {
    let existing = existing_conditions(binding);
    let wanted = merge_conditions(&existing, generation, conditions, &now());
    let kept = binding
        .data
        .pointer(LAST_GOOD_POINTER)
        .and_then(Value::as_str);
    let fitting = last_good.filter(|spec| spec.len() <= MAX_LAST_GOOD_BYTES);
    let keeps_last_good = last_good.is_none() || kept == fitting;
    if wanted == existing && keeps_last_good {
        return None;
    }
    let mut status = Map::from_iter([("conditions".to_owned(), Value::from(wanted))]);
    if !keeps_last_good {
        // In a merge patch, null removes the field.
        let last_good = fitting.map_or(
            Value::Null,
            |spec| json!({"observedGeneration": generation, "spec": spec}),
        );
        status.insert("lastGood".to_owned(), last_good);
    }
    Some(status)
}

fn existing_conditions(binding: &DynamicObject) -> Vec<Value> {
    binding
        .data
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// Returns the wanted conditions. The time of a transition stays while the status does.
fn merge_conditions(
    existing: &[Value],
    generation: i64,
    conditions: &[BindingCondition],
    now: &str,
) -> Vec<Value> {
    let has_type = |value: &Value, condition_type: &str| {
        value.get("type").and_then(Value::as_str) == Some(condition_type)
    };
    let mut merged: Vec<Value> = existing
        .iter()
        .filter(|value| {
            !conditions
                .iter()
                .any(|condition| has_type(value, &condition.condition_type))
        })
        .cloned()
        .collect();
    for condition in conditions {
        let status = match condition.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let known = existing
            .iter()
            .find(|value| has_type(value, &condition.condition_type));
        let transition_time = known
            .filter(|value| value.get("status").and_then(Value::as_str) == Some(status))
            .and_then(|value| value.get("lastTransitionTime"))
            .cloned()
            .unwrap_or_else(|| json!(now));
        merged.push(json!({
            "type": condition.condition_type,
            "status": status,
            "reason": condition.reason,
            "message": one_line(&condition.message, MAX_MESSAGE_CHARS),
            "observedGeneration": generation,
            "lastTransitionTime": transition_time,
        }));
    }
    // In the existing order, so that a different order alone is no change.
    let index = |value: &Value| {
        existing
            .iter()
            .position(|known| known.get("type") == value.get("type"))
    };
    merged.sort_by_key(|value| index(value).unwrap_or(usize::MAX));
    merged
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
