//! The workloads that a scope excludes by its rules, as the owners of what built-in controllers
//! create for them.
//!
//! A workload is excluded together with its ReplicaSets, Jobs and Pods, whose names are generated and
//! cannot be in a rule. The direct owner is named by the controller reference. Its own creator (the
//! Deployment of a ReplicaSet, the CronJob of a Job) is known by the name of the owner alone, which
//! any user can give to a ReplicaSet or Job; so it counts only where the scope includes every such
//! owner, and a user's own is evaluated under its own name.
//!
//! The webhook and exported policies share this, so that both exclude the same objects.

use super::{Attributes, MatchResources, ResourceRule};
use crate::workload::Controller;
use kubevet_model::Operation;

/// The excluded owners of one controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcludedOwners<'r> {
    /// The controller.
    pub controller: &'static Controller,
    /// The names of excluded owners.
    pub names: ExcludedNames<'r>,
    /// The names of excluded workloads for which the owners were created.
    pub creator_names: ExcludedNames<'r>,
}

/// The names of excluded workloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExcludedNames<'r> {
    /// All of them.
    All,
    /// Some or none of them.
    Listed(Vec<&'r str>),
}

impl ExcludedNames<'_> {
    /// True if no workload is excluded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(names) if names.is_empty())
    }

    /// True if the workload of this name is excluded.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(names) => names.contains(&name),
        }
    }
}

impl<'r> ExcludedOwners<'r> {
    /// Returns the excluded workload that stands behind an object: its kind and name. `owner_name`
    /// is the controller reference's, `pod_template_hash` the label of the object, empty without one.
    #[must_use]
    pub fn find<'n>(
        &self,
        owner_name: &'n str,
        pod_template_hash: &str,
    ) -> Option<(&'static str, &'n str)> {
        if self.names.includes(owner_name) {
            return Some((self.controller.kind, owner_name));
        }
        let creator = self.controller.creator?;
        let name = creator.suffix.strip(owner_name, pod_template_hash)?;
        self.creator_names
            .includes(name)
            .then_some((creator.kind, name))
    }
}

impl MatchResources {
    /// Returns the owners of a controller that are excluded; `None` if there are none.
    #[must_use]
    pub fn excluded_owners(&self, controller: &'static Controller) -> Option<ExcludedOwners<'_>> {
        if self.exclude_resource_rules.is_empty() {
            return None;
        }
        let names = self.excluded_names(controller.group, controller.resource);
        let creator_names = controller
            .creator
            .map(|creator| self.excluded_names(controller.group, creator.resource))
            .filter(|_| self.evaluates_every(controller))
            .unwrap_or(ExcludedNames::Listed(Vec::new()));
        (!names.is_empty() || !creator_names.is_empty()).then_some(ExcludedOwners {
            controller,
            names,
            creator_names,
        })
    }

    /// True if workloads are excluded for which a controller creates the owners of other objects,
    /// but those objects are not: the scope does not include every such owner.
    #[must_use]
    pub fn excludes_without_owned(&self, controller: &Controller) -> bool {
        controller.creator.is_some_and(|creator| {
            !self
                .excluded_names(controller.group, creator.resource)
                .is_empty()
                && !self.evaluates_every(controller)
                && self.excluded_names(controller.group, controller.resource) != ExcludedNames::All
        })
    }

    fn excluded_names(&self, group: &str, resource: &str) -> ExcludedNames<'_> {
        let request = creation(group, resource);
        let rules = self.exclude_resource_rules.iter();
        let mut listed = Vec::new();
        for rule in rules.filter(|rule| matches_any_name(rule, &request)) {
            if rule.resource_names.is_empty() {
                return ExcludedNames::All;
            }
            listed.extend(rule.resource_names.iter().map(String::as_str));
        }
        listed.sort_unstable();
        listed.dedup();
        ExcludedNames::Listed(listed)
    }

    /// True if every owner of a controller is evaluated when it is created and when it is updated,
    /// but for those that are excluded from both.
    fn evaluates_every(&self, controller: &Controller) -> bool {
        let create = creation(controller.group, controller.resource);
        let update = Attributes {
            operation: Operation::Update,
            ..create
        };
        let is_included = |request: &Attributes<'_>| {
            let mut rules = self.resource_rules.iter();
            self.resource_rules.is_empty()
                || rules.any(|rule| rule.resource_names.is_empty() && rule.matches(request))
        };
        let excludes_updates_alone = |rule: &ResourceRule| {
            matches_any_name(rule, &update) && !matches_any_name(rule, &create)
        };
        self.object_selector.is_empty()
            && is_included(&create)
            && is_included(&update)
            && !self
                .exclude_resource_rules
                .iter()
                .any(excludes_updates_alone)
    }
}

