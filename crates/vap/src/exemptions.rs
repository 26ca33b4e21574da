//! The exemptions of the webhook's decision in CEL: findings that do not deny.
//!
//! The rules are those of `kubevet-admission`: an UPDATE is held to the findings that it brings in,
//! an object that is being deleted can be released, and Pods that a built-in controller creates for
//! an owner that was evaluated itself are admitted. Each rule is a bool that is total.

use kubevet_cel::{ControlCel, Expr, PolicyVariable};
use kubevet_k8s::matching::{Attributes, MatchResources, ResourceRule, is_connection};
use kubevet_k8s::workload::{
    CONTROLLER_ACCOUNTS, CONTROLLERS, Controller, SelectKinds as _, custom::CustomWorkload,
};
use kubevet_model::{Control, Kind, OnOwned, OnUpdate, Operation};
use kubevet_policy::Binding;

/// The variable with the kinds of the owners for which a built-in controller creates the object.
const OWNERS: &str = "owners";

/// The exemptions of one binding over some kinds.
pub(super) struct Exemptions<'b> {
    binding: &'b Binding,
    evaluated_owners: Vec<EvaluatedOwner>,
    /// True if the requests are connections, of which none is exempt.
    is_connect: bool,
}

/// A controller whose owners the binding evaluates.
struct EvaluatedOwner {
    controller: &'static Controller,
    /// A condition on the owner, `o`, where the binding evaluates only some.
    condition: Option<Expr>,
}

impl EvaluatedOwner {
    fn kind(&self) -> Kind {
        Kind::new(self.controller.group, self.controller.kind)
    }
}

/// A bool: false if no finding of the request can be exempt. It is cheap, and evaluated first by a
/// policy that reports exempt findings.
pub(super) fn exemption_guard() -> Expr {
    Expr::any([
        operation().equals(Expr::string("UPDATE")),
        user_starts_with(CONTROLLER_ACCOUNTS),
    ])
}

pub(super) fn operation() -> Expr {
    Expr::ident("request").select("operation")
}

pub(super) fn user_starts_with(prefix: &str) -> Expr {
    Expr::ident("request")
        .opt_select("userInfo")
        .opt_select("username")
        .or_value(Expr::string(""))
        .method("startsWith", [Expr::string(prefix)])
}

impl<'b> Exemptions<'b> {
    /// No built-in controller creates kinds of other software.
    pub(super) fn new(binding: &'b Binding, kinds: &[Kind], custom: &[CustomWorkload]) -> Self {
        let is_connect = kinds.iter().all(is_connection);
        let owned_only_warns =
            binding.on_owned == OnOwned::Warn && binding.match_resources.object_selector.is_empty();
        let may_be_owned = custom.is_empty();
        let evaluated_owners = CONTROLLERS
            .iter()
            .filter(|_| owned_only_warns && !is_connect && may_be_owned)
            .filter_map(|controller| owner_rule(&binding.match_resources, controller));
        Self {
            binding,
            evaluated_owners: evaluated_owners.collect(),
            is_connect,
        }
    }

    /// True if a finding can be exempt of which somebody should know. Where an UPDATE is held to all
    /// findings, only an object that is being deleted is exempt, and it will be gone.
    pub(super) fn are_reported(&self) -> bool {
        let is_update_exempt = self.binding.on_update == OnUpdate::New;
        !self.is_connect && (is_update_exempt || !self.evaluated_owners.is_empty())
    }

    /// The variable that the exemptions of these controls use.
    pub(super) fn variable(&self, controls: &[ControlCel]) -> Option<PolicyVariable> {
        let is_used = controls
            .iter()
            .any(|control| self.owner_was_evaluated(&control.control).is_some());
        is_used.then(|| PolicyVariable {
            name: OWNERS.to_owned(),
            expression: self.owners(),
        })
    }

    /// A bool: the findings of a control are exempt; `None` where they never are.
    pub(super) fn condition(&self, control: &ControlCel) -> Option<Expr> {
        if self.is_connect {
            return None;
        }
        // Without keys, the old object has all findings.
        let is_known = control.keys.as_ref().map_or(Expr::Bool(true), |keys| {
            let is_known = keys.all_in(&Expr::ident("before"));
            keys.old.clone().bind_condition("before", is_known)
        });
        let is_update = operation().equals(Expr::string("UPDATE"));
        let update = match self.binding.on_update {
            OnUpdate::New => Expr::all([is_update, is_known]),
            OnUpdate::All => {
                // Even where an UPDATE is held to all findings, an object that is being deleted can
                // lose its finalizers.
                let is_being_deleted = Expr::ident("oldObject")
                    .select("metadata")
                    .opt_select("deletionTimestamp")
                    .has_value();
                Expr::all([is_update, is_being_deleted, is_known])
            }
        };
        let owned = self.owner_was_evaluated(&control.control);
        Some(Expr::any([Some(update), owned].into_iter().flatten()))
    }

