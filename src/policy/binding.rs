//! What a binding is once it is read: controls, a scope, and what is done about findings.

use super::Params;
use crate::{
    matching::MatchResources,
    model::{Action, ControlId, OnOwned, OnUnevaluated, OnUpdate},
};
use std::collections::BTreeSet;

/// Which controls hold for which requests, and what is done about their findings (`kubevet.io/v1alpha1`
/// `ControlBinding`). Frameworks and `minSeverity` are resolved: `controls` says all.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Its name; told to whoever is denied.
    pub name: String,
    /// Every control that it covers.
    pub controls: BTreeSet<ControlId>,
    /// Which requests it is meant for.
    pub match_resources: MatchResources,
    /// What is done about a finding. Never empty.
    pub actions: BTreeSet<Action>,
    /// What its controls are told: defaults, changed by what the binding says.
    pub params: Params,
    /// What an UPDATE is held to.
    pub on_update: OnUpdate,
    /// What happens to Pods of owners that are already in.
    pub on_owned: OnOwned,
    /// What happens to what could not be judged.
    pub on_unevaluated: OnUnevaluated,
}
