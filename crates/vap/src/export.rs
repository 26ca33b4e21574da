//! The entry point: bindings and an emitter of CEL in, objects for the API server out.

use super::{
    binding::{PolicyBinding, advisory_actions, policy_binding},
    exclusions,
    exemptions::Exemptions,
    exported_object::ExportedObject,
    match_constraints,
    naming::{self, exempt_policy_name, skipped_policy_name},
    packing::{Packing, PolicyGroup, groups},
    params,
    policy::{self, MAX_CONTROLS, POLICY_VARIABLES, policy},
    policy_spec::{PolicyRole, PolicySpec},
    readable_policy::{self, ReadableSpec, readable_policy},
    selection::binding_selection,
    skipped_control::{SkipReason, SkippedControl},
};
use kubevet_cel::{CelBundle, CelTarget, ParamsFrom, ReadableControl};
use kubevet_k8s::workload::{SelectKinds as _, custom::CustomWorkloads};
use kubevet_model::{Action, Control, ControlId, Kind, OnUnevaluated, Scope};
use kubevet_policy::Binding;
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The compiled controls, as CEL.
pub trait EmitCel {
    /// Emits controls for a target.
    fn emit(&self, controls: &[ControlId], target: &CelTarget<'_>) -> CelBundle;

    /// Emits a control as a policy that people read.
    ///
    /// # Errors
    /// The reason why it cannot be emitted.
    fn emit_readable(
        &self,
        control: &ControlId,
        target: &CelTarget<'_>,
    ) -> Result<ReadableControl, String>;

    /// The rule of a control, as the comment over a readable policy names it.
    fn rule_name(&self, control: &ControlId) -> Option<String>;
}

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
    /// The kinds of other software whose pods policies evaluate.
    pub custom: CustomWorkloads,
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
    emit: &dyn EmitCel,
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
    let bindings = bindings.into_iter().map(ExportedObject::new);
    let objects = configurations
        .into_iter()
        .map(ExportedObject::new)
        .chain(policies)
        .chain(bindings)
        .collect();
    Export {
        objects,
        skipped: exporter.skipped.into_iter().collect(),
    }
}

#[derive(Default)]
struct BuiltObjects {
    configurations: Vec<Value>,
    policies: Vec<ExportedObject>,
    bindings: Vec<Value>,
}

/// The controls of a group that skip objects for their cost.
#[derive(Default)]
struct SkippingControls {
    /// The first policy that has one.
    policy_name: Option<String>,
    controls: Vec<ControlId>,
}

impl SkippingControls {
    fn add(&mut self, bundle: &CelBundle, policy_name: String) {
        let controls = bundle.controls.iter();
        let before = self.controls.len();
        self.controls.extend(
            controls
                .filter(|control| control.skipped.is_some())
                .map(|control| control.control.id.clone()),
        );
        if self.controls.len() > before {
            self.policy_name.get_or_insert(policy_name);
        }
    }
}

