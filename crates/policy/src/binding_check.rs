//! Checks what is in force of a binding: whatever in it has no effect is a remark.
//!
//! It is the one place for files, the cluster and the admission of bindings. A binding that has no
//! effect at all is rejected when it is read.

use super::{
    Library,
    binding::{Binding, read_with_position},
    did_you_mean::did_you_mean,
    map_reader::abbreviate,
};
use kubevet_document::{Document, Node};
use kubevet_k8s::{
    matching::{Attributes, MatchResources, ResourceRule, RuleScope, resource_targets},
    schema::Schema,
    workload::SelectKinds as _,
};
use kubevet_model::{Action, Control, ControlId, Kind, Operation, Position, Problem, ProblemCode};
use std::collections::BTreeSet;

/// The name that matches everything.
const ALL: &str = "*";

/// What is in force of a binding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingCheck {
    /// The controls that can find something.
    pub effective: BTreeSet<ControlId>,
    /// The parts without an effect, or with one that the author may not expect, by position.
    pub remarks: Vec<Remark>,
}

/// A remark about a valid binding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// What is remarkable, and where.
    pub problem: Problem,
    /// Its importance.
    pub level: RemarkLevel,
}

/// The importance of a remark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemarkLevel {
    /// Something has no effect.
    Warning,
    /// Something has an effect that the author may not expect.
    Note,
}

