//! The decision's rules in CEL: what is wrong with an object and passes all the same.
//!
//! They are those of `decision`: an UPDATE is held to what it brings in, objects on their way out must be let go, and
//! Pods that a built-in controller makes for an owner that was judged itself live on. Each is a bool that is total.

use super::{scope, write::literal};
use kubevet_cel::{Printed, Variable};
use kubevet_engine::looks_at;
use kubevet_k8s::matching::{Attributes, MatchResources};
use kubevet_k8s::workload::{CONTROLLER_ACCOUNTS, CONTROLLERS, Controller};
use kubevet_model::{Control, Kind, OnOwned, OnUpdate, Operation};
use kubevet_policy::Binding;

/// The variable with the kinds of owners for which a built-in controller makes the object.
const OWNERS: &str = "owners";
/// Who may be excused at all; asked before anything else of a policy that tells what was let pass.
pub(super) const MAY_BE_EXCUSED: &str = "request.operation == 'UPDATE' || \
     request.?userInfo.?username.orValue('').startsWith('system:serviceaccount:kube-system:')";

/// The rules of one binding over some kinds.
pub(super) struct Excuses<'b> {
    binding: &'b Binding,
    /// Controllers whose owners the binding judges, with a condition on the owner's name where it has one.
    judged: Vec<(&'static Controller, String)>,
    connects: bool,
}

/// When a control's findings pass.
pub(super) struct Excuse {
    /// A bool in CEL; `None` where they never do.
    pub(super) condition: Option<String>,
}

impl<'b> Excuses<'b> {
    pub(super) fn new(binding: &'b Binding, kinds: &[Kind]) -> Self {
        let connects = kinds.iter().all(scope::connects);
        let warned =
            binding.on_owned == OnOwned::Warn && binding.match_resources.object_selector.is_empty();
        let judged = CONTROLLERS
            .iter()
            .filter(|_| warned && !connects)
            .filter_map(|it| {
                let name = owner_name(&binding.match_resources, it)?;
                Some((it, name))
            });
        Self {
            binding,
            judged: judged.collect(),
            connects,
        }
    }

    /// Whether anything can pass at all.
    pub(super) fn any(&self) -> bool {
        !self.connects
    }

    /// The variable that they need for these controls.
    pub(super) fn variable(&self, controls: &[Printed]) -> Option<Variable> {
        let needed = controls.iter().any(|it| self.owned(&it.control).is_some());
        needed.then(|| Variable {
            name: OWNERS.to_owned(),
            expression: self.owners(),
        })
    }

    /// When the findings of a control pass.
    pub(super) fn of(&self, printed: &Printed) -> Excuse {
        if self.connects {
            return Excuse { condition: None };
        }
        let known = format!(
            "[{}].exists(before, {})",
            printed.old_identities,
            printed.known_before(&format!("({})", printed.identities), "before")
        );
        let update = match self.binding.on_update {
            OnUpdate::New => format!("request.operation == 'UPDATE' && {known}"),
            // Even where an UPDATE is held to everything, an object must be let go.
            OnUpdate::All => {
                format!(
                    "request.operation == 'UPDATE' && oldObject.metadata.?deletionTimestamp.hasValue() && {known}"
                )
            }
        };
        let condition = match self.owned(&printed.control) {
            Some(owned) => format!("({update}) || {owned}"),
            None => update,
        };
        Excuse {
            condition: Some(condition),
        }
    }

    /// Whether the owner was asked by the control; `None` where it never was.
    fn owned(&self, control: &Control) -> Option<String> {
        let kind = |it: &Controller| Kind::new(it.group, it.kind);
        let looks = |it: &Controller| {
            control
                .kinds
                .iter()
                .any(|selector| looks_at(selector, &kind(it)))
        };
        let asked: Vec<String> = self
            .judged
            .iter()
            .filter(|it| looks(it.0))
            .map(|it| format!("'{}'", kind(it.0)))
            .collect();
        match asked.len() {
            0 => None,
            all if all == self.judged.len() => Some(format!("size(variables.{OWNERS}) > 0")),
            _ => Some(format!(
                "variables.{OWNERS}.exists(o, o in [{}])",
                asked.join(", ")
            )),
        }
    }

    /// Kinds of the controlling owners, where the user is the controller that works for that kind.
    fn owners(&self) -> String {
        let accounts: Vec<String> = self
            .judged
            .iter()
            .map(|(it, _)| format!("'{}': '{}'", Kind::new(it.group, it.kind), it.account))
            .collect();
        let mut named = String::new();
        for (controller, condition) in self.judged.iter().filter(|it| !it.1.is_empty()) {
            let kind = Kind::new(controller.group, controller.kind);
            named.push_str(&format!(
                "\n  .filter(o, o.kind != '{}' || ({condition}))",
                kind.name
            ));
        }
        format!(
            "request.operation != 'CREATE' || \
             !request.?userInfo.?username.orValue('').startsWith('{CONTROLLER_ACCOUNTS}') ? []\n  \
             : object.metadata.?ownerReferences.orValue([])\n  .filter(o, o.?controller.orValue(false)){named}\n  \
             .map(o, (o.apiVersion.contains('/') ? o.apiVersion.split('/')[0] + '/' : '') + o.kind)\n  \
             .filter(k, '{CONTROLLER_ACCOUNTS}' + {{{}}}[?k].orValue('-') == request.userInfo.username)",
            accounts.join(", ")
        )
    }
}

/// The condition on the name of a controller's owner under which the rules take it, empty where every name does; `None`
/// where they take none.
fn owner_name(rules: &MatchResources, controller: &Controller) -> Option<String> {
    let owner = Attributes {
        operation: Operation::Create,
        group: controller.group,
        version: "v1",
        resource: controller.resource,
        subresource: "",
        name: "",
        namespace: "namespace",
        labels: None,
        old_labels: None,
    };
    let takes = |rule: &kubevet_k8s::matching::ResourceRule| {
        kubevet_k8s::matching::ResourceRule {
            resource_names: Vec::new(),
            ..rule.clone()
        }
        .matches(&owner)
    };
    let names = |rules: Vec<&kubevet_k8s::matching::ResourceRule>| {
        let all: Vec<String> = rules
            .iter()
            .flat_map(|it| &it.resource_names)
            .map(|it| literal(it))
            .collect();
        format!("o.name in [{}]", all.join(", "))
    };
    let taking: Vec<_> = rules.resource_rules.iter().filter(|it| takes(it)).collect();
    let excluding: Vec<_> = rules
        .exclude_resource_rules
        .iter()
        .filter(|it| takes(it))
        .collect();
    if (!rules.resource_rules.is_empty() && taking.is_empty())
        || excluding.iter().any(|it| it.resource_names.is_empty())
    {
        return None;
    }
    let mut conditions = Vec::new();
    if !taking.is_empty() && taking.iter().all(|it| !it.resource_names.is_empty()) {
        conditions.push(names(taking));
    }
    if !excluding.is_empty() {
        conditions.push(format!("!({})", names(excluding)));
    }
    Some(conditions.join(" && "))
}
