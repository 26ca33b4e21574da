//! The exclusions of a ControlBinding that the API server's `matchResources` cannot express, as match
//! conditions: subjects, and what built-in controllers create for excluded workloads.
//!
//! The rules are those of `kubevet-admission`. CEL cannot look an owner up, and neither can the
//! webhook: a Deployment behind a Pod is known by the name of the ReplicaSet without its hash.
//! A policy has these conditions only where its ControlBinding has such exclusions.

use super::exemptions::{operation, user_starts_with};
use kubevet_cel::Expr;
use kubevet_k8s::matching::{ExcludedNames, ExcludedOwners, RequestSubject};
use kubevet_k8s::workload::{
    CONTROLLER_ACCOUNTS, CONTROLLERS, NameSuffix, OwnerCreator, POD_TEMPLATE_HASH,
    custom::CustomWorkload, may_be_made_by_controller,
};
use kubevet_model::Kind;
use kubevet_policy::Binding;

/// A match condition.
pub(super) struct MatchCondition {
    pub(super) name: &'static str,
    /// A bool, true for requests that are evaluated.
    pub(super) expression: Expr,
}

/// Returns the conditions of a policy for these kinds.
pub(super) fn match_conditions(
    binding: &Binding,
    kinds: &[Kind],
    custom: &[CustomWorkload],
) -> Vec<MatchCondition> {
    let subjects = is_excluded_subject(&binding.exclude_subjects);
    let may_be_owned = custom.is_empty() && kinds.iter().any(may_be_made_by_controller);
    let owners = may_be_owned
        .then(|| is_created_for_excluded(binding))
        .flatten();
    let named = [
        ("subject-is-not-excluded", subjects),
        ("owner-is-not-excluded", owners),
    ];
    let conditions = named.into_iter().filter_map(|(name, is_excluded)| {
        let expression = is_excluded?.negated();
        Some(MatchCondition { name, expression })
    });
    conditions.collect()
}

/// A bool: a subject includes the user; `None` if there is no subject.
fn is_excluded_subject(subjects: &[RequestSubject]) -> Option<Expr> {
    let field = |name: &str| {
        Expr::ident("request")
            .opt_select("userInfo")
            .opt_select(name)
    };
    let users: Vec<String> = subjects
        .iter()
        .filter_map(RequestSubject::user_name)
        .collect();
    let groups = subjects.iter().filter_map(|subject| match subject {
        RequestSubject::Group(name) => Some(name.as_str()),
        RequestSubject::User(_) | RequestSubject::ServiceAccount { .. } => None,
    });
    let groups: Vec<&str> = groups.collect();
    let mut conditions = Vec::new();
    if !users.is_empty() {
        let users = Expr::strings(users.iter().map(String::as_str));
        conditions.push(field("username").or_value(Expr::string("")).is_in(users));
    }
    if !groups.is_empty() {
        let is_member = Expr::ident("g").is_in(Expr::strings(groups));
        let groups = field("groups").or_value(Expr::empty_list());
        conditions.push(groups.exists("g", is_member));
    }
    (!conditions.is_empty()).then(|| Expr::any(conditions))
}

/// A bool: a built-in controller writes the object for an excluded workload; `None` if none is
/// excluded.
fn is_created_for_excluded(binding: &Binding) -> Option<Expr> {
    let owners = CONTROLLERS
        .iter()
        .filter_map(|controller| binding.match_resources.excluded_owners(controller))
        .map(|owners| is_excluded_owner(&owners));
    let owners: Vec<Expr> = owners.collect();
    if owners.is_empty() {
        return None;
    }
    let is_controller = owner().opt_select("controller").or_value(Expr::Bool(false));
    let references = Expr::ident("object")
        .opt_select("metadata")
        .opt_select("ownerReferences")
        .or_value(Expr::empty_list());
    Some(Expr::all([
        operation().is_in(Expr::strings(["CREATE", "UPDATE"])),
        user_starts_with(CONTROLLER_ACCOUNTS),
        references.exists("o", Expr::all([is_controller, Expr::any(owners)])),
    ]))
}

/// The owner reference.
fn owner() -> Expr {
    Expr::ident("o")
}

/// A bool: the owner `o` is one of these, and the user is its controller.
fn is_excluded_owner(owners: &ExcludedOwners<'_>) -> Expr {
    let controller = owners.controller;
    let user = Expr::ident("request").select("userInfo").select("username");
    let api_version = match controller.group {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    };
    let mut names = Vec::new();
    match &owners.names {
        ExcludedNames::All => names.push(Expr::Bool(true)),
        ExcludedNames::Listed(listed) if listed.is_empty() => {}
        ExcludedNames::Listed(listed) => {
            names.push(
                owner()
                    .select("name")
                    .is_in(Expr::strings(listed.iter().copied())),
            );
        }
    }
    if let Some(creator) = controller.creator {
        names.extend(has_excluded_creator(creator, &owners.creator_names));
    }
    Expr::all([
        user.equals(Expr::string(format!(
            "{CONTROLLER_ACCOUNTS}{}",
            controller.account
        ))),
        owner().select("kind").equals(Expr::string(controller.kind)),
        owner()
            .select("apiVersion")
            .equals(Expr::string(api_version)),
        Expr::any(names),
    ])
}

