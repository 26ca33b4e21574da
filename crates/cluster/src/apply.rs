//! Admission policies, their bindings and their params: brought to what somebody wants, by server-side apply.
//!
//! Only what bears kubevet's label is ever taken away. What a policy means is not known here.

use super::{Cluster, ClusterError, api_call::Call, api_call::is_name};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// Whoever owns what is applied.
const MANAGER: &str = "kubevet";
/// How long one call may take; the API server itself gives up after a minute. It compiles a policy before it answers, and
/// a large one takes it seconds.
const CALL: Duration = Duration::from_secs(65);
/// How long a new kind may take until it can be used.
const ESTABLISHED: Duration = Duration::from_secs(20);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(100);
/// Objects of one page of a list.
const PAGE: u32 = 200;

/// A kind that is applied, and whether what is no longer wanted of it is taken away.
struct Applied {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    pruned: bool,
}

/// In the order in which they are taken away: a binding before what it needs.
const KINDS: &[Applied] = &[
    Applied {
        group: "admissionregistration.k8s.io",
        version: "v1",
        kind: "ValidatingAdmissionPolicyBinding",
        plural: "validatingadmissionpolicybindings",
        pruned: true,
    },
    Applied {
        group: "admissionregistration.k8s.io",
        version: "v1",
        kind: "ValidatingAdmissionPolicy",
        plural: "validatingadmissionpolicies",
        pruned: true,
    },
    Applied {
        group: "kubescape.io",
        version: "v1",
        kind: "ControlConfiguration",
        plural: "controlconfigurations",
        pruned: true,
    },
    Applied {
        group: "apiextensions.k8s.io",
        version: "v1",
        kind: "CustomResourceDefinition",
        plural: "customresourcedefinitions",
        pruned: false,
    },
];

/// How objects are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applying {
    /// Whether nothing is kept.
    pub dry_run: bool,
    /// Whether fields that somebody else has set since are set anyway.
    pub force: bool,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It was not there.
    Created,
    /// It was another.
    Changed,
    /// It was so already.
    Unchanged,
}

impl Cluster {
    /// Applies one object: a policy, a binding, params, or their CustomResourceDefinition, which is waited for until it
    /// can be used. Needs `get`, `create` and `patch` on its kind.
    ///
    /// # Errors
    /// Any; a conflict where somebody else set a field and `force` is not asked for.
    pub async fn apply_policy(
        &self,
        object: &Value,
        how: Applying,
    ) -> Result<Became, ClusterError> {
        let text = |path: &str| {
            object
                .pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let name = text("/metadata/name");
        let unusable = |why: &str| ClusterError::Unusable {
            what: format!("apply {name:?}"),
            why: why.to_owned(),
        };
        let kind = KINDS
            .iter()
            .find(|it| it.kind == text("/kind"))
            .ok_or_else(|| unusable("no kind that is known"))?;
        if !is_name(name) {
            return Err(unusable("no name of an object"));
        }
        let api = self.policy_api(kind);
        let call = |verb| Call {
            verb,
            group: kind.group,
            resource: kind.plural,
            namespace: None,
            name: Some(name),
        };
        let before = match call("get").ask(CALL, api.get_metadata_opt(name)).await {
            // The kind itself may be missing yet.
            Err(ClusterError::Missing { .. }) => None,
            other => other?,
        };
        let params = PatchParams {
            dry_run: how.dry_run,
            force: how.force,
            ..PatchParams::apply(MANAGER)
        };
        let after = call("patch")
            .ask(CALL, api.patch(name, &params, &Patch::Apply(object)))
            .await?;
        if kind.kind == "CustomResourceDefinition" && !how.dry_run {
            self.established(&api, name).await?;
        }
        Ok(match before {
            None => Became::Created,
            Some(before) if before.metadata.resource_version == after.metadata.resource_version => {
                Became::Unchanged
            }
            Some(_) => Became::Changed,
        })
    }

    /// Takes away what bears kubevet's label and is not wanted, bindings first. `wanted` are kinds and names. What was
    /// taken away, as kinds and names. Needs `list` and `delete` on the kinds.
    ///
    /// # Errors
    /// Any; what was taken away before stays away.
    pub async fn prune_policies(
        &self,
        wanted: &BTreeSet<(String, String)>,
        label: (&str, &str),
        dry_run: bool,
    ) -> Result<Vec<(String, String)>, ClusterError> {
        let mut gone = Vec::new();
        for kind in KINDS.iter().filter(|it| it.pruned) {
            let api = self.policy_api(kind);
            for name in self.labelled(kind, &api, label).await? {
                if wanted.contains(&(kind.kind.to_owned(), name.clone())) || !is_name(&name) {
                    continue;
                }
                let call = Call {
                    verb: "delete",
                    group: kind.group,
                    resource: kind.plural,
                    namespace: None,
                    name: Some(&name),
                };
                let params = DeleteParams {
                    dry_run,
                    ..DeleteParams::default()
                };
                match call.ask(CALL, api.delete(&name, &params)).await {
                    Ok(_) => gone.push((kind.kind.to_owned(), name)),
                    // Somebody else was quicker.
                    Err(ClusterError::Missing { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(gone)
    }

    /// Names of the objects with the label; none where the kind itself is missing.
    async fn labelled(
        &self,
        kind: &Applied,
        api: &Api<DynamicObject>,
        (key, value): (&str, &str),
    ) -> Result<Vec<String>, ClusterError> {
        let call = Call {
            verb: "list",
            group: kind.group,
            resource: kind.plural,
            namespace: None,
            name: None,
        };
        let mut params = ListParams::default()
            .labels(&format!("{key}={value}"))
            .limit(PAGE);
        let mut names = Vec::new();
        loop {
            let page = match call.ask(CALL, api.list_metadata(&params)).await {
                Err(ClusterError::Missing { .. }) => return Ok(names),
                other => other?,
            };
            names.extend(page.items.into_iter().filter_map(|it| it.metadata.name));
            match page.metadata.continue_.filter(|it| !it.is_empty()) {
                Some(next) => params = params.continue_token(&next),
                None => return Ok(names),
            }
        }
    }

    /// Waits until objects of a new kind can be made.
    async fn established(&self, api: &Api<DynamicObject>, name: &str) -> Result<(), ClusterError> {
        let resource = "customresourcedefinitions";
        let call = Call {
            verb: "get",
            group: "apiextensions.k8s.io",
            resource,
            namespace: None,
            name: Some(name),
        };
        let looking = async {
            loop {
                let object = call.ask(CALL, api.get(name)).await?;
                let conditions = object
                    .data
                    .pointer("/status/conditions")
                    .and_then(Value::as_array);
                let ready = conditions.is_some_and(|it| {
                    it.iter()
                        .any(|it| it["type"] == "Established" && it["status"] == "True")
                });
                if ready {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let late = || ClusterError::TimedOut {
            what: format!("wait for {resource} {name}"),
            after: ESTABLISHED,
        };
        tokio::time::timeout(ESTABLISHED, looking)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    fn policy_api(&self, kind: &Applied) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        Api::all_with(
            self.client.clone(),
            &ApiResource::from_gvk_with_plural(&gvk, kind.plural),
        )
    }
}