struct Exporter<'e> {
    options: &'e ExportOptions,
    emit: &'e dyn EmitCel,
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
        let groups = groups(
            &controls,
            &self.options.custom,
            &binding.match_resources,
            self.options.packing,
        );
        let is_reached = |control: &Control| {
            groups
                .iter()
                .any(|group| group.controls.contains(&control.id))
        };
        for control in controls.iter().filter(|control| !is_reached(control)) {
            let message = if self.options.named {
                format!("applies to nothing that the binding {} takes", binding.name)
            } else {
                "applies to no kind".to_owned()
            };
            self.skip(&control.id, SkipReason::Unreached, message);
        }
        let configuration = self.configuration_name(binding);
        let mut read_params = BTreeSet::new();
        for group in groups {
            if self.options.packing == Packing::Readable {
                self.readable_policies(binding, &group, &configuration, &mut read_params);
                continue;
            }
            let mut skipping = SkippingControls::default();
            for bundle in self.bundles(binding, &group) {
                let reading = bundle
                    .controls
                    .iter()
                    .filter(|control| control.reads_params);
                read_params
                    .extend(reading.flat_map(|control| control.control.params.iter().cloned()));
                let name = self.policies(binding, &group, &bundle, &configuration);
                skipping.add(&bundle, name);
            }
            if binding.on_unevaluated != OnUnevaluated::Allow {
                self.skip_policies(binding, &group, skipping, &configuration);
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
            return Some((SkipReason::FilesAlone, "applies only to files".to_owned()));
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

    /// The name of a policy of a group. `control` is the first control of the policy.
    fn policy_name(
        &self,
        binding: &Binding,
        group: &PolicyGroup,
        control: Option<&ControlId>,
    ) -> String {
        let is_one_of_several =
            self.options.packing != Packing::Packed && binding.controls.len() > 1;
        match control {
            Some(control) if !self.options.bound => naming::library_policy_name(control),
            _ => naming::policy_name(
                &self.selection(binding),
                control.filter(|_| is_one_of_several),
                &group.kinds,
                group.pod_shape(),
            ),
        }
    }

    /// The controls of a group in as many bundles as keep each policy within the limits: what is too
    /// large is split into the controls that updates concern and the others, then halved.
    fn bundles(&mut self, binding: &Binding, group: &PolicyGroup) -> Vec<CelBundle> {
        let mut open: Vec<Vec<ControlId>> = vec![group.controls.clone()];
        let mut done = Vec::new();
        while let Some(controls) = open.pop() {
            let bundle = self.emitted(binding, group, &controls);
            let is_too_large = || {
                controls.len() > MAX_CONTROLS
                    || policy::is_too_large(&self.largest_policy(binding, group, &bundle))
            };
            if controls.len() > 1 && is_too_large() {
                let (first, second) = split(&controls, &bundle);
                // The first part is done first: policies are in the order of their controls.
                open.extend([second, first]);
            } else if !bundle.controls.is_empty() {
                done.push(bundle);
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
        let emit = |group: &PolicyGroup| self.emit.emit(controls, &self.target(binding, group));
        let mut bundle = emit(group);
        // Expressions for more kinds are right for these too, and of some kinds alone the types
        // prove too little.
        if !bundle.unsupported.is_empty() && group.custom.is_empty() {
            let wider = emit(&PolicyGroup {
                kinds: self.kinds_of(controls),
                ..group.clone()
            });
            if wider.unsupported.len() < bundle.unsupported.len() {
                bundle = wider;
            }
        }
        for (control, reason) in &bundle.unsupported {
            self.skip_unsupported(control, group, reason);
        }
        bundle
    }

    fn target<'t>(&self, binding: &'t Binding, group: &'t PolicyGroup) -> CelTarget<'t> {
        let params = match (self.options.params, self.options.packing) {
            (ParamsIn::Objects, _) => ParamsFrom::Resource(&binding.params),
            (ParamsIn::Policies, Packing::Readable) => ParamsFrom::Variables(&binding.params),
            (ParamsIn::Policies, _) => ParamsFrom::Written(&binding.params),
        };
        CelTarget {
            min_kube: self.options.min_kube,
            params,
            kinds: &group.kinds,
            custom: &group.custom,
        }
    }

    fn skip_unsupported(&mut self, control: &ControlId, group: &PolicyGroup, reason: &str) {
        let kinds: Vec<String> = group.kinds.iter().map(Kind::to_string).collect();
        let is_all = self.kinds_of(std::slice::from_ref(control)).len() == kinds.len();
        let of = if !group.custom.is_empty() {
            " for kinds of other software".to_owned()
        } else if is_all {
            String::new()
        } else {
            format!(" for {}", kinds.join(", "))
        };
        let message = format!("cannot be written in CEL{of}: {reason}");
        self.skip(control, SkipReason::Unsupported, message);
    }

    /// The readable policies of a group, one for each control. The params that they read are added.
    fn readable_policies(
        &mut self,
        binding: &Binding,
        group: &PolicyGroup,
        configuration: &str,
        read_params: &mut BTreeSet<String>,
    ) {
        for id in &group.controls {
            let cel = self.emit.emit_readable(id, &self.target(binding, group));
            let cel = match cel {
                Ok(cel) => cel,
                Err(reason) => {
                    self.skip_unsupported(id, group, &reason);
                    continue;
                }
            };
            if cel.reads_params {
                read_params.extend(cel.control.params.iter().cloned());
            }
            let wanted = self.policy_name(binding, group, Some(id));
            let name = naming::unique_name(&mut self.policy_names, wanted);
            let body = readable_policy(&ReadableSpec {
                name: &name,
                kinds: &group.kinds,
                custom: &group.custom,
                cel: &cel,
                exclusions: &exclusions::match_conditions(binding, &group.kinds, &group.custom),
                binding: self.control_binding(binding),
                exempt_namespaces: &self.options.exempt,
            });
            let comment = readable_policy::comment(&cel, self.emit.rule_name(id).as_deref());
            let policy = ExportedObject::new(body).with_comment(comment);
            let params = cel.reads_params.then_some(configuration);
            self.add(binding, policy, &binding.actions, params);
        }
    }

    /// The name of the ControlBinding, empty without one.
    fn control_binding<'b>(&self, binding: &'b Binding) -> &'b str {
        if self.options.named {
            &binding.name
        } else {
            ""
        }
    }

    /// The largest policy of a bundle: the one that reports exempt findings.
    fn largest_policy(&self, binding: &Binding, group: &PolicyGroup, bundle: &CelBundle) -> Value {
        let exemptions = Exemptions::new(binding, &group.kinds, &group.custom);
        self.policy(
            "",
            PolicyRole::ReportExempt,
            binding,
            group,
            bundle,
            &exemptions,
        )
    }

    /// Every kind to which one of the controls applies.
    fn kinds_of(&self, controls: &[ControlId]) -> Vec<Kind> {
        let selectors: Vec<_> = controls
            .iter()
            .filter_map(|id| self.controls.get(id))
            .flat_map(|control| control.kinds.clone())
            .collect();
        selectors.object_kinds()
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
            custom: &group.custom,
            bundle,
            exemptions,
            exclusions: &exclusions::match_conditions(binding, &group.kinds, &group.custom),
            binding: self.control_binding(binding),
            exempt_namespaces: &self.options.exempt,
        })
    }

    /// Adds the policies of a bundle: the one that enforces, whose name is returned, and the one that
    /// reports exempt findings.
    fn policies(
        &mut self,
        binding: &Binding,
        group: &PolicyGroup,
        bundle: &CelBundle,
        configuration: &str,
    ) -> String {
        let control = bundle.controls.first().map(|control| &control.control.id);
        let wanted = self.policy_name(binding, group, control);
        let name = naming::unique_name(&mut self.policy_names, wanted);
        let exemptions = Exemptions::new(binding, &group.kinds, &group.custom);
        let params = params_of(bundle, configuration);
        let body = self.policy(
            &name,
            PolicyRole::Enforce,
            binding,
            group,
            bundle,
            &exemptions,
        );
        self.add(binding, ExportedObject::new(body), &binding.actions, params);
        if let Some(reported) = self.reported(binding, group, bundle, &exemptions) {
            let name = exempt_policy_name(&name);
            let role = PolicyRole::ReportExempt;
            let params = params_of(&reported, configuration);
            let body = self.policy(&name, role, binding, group, &reported, &exemptions);
            let actions = advisory_actions(&binding.actions);
            self.add(binding, ExportedObject::new(body), &actions, params);
        }
        name
    }

    /// The controls of a bundle with findings that can be exempt and are reported; `None` if there is
    /// none.
    fn reported<'b>(
        &mut self,
        binding: &Binding,
        group: &PolicyGroup,
        bundle: &'b CelBundle,
        exemptions: &Exemptions<'_>,
    ) -> Option<Cow<'b, CelBundle>> {
        let controls = bundle.controls.iter();
        let reported: Vec<ControlId> = controls
            .filter(|control| exemptions.are_reported() && exemptions.are_reported_of(control))
            .map(|control| control.control.id.clone())
            .collect();
        match reported.len() {
            0 => None,
            all if all == bundle.controls.len() => Some(Cow::Borrowed(bundle)),
            _ => Some(Cow::Owned(self.emitted(binding, group, &reported))),
        }
    }

    /// The policies that warn of objects that another policy of the group skips. Each costs every
    /// request time, so all policies of a group share them.
    fn skip_policies(
        &mut self,
        binding: &Binding,
        group: &PolicyGroup,
        skipping: SkippingControls,
        configuration: &str,
    ) {
        let Some(policy_name) = skipping.policy_name else {
            return;
        };
        let group = PolicyGroup {
            controls: skipping.controls,
            ..group.clone()
        };
        let exemptions = Exemptions::new(binding, &group.kinds, &group.custom);
        for bundle in self.bundles(binding, &group) {
            let wanted = skipped_policy_name(&policy_name);
            let name = naming::unique_name(&mut self.policy_names, wanted);
            let role = PolicyRole::ReportSkipped;
            let body = self.policy(&name, role, binding, &group, &bundle, &exemptions);
            let params = params_of(&bundle, configuration);
            let actions = BTreeSet::from([Action::Warn]);
            self.add(binding, ExportedObject::new(body), &actions, params);
        }
    }

    fn add(
        &mut self,
        binding: &Binding,
        policy: ExportedObject,
        actions: &BTreeSet<Action>,
        params: Option<&str>,
    ) {
        if self.options.bound {
            self.built.bindings.push(policy_binding(&PolicyBinding {
                name: &policy.name,
                policy: &policy.name,
                actions,
                match_resources: match_constraints::match_resources(&binding.match_resources),
                params,
            }));
        }
        self.built.policies.push(policy);
    }
}

