//! Params as objects: `kubescape.io/v1` ControlConfiguration, which Kubescape's own policies read
//! too.

use super::naming::MANAGED_BY;
use kubevet_policy::Params;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The name of the ControlConfiguration of Kubescape's library.
pub const CONFIGURATION: &str = "basic-control-configuration";
const API_VERSION: &str = "kubescape.io/v1";
const KIND: &str = "ControlConfiguration";

/// A policy's `paramKind`.
pub(super) fn kind() -> Value {
    json!({"apiVersion": API_VERSION, "kind": KIND})
}

/// A binding's `paramRef`. Where the params are missing, a binding that denies rejects every
/// request, since it would otherwise enforce nothing unnoticed; one that only warns admits, since a
/// lost object must not close the cluster.
pub(super) fn reference(name: &str, denies: bool) -> Value {
    json!({"name": name, "parameterNotFoundAction": if denies { "Deny" } else { "Allow" }})
}

/// A ControlConfiguration with these values of those params.
pub(super) fn configuration(name: &str, names: &BTreeSet<String>, params: &Params) -> Value {
    let mut settings = Map::new();
    for (param, value) in params.iter().filter(|(param, _)| names.contains(*param)) {
        settings.insert(param.to_owned(), value.to_json());
    }
    json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "labels": {MANAGED_BY.0: MANAGED_BY.1}},
        "settings": settings,
    })
}

/// The definition of ControlConfiguration. It has no label of kubevet: Kubescape may have installed
/// it, so uninstalling kubevet must not delete it.
#[must_use]
pub fn configuration_crd() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "controlconfigurations.kubescape.io"},
        "spec": {
            "group": "kubescape.io",
            "names": {
                "kind": KIND,
                "listKind": "ControlConfigurationList",
                "plural": "controlconfigurations",
                "singular": "controlconfiguration",
            },
            "scope": "Cluster",
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "settings": {
                            "description": "Parameters of controls, by name.",
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": true,
                        },
                    },
                }},
            }],
        },
    })
}
