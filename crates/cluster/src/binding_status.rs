//! Conditions of a ControlBinding: what it covers, and why something in it cannot work.

use super::{
    Cluster, ClusterError,
    api_call::Call,
    control_bindings::{self, GROUP, LAST_GOOD, LAST_GOOD_BYTES, RESOURCE},
};
use k8s_openapi::jiff::Timestamp;
use kube::{
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use kubevet_model::one_line;
use serde_json::{Map, Value, json};

/// Attempts where somebody else writes at the same time.
const ATTEMPTS: usize = 4;
/// Longest message of a condition, in characters.
const MESSAGE: usize = 4000;

/// One condition, in the form that all of Kubernetes uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its type, such as `Accepted`.
    pub kind: String,
    /// Whether it holds; `None` for not known.
    pub holds: Option<bool>,
    /// One word in CamelCase.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

impl Cluster {
    /// Writes the conditions of a binding, as seen at that generation of it, where they differ from what stands there.
    /// Conditions of other types stay. `last_good` is the `spec` to keep for a start that finds the binding broken, as
    /// JSON; one that is too long takes what is kept away, since it would be of an older form. False where there was nothing to write: nothing new, or the binding has changed
    /// since (whoever reads the new one writes its status) or is gone.
    ///
    /// Needs `get` on `controlbindings` and `patch` on `controlbindings/status`.
    ///
    /// # Errors
    /// Any but [`ClusterError::Missing`]; a conflict only after several attempts.
    pub async fn set_binding_status(
        &self,
        name: &str,
        generation: i64,
        conditions: &[Condition],
        last_good: Option<&str>,
    ) -> Result<bool, ClusterError> {
        let mut attempt = 1;
        loop {
            match self
                .write_status(name, generation, conditions, last_good)
                .await
            {
                Err(ClusterError::Missing { .. }) => return Ok(false),
                Err(ClusterError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    async fn write_status(
        &self,
        name: &str,
        generation: i64,
        conditions: &[Condition],
        last_good: Option<&str>,
    ) -> Result<bool, ClusterError> {
        let api = control_bindings::api(self);
        let get = Call {
            verb: "get",
            group: GROUP,
            resource: RESOURCE,
            namespace: None,
            name: Some(name),
        };
        let binding = get.ask(self.limits.call, api.get(name)).await?;
        if binding.metadata.generation != Some(generation) {
            return Ok(false);
        }
        let standing = standing(&binding);
        let wanted = merge(&standing, generation, conditions, &now());
        let kept = binding.data.pointer(LAST_GOOD).and_then(Value::as_str);
        let fits = last_good.filter(|it| it.len() <= LAST_GOOD_BYTES);
        let keeps = last_good.is_none() || kept == fits;
        if wanted == standing && keeps {
            return Ok(false);
        }
        let mut status = Map::from_iter([("conditions".to_owned(), Value::from(wanted))]);
        if !keeps {
            let kept = fits.map_or(
                Value::Null,
                |spec| json!({"observedGeneration": generation, "spec": spec}),
            );
            status.insert("lastGood".to_owned(), kept);
        }
        let change = json!({
            "metadata": {"resourceVersion": binding.metadata.resource_version},
            "status": status,
        });
        let patch = Call {
            verb: "patch",
            resource: "controlbindings/status",
            ..get
        };
        let (params, change) = (PatchParams::default(), Patch::Merge(change));
        patch
            .ask(self.limits.call, api.patch_status(name, &params, &change))
            .await
            .map(|_| true)
    }
}

fn standing(binding: &DynamicObject) -> Vec<Value> {
    binding
        .data
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// The conditions as they should stand. The time of a transition is kept while the status stays what it was.
fn merge(standing: &[Value], generation: i64, conditions: &[Condition], now: &str) -> Vec<Value> {
    let is = |value: &Value, kind: &str| value.get("type").and_then(Value::as_str) == Some(kind);
    let mut all: Vec<Value> = standing
        .iter()
        .filter(|it| !conditions.iter().any(|ours| is(it, &ours.kind)))
        .cloned()
        .collect();
    for condition in conditions {
        let status = match condition.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let known = standing.iter().find(|it| is(it, &condition.kind));
        let since = known
            .filter(|it| it.get("status").and_then(Value::as_str) == Some(status))
            .and_then(|it| it.get("lastTransitionTime"))
            .cloned()
            .unwrap_or_else(|| json!(now));
        all.push(json!({
            "type": condition.kind,
            "status": status,
            "reason": condition.reason,
            "message": one_line(&condition.message, MESSAGE),
            "observedGeneration": generation,
            "lastTransitionTime": since,
        }));
    }
    // The order is no news.
    let place = |it: &Value| {
        standing
            .iter()
            .position(|known| known.get("type") == it.get("type"))
    };
    all.sort_by_key(|it| place(it).unwrap_or(usize::MAX));
    all
}

pub(super) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