/// Two parts of the controls of a bundle, neither of which is empty if there are two.
fn split(controls: &[ControlId], bundle: &CelBundle) -> (Vec<ControlId>, Vec<ControlId>) {
    let is_of_creation = |id: &ControlId| {
        let emitted = bundle.controls.iter();
        emitted
            .filter(|emitted| emitted.control.id == *id)
            .any(|emitted| emitted.keys.is_none())
    };
    let (creation, both): (Vec<ControlId>, Vec<ControlId>) =
        controls.iter().cloned().partition(is_of_creation);
    // Every policy of a kind costs each of its requests time, so this must not make more of them.
    let policies = |controls: usize| controls.div_ceil(MAX_CONTROLS).next_power_of_two();
    let is_few = policies(both.len()) + policies(creation.len()) <= policies(controls.len()).max(2);
    if !creation.is_empty() && !both.is_empty() && is_few {
        return (both, creation);
    }
    let (first, second) = controls.split_at(controls.len() / 2);
    (first.to_vec(), second.to_vec())
}

/// The ControlConfiguration, exactly where a control reads params.
fn params_of<'c>(bundle: &CelBundle, configuration: &'c str) -> Option<&'c str> {
    let reads = bundle.controls.iter().any(|control| control.reads_params);
    reads.then_some(configuration)
}
