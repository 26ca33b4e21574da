//! The policies that the CEL subject evaluates: for a control, one validation over the emitted
//! variables, for every kind that it selects, and its readable policy; for several, the expression
//! of their pack.
//!
//! The policies for clusters are built in `vap`, from the same CEL.

use kubevet_cel::{CelTarget, Expr, ParamsFrom, PolicyVariable};
use kubevet_engine::Engine;
use kubevet_k8s::workload::{SelectKinds as _, custom::CustomWorkload};
use kubevet_model::{Control, ControlId, Kind, KindSelector};
use kubevet_policy::Params;
use kubevet_vap as vap;
use serde_json::{Value, json};

/// The message of a policy that skips an object for its size.
pub(super) const NOT_JUDGED_MESSAGE: &str = "kubevet-proof: not judged for its size";
/// The oldest minor version of Kubernetes that the policies are emitted for.
const MIN_KUBE: u8 = 30;

/// The policies of a control in both styles.
pub(super) struct ControlPolicies {
    /// One validation over the variables that packs share.
    pub(super) packed: Value,
    /// The one that people read, or why there is none.
    pub(super) readable: Result<Value, String>,
}

/// Returns the policies of a control, with these params as constants.
///
/// # Errors
/// The reason why the control cannot be emitted.
pub(super) fn control_policies(
    engine: &Engine,
    control: &Control,
    custom: &[CustomWorkload],
    params: &Params,
) -> Result<ControlPolicies, String> {
    let kinds = if custom.is_empty() {
        control.kinds.object_kinds()
    } else {
        custom.iter().map(|row| row.kind.clone()).collect()
    };
    Ok(ControlPolicies {
        packed: packed_policy(engine, control, &kinds, custom, params)?,
        readable: readable_policy(engine, control, &kinds, custom, params),
    })
}

fn readable_policy(
    engine: &Engine,
    control: &Control,
    kinds: &[Kind],
    custom: &[CustomWorkload],
    params: &Params,
) -> Result<Value, String> {
    let target = CelTarget {
        min_kube: MIN_KUBE,
        params: ParamsFrom::Variables(params),
        kinds,
        custom,
    };
    let readable = kubevet_cel::emit_readable(engine.compiled_library(), &control.id, &target)?;
    let (variables, validations) = vap::readable_checks(&readable);
    Ok(json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": control.id.as_str().to_ascii_lowercase()},
        "spec": {
            "failurePolicy": "Fail",
            "variables": variables,
            "validations": validations,
        },
    }))
}

fn packed_policy(
    engine: &Engine,
    control: &Control,
    kinds: &[Kind],
    custom: &[CustomWorkload],
    params: &Params,
) -> Result<Value, String> {
    let target = CelTarget {
        min_kube: MIN_KUBE,
        params: ParamsFrom::Written(params),
        kinds,
        custom,
    };
    let bundle = kubevet_cel::emit(
        engine.compiled_library(),
        std::slice::from_ref(&control.id),
        &target,
    );
    let Some(emitted) = bundle.controls.first() else {
        return Err(bundle
            .unsupported
            .into_iter()
            .next()
            .map_or_else(|| "it is not printed".to_owned(), |(_, reason)| reason));
    };
    let messages = emitted
        .messages
        .clone()
        .method("join", [Expr::string("; ")]);
    let (validation, message) = match &emitted.skipped {
        None => (emitted.passes.clone(), messages),
        Some(skip) => {
            let is_skipped = || skip.condition.clone();
            let message =
                Expr::conditional(is_skipped(), Expr::string(NOT_JUDGED_MESSAGE), messages);
            let passes = Expr::all([emitted.passes.clone(), is_skipped().negated()]);
            (passes, message)
        }
    };
    Ok(policy_object(
        &control.id.as_str().to_ascii_lowercase(),
        &bundle.variables,
        &validation,
        &message,
    ))
}

/// Returns the policy that evaluates a pack of controls at once, with these params as constants, for
/// the kinds that share a pack with `kind`. Controls that cannot be emitted are left out.
pub(super) fn pack_policy(
    engine: &Engine,
    controls: &[ControlId],
    kind: &Kind,
    custom: Option<&CustomWorkload>,
    params: &Params,
) -> Value {
    // Workloads with a pod template share a pack; any other kind has its own.
    let mut template_kinds = KindSelector::Workloads.all_kinds();
    template_kinds.retain(|kind| kind.name != "Pod");
    let kinds = if template_kinds.contains(kind) {
        template_kinds
    } else {
        vec![kind.clone()]
    };
    let target = CelTarget {
        min_kube: MIN_KUBE,
        params: ParamsFrom::Written(params),
        kinds: &kinds,
        custom: custom.map_or(&[][..], std::slice::from_ref),
    };
    let bundle = kubevet_cel::emit(engine.compiled_library(), controls, &target);
    policy_object(
        "packed",
        &[],
        &Expr::Not(Box::new(vap::any_control_fails(&bundle))),
        &Expr::conditional(
            vap::is_too_large_for_all(&bundle),
            Expr::string(NOT_JUDGED_MESSAGE),
            Expr::string("found"),
        ),
    )
}

fn policy_object(
    name: &str,
    variables: &[PolicyVariable],
    validation: &Expr,
    message: &Expr,
) -> Value {
    let variables: Vec<Value> = variables
        .iter()
        .map(
            |variable| json!({"name": variable.name, "expression": variable.expression.to_lines()}),
        )
        .collect();
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "variables": variables,
            "validations": [{
                "expression": validation.to_lines(),
                "messageExpression": message.to_lines(),
            }],
        },
    })
}
