//! The door: bindings and a printer in, objects for the API server out.

use super::{
    bind::{PolicyBinding, policy_binding, telling},
    excuse::Excuses,
    group::{Group, groups},
    name::{self, excused_name, unjudged_name},
    params, scope,
    write::{CONTROLS, Draft, OWN_VARIABLES, POLICY_BYTES, Role, policy},
};
use kubevet_cel::{ParamsFrom, Sheet, Target};
use kubevet_engine::is_configured;
use kubevet_model::{Action, Control, ControlId, Kind, OnUnevaluated, Scope};
use kubevet_policy::Binding;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Asked to print controls for a target.
pub type Print<'p> = dyn Fn(&[ControlId], &Target<'_>) -> Sheet + 'p;

/// How controls are shared out among policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As few policies as can be: each object meets one.
    Packed,
    /// A policy a control.
    OnePerControl,
}

/// Where params stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamsIn {
    /// In the expressions.
    Policies,
    /// In ControlConfiguration objects of their own.
    Objects,
}

/// How to export.
#[derive(Debug, Clone)]
pub struct Options {
    /// How controls are shared out.
    pub packing: Packing,
    /// Where params stand.
    pub params: ParamsIn,
    /// The oldest minor version that must take the policies: 30 for Kubernetes 1.30.
    pub min_kube: u8,
    /// Namespaces that no policy looks at.
    pub exempt: Vec<String>,
    /// Whether ControlBindings have names that tell their policies apart; without, there is one.
    pub named: bool,
    /// Whether policies are bound. Unbound ones do nothing.
    pub bound: bool,
}

/// An object for the API server.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// All of it.
    pub body: Value,
}

impl Object {
    /// The object that a body is.
    #[must_use]
    pub fn new(body: Value) -> Self {
        let text = |path: &str| {
            body.pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            kind: text("/kind"),
            name: text("/metadata/name"),
            body,
        }
    }

    /// Its kind in a file's name.
    pub(super) fn short_kind(&self) -> &'static str {
        match self.kind.as_str() {
            "ValidatingAdmissionPolicy" => "policy",
            "ValidatingAdmissionPolicyBinding" => "binding",
            "CustomResourceDefinition" => "crd",
            _ => "params",
        }
    }

    /// Whether it is a policy or the binding of one.
    pub(super) fn is_admission(&self) -> bool {
        self.kind.starts_with("ValidatingAdmissionPolicy")
    }
}

/// Why a control is not in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It cannot be said in CEL.
    Refused,
    /// It is asked of files alone.
    FilesAlone,
    /// It has no params, so it says nothing.
    NotConfigured,
    /// Its binding takes none of the kinds that it looks at.
    Unreached,
}

/// A control that is not in the export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The control.
    pub control: ControlId,
    /// Why.
    pub why: Why,
    /// In words, as half a sentence that follows the id.
    pub words: String,
}

impl LeftOut {
    /// Whether something is asked for that policies do not do, though the gate does.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.why == Why::Refused
    }
}

/// What was exported.
#[derive(Debug, Clone, Default)]
pub struct Export {
    /// In the order in which they must be applied.
    pub objects: Vec<Object>,
    /// What is not among them, each once.
    pub left_out: Vec<LeftOut>,
}

/// Exports bindings. `controls` are those that bindings may name; what bindings name beyond is left out.
#[must_use]
pub fn export(
    bindings: &[Binding],
    controls: &BTreeMap<ControlId, Arc<Control>>,
    options: &Options,
    print: &Print<'_>,
) -> Export {
    let mut maker = Maker {
        options,
        print,
        controls,
        taken: BTreeSet::new(),
        left_out: BTreeSet::new(),
        made: Made::default(),
    };
    for binding in bindings {
        maker.binding(binding);
    }
    let Made {
        mut configurations,
        policies,
        bindings,
    } = maker.made;
    if !configurations.is_empty() {
        configurations.insert(0, params::configuration_crd());
    }
    let objects = configurations
        .into_iter()
        .chain(policies)
        .chain(bindings)
        .map(Object::new)
        .collect();
    Export {
        objects,
        left_out: maker.left_out.into_iter().collect(),
    }
}