impl RemarkLevel {
    /// Returns the word before a remark.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Reads one `ControlBinding` object, from a file or a cluster. A binding of which nothing is in
/// force is an error: its author relies on it. [`check_binding`] tells which parts have no effect.
///
/// # Errors
/// Every error of the object, in the order of the text.
pub fn read_binding(document: &Document, library: &Library) -> Result<Binding, Vec<Problem>> {
    read_and_check(document, library).map(|(binding, ..)| binding)
}

/// As [`read_binding`], with the position of the name, and the check of the binding.
pub(super) fn read_and_check(
    document: &Document,
    library: &Library,
) -> Result<(Binding, Position, BindingCheck), Vec<Problem>> {
    let (binding, position) = read_with_position(document, library)?;
    let check = check_binding(document, &binding, library);
    if check.effective.is_empty() {
        Err(no_effect_problems(document, check))
    } else {
        Ok((binding, position, check))
    }
}

/// Returns the errors of a binding of which nothing is in force.
fn no_effect_problems(document: &Document, check: BindingCheck) -> Vec<Problem> {
    let remarks = check.remarks.into_iter();
    let warnings = remarks.filter(|remark| remark.level == RemarkLevel::Warning);
    let problems: Vec<Problem> = warnings.map(|remark| remark.problem).collect();
    if !problems.is_empty() {
        return problems;
    }
    let spec = document.root().get("spec");
    let position = spec.map_or(Position::START, Node::position);
    vec![Problem::at(
        ProblemCode::BindingNoEffect,
        document.file().as_ref(),
        position,
        "the binding checks nothing: matchResources matches none of the kinds that its controls check",
    )]
}

/// The number of problems of a binding that are described.
const MAX_DESCRIBED_PROBLEMS: usize = 10;

/// Returns problems of `document` for readers who do not see its lines: `spec.controls[0]: there is
/// no control "C-57"`. Equal ones are described once, and only the first of many.
#[must_use]
pub fn describe_problems<'p>(
    document: &Document,
    problems: impl IntoIterator<Item = &'p Problem>,
) -> Vec<String> {
    let problems: Vec<&Problem> = problems.into_iter().collect();
    let shown = problems.iter().take(MAX_DESCRIBED_PROBLEMS);
    let mut lines: Vec<String> = shown
        .map(|problem| {
            let path = problem.position.and_then(|at| document.path_at(at));
            match path.filter(|path| !path.as_str().is_empty()) {
                Some(path) => format!("{path}: {}", problem.message),
                None => problem.message.clone(),
            }
        })
        .collect();
    lines.dedup();
    if let Some(more) = problems.len().checked_sub(MAX_DESCRIBED_PROBLEMS)
        && more > 0
    {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// Checks a binding that was read from `document`.
#[must_use]
pub fn check_binding(document: &Document, binding: &Binding, library: &Library) -> BindingCheck {
    let mut checker = Checker {
        document,
        binding,
        library,
        remarks: Vec::new(),
    };
    let controls = checker.configured_controls();
    checker.check_rules(&controls);
    let effective = checker.matched_controls(&controls);
    checker.add_caveats();
    checker.remarks.sort();
    checker.remarks.dedup();
    BindingCheck {
        effective,
        remarks: checker.remarks,
    }
}

struct Checker<'b> {
    document: &'b Document,
    binding: &'b Binding,
    library: &'b Library,
    remarks: Vec<Remark>,
}

impl<'b> Checker<'b> {
    fn spec(&self) -> Node<'b> {
        let root = self.document.root();
        root.get("spec").unwrap_or(root)
    }

    fn scope(&self) -> &'b MatchResources {
        &self.binding.match_resources
    }

    fn match_resources(&self, key: &str) -> Option<Node<'b>> {
        self.spec().get("matchResources")?.get(key)
    }

    fn warn(&mut self, position: Position, message: String) {
        self.remark(
            RemarkLevel::Warning,
            ProblemCode::BindingNoEffect,
            position,
            message,
        );
    }

    fn remark(
        &mut self,
        level: RemarkLevel,
        code: ProblemCode,
        position: Position,
        message: String,
    ) {
        let file = self.document.file().as_ref();
        let problem = Problem::at(code, file, position, message);
        self.remarks.push(Remark { problem, level });
    }

    /// Returns the controls that have the params which they need; the others are remarks.
    fn configured_controls(&mut self) -> Vec<&'b Control> {
        let library = self.library;
        let ids = self.binding.controls.iter();
        let controls = ids.filter_map(|id| library.control(id.as_str()));
        let (configured, missing): (Vec<&Control>, Vec<&Control>) = controls
            .map(|source| source.control.as_ref())
            .partition(|control| self.binding.params.configures(control));
        for control in missing {
            let params: Vec<String> = control
                .requires_any_param
                .iter()
                .map(|param| format!("params.{param}"))
                .collect();
            let message = format!("{} checks nothing: set {}", control.id, params.join(" or "));
            self.warn(self.position_of(control), message);
        }
        configured
    }

    /// Returns the controls of whose kinds some request matches. One that the binding names by its
    /// id, and that has none, is a remark; a framework may well have controls of other kinds.
    fn matched_controls(&mut self, controls: &[&'b Control]) -> BTreeSet<ControlId> {
        let mut matched = BTreeSet::new();
        for control in controls {
            let kinds = control.kinds.all_kinds();
            if kinds.iter().any(|kind| self.scope().can_match(kind)) {
                matched.insert(control.id.clone());
            } else if let Some(entry) = self.entry_of(control) {
                let message = format!(
                    "{} checks nothing: matchResources matches none of its kinds",
                    control.id
                );
                self.warn(entry.position(), message);
            }
        }
        matched
    }

    /// Returns the entry of `controls` that names a control.
    fn entry_of(&self, control: &Control) -> Option<Node<'b>> {
        let mut entries = self.spec().get("controls")?.elements();
        entries.find(|entry| is_name(*entry, control.id.as_str()))
    }

    /// Returns the position of the entry that brings a control into the binding.
    fn position_of(&self, control: &Control) -> Position {
        let spec = self.spec();
        let elements = |key: &str| spec.get(key).into_iter().flat_map(Node::elements);
        let by_framework = || {
            elements("frameworks").find(|entry| {
                let framework = entry.as_str().and_then(|name| self.library.framework(name));
                framework.is_some_and(|framework| {
                    let mut members = framework.members();
                    members.any(|(_, member)| member.control == control.id)
                })
            })
        };
        let by_star = || elements("controls").find(|entry| is_name(*entry, ALL));
        let entry = self.entry_of(control).or_else(by_framework);
        entry.or_else(by_star).unwrap_or(spec).position()
    }

    /// Checks that each resource rule can match an object that a control checks.
    fn check_rules(&mut self, controls: &[&Control]) {
        let kinds: BTreeSet<Kind> = controls
            .iter()
            .flat_map(|control| control.kinds.all_kinds())
            .collect();
        let nodes = self.match_resources("resourceRules");
        let nodes = nodes.into_iter().flat_map(Node::elements);
        // A rule that could not be read makes the binding invalid, so nodes and rules are pairs.
        for (node, rule) in nodes.zip(&self.scope().resource_rules) {
            if kinds.is_empty() {
                break;
            }
            let mut has_wrong_name = false;
            for entry in node.get("resources").into_iter().flat_map(Node::elements) {
                if let Some(message) = entry
                    .as_str()
                    .and_then(|name| name_error(rule, name, &kinds))
                {
                    has_wrong_name = true;
                    self.warn(entry.position(), message);
                }
            }
            if !has_wrong_name && !rule_matches(rule, &kinds) {
                self.warn(node.position(), rule_error(rule, &kinds));
            }
        }
    }

    fn add_caveats(&mut self) {
        let denies = self.binding.actions.contains(&Action::Deny);
        if let Some(node) = self.match_resources("resourceRules")
            && denies
            && matches_pods_without_owners(self.scope())
        {
            let message = "the rules match pods and not replicasets, so Pods of existing Deployments will be denied";
            self.add_caveat(node, message);
        }
        for (key, note) in self.binding.exclusion_notes() {
            if let Some(node) = self.match_resources(key) {
                self.add_caveat(node, &note);
            }
        }
    }

    fn add_caveat(&mut self, node: Node<'_>, message: &str) {
        self.remark(
            RemarkLevel::Note,
            ProblemCode::BindingCaveat,
            node.position(),
            message.to_owned(),
        );
    }
}

