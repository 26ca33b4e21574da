//! The parts that a policy is made of. They are apart from `policy`, which makes the whole object,
//! because the match condition is made from them too.

use super::{
    exclusions::MatchCondition,
    exemptions::Exemptions,
    match_constraints::{self, NamespaceExemption},
};
use kubevet_cel::CelBundle;
use kubevet_k8s::workload::custom::CustomWorkload;
use kubevet_model::Kind;

/// The purpose of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyRole {
    /// Acts on findings that are not exempt.
    Enforce,
    /// Reports findings that are exempt.
    ReportExempt,
    /// Reports objects that are skipped for their cost.
    ReportSkipped,
}

/// The parts of a policy.
pub(super) struct PolicySpec<'s> {
    pub(super) name: &'s str,
    pub(super) role: PolicyRole,
    pub(super) kinds: &'s [Kind],
    /// Where the kinds keep their pods, if they are kinds of other software.
    pub(super) custom: &'s [CustomWorkload],
    pub(super) bundle: &'s CelBundle,
    pub(super) exemptions: &'s Exemptions<'s>,
    /// The requests that the ControlBinding excludes.
    pub(super) exclusions: &'s [MatchCondition],
    /// The name of the ControlBinding, empty without one.
    pub(super) binding: &'s str,
    /// Namespaces that the policy ignores.
    pub(super) exempt_namespaces: &'s [String],
}

impl PolicySpec<'_> {
    /// How the policy leaves out the namespaces that are exempt.
    pub(super) fn namespace_exemption(&self) -> NamespaceExemption {
        match_constraints::namespace_exemption(self.exempt_namespaces, self.kinds, self.custom)
    }
}
