//! The entry point: bindings and an emitter of CEL in, objects for the API server out.

use super::{
    binding::{PolicyBinding, advisory_actions, policy_binding},
    exemptions::Exemptions,
    exported_object::ExportedObject,
    match_constraints,
    naming::{self, exempt_policy_name, skipped_policy_name},
    packing::{Packing, PolicyGroup, groups},
    params,
    policy::{MAX_CONTROLS, MAX_POLICY_BYTES, POLICY_VARIABLES, policy},
    policy_spec::{PolicyRole, PolicySpec},
    selection::binding_selection,
    skipped_control::{SkipReason, SkippedControl},
};
use kubevet_cel::{CelBundle, CelTarget, ParamsFrom};
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{Action, Control, ControlId, Kind, OnUnevaluated, Scope};
use kubevet_policy::Binding;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Emits controls for a target.
pub type EmitCel<'p> = dyn Fn(&[ControlId], &CelTarget<'_>) -> CelBundle + 'p;

/// Where the values of params are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamsIn {
    /// Literals in the expressions.
    Policies,
    /// In ControlConfiguration objects of their own.
    Objects,
}

/// How to export.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// How controls are distributed among policies.
    pub packing: Packing,
    /// Where the values of params are.
    pub params: ParamsIn,
    /// The oldest minor version that must accept the policies: 30 for Kubernetes 1.30.
    pub min_kube: u8,
    /// Namespaces that all policies ignore.
    pub exempt: Vec<String>,
    /// True if bindings are ControlBindings; false where there is one, whose name is that of a
    /// [`Selection`](super::Selection).
    pub named: bool,
    /// True if policies are bound. An unbound policy does nothing.
    pub bound: bool,
}

/// The result of an export.
#[derive(Debug, Clone, Default)]
pub struct Export {
    /// The objects in the order in which they must be applied.
    pub objects: Vec<ExportedObject>,
    /// The controls that are not among them, each once for each reason.
    pub skipped: Vec<SkippedControl>,
}

/// Exports bindings. `controls` are those that bindings can name; a name beyond them is ignored.
#[must_use]
pub fn export(
    bindings: &[Binding],
    controls: &BTreeMap<ControlId, Arc<Control>>,
    options: &ExportOptions,
    emit: &EmitCel<'_>,
) -> Export {
    let mut exporter = Exporter {
        options,
        emit,
        controls,
        policy_names: BTreeSet::new(),
        skipped: BTreeSet::new(),
        built: BuiltObjects::default(),
    };
    for binding in bindings {
        exporter.binding(binding);
    }
    let BuiltObjects {
        mut configurations,
        policies,
        bindings,
    } = exporter.built;
    if !configurations.is_empty() {
        configurations.insert(0, params::configuration_crd());
    }
    let objects = configurations
        .into_iter()
        .chain(policies)
        .chain(bindings)
        .map(ExportedObject::new)
        .collect();
    Export {
        objects,
        skipped: exporter.skipped.into_iter().collect(),
    }
}

#[derive(Default)]
struct BuiltObjects {
    configurations: Vec<Value>,
    policies: Vec<Value>,
    bindings: Vec<Value>,
}

struct Exporter<'e> {
    options: &'e ExportOptions,
    emit: &'e EmitCel<'e>,
    controls: &'e BTreeMap<ControlId, Arc<Control>>,
    policy_names: BTreeSet<String>,
    skipped: BTreeSet<SkippedControl>,
    built: BuiltObjects,
}

impl<'e> Exporter<'e> {
    fn skip(&mut self, control: &ControlId, reason: SkipReason, message: impl Into<String>) {
        self.skipped.insert(SkippedControl {
            control: control.clone(),
            reason,
            message: message.into(),
        });
    }

    fn binding(&mut self, binding: &Binding) {
        let controls = self.exportable(binding);
        let groups = groups(&controls, &binding.match_resources, self.options.packing);
        let is_reached = |control: &Control| {
            groups
                .iter()
                .any(|group| group.controls.contains(&control.id))
        };
        for control in controls.iter().filter(|control| !is_reached(control)) {
            let message = if self.options.named {
                format!("looks at nothing that the binding {} takes", binding.name)
            } else {
                "looks at no kind".to_owned()
            };
            self.skip(&control.id, SkipReason::Unreached, message);
        }
        let configuration = self.configuration_name(binding);
        let mut read_params = BTreeSet::new();
        for group in groups {
            for bundle in self.bundles(binding, &group) {
                let reading = bundle
                    .controls
                    .iter()
                    .filter(|control| control.reads_params);
                read_params
                    .extend(reading.flat_map(|control| control.control.params.iter().cloned()));
                self.policies(binding, &group, &bundle, &configuration);
            }
        }
        if !read_params.is_empty() {
            let configuration =
                params::configuration(&configuration, &read_params, &binding.params);
            self.built.configurations.push(configuration);
        }
    }