fn is_name(node: Node<'_>, name: &str) -> bool {
    node.as_str()
        .is_some_and(|string| string.trim_end().eq_ignore_ascii_case(name))
}

/// True if a rule alone can match an object of some kind.
fn rule_matches(rule: &ResourceRule, kinds: &BTreeSet<Kind>) -> bool {
    let scope = MatchResources {
        resource_rules: vec![rule.clone()],
        ..MatchResources::default()
    };
    kinds.iter().any(|kind| scope.can_match(kind))
}

/// Returns the error of a resource that is in no API group of its rule.
fn name_error(rule: &ResourceRule, name: &str, kinds: &BTreeSet<Kind>) -> Option<String> {
    let resource = name.split('/').next().unwrap_or_default();
    let groups = &rule.api_groups;
    if resource == ALL || groups.iter().any(|group| group == ALL) {
        return None;
    }
    let known = known_resources(kinds);
    let right: BTreeSet<&str> = known
        .iter()
        .filter(|(_, known)| known == resource)
        .map(|(group, _)| group.as_str())
        .collect();
    if groups.iter().any(|group| right.contains(group.as_str())) {
        return None;
    }
    let resource = abbreviate(resource);
    if let Some(group) = right.first() {
        return Some(format!(
            "{resource:?} matches nothing: it is in the API group {group:?}, did you mean apiGroups: [{}]?",
            if group.is_empty() { "\"\"" } else { group }
        ));
    }
    // Any resource may be in a group that is not built in.
    let is_built_in = |group: &String| Schema::embedded().kinds().any(|kind| kind.group == group);
    if !groups.iter().all(is_built_in) {
        return None;
    }
    let in_groups = known.iter().filter(|(group, _)| groups.contains(group));
    let names = in_groups.map(|(_, resource)| resource.as_str());
    let hint = did_you_mean(&resource, names);
    Some(format!(
        "{resource:?} matches nothing: the API group has no such resource{hint}"
    ))
}

/// Returns the group and the name of every built-in resource, and of those that controls check.
fn known_resources(kinds: &BTreeSet<Kind>) -> BTreeSet<(String, String)> {
    let built_in = Schema::embedded().kinds();
    let built_in = built_in.map(|kind| (kind.group.to_owned(), kind.plural.to_owned()));
    let checked = kinds.iter().flat_map(resource_targets).map(|target| {
        let resource = target.resource.split('/').next().unwrap_or_default();
        (target.group, resource.to_owned())
    });
    built_in.chain(checked).collect()
}

/// Returns why a rule matches no object of these kinds.
fn rule_error(rule: &ResourceRule, kinds: &BTreeSet<Kind>) -> String {
    let of_any_operation = ResourceRule {
        operations: Vec::new(),
        ..rule.clone()
    };
    let of_any_version = ResourceRule {
        api_versions: vec![ALL.to_owned()],
        ..rule.clone()
    };
    let of_any_scope = ResourceRule {
        scope: RuleScope::All,
        ..rule.clone()
    };
    let reason = if rule_matches(&of_any_operation, kinds) {
        "objects are checked at CREATE and UPDATE, and connections (pods/exec) at CONNECT"
            .to_owned()
    } else if rule_matches(&of_any_version, kinds) {
        let versions = rule.api_versions.join(", ");
        format!(
            "its resources are not served as {}, write apiVersions: [\"*\"]",
            abbreviate(&versions)
        )
    } else if rule_matches(&of_any_scope, kinds) {
        "its resources have another scope".to_owned()
    } else {
        let resources = rule.resources.join(", ");
        format!(
            "no control of the binding checks {}",
            abbreviate(&resources)
        )
    };
    format!("the rule matches nothing: {reason}")
}

/// True if the rules match Pods, but not the ReplicaSets that own them as a rule.
fn matches_pods_without_owners(scope: &MatchResources) -> bool {
    let matches = |group: &str, resource: &str| {
        scope.matches_rules(&Attributes {
            operation: Operation::Create,
            group,
            version: "v1",
            resource,
            namespace: "default",
            ..Attributes::default()
        })
    };
    matches("", "pods") && !matches("apps", "replicasets")
}

#[cfg(test)]
mod tests;