    /// True if a finding of the control can be exempt of which somebody should know. Where no update
    /// brings in a finding, whoever created the object knows them.
    pub(super) fn are_reported_of(&self, control: &ControlCel) -> bool {
        let is_update_exempt = self.binding.on_update == OnUpdate::New && control.keys.is_some();
        !self.is_connect && (is_update_exempt || self.include_owners(&control.control))
    }

    /// True if no finding of these controls denies an UPDATE.
    pub(super) fn ignore_updates(&self, controls: &[ControlCel]) -> bool {
        self.binding.on_update == OnUpdate::New
            && controls.iter().all(|control| control.keys.is_none())
    }

    /// True if findings can be exempt because the owner was evaluated.
    pub(super) fn include_owners(&self, control: &Control) -> bool {
        self.owner_was_evaluated(control).is_some()
    }

    /// A bool: the control was evaluated for the owner; `None` where it never was.
    fn owner_was_evaluated(&self, control: &Control) -> Option<Expr> {
        let applies = |owner: &&EvaluatedOwner| control.kinds.matches(&owner.kind());
        let kinds: Vec<Expr> = self
            .evaluated_owners
            .iter()
            .filter(applies)
            .map(|owner| Expr::string(owner.kind().to_string()))
            .collect();
        let owners = Expr::variable(OWNERS);
        match kinds.len() {
            0 => None,
            all if all == self.evaluated_owners.len() => {
                Some(Expr::call("size", owners).exceeds(Expr::Int(0)))
            }
            _ => Some(owners.exists("o", Expr::ident("o").is_in(Expr::List(kinds)))),
        }
    }

    /// The kinds of the controlling owners, where the user is the controller of that kind.
    fn owners(&self) -> Expr {
        let owner = || Expr::ident("o");
        let is_no_creation = Expr::any([
            operation().differs_from(Expr::string("CREATE")),
            user_starts_with(CONTROLLER_ACCOUNTS).negated(),
        ]);
        let is_controller = owner().opt_select("controller").or_value(Expr::Bool(false));
        let mut owners = Expr::ident("object")
            .select("metadata")
            .opt_select("ownerReferences")
            .or_value(Expr::empty_list())
            .filter("o", is_controller);
        for evaluated in &self.evaluated_owners {
            if let Some(condition) = &evaluated.condition {
                let is_other_kind = owner()
                    .select("kind")
                    .differs_from(Expr::string(evaluated.controller.kind));
                owners = owners.filter("o", Expr::any([is_other_kind, condition.clone()]));
            }
        }
        // `apps/ReplicaSet`, or `ReplicationController` of the group without a name.
        let slash = || Expr::string("/");
        let version = || owner().select("apiVersion");
        let group = version()
            .method("split", [slash()])
            .index(Expr::Int(0))
            .plus(slash());
        let has_group = version().method("contains", [slash()]);
        let group = Expr::conditional(has_group, group, Expr::string(""));
        let accounts = self.evaluated_owners.iter().map(|owner| {
            let kind = Expr::string(owner.kind().to_string());
            (kind, Expr::string(owner.controller.account))
        });
        let account = Expr::Map(accounts.collect())
            .opt_index(Expr::ident("k"))
            .or_value(Expr::string("-"));
        let user = Expr::ident("request").select("userInfo").select("username");
        let is_user = Expr::string(CONTROLLER_ACCOUNTS).plus(account).equals(user);
        let kinds = owners
            .map("o", group.plus(owner().select("kind")))
            .filter("k", is_user);
        Expr::conditional(is_no_creation, Expr::empty_list(), kinds)
    }
}

/// The owners of a controller that the binding evaluates; `None` where it evaluates none.
fn owner_rule(rules: &MatchResources, controller: &'static Controller) -> Option<EvaluatedOwner> {
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
    // The name is compared in CEL.
    let matches = |rule: &&ResourceRule| {
        ResourceRule {
            resource_names: Vec::new(),
            ..(*rule).clone()
        }
        .matches(&owner)
    };
    let is_named = |rules: &[&ResourceRule]| {
        let names = rules.iter().flat_map(|rule| &rule.resource_names);
        Expr::ident("o")
            .select("name")
            .is_in(Expr::strings(names.map(String::as_str)))
    };
    let including: Vec<&ResourceRule> = rules.resource_rules.iter().filter(matches).collect();
    // What is created for an owner that is excluded by its name never reaches the policy.
    let mut excluding = rules.exclude_resource_rules.iter().filter(matches);
    if (!rules.resource_rules.is_empty() && including.is_empty())
        || excluding.any(|rule| rule.resource_names.is_empty())
    {
        return None;
    }
    let mut conditions = Vec::new();
    let all_name = including.iter().all(|rule| !rule.resource_names.is_empty());
    if !including.is_empty() && all_name {
        conditions.push(is_named(&including));
    }
    let condition = (!conditions.is_empty()).then(|| Expr::all(conditions));
    Some(EvaluatedOwner {
        controller,
        condition,
    })
}
