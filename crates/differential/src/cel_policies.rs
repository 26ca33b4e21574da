//! A control as a policy for the proof alone: one validation over the printed variables, for every kind that the control
//! looks at; and several as the one question that a pack asks. What is exported to clusters is made elsewhere, of the same
//! sheets.

use kubevet_cel::{ParamsFrom, Target, Variable};
use kubevet_engine::{Engine, looks_at};
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::{Control, ControlId, Kind, KindSelector};
use kubevet_policy::Params;
use kubevet_vap as vap;
use serde_json::{Value, json};

/// What a policy says where it leaves an object unjudged for its size.
pub(super) const UNJUDGED: &str = "kubevet-proof: not judged for its size";
/// The oldest minor version of Kubernetes that the policies are printed for.
const MIN_KUBE: u8 = 30;

/// The policy of a control with these params written into it.
///
/// # Errors
/// Why the control cannot be printed.
pub(super) fn exported(
    engine: &Engine,
    control: &Control,
    params: &Params,
) -> Result<Value, String> {
    let kinds = kinds(control);
    let target = Target {
        min_kube: MIN_KUBE,
        params: ParamsFrom::Written(params),
        kinds: &kinds,
    };
    let id: ControlId = control.id.clone();
    let sheet = kubevet_cel::print(
        engine.compiled_library(),
        std::slice::from_ref(&id),
        &target,
    );
    let Some(printed) = sheet.controls.first() else {
        return Err(sheet
            .refused
            .into_iter()
            .next()
            .map_or_else(|| "it is not printed".to_owned(), |(_, why)| why));
    };
    let words = format!("({}).join('; ')", printed.messages);
    let (clean, message) = match &printed.unjudged {
        None => (printed.clean.clone(), words),
        Some(bound) => (
            format!("({}) && !({})", printed.clean, bound.condition),
            format!("({}) ? '{UNJUDGED}' : {words}", bound.condition),
        ),
    };
    Ok(policy(
        &id.as_str().to_ascii_lowercase(),
        &sheet.variables,
        &clean,
        &message,
    ))
}

/// The question of a pack of controls with these params written into it, for the kinds that share a pack with this one.
/// What cannot be printed is not among them.
pub(super) fn packed(
    engine: &Engine,
    controls: &[ControlId],
    kind: &Kind,
    params: &Params,
) -> Value {
    let templates = || {
        WORKLOADS
            .iter()
            .map(|it| Kind::new(it.group, it.name))
            .filter(|it| it.name != "Pod")
    };
    let kinds: Vec<Kind> = if templates().any(|it| it == *kind) {
        templates().collect()
    } else {
        vec![kind.clone()]
    };
    let target = Target {
        min_kube: MIN_KUBE,
        params: ParamsFrom::Written(params),
        kinds: &kinds,
    };
    let sheet = kubevet_cel::print(engine.compiled_library(), controls, &target);
    policy(
        "packed",
        &[],
        &format!("!({})", vap::something_is_found(&sheet)),
        "'found'",
    )
}

fn policy(name: &str, variables: &[Variable], clean: &str, message: &str) -> Value {
    let variables: Vec<Value> = variables
        .iter()
        .map(|it| json!({"name": it.name, "expression": it.expression}))
        .collect();
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "variables": variables,
            "validations": [{"expression": clean, "messageExpression": message}],
        },
    })
}

fn kinds(control: &Control) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = WORKLOADS
        .iter()
        .map(|it| Kind::new(it.group, it.name))
        .filter(|kind| control.kinds.iter().any(|it| looks_at(it, kind)))
        .collect();
    for selector in &control.kinds {
        if let KindSelector::Kind(kind) = selector
            && !kinds.contains(kind)
        {
            kinds.push(kind.clone());
        }
    }
    kinds
}
