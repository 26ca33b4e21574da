//! Admission policies, their bindings and their params: applied by server-side apply, and pruned.
//!
//! Only objects with kubevet's label are ever deleted. The meaning of a policy is not known here.

use super::{Cluster, ClusterError, api_call::ApiCall};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    core::{ApiResource, DynamicObject, GroupVersionKind, ObjectMeta},
};
use kubevet_model::names::is_dns_subdomain;
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// The field manager of applied objects.
const FIELD_MANAGER: &str = "kubevet";
/// The time for one call; the API server itself gives up after a minute. It compiles a policy
/// before it answers, which takes seconds for a large one.
const CALL_TIMEOUT: Duration = Duration::from_secs(65);
/// The time until a new CustomResourceDefinition can be used.
const ESTABLISHED_TIMEOUT: Duration = Duration::from_secs(20);
/// The time between two checks of it.
const ESTABLISHED_POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The objects of one page of a list.
const PAGE_SIZE: u32 = 200;

/// A kind that is applied.
struct AppliedKind {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    /// True if objects that are no longer wanted are deleted.
    is_pruned: bool,
}

/// The applied kinds, in the order of deletion: a binding before the objects that it refers to.
const APPLIED_KINDS: &[AppliedKind] = &[
    AppliedKind {
        group: "admissionregistration.k8s.io",
        version: "v1",
        kind: "ValidatingAdmissionPolicyBinding",
        plural: "validatingadmissionpolicybindings",
        is_pruned: true,
    },
    AppliedKind {
        group: "admissionregistration.k8s.io",
        version: "v1",
        kind: "ValidatingAdmissionPolicy",
        plural: "validatingadmissionpolicies",
        is_pruned: true,
    },
    AppliedKind {
        group: "kubescape.io",
        version: "v1",
        kind: "ControlConfiguration",
        plural: "controlconfigurations",
        is_pruned: true,
    },
    AppliedKind {
        group: "apiextensions.k8s.io",
        version: "v1",
        kind: "CustomResourceDefinition",
        plural: "customresourcedefinitions",
        is_pruned: false,
    },
];

impl AppliedKind {
    fn call<'a>(&self, verb: &'a str, name: Option<&'a str>) -> ApiCall<'a> {
        ApiCall {
            verb,
            group: self.group,
            resource: self.plural,
            namespace: None,
            name,
        }
    }
}

/// The options of server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ApplyOptions {
    /// True if nothing is persisted.
    pub dry_run: bool,
    /// True if fields that another manager owns are taken over.
    pub force: bool,
}

/// The effect of an apply on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyResult {
    /// It was created.
    Created,
    /// It was changed.
    Changed,
    /// It was equal already.
    Unchanged,
}

impl Cluster {
    /// Applies one object: a policy, a binding, params, or their CustomResourceDefinition, for
    /// which it waits until it can be used. Needs `get`, `create` and `patch` on its kind.
    ///
    /// # Errors
    /// Any; a conflict if another manager owns a field and `force` is not set.
    pub async fn apply_policy(
        &self,
        object: &Value,
        options: ApplyOptions,
    ) -> Result<ApplyResult, ClusterError> {
        let (kind, name) = kind_and_name(object)?;
        let api = self.policy_api(kind);
        let get = kind.call("get", Some(name));
        let before = match get.send(CALL_TIMEOUT, api.get_metadata_opt(name)).await {
            // The kind itself may not exist yet.
            Err(ClusterError::NotFound { .. }) => None,
            other => other?,
        };
        let params = PatchParams {
            dry_run: options.dry_run,
            force: options.force,
            ..PatchParams::apply(FIELD_MANAGER)
        };
        let after = kind
            .call("patch", Some(name))
            .send(
                CALL_TIMEOUT,
                api.patch(name, &params, &Patch::Apply(object)),
            )
            .await?;
        if kind.kind == "CustomResourceDefinition" && !options.dry_run {
            wait_established(kind, &api, name).await?;
        }
        Ok(match before {
            None => ApplyResult::Created,
            Some(before) if is_equal(&before.metadata, &after.metadata) => ApplyResult::Unchanged,
            Some(_) => ApplyResult::Changed,
        })
    }

    /// Returns an annotation of the object that an apply would change; `None` if there is no such
    /// object, or no such annotation on it. Needs `get` on its kind.
    ///
    /// # Errors
    /// Any.
    pub async fn policy_annotation(
        &self,
        object: &Value,
        key: &str,
    ) -> Result<Option<String>, ClusterError> {
        let (kind, name) = kind_and_name(object)?;
        let api = self.policy_api(kind);
        let get = kind.call("get", Some(name));
        let existing = match get.send(CALL_TIMEOUT, api.get_metadata_opt(name)).await {
            Err(ClusterError::NotFound { .. }) => None,
            other => other?,
        };
        Ok(existing.and_then(|existing| existing.metadata.annotations?.remove(key)))
    }