/// A bool: the name of the owner `o` was made from one of these; `None` if there is none.
fn has_excluded_creator(creator: OwnerCreator, names: &ExcludedNames<'_>) -> Option<Expr> {
    if names.is_empty() {
        return None;
    }
    let name = || owner().select("name");
    Some(match creator.suffix {
        NameSuffix::PodTemplateHash => {
            let hash = || Expr::ident("h");
            let ending = || Expr::string("-").plus(hash());
            let is_made_from = match names {
                ExcludedNames::All => name().method("endsWith", [ending()]),
                ExcludedNames::Listed(names) => {
                    let names = names.iter();
                    let made = names.map(|name| Expr::string(format!("{name}-")).plus(hash()));
                    name().is_in(Expr::List(made.collect()))
                }
            };
            let label = Expr::ident("object")
                .select("metadata")
                .opt_select("labels")
                .opt_index(Expr::string(POD_TEMPLATE_HASH))
                .or_value(Expr::string(""));
            let has_hash = hash().differs_from(Expr::string(""));
            label.bind_condition("h", Expr::all([has_hash, is_made_from]))
        }
        NameSuffix::ScheduledTime => {
            let has_time = name().method("matches", [Expr::pattern("-[0-9]+$")]);
            match names {
                ExcludedNames::All => has_time,
                ExcludedNames::Listed(names) => {
                    let end = name().method("lastIndexOf", [Expr::string("-")]);
                    let start = name().method("substring", [Expr::Int(0), end]);
                    let is_listed = start.is_in(Expr::strings(names.iter().copied()));
                    Expr::all([has_time, is_listed])
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{binding, rule_for};
    use kubevet_k8s::matching::MatchResources;

    /// Checks the conditions of a policy for Pods, each as `name: expression`.
    #[track_caller]
    fn check(binding: &Binding, kind: &Kind, expected: &[&str]) {
        let conditions: Vec<String> = match_conditions(binding, std::slice::from_ref(kind), &[])
            .iter()
            .map(|condition| format!("{}: {}", condition.name, condition.expression))
            .collect();
        assert_eq!(conditions, expected);
    }

    fn pod() -> Kind {
        Kind::new("", "Pod")
    }

    #[test]
    fn binding_without_exclusions_has_no_condition() {
        let plain = binding(&["C-0057"], &[]);
        check(&plain, &pod(), &[]);
        let pods = MatchResources {
            exclude_resource_rules: vec![rule_for("", "pods", &["web"])],
            ..MatchResources::default()
        };
        let binding = Binding {
            match_resources: pods,
            ..plain
        };
        check(&binding, &pod(), &[]);
    }

    #[test]
    fn excluded_subjects_are_a_condition_on_the_user() {
        let binding = Binding {
            exclude_subjects: vec![
                RequestSubject::User("it's ann".to_owned()),
                RequestSubject::Group("ops".to_owned()),
                RequestSubject::ServiceAccount {
                    namespace: "cd".to_owned(),
                    name: "robot".to_owned(),
                },
            ],
            ..binding(&["C-0057"], &[])
        };
        let expected = "subject-is-not-excluded: !(request.?userInfo.?username.orValue('') in \
                        ['it\\'s ann', 'system:serviceaccount:cd:robot'] || \
                        request.?userInfo.?groups.orValue([]).exists(g, g in ['ops']))";
        check(&binding, &pod(), &[expected]);
    }

    #[test]
    fn excluded_owners_are_a_condition_on_controller_and_reference() {
        let excluding = |group: &str, resource: &str, names: &[&str]| Binding {
            match_resources: MatchResources {
                exclude_resource_rules: vec![rule_for(group, resource, names)],
                ..MatchResources::default()
            },
            ..binding(&["C-0057"], &[])
        };
        let start = "owner-is-not-excluded: !(request.operation in ['CREATE', 'UPDATE'] && \
                     request.?userInfo.?username.orValue('').startsWith('system:serviceaccount:kube-system:') && \
                     object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && ";
        let daemon_set = "request.userInfo.username == 'system:serviceaccount:kube-system:daemon-set-controller' && \
                          o.kind == 'DaemonSet' && o.apiVersion == 'apps/v1'";
        check(
            &excluding("apps", "daemonsets", &["a", "b"]),
            &pod(),
            &[&format!("{start}{daemon_set} && o.name in ['a', 'b']))")],
        );
        check(
            &excluding("apps", "daemonsets", &[]),
            &pod(),
            &[&format!("{start}{daemon_set}))")],
        );
        let deployment = Kind::new("apps", "Deployment");
        check(&excluding("apps", "daemonsets", &[]), &deployment, &[]);
        let cron_job = excluding("batch", "cronjobs", &["backup"]);
        let conditions = match_conditions(&cron_job, &[pod()], &[]);
        let text = conditions[0].expression.to_string();
        assert!(
            text.contains(
                "o.kind == 'Job' && o.apiVersion == 'batch/v1' && o.name.matches(r'-[0-9]+$') && \
                 o.name.substring(0, o.name.lastIndexOf('-')) in ['backup']"
            ),
            "{text}"
        );
        let web = excluding("apps", "deployments", &["web"]);
        let text = match_conditions(&web, &[pod()], &[])[0]
            .expression
            .to_string();
        assert!(
            text.contains(
                "[object.metadata.?labels[?'pod-template-hash'].orValue('')].exists(h, h != '' && \
                 o.name in ['web-' + h])"
            ),
            "{text}"
        );
    }
}
