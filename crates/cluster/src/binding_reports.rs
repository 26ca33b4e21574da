//! What is reported about a ControlBinding in its status, beside its conditions: what it would deny of
//! the objects of the cluster, and what it did with reviews.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    control_bindings::{self, GROUP, RESOURCE},
};
use k8s_openapi::jiff::Timestamp;
use kube::{
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use serde_json::{Map, Value, json};
use std::{cmp::Reverse, collections::BTreeMap};

/// The owner of `status.wouldDeny`.
const OPERATOR: &str = "kubevet-operator";
/// The owner of `status.reviews`.
const REVIEWS: &str = "kubevet-reviews";
/// The number of attempts where another client writes at the same time.
const MAX_ATTEMPTS: usize = 8;
/// The most namespaces of `status.reviews`; the rest is counted together.
const MAX_NAMESPACES: usize = 100;

/// Numbers of reviews of a binding, without dry runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReviewCounts {
    /// Requests that it has denied.
    pub denied: u64,
    /// Requests that it would have denied, if `Deny` were among its actions.
    pub would_deny: u64,
}

impl ReviewCounts {
    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.denied = self.denied.saturating_add(other.denied);
        self.would_deny = self.would_deny.saturating_add(other.would_deny);
    }
}

impl Cluster {
    /// Writes `status.wouldDeny` of a binding, by server-side apply. False if the binding is gone, or
    /// is another one of the same name. Needs `patch` on `controlbindings/status`.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`] and [`ClusterError::Conflict`].
    pub async fn apply_would_deny(
        &self,
        name: &str,
        uid: &str,
        would_deny: &Value,
    ) -> Result<bool, ClusterError> {
        let object = json!({
            "apiVersion": "kubevet.io/v1alpha1",
            "kind": "ControlBinding",
            "metadata": {"name": name, "uid": uid},
            "status": {"wouldDeny": would_deny},
        });
        let params = PatchParams::apply(OPERATOR).force();
        let patch = Patch::Apply(object);
        let api = control_bindings::api(self);
        let patched = api.patch_status(name, &params, &patch);
        let call = call("patch", STATUS, name);
        match call.send(self.timeouts.call, patched).await {
            Ok(_) => Ok(true),
            Err(ClusterError::NotFound { .. } | ClusterError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Adds numbers of reviews, by namespace, to `status.reviews` of a binding: those of all replicas
    /// of the gate are added there. The numbers are of one generation of the binding, and begin anew
    /// with another one. False if there is no such binding.
    ///
    /// Needs `get` on `controlbindings` and `patch` on `controlbindings/status`.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`]; a conflict only after several attempts.
    pub async fn add_binding_reviews(
        &self,
        name: &str,
        counts: &BTreeMap<String, ReviewCounts>,
    ) -> Result<bool, ClusterError> {
        let mut attempt = 1;
        loop {
            match self.try_add_reviews(name, counts).await {
                Err(ClusterError::NotFound { .. }) => return Ok(false),
                Err(ClusterError::Conflict { .. }) if attempt < MAX_ATTEMPTS => attempt += 1,
                result => return result.map(|()| true),
            }
        }
    }

    async fn try_add_reviews(
        &self,
        name: &str,
        counts: &BTreeMap<String, ReviewCounts>,
    ) -> Result<(), ClusterError> {
        let api = control_bindings::api(self);
        let get = call("get", RESOURCE, name);
        let binding: DynamicObject = get.send(self.timeouts.call, api.get(name)).await?;
        let generation = binding.metadata.generation.unwrap_or_default();
        let known = binding.data.pointer("/status/reviews");
        let reviews = add_reviews(known.unwrap_or(&Value::Null), generation, counts, &now());
        // The resource version makes the patch fail if another client wrote since.
        let patch = json!({
            "metadata": {"resourceVersion": binding.metadata.resource_version},
            "status": {"reviews": reviews},
        });
        let params = PatchParams {
            field_manager: Some(REVIEWS.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(patch);
        let patched = api.patch_status(name, &params, &patch);
        let call = call("patch", STATUS, name);
        call.send(self.timeouts.call, patched).await.map(|_| ())
    }
}

const STATUS: &str = "controlbindings/status";

fn call<'a>(verb: &'a str, resource: &'a str, name: &'a str) -> ApiCall<'a> {
    ApiCall {
        verb,
        group: GROUP,
        resource,
        namespace: None,
        name: Some(name),
    }
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns `status.reviews` with more numbers.
fn add_reviews(
    known: &Value,
    generation: i64,
    counts: &BTreeMap<String, ReviewCounts>,
    now: &str,
) -> Value {
    let is_current = known.get("observedGeneration").and_then(Value::as_i64) == Some(generation);
    let known = if is_current { known } else { &Value::Null };
    let since = known.get("since").and_then(Value::as_str).unwrap_or(now);
    let mut total = counts_of(known);
    let list = known.get("namespaces").and_then(Value::as_array);
    let mut by_namespace: BTreeMap<String, ReviewCounts> = list
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry.get("name")?.as_str()?.to_owned(), counts_of(entry))))
        .collect();
    for (namespace, counts) in counts {
        total.add(*counts);
        // Requests outside namespaces are in the total alone.
        if !namespace.is_empty() {
            by_namespace
                .entry(namespace.clone())
                .or_default()
                .add(*counts);
        }
    }
    let mut listed: Vec<(String, ReviewCounts)> = by_namespace.into_iter().collect();
    listed.sort_by_key(|(_, counts)| Reverse((counts.denied, counts.would_deny)));
    listed.truncate(MAX_NAMESPACES);
    let namespaces = listed.into_iter().map(|(name, counts)| {
        let mut entry = numbers(counts);
        entry.insert("name".to_owned(), name.into());
        Value::from(entry)
    });
    let mut reviews = numbers(total);
    reviews.insert("namespaces".to_owned(), namespaces.collect());
    reviews.insert("observedGeneration".to_owned(), generation.into());
    reviews.insert("since".to_owned(), since.into());
    reviews.insert("time".to_owned(), now.into());
    reviews.into()
}

fn counts_of(value: &Value) -> ReviewCounts {
    let number = |key| value.get(key).and_then(Value::as_u64).unwrap_or_default();
    ReviewCounts {
        denied: number("denied"),
        would_deny: number("wouldDeny"),
    }
}

fn numbers(counts: ReviewCounts) -> Map<String, Value> {
    Map::from_iter([
        ("denied".to_owned(), counts.denied.into()),
        ("wouldDeny".to_owned(), counts.would_deny.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u64, u64)]) -> BTreeMap<String, ReviewCounts> {
        let entries = of.iter().map(|(name, denied, would_deny)| {
            let counts = ReviewCounts {
                denied: *denied,
                would_deny: *would_deny,
            };
            ((*name).to_owned(), counts)
        });
        entries.collect()
    }

    #[test]
    fn numbers_of_replicas_are_added_up_for_one_generation() {
        let first = add_reviews(
            &Value::Null,
            1,
            &counts(&[("shop", 0, 2), ("", 1, 0)]),
            "t1",
        );
        let expected = json!({
            "observedGeneration": 1, "since": "t1", "time": "t1", "denied": 1, "wouldDeny": 2,
            "namespaces": [{"name": "shop", "denied": 0, "wouldDeny": 2}],
        });
        assert_eq!(first, expected);
        let second = add_reviews(&first, 1, &counts(&[("shop", 0, 1), ("web", 4, 0)]), "t2");
        let expected = json!({
            "observedGeneration": 1, "since": "t1", "time": "t2", "denied": 5, "wouldDeny": 3,
            "namespaces": [
                {"name": "web", "denied": 4, "wouldDeny": 0},
                {"name": "shop", "denied": 0, "wouldDeny": 3},
            ],
        });
        assert_eq!(second, expected);
        let third = add_reviews(&second, 2, &counts(&[("web", 1, 0)]), "t3");
        assert_eq!(third["denied"], 1);
        assert_eq!(third["since"], "t3");
    }

    #[test]
    fn list_is_bounded_and_the_total_has_all() {
        let many: Vec<String> = (0..300).map(|number| format!("n{number}")).collect();
        let many: Vec<(&str, u64, u64)> = many.iter().map(|name| (&**name, 1, 0)).collect();
        let reviews = add_reviews(&Value::Null, 1, &counts(&many), "t");
        assert_eq!(reviews["denied"], 300);
        assert_eq!(reviews["namespaces"].as_array().map(Vec::len), Some(100));
    }
}
