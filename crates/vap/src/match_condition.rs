//! A policy's match condition: whether the policy has anything to report of an object.
//!
//! The API server evaluates the validation, its message and the audit annotations one by one, each
//! with variables of its own, whether they are needed or not. A match condition is evaluated before
//! all of them, so an object that passes is evaluated once.

use super::{
    exemptions::exemption_guard,
    match_constraints::NamespaceExemption,
    policy_spec::{PolicyRole, PolicySpec},
};
use kubevet_cel::{CelBundle, Expr, inline_variables};

/// Over so many pairs of containers and volumes the match condition is true unseen, and the
/// validation decides, where each control has the cost limit that all of them share here. A Pod of
/// 100 containers and 10 volumes costs four tenths of that limit.
const MAX_CONTAINER_VOLUME_PAIRS: i64 = 2_000;

/// The condition, true where the policy may have something to report.
pub(super) fn condition(spec: &PolicySpec<'_>) -> Expr {
    let reports = may_report(spec);
    // In one expression, so that nothing else is evaluated in an exempt namespace.
    match spec.namespace_exemption() {
        NamespaceExemption::Condition(is_exempt) => Expr::all([is_exempt.negated(), reports]),
        NamespaceExemption::Nothing | NamespaceExemption::Selector(_) => reports,
    }
}

fn may_report(spec: &PolicySpec<'_>) -> Expr {
    let bundle = spec.bundle;
    match spec.role {
        PolicyRole::Enforce => any_control_fails(bundle),
        PolicyRole::ReportExempt => Expr::all([exemption_guard(), any_control_fails(bundle)]),
        PolicyRole::ReportSkipped => {
            inline_variables(bundle.may_be_skipped.clone(), &bundle.variables)
        }
    }
}

/// A condition without variables: a control of the bundle fails, or the object is too large to say
/// here.
#[must_use]
pub fn any_control_fails(bundle: &CelBundle) -> Expr {
    let fails = bundle.passes.clone().negated();
    // A double negation keeps the type of a condition that the type checker knows as `dyn` only.
    let fails = if fails.is_bool() {
        fails
    } else {
        Expr::Not(Box::new(bundle.passes.clone()))
    };
    inline_variables(Expr::any([is_large(bundle), fails]), &bundle.variables)
}

/// A condition without variables: the object is too large for all controls of the bundle together.
#[must_use]
pub fn is_too_large_for_all(bundle: &CelBundle) -> Expr {
    inline_variables(is_large(bundle), &bundle.variables)
}

fn is_large(bundle: &CelBundle) -> Expr {
    let has_many_pairs = bundle.pairs.clone().map_or(Expr::Bool(false), |pairs| {
        pairs.exceeds(Expr::Int(MAX_CONTAINER_VOLUME_PAIRS))
    });
    Expr::any([has_many_pairs, bundle.may_be_skipped.clone()])
}