    /// Deletes the objects with kubevet's label that are not wanted, bindings first. `wanted` holds
    /// pairs of kind and name, and so does the result, which lists what was deleted. Needs `list`
    /// and `delete` on the kinds.
    ///
    /// # Errors
    /// Any; what was deleted before stays deleted.
    pub async fn prune_policies(
        &self,
        wanted: &BTreeSet<(String, String)>,
        label: (&str, &str),
        dry_run: bool,
    ) -> Result<Vec<(String, String)>, ClusterError> {
        let mut deleted = Vec::new();
        for kind in APPLIED_KINDS.iter().filter(|kind| kind.is_pruned) {
            let api = self.policy_api(kind);
            for name in list_labelled(kind, &api, label).await? {
                if wanted.contains(&(kind.kind.to_owned(), name.clone()))
                    || !is_dns_subdomain(&name)
                {
                    continue;
                }
                let params = DeleteParams {
                    dry_run,
                    ..DeleteParams::default()
                };
                let call = kind.call("delete", Some(&name));
                match call.send(CALL_TIMEOUT, api.delete(&name, &params)).await {
                    Ok(_) => deleted.push((kind.kind.to_owned(), name)),
                    // Another client deleted it first.
                    Err(ClusterError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(deleted)
    }

    fn policy_api(&self, kind: &AppliedKind) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        Api::all_with(
            self.client.clone(),
            &ApiResource::from_gvk_with_plural(&gvk, kind.plural),
        )
    }
}

/// True if nothing but the status differs. The API server counts the changes of a spec, and writes a
/// status whenever it likes, which changes the resource version.
fn is_equal(before: &ObjectMeta, after: &ObjectMeta) -> bool {
    before.resource_version == after.resource_version
        || before.generation.is_some()
            && before.generation == after.generation
            && before.labels == after.labels
            && before.annotations == after.annotations
}

/// Returns the kind and the name of an object to apply.
fn kind_and_name(object: &Value) -> Result<(&'static AppliedKind, &str), ClusterError> {
    let string_at = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let name = string_at("/metadata/name");
    let unusable = |reason: &str| ClusterError::Unusable {
        call: format!("apply {name:?}"),
        reason: reason.to_owned(),
    };
    let kind = APPLIED_KINDS
        .iter()
        .find(|kind| kind.kind == string_at("/kind"))
        .ok_or_else(|| unusable("no kind that is known"))?;
    // The client does not escape names in the path of a URL.
    if !is_dns_subdomain(name) {
        return Err(unusable("no name of an object"));
    }
    Ok((kind, name))
}

/// Lists the names of the objects with the label; none if the kind itself does not exist.
async fn list_labelled(
    kind: &AppliedKind,
    api: &Api<DynamicObject>,
    (key, value): (&str, &str),
) -> Result<Vec<String>, ClusterError> {
    let call = kind.call("list", None);
    let mut params = ListParams::default()
        .labels(&format!("{key}={value}"))
        .limit(PAGE_SIZE);
    let mut names = Vec::new();
    loop {
        let page = match call.send(CALL_TIMEOUT, api.list_metadata(&params)).await {
            Err(ClusterError::NotFound { .. }) => return Ok(names),
            other => other?,
        };
        names.extend(
            page.items
                .into_iter()
                .filter_map(|object| object.metadata.name),
        );
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(names),
        }
    }
}

/// Waits until objects of a new CustomResourceDefinition can be created.
async fn wait_established(
    kind: &AppliedKind,
    api: &Api<DynamicObject>,
    name: &str,
) -> Result<(), ClusterError> {
    let call = kind.call("get", Some(name));
    let established = async {
        loop {
            let object = call.send(CALL_TIMEOUT, api.get(name)).await?;
            if is_established(&object.data) {
                return Ok(());
            }
            tokio::time::sleep(ESTABLISHED_POLL_INTERVAL).await;
        }
    };
    let timed_out = || ClusterError::TimedOut {
        call: format!("wait for {} {name}", kind.plural),
        after: ESTABLISHED_TIMEOUT,
    };
    tokio::time::timeout(ESTABLISHED_TIMEOUT, established)
        .await
        .unwrap_or_else(|_| Err(timed_out()))
}

fn is_established(definition: &Value) -> bool {
    let conditions = definition
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(before: &Value, after: &Value, expected: bool) {
        let metadata = |value: &Value| serde_json::from_value(value.clone()).unwrap();
        assert_eq!(is_equal(&metadata(before), &metadata(after)), expected);
    }

    #[test]
    fn status_alone_is_no_change() {
        let before = json!({"resourceVersion": "1", "generation": 1, "labels": {"a": "b"}});
        check(&before, &before, true);
        let mut status = before.clone();
        status["resourceVersion"] = json!("2");
        check(&before, &status, true);
        for (key, value) in [
            ("generation", json!(2)),
            ("labels", json!({"a": "c"})),
            ("annotations", json!({"a": "b"})),
        ] {
            let mut changed = status.clone();
            changed[key] = value;
            check(&before, &changed, false);
        }
        // Without a generation, only the resource version is known.
        check(
            &json!({"resourceVersion": "1"}),
            &json!({"resourceVersion": "2"}),
            false,
        );
    }
}