/// The attributes of a request that creates a workload of any name.
fn creation<'a>(group: &'a str, resource: &'a str) -> Attributes<'a> {
    Attributes {
        operation: Operation::Create,
        group,
        version: "v1",
        resource,
        namespace: "namespace",
        ..Attributes::default()
    }
}

/// True if the rule matches the request, if it is about one of the names of the rule.
fn matches_any_name(rule: &ResourceRule, request: &Attributes<'_>) -> bool {
    let name = rule.resource_names.first().map_or("", String::as_str);
    rule.matches(&Attributes { name, ..*request })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        matching::{LabelOperator, LabelRequirement, LabelSelector, RuleScope},
        workload::CONTROLLERS,
    };

    fn rule(resources: &[&str], names: &[&str], operations: &[Operation]) -> ResourceRule {
        let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        ResourceRule {
            api_groups: vec!["*".to_owned()],
            api_versions: vec!["*".to_owned()],
            resources: strings(resources),
            operations: operations.to_vec(),
            scope: RuleScope::All,
            resource_names: strings(names),
        }
    }

    /// Describes the excluded owners, as `kind names creator's names` for each controller.
    #[track_caller]
    fn check(scope: &MatchResources, expected: &[&str]) {
        let names = |names: &ExcludedNames<'_>| match names {
            ExcludedNames::All => "*".to_owned(),
            ExcludedNames::Listed(names) => names.join(","),
        };
        let described: Vec<String> = CONTROLLERS
            .iter()
            .filter_map(|controller| scope.excluded_owners(controller))
            .map(|owners| {
                let (own, creator) = (names(&owners.names), names(&owners.creator_names));
                format!("{} {own} {creator}", owners.controller.kind)
            })
            .collect();
        assert_eq!(described, expected, "{scope:?}");
    }

    fn excluding(rules: &[ResourceRule]) -> MatchResources {
        MatchResources {
            exclude_resource_rules: rules.to_vec(),
            ..MatchResources::default()
        }
    }

    #[test]
    fn excluded_workload_excludes_what_is_created_for_it() {
        check(&MatchResources::default(), &[]);
        check(&excluding(&[rule(&["pods"], &["web"], &[])]), &[]);
        check(
            &excluding(&[
                rule(&["deployments"], &["web"], &[]),
                rule(&["deployments", "daemonsets"], &["a", "web"], &[]),
            ]),
            &["ReplicaSet  a,web", "Deployment a,web ", "DaemonSet a,web "],
        );
        check(
            &excluding(&[rule(&["cronjobs"], &[], &[])]),
            &["Job  *", "CronJob * "],
        );
    }

    #[test]
    fn creator_counts_only_if_every_owner_is_evaluated() {
        let web = || vec![rule(&["deployments"], &["web"], &[])];
        let with_rules = |resource_rules: &[ResourceRule]| MatchResources {
            resource_rules: resource_rules.to_vec(),
            ..excluding(&web())
        };
        let both = &["ReplicaSet  web", "Deployment web "][..];
        let direct = &["Deployment web "][..];
        check(&with_rules(&[rule(&["*"], &[], &[])]), both);
        check(
            &with_rules(&[rule(&["pods", "deployments"], &[], &[])]),
            direct,
        );
        check(&with_rules(&[rule(&["replicasets"], &["x"], &[])]), direct);
        check(
            &with_rules(&[rule(&["replicasets"], &[], &[Operation::Create])]),
            direct,
        );
        let selector = LabelSelector {
            requirements: vec![LabelRequirement {
                key: "tier".to_owned(),
                operator: LabelOperator::Exists,
                values: Vec::new(),
            }],
        };
        let by_label = MatchResources {
            object_selector: selector,
            ..excluding(&web())
        };
        check(&by_label, direct);
        let without_updates = rule(&["replicasets"], &[], &[Operation::Update]);
        check(
            &excluding(&[&web()[..], &[without_updates]].concat()),
            direct,
        );
        // An excluded ReplicaSet is excluded by its own name.
        let by_name = rule(&["replicasets"], &["x"], &[]);
        check(
            &excluding(&[&web()[..], &[by_name]].concat()),
            &["ReplicaSet x web", "Deployment web "],
        );
    }

    #[test]
    fn excluded_workload_behind_an_object_is_found() {
        let scope = excluding(&[
            rule(&["deployments"], &["web"], &[]),
            rule(&["replicasets"], &["alone"], &[]),
        ]);
        let owners = scope.excluded_owners(&CONTROLLERS[0]).unwrap();
        assert_eq!(owners.find("alone", ""), Some(("ReplicaSet", "alone")));
        assert_eq!(owners.find("web-abc", "abc"), Some(("Deployment", "web")));
        assert_eq!(owners.find("web-abc", ""), None);
        assert_eq!(owners.find("web", "abc"), None);
        assert_eq!(owners.find("other-abc", "abc"), None);
    }
}
