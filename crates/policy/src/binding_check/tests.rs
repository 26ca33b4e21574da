//! Bindings of which a part, or nothing, is in force.

use super::*;
use crate::{embedded, read_binding};
use kubevet_document::{self as document, Limits};

fn document(spec: &str) -> Document {
    let text = format!(
        "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {{name: b}}\nspec: {spec}\n"
    );
    let file = "b.yaml".into();
    let mut parsed = document::read(&file, text.as_bytes(), &Limits::default());
    assert_eq!(parsed.problems, []);
    parsed.documents.remove(0)
}

/// Checks the number of effective controls (0: the binding is rejected), and the remarks or errors.
#[track_caller]
fn check(spec: &str, effective: usize, expected: &[&str]) {
    let library = embedded().0;
    let document = document(spec);
    let (count, problems) = match read_binding(&document, &library) {
        Ok(binding) => {
            let check = check_binding(&document, &binding, &library);
            let problems = check.remarks.into_iter().map(|remark| remark.problem);
            (check.effective.len(), problems.collect())
        }
        Err(problems) => (0, problems),
    };
    let described: Vec<String> = problems
        .iter()
        .map(|problem: &Problem| {
            let path = problem.position.and_then(|at| document.path_at(at));
            let path = path.map(|path| path.to_string()).unwrap_or_default();
            format!("{path}: {}", problem.message)
        })
        .collect();
    assert_eq!((count, described), (effective, strings(expected)), "{spec}");
}

fn strings(expected: &[&str]) -> Vec<String> {
    expected.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn binding_in_force_has_no_remarks() {
    check("{controls: [C-0057]}", 1, &[]);
    check(
        "{controls: [C-0078], params: {imageRepositoryAllowList: [docker.io]}}",
        1,
        &[],
    );
    check(
        "{controls: [C-0057], matchResources: {resourceRules: [{resources: [\"*\"]}]}}",
        1,
        &[],
    );
    // A framework may have controls of other kinds than the rules name.
    check(
        "{controls: [C-0057], frameworks: [NSA], excludeControls: [C-0001], matchResources: {resourceRules: \
         [{apiGroups: [\"\"], resources: [pods, services]}]}, validationActions: [Warn]}",
        embedded_members("NSA"),
        &[],
    );
}

/// The number of controls of a framework that objects are checked for, and C-0057.
fn embedded_members(framework: &str) -> usize {
    let library = embedded().0;
    let spec =
        format!("{{controls: [C-0057], frameworks: [{framework}], excludeControls: [C-0001]}}");
    read_binding(&document(&spec), &library)
        .unwrap()
        .controls
        .len()
}

#[test]
fn control_without_params_checks_nothing() {
    let message = "C-0078 checks nothing: set params.imageRepositoryAllowList";
    check(
        "{controls: [C-0078]}",
        0,
        &[&format!("spec.controls[0]: {message}")],
    );
    check(
        "{controls: [C-0057, C-0078], validationActions: [Deny]}",
        1,
        &[&format!("spec.controls[1]: {message}")],
    );
}

#[test]
fn rule_that_matches_nothing_is_found() {
    let rule =
        |rule: &str| format!("{{controls: [C-0057], matchResources: {{resourceRules: [{rule}]}}}}");
    let rules = "spec.matchResources.resourceRules";
    let unmatched =
        "spec.controls[0]: C-0057 checks nothing: matchResources matches none of its kinds";
    for (text, at, reason) in [
        (
            "{apiGroups: [\"\"], resources: [deployments]}",
            "[0].resources[0]",
            "\"deployments\" matches nothing: it is in the API group \"apps\", did you mean apiGroups: [apps]?",
        ),
        (
            "{apiGroups: [apps], resources: [pods]}",
            "[0].resources[0]",
            "\"pods\" matches nothing: it is in the API group \"\", did you mean apiGroups: [\"\"]?",
        ),
        (
            "{apiGroups: [apps], resources: [deploymets]}",
            "[0].resources[0]",
            "\"deploymets\" matches nothing: the API group has no such resource, did you mean \"deployments\"?",
        ),
        (
            "{apiGroups: [\"\"], resources: [services]}",
            "[0]",
            "the rule matches nothing: no control of the binding checks services",
        ),
        (
            "{apiGroups: [\"\"], resources: [pods], operations: [DELETE]}",
            "[0]",
            "the rule matches nothing: objects are checked at CREATE and UPDATE, and connections (pods/exec) at CONNECT",
        ),
        (
            "{apiGroups: [apps], apiVersions: [v1beta2], resources: [deployments]}",
            "[0]",
            "the rule matches nothing: its resources are not served as v1beta2, write apiVersions: [\"*\"]",
        ),
        (
            "{apiGroups: [example.com], resources: [widgets]}",
            "[0]",
            "the rule matches nothing: no control of the binding checks widgets",
        ),
    ] {
        check(
            &rule(text),
            0,
            &[unmatched, &format!("{rules}{at}: {reason}")],
        );
    }
    // Beside a rule that matches, one that does not is a remark.
    check(
        &rule(
            "{apiGroups: [apps], resources: [deployments]}, {apiGroups: [\"\"], resources: [services]}",
        ),
        1,
        &[
            "spec.matchResources.resourceRules[1]: the rule matches nothing: no control of the binding checks services",
        ],
    );
    check(
        &rule("{apiGroups: [\"\"], resources: [pods, deployments]}"),
        1,
        &[
            "spec.matchResources.resourceRules[0].resources[1]: \"deployments\" matches nothing: it is in the API group \"apps\", did you mean apiGroups: [apps]?",
        ],
    );
}

#[test]
fn control_of_other_kinds_than_the_rules_checks_nothing() {
    check(
        "{controls: [C-0057, K-0001], matchResources: {resourceRules: [{apiGroups: [\"\"], resources: [pods]}]}}",
        1,
        &["spec.controls[1]: K-0001 checks nothing: matchResources matches none of its kinds"],
    );
    check(
        "{frameworks: [NSA], matchResources: {excludeResourceRules: [{resources: [\"*/*\"]}]}}",
        0,
        &[
            "spec: the binding checks nothing: matchResources matches none of the kinds that its controls check",
        ],
    );
}

#[test]
fn unexpected_effect_is_a_note() {
    check(
        "{controls: [C-0057], matchResources: {objectSelector: {matchLabels: {a: b}}}}",
        1,
        &[
            "spec.matchResources.objectSelector: an objectSelector does not follow owners: whoever labels an object decides \
             whether it is checked, the label of a workload must be on its pod template as well, and Pods of existing \
             owners are treated as new",
        ],
    );
    check(
        "{controls: [C-0057], validationActions: [Deny], matchResources: {resourceRules: [{apiGroups: [\"\"], resources: [pods]}]}}",
        1,
        &[
            "spec.matchResources.resourceRules: the rules match pods and not replicasets, so Pods of existing Deployments will be denied",
        ],
    );
}