    /// The controls of a binding that can be exported; the others are skipped with the reason.
    fn exportable(&mut self, binding: &Binding) -> Vec<&'e Arc<Control>> {
        let all = self.controls;
        let mut exportable = Vec::new();
        for control in binding.controls.iter().filter_map(|id| all.get(id)) {
            match self.reason_to_skip(control, binding) {
                Some((reason, message)) => self.skip(&control.id, reason, message),
                None => exportable.push(control),
            }
        }
        exportable
    }

    fn reason_to_skip(&self, control: &Control, binding: &Binding) -> Option<(SkipReason, String)> {
        let in_cluster = |scope: &Scope| matches!(scope, Scope::Cluster | Scope::Admission);
        if !control.scope.iter().any(in_cluster) {
            return Some((SkipReason::FilesAlone, "is asked of files alone".to_owned()));
        }
        match self.options.params {
            ParamsIn::Policies => {
                if binding.params.configures(control) {
                    return None;
                }
                let names = control.requires_any_param.join(" or ");
                let message = format!("is not configured: give {names} a value");
                Some((SkipReason::NotConfigured, message))
            }
            // Each param has a variable of its name.
            ParamsIn::Objects => {
                let name = control
                    .params
                    .iter()
                    .find(|name| POLICY_VARIABLES.contains(&name.as_str()))?;
                let message =
                    format!("reads the param {name:?}, whose name is taken in policies: rename it");
                Some((SkipReason::Unsupported, message))
            }
        }
    }

    fn configuration_name(&self, binding: &Binding) -> String {
        if !self.options.bound {
            return params::CONFIGURATION.to_owned();
        }
        naming::params_name(&self.selection(binding))
    }

    /// The name of what a binding selects.
    fn selection(&self, binding: &Binding) -> String {
        if self.options.named {
            binding_selection(&binding.name)
        } else {
            binding.name.clone()
        }
    }

    fn policy_name(&self, binding: &Binding, group: &PolicyGroup, bundle: &CelBundle) -> String {
        let is_one_of_several =
            self.options.packing == Packing::OnePerControl && binding.controls.len() > 1;
        let control = bundle.controls.first().map(|control| &control.control.id);
        match control {
            Some(control) if !self.options.bound => naming::library_policy_name(control),
            _ => naming::policy_name(
                &self.selection(binding),
                control.filter(|_| is_one_of_several),
                &group.kinds,
            ),
        }
    }

    /// The controls of a group in as many bundles as keep each policy within the limits: a bundle
    /// that is too large is halved.
    fn bundles(&mut self, binding: &Binding, group: &PolicyGroup) -> Vec<CelBundle> {
        let mut open: Vec<Vec<ControlId>> = vec![group.controls.clone()];
        let mut done = Vec::new();
        while let Some(controls) = open.pop() {
            let bundle = self.emitted(binding, group, &controls);
            let is_too_large = || {
                controls.len() > MAX_CONTROLS
                    || self.largest_policy_bytes(binding, group, &bundle) > MAX_POLICY_BYTES
            };
            match controls.split_at_checked(controls.len() / 2) {
                Some((first, second)) if !first.is_empty() && is_too_large() => {
                    // The first half is done first: policies are in the order of their controls.
                    open.extend([second.to_vec(), first.to_vec()]);
                }
                _ if bundle.controls.is_empty() => {}
                _ => done.push(bundle),
            }
        }
        done
    }

    /// The CEL of controls; those that have none are skipped with the reason.
    fn emitted(
        &mut self,
        binding: &Binding,
        group: &PolicyGroup,
        controls: &[ControlId],
    ) -> CelBundle {
        let params = match self.options.params {
            ParamsIn::Policies => ParamsFrom::Written(&binding.params),
            ParamsIn::Objects => ParamsFrom::Resource(&binding.params),
        };
        let emit = |kinds: &[Kind]| {
            let target = CelTarget {
                min_kube: self.options.min_kube,
                params,
                kinds,
            };
            (self.emit)(controls, &target)
        };
        let mut bundle = emit(&group.kinds);
        // Expressions for more kinds are right for these too, and of some kinds alone the types
        // prove too little.
        if !bundle.unsupported.is_empty() {
            let wider = emit(&self.kinds_of(controls));
            if wider.unsupported.len() < bundle.unsupported.len() {
                bundle = wider;
            }
        }
        for (control, reason) in &bundle.unsupported {
            let kinds: Vec<String> = group.kinds.iter().map(Kind::to_string).collect();
            let is_all = self.kinds_of(std::slice::from_ref(control)).len() == kinds.len();
            let of = if is_all {
                String::new()
            } else {
                format!(" for {}", kinds.join(", "))
            };
            let message = format!("cannot be said in CEL{of}: {reason}");
            self.skip(control, SkipReason::Unsupported, message);
        }
        bundle
    }

    /// The size of the largest policy of a bundle: the one that reports exempt findings.
    fn largest_policy_bytes(
        &self,
        binding: &Binding,
        group: &PolicyGroup,
        bundle: &CelBundle,
    ) -> usize {
        let exemptions = Exemptions::new(binding, &group.kinds);
        self.policy(
            "",
            PolicyRole::ReportExempt,
            binding,
            group,
            bundle,
            &exemptions,
        )
        .to_string()
        .len()
    }

    /// Every kind to which one of the controls applies.
    fn kinds_of(&self, controls: &[ControlId]) -> Vec<Kind> {
        let selectors: Vec<_> = controls
            .iter()
            .filter_map(|id| self.controls.get(id))
            .flat_map(|control| control.kinds.clone())
            .collect();
        selectors.kinds()
    }

    fn policy(
        &self,
        name: &str,
        role: PolicyRole,
        binding: &Binding,
        group: &PolicyGroup,
        bundle: &CelBundle,
        exemptions: &Exemptions<'_>,
    ) -> Value {
        policy(&PolicySpec {
            name,
            role,
            kinds: &group.kinds,
            bundle,
            exemptions,
            binding: if self.options.named {
                &binding.name
            } else {
                ""
            },
            exempt_namespaces: &self.options.exempt,
        })
    }

    /// The policies of a bundle, one for each role that it needs.
    fn policies(
        &mut self,
        binding: &Binding,
        group: &PolicyGroup,
        bundle: &CelBundle,
        configuration: &str,
    ) {
        let wanted = self.policy_name(binding, group, bundle);
        let name = naming::unique_name(&mut self.policy_names, wanted);
        let exemptions = Exemptions::new(binding, &group.kinds);
        let params = params_of(bundle, configuration);
        let body = self.policy(
            &name,
            PolicyRole::Enforce,
            binding,
            group,
            bundle,
            &exemptions,
        );
        self.add(binding, &name, body, &binding.actions, params);
        if exemptions.any() {
            let name = exempt_policy_name(&name);
            let role = PolicyRole::ReportExempt;
            let body = self.policy(&name, role, binding, group, bundle, &exemptions);
            let actions = advisory_actions(&binding.actions);
            self.add(binding, &name, body, &actions, params);
        }
        if binding.on_unevaluated != OnUnevaluated::Allow {
            self.skip_policies(binding, group, bundle, configuration, &name);
        }
    }

    /// The policies that warn of objects that another policy skips.
    fn skip_policies(
        &mut self,
        binding: &Binding,
        group: &PolicyGroup,
        bundle: &CelBundle,
        configuration: &str,
        policy_name: &str,
    ) {
        let skipping: Vec<ControlId> = bundle
            .controls
            .iter()
            .filter(|control| control.skipped.is_some())
            .map(|control| control.control.id.clone())
            .collect();
        if skipping.is_empty() {
            return;
        }
        let group = PolicyGroup {
            controls: skipping,
            kinds: group.kinds.clone(),
        };
        let exemptions = Exemptions::new(binding, &group.kinds);
        for bundle in self.bundles(binding, &group) {
            let wanted = skipped_policy_name(policy_name);
            let name = naming::unique_name(&mut self.policy_names, wanted);
            let role = PolicyRole::ReportSkipped;
            let body = self.policy(&name, role, binding, &group, &bundle, &exemptions);
            let params = params_of(&bundle, configuration);
            let actions = BTreeSet::from([Action::Warn]);
            self.add(binding, &name, body, &actions, params);
        }
    }

    fn add(
        &mut self,
        binding: &Binding,
        name: &str,
        body: Value,
        actions: &BTreeSet<Action>,
        params: Option<&str>,
    ) {
        self.built.policies.push(body);
        if self.options.bound {
            self.built.bindings.push(policy_binding(&PolicyBinding {
                name,
                policy: name,
                actions,
                match_resources: match_constraints::match_resources(&binding.match_resources),
                params,
            }));
        }
    }
}

/// The ControlConfiguration, exactly where a control reads params.
fn params_of<'c>(bundle: &CelBundle, configuration: &'c str) -> Option<&'c str> {
    let reads = bundle.controls.iter().any(|control| control.reads_params);
    reads.then_some(configuration)
}
