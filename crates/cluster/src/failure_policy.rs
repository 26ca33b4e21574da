//! Edits of a ValidatingWebhookConfiguration: its CA bundle, its owner, and its failure policies.
//! They are pure functions over the object, and make no call.

use super::control_bindings::GROUP;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The annotation that records failure policies which were `Fail`: a JSON object of webhook names
/// to policies.
const FAILURE_POLICIES_ANNOTATION: &str = "kubevet.io/failure-policies";
/// The label by which a namespace asks for a failure policy.
const FAILURE_POLICY_LABEL: &str = "kubevet.io/failure-policy";

/// Sets `caBundle` of every webhook; true if one differed.
pub(super) fn set_ca_bundle(configuration: &mut DynamicObject, ca_bundle: &Value) -> bool {
    let mut is_changed = false;
    for webhook in webhooks_mut(configuration) {
        let Some(client_config) = webhook
            .get_mut("clientConfig")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        if client_config.get("caBundle") != Some(ca_bundle) {
            client_config.insert("caBundle".to_owned(), ca_bundle.clone());
            is_changed = true;
        }
    }
    is_changed
}

/// Makes the namespace the owner of the configuration; true if it was not. An earlier namespace of
/// the same name is no owner any more.
pub(super) fn set_owner_reference(
    configuration: &mut DynamicObject,
    owner: &OwnerReference,
) -> bool {
    let references = configuration
        .metadata
        .owner_references
        .get_or_insert_default();
    if references
        .iter()
        .any(|reference| reference.uid == owner.uid)
    {
        return false;
    }
    references.retain(|reference| (&reference.kind, &reference.name) != (&owner.kind, &owner.name));
    references.push(owner.clone());
    true
}

/// Turns `Fail` into `Ignore` and records it in the annotation. Returns the names of the changed
/// webhooks.
pub(super) fn relax(configuration: &mut DynamicObject) -> Vec<String> {
    let mut recorded = recorded_policies(configuration);
    let mut names = Vec::new();
    for webhook in webhooks_mut(configuration) {
        // `Fail` is the API server's default.
        if failure_policy(webhook).unwrap_or("Fail") != "Fail" {
            continue;
        }
        let name = name(webhook);
        if let Some(fields) = webhook.as_object_mut() {
            fields.insert("failurePolicy".to_owned(), json!("Ignore"));
            recorded.insert(name.clone(), "Fail".to_owned());
            names.push(name);
        }
    }
    if !names.is_empty() {
        let annotations = configuration.metadata.annotations.get_or_insert_default();
        annotations.insert(
            FAILURE_POLICIES_ANNOTATION.to_owned(),
            json!(recorded).to_string(),
        );
    }
    names
}

/// Restores the recorded failure policies and removes the annotation. Returns the names of the
/// restored webhooks, and whether the object changed.
pub(super) fn restore(configuration: &mut DynamicObject) -> (Vec<String>, bool) {
    let recorded = recorded_policies(configuration);
    let mut names = Vec::new();
    for webhook in webhooks_mut(configuration) {
        let name = name(webhook);
        let was_fail = recorded.get(&name).is_some_and(|policy| policy == "Fail");
        if was_fail
            && is_fail_open(webhook)
            && let Some(fields) = webhook.as_object_mut()
        {
            fields.insert("failurePolicy".to_owned(), json!("Fail"));
            names.push(name);
        }
    }
    let annotations = configuration.metadata.annotations.get_or_insert_default();
    let is_changed = annotations.remove(FAILURE_POLICIES_ANNOTATION).is_some();
    (names, is_changed)
}

/// Returns the webhooks with failure policy `Ignore`, each with the namespaces of its selector. The
/// one for ControlBindings is left out: no binding is enforced by it.
pub(super) fn fail_open_webhooks(configuration: &mut DynamicObject) -> Vec<String> {
    webhooks_mut(configuration)
        .filter(|webhook| is_fail_open(webhook) && !is_for_bindings(webhook))
        .map(|webhook| format!("{} ({})", name(webhook), namespace_scope(webhook)))
        .collect()
}

fn webhooks_mut(configuration: &mut DynamicObject) -> impl Iterator<Item = &mut Value> {
    configuration
        .data
        .get_mut("webhooks")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn name(webhook: &Value) -> String {
    webhook
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn failure_policy(webhook: &Value) -> Option<&str> {
    webhook.get("failurePolicy").and_then(Value::as_str)
}

fn is_fail_open(webhook: &Value) -> bool {
    failure_policy(webhook) == Some("Ignore")
}

fn is_for_bindings(webhook: &Value) -> bool {
    let rules = webhook.get("rules").and_then(Value::as_array);
    rules.is_some_and(|rules| {
        !rules.is_empty()
            && rules
                .iter()
                .all(|rule| rule.get("apiGroups") == Some(&json!([GROUP])))
    })
}

/// Describes the namespaces of a webhook, as far as the failure policy label selects them.
fn namespace_scope(webhook: &Value) -> &'static str {
    let expressions = webhook
        .pointer("/namespaceSelector/matchExpressions")
        .and_then(Value::as_array);
    let operator = expressions
        .into_iter()
        .flatten()
        .find(|expression| {
            expression
                .get("key")
                .is_some_and(|key| key == FAILURE_POLICY_LABEL)
        })
        .and_then(|expression| expression.get("operator"))
        .and_then(Value::as_str);
    match operator {
        Some("NotIn" | "DoesNotExist") => {
            "in namespaces without the label kubevet.io/failure-policy=Fail"
        }
        Some(_) => "in namespaces with the label kubevet.io/failure-policy",
        None => "in every namespace",
    }
}

/// Returns the recorded failure policies. A missing or unreadable annotation records none.
fn recorded_policies(configuration: &DynamicObject) -> BTreeMap<String, String> {
    configuration
        .metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(FAILURE_POLICIES_ANNOTATION))
        .and_then(|annotation| serde_json::from_str(annotation).ok())
        .unwrap_or_default()
}