#[derive(Default)]
struct Made {
    configurations: Vec<Value>,
    policies: Vec<Value>,
    bindings: Vec<Value>,
}

struct Maker<'m> {
    options: &'m Options,
    print: &'m Print<'m>,
    controls: &'m BTreeMap<ControlId, Arc<Control>>,
    taken: BTreeSet<String>,
    left_out: BTreeSet<LeftOut>,
    made: Made,
}

impl Maker<'_> {
    fn leave_out(&mut self, control: &ControlId, why: Why, words: impl Into<String>) {
        self.left_out.insert(LeftOut {
            control: control.clone(),
            why,
            words: words.into(),
        });
    }

    fn binding(&mut self, binding: &Binding) {
        let controls = self.controls;
        let mut asked: Vec<&Arc<Control>> = Vec::new();
        for control in binding.controls.iter().filter_map(|it| controls.get(it)) {
            let gate = control
                .scope
                .iter()
                .any(|it| matches!(it, Scope::Cluster | Scope::Admission));
            if !gate {
                self.leave_out(&control.id, Why::FilesAlone, "is asked of files alone");
            } else if self.options.params == ParamsIn::Policies
                && !is_configured(control, &binding.params)
            {
                let words = format!(
                    "is not configured: give {} a value",
                    control.requires_any_param.join(" or ")
                );
                self.leave_out(&control.id, Why::NotConfigured, words);
            } else if let (ParamsIn::Objects, Some(name)) = (
                self.options.params,
                control
                    .params
                    .iter()
                    .find(|it| OWN_VARIABLES.contains(&it.as_str())),
            ) {
                let words =
                    format!("reads the param {name:?}, whose name is taken in policies: rename it");
                self.leave_out(&control.id, Why::Refused, words);
            } else {
                asked.push(control);
            }
        }
        let groups = groups(&asked, &binding.match_resources, self.options.packing);
        for control in asked
            .iter()
            .filter(|it| !groups.iter().any(|group| group.controls.contains(&it.id)))
        {
            let words = match self.options.named {
                true => format!("looks at nothing that the binding {} takes", binding.name),
                false => "looks at no kind".to_owned(),
            };
            self.leave_out(&control.id, Why::Unreached, words);
        }
        let configuration = self.configuration(binding);
        let mut read = BTreeSet::new();
        for group in groups {
            for sheet in self.sheets(binding, &group) {
                let reading = sheet.controls.iter().filter(|it| it.reads_params);
                read.extend(reading.flat_map(|it| it.control.params.iter().cloned()));
                self.policies(binding, &group, &sheet, &configuration);
            }
        }
        if !read.is_empty() {
            self.made.configurations.push(params::configuration(
                &configuration,
                &read,
                &binding.params,
            ));
        }
    }

    fn configuration(&self, binding: &Binding) -> String {
        if !self.options.bound {
            return params::CONFIGURATION.to_owned();
        }
        name::params_name(if self.options.named {
            &binding.name
        } else {
            ""
        })
    }

    /// The controls of a group in as many sheets as keep each policy within bounds.
    fn sheets(&mut self, binding: &Binding, group: &Group) -> Vec<Sheet> {
        let params = match self.options.params {
            ParamsIn::Policies => ParamsFrom::Written(&binding.params),
            ParamsIn::Objects => ParamsFrom::Resource(&binding.params),
        };
        let print = |controls: &[ControlId], kinds: &[Kind]| {
            (self.print)(
                controls,
                &Target {
                    min_kube: self.options.min_kube,
                    params,
                    kinds,
                },
            )
        };
        let mut open: Vec<Vec<ControlId>> = vec![group.controls.clone()];
        let mut done = Vec::new();
        let mut left_out = Vec::new();
        while let Some(controls) = open.pop() {
            let mut sheet = print(&controls, &group.kinds);
            // What is right for more kinds is right for these; of some kinds alone, too little is known to say it.
            if !sheet.refused.is_empty() {
                let wider = print(&controls, &self.kinds_of(&controls));
                if wider.refused.len() < sheet.refused.len() {
                    sheet = wider;
                }
            }
            for (control, why) in &sheet.refused {
                let kinds: Vec<String> = group.kinds.iter().map(Kind::to_string).collect();
                let of_all = self.kinds_of(std::slice::from_ref(control)).len() == kinds.len();
                let of = if of_all {
                    String::new()
                } else {
                    format!(" for {}", kinds.join(", "))
                };
                left_out.push(LeftOut {
                    control: control.clone(),
                    why: Why::Refused,
                    words: format!("cannot be said in CEL{of}: {why}"),
                });
            }
            let size = || {
                let excuses = Excuses::new(binding, &group.kinds);
                self.draft("", Role::Excused, binding, group, &sheet, &excuses)
                    .to_string()
                    .len()
            };
            match controls.split_at_checked(controls.len() / 2) {
                Some((first, second))
                    if !first.is_empty()
                        && (controls.len() > CONTROLS || size() > POLICY_BYTES) =>
                {
                    open.extend([second.to_vec(), first.to_vec()]);
                }
                _ if sheet.controls.is_empty() => {}
                _ => done.push(sheet),
            }
        }
        self.left_out.extend(left_out);
        done
    }

    /// Every kind that one of the controls looks at.
    fn kinds_of(&self, controls: &[ControlId]) -> Vec<Kind> {
        let selectors = controls
            .iter()
            .filter_map(|it| self.controls.get(it))
            .flat_map(|it| it.kinds.clone());
        name::kinds_of(&selectors.collect::<Vec<_>>())
    }

    fn draft(
        &self,
        name: &str,
        role: Role,
        binding: &Binding,
        group: &Group,
        sheet: &Sheet,
        excuses: &Excuses<'_>,
    ) -> Value {
        policy(&Draft {
            name,
            role,
            kinds: &group.kinds,
            sheet,
            excuses,
            binding: if self.options.named {
                &binding.name
            } else {
                ""
            },
            exempt: &self.options.exempt,
        })
    }

    fn policies(&mut self, binding: &Binding, group: &Group, sheet: &Sheet, configuration: &str) {
        let prefix = if self.options.named || self.options.packing == Packing::Packed {
            &binding.name
        } else {
            ""
        };
        let wanted = match (self.options.packing, sheet.controls.first()) {
            (Packing::OnePerControl, Some(only)) => name::policy_name(prefix, &only.control.id),
            _ => name::pack_name(prefix, &group.kinds),
        };
        let name = name::taken(&mut self.taken, wanted);
        let excuses = Excuses::new(binding, &group.kinds);
        let reads = sheet
            .controls
            .iter()
            .any(|it| it.reads_params)
            .then_some(configuration);
        let told = telling(&binding.actions);
        let body = self.draft(&name, Role::Deciding, binding, group, sheet, &excuses);
        self.add(binding, &name, body, &binding.actions, reads);
        if excuses.any() {
            let name = excused_name(&name);
            let body = self.draft(&name, Role::Excused, binding, group, sheet, &excuses);
            self.add(binding, &name, body, &told, reads);
        }
        let bounded: Vec<ControlId> = sheet
            .controls
            .iter()
            .filter(|it| it.unjudged.is_some())
            .map(|it| it.control.id.clone())
            .collect();
        if !bounded.is_empty() && binding.on_unevaluated != OnUnevaluated::Allow {
            let part = Group {
                controls: bounded,
                kinds: group.kinds.clone(),
            };
            for sheet in self.sheets(binding, &part) {
                let name = name::taken(&mut self.taken, unjudged_name(&name));
                let body = self.draft(&name, Role::Unjudged, binding, group, &sheet, &excuses);
                let reads = sheet
                    .controls
                    .iter()
                    .any(|it| it.reads_params)
                    .then_some(configuration);
                self.add(binding, &name, body, &BTreeSet::from([Action::Warn]), reads);
            }
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
        self.made.policies.push(body);
        if self.options.bound {
            self.made.bindings.push(policy_binding(&PolicyBinding {
                name,
                policy: name,
                actions,
                match_resources: scope::match_resources(&binding.match_resources),
                params,
            }));
        }
    }
}
