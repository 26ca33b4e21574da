//! Bindings as users write them: the result, and every error with its position.

use super::{LoadedBindings, binding_enums, binding_keys, load_bindings, read_bindings};
use crate::{embedded, fallback_binding};
use kubevet_k8s::matching::{Attributes, MatchResult, NamespaceLabels};
use kubevet_model::{
    Action, ControlId, OnOwned, OnUnevaluated, OnUpdate, Operation, Scope, Severity,
};
use std::{collections::BTreeSet, fs, sync::Arc};

const HEAD: &str = "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {name: nsa}\n";

/// Reads a file with the embedded library; checks the names of the bindings, then the problems.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let file: Arc<str> = "b.yaml".into();
    let loaded = read_bindings(&file, text.as_bytes(), &embedded().0);
    let names = loaded.bindings.iter().map(|binding| binding.name.clone());
    let got: Vec<String> = names
        .chain(loaded.problems.iter().map(ToString::to_string))
        .collect();
    assert_eq!(got, expected, "\n{text}\n{}", got.join("\n"));
}

/// As [`check`], for the content of `spec`, from line 5 on.
#[track_caller]
fn check_spec(spec: &str, expected: &[&str]) {
    let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    check(&format!("{HEAD}spec:\n{indented}"), expected);
}

fn read(spec: &str) -> super::Binding {
    let mut loaded = read_bindings(
        &"b.yaml".into(),
        format!("{HEAD}spec: {spec}\n").as_bytes(),
        &embedded().0,
    );
    assert_eq!(loaded.problems, []);
    loaded.bindings.remove(0)
}

fn ids(binding: &super::Binding) -> Vec<&str> {
    binding.controls.iter().map(ControlId::as_str).collect()
}

#[test]
fn binding_of_one_line_is_complete() {
    let binding = read("{frameworks: [nsa], validationActions: [Deny]}");
    assert!(binding.controls.len() > 10 && ids(&binding).contains(&"C-0057"));
    assert_eq!(binding.actions, [Action::Deny].into());
    let rest = (binding.on_update, binding.on_owned, binding.on_unevaluated);
    assert_eq!(rest, (OnUpdate::New, OnOwned::Warn, OnUnevaluated::Deny));
    assert_eq!(read("{controls: [c-0057]}").actions, [Action::Warn].into());
}

#[test]
fn controls_of_a_binding_are_one_set() {
    let library = embedded().0;
    assert_eq!(
        ids(&read(
            "{controls: [C-0057, K-0001], excludeControls: [C-0057]}"
        )),
        ["K-0001"]
    );
    // Controls of connections must be named.
    let is_of_objects = |id: &str| {
        let control = &library.control(id).unwrap().control;
        !control.scope.contains(&Scope::Admission)
    };
    let all = library
        .controls
        .iter()
        .map(|source| source.control.id.as_str());
    let objects: Vec<&str> = all.filter(|id| is_of_objects(id)).collect();
    assert_eq!(ids(&read("{controls: [\"*\"]}")), objects);
    let high = read("{controls: [\"*\"], minSeverity: high, excludeControls: [C-0057]}");
    let severe = |id: &&str| library.control(id).unwrap().control.severity >= Severity::High;
    assert!(
        ids(&high).iter().all(severe) && !ids(&high).contains(&"C-0057") && high.controls.len() > 3
    );
    let fallback = fallback_binding(&library);
    assert!(ids(&fallback).iter().all(severe) && ids(&fallback).contains(&"C-0057"));
    assert!(ids(&fallback).iter().all(|id| is_of_objects(id)));
    // Nobody is warned or denied where nobody has asked for it.
    assert_eq!(
        (&fallback.actions, fallback.on_unevaluated),
        (&BTreeSet::from([Action::Audit]), OnUnevaluated::Allow)
    );
}

#[test]
fn match_resources_select_the_stated_requests() {
    let binding = read(
        "{controls: [C-0057], onUpdate: All, onOwned: Deny, onUnevaluated: Allow, params: {insecureCapabilities: [X]}, matchResources: {resourceRules: [{apiGroups: [apps], resources: [deployments], \
         operations: [CREATE]}, {apiGroups: [\"\"], resources: [pods/*], operations: [\"*\"], scope: Namespaced}], \
         namespaceSelector: {matchLabels: {tier: web}, matchExpressions: [{key: a/b, operator: DoesNotExist}]}, \
         excludeNamespaces: [kube-system]}}",
    );
    let params = embedded().0.params.defaults();
    assert_ne!(binding.params, params);
    let rest = (binding.on_update, binding.on_owned, binding.on_unevaluated);
    assert_eq!(rest, (OnUpdate::All, OnOwned::Deny, OnUnevaluated::Allow));
    let pod = Attributes {
        operation: Operation::Update,
        group: "",
        version: "v1",
        resource: "pods",
        subresource: "ephemeralcontainers",
        name: "a",
        namespace: "shop",
        labels: None,
        old_labels: None,
    };
    let web = [("tier".to_owned(), "web".to_owned())].into();
    let matches = |request: &Attributes<'_>| {
        binding
            .match_resources
            .matches(request, || NamespaceLabels::Known(&web))
    };
    assert_eq!(matches(&pod), MatchResult::Yes);
    assert_eq!(
        matches(&Attributes {
            namespace: "kube-system",
            ..pod
        }),
        MatchResult::No
    );
    assert_eq!(
        matches(&Attributes {
            group: "apps",
            resource: "deployments",
            subresource: "",
            ..pod
        }),
        MatchResult::No
    );
    assert_eq!(
        binding
            .match_resources
            .matches(&pod, || NamespaceLabels::Unknown),
        MatchResult::Unknown
    );
}

#[test]
fn control_for_files_alone_is_refused() {
    check_spec(
        "controls: [K-0003]",
        &["b.yaml:5:14: K-0003 applies only to files: remove it"],
    );
}

#[test]
fn every_error_of_a_binding_is_reported_at_once() {
    check_spec(
        "controls: [C-057]\nframeworks: [NSB]\nminSeverty: high\nvalidationActions: [Deny, Warn, Adit]\nonUpdate: new\nparams: {insecureCapability: [a]}",
        &[
            "b.yaml:5:14: there is no control \"C-057\", did you mean \"C-0057\"?",
            "b.yaml:6:16: there is no framework \"NSB\", did you mean \"NSA\"?",
            "b.yaml:7:3: \"spec\" has no key \"minSeverty\", did you mean \"minSeverity\"?",
            "b.yaml:8:22: Deny already reports the finding: drop Warn",
            "b.yaml:8:35: \"validationActions\" has no value \"Adit\": write one of Audit, Warn, Deny, did you mean \"Audit\"?",
            "b.yaml:9:13: \"onUpdate\" has no value \"new\": write one of New, All, did you mean \"New\"?",
            "b.yaml:10:12: there is no param \"insecureCapability\", did you mean \"insecureCapabilities\"?",
        ],
    );
    let none = "b.yaml:5:3: the binding names no control: write \"controls\" (\"*\" is all) or \"frameworks\"";
    check_spec("{}", &[none]);
    check_spec("controls: []", &[none]);
    check_spec(
        "controls: [K-0001]\nminSeverity: critical",
        &[
            "b.yaml:5:3: no control is left after \"minSeverity\" and \"excludeControls\", so the binding would do nothing: name more, or leave out fewer",
        ],
    );
}

#[test]
fn match_resources_that_never_match_are_rejected() {
    check_spec(
        "controls: [C-0057]\nmatchResources:\n  resourceRules:\n  - {apiGroups: [apps/v1, core], apiVersions: [\"*\", v1], resources: [Deployment, pod, a/b/c]}\n  - {operations: [create]}\n  namespaceSelector:\n    matchLabels: {tier: [a]}\n    matchExpressions: [{key: a, operator: In}, {key: a b, operator: Exists, values: [x]}]\n  namespaces: []\n  excludeNamespaces: [kube-*]\n  nameSpaces: [a]",
        &[
            r#"b.yaml:8:20: "apps/v1" in "apiGroups" names a version: write "apps""#,
            r#"b.yaml:8:29: "core" in "apiGroups" is not a valid API group: the core group is """#,
            r#"b.yaml:8:49: "*" in "apiVersions" matches everything: write it alone"#,
            r#"b.yaml:8:72: "Deployment" in "resources" is not a valid resource: write the plural in lower-case letters, as in deployments"#,
            r#"b.yaml:8:84: "pod" in "resources" is a kind, not a resource: write "pods""#,
            r#"b.yaml:8:89: "a/b/c" in "resources" is not a valid resource: write one like pods, pods/exec or */scale"#,
            r#"b.yaml:9:7: an entry of "resourceRules" lacks the key "resources""#,
            r#"b.yaml:9:21: "operations" has no value "create": write one of *, CREATE, UPDATE, DELETE, CONNECT, did you mean "CREATE"?"#,
            r#"b.yaml:11:27: the label "tier" must be a string, but is a list"#,
            r#"b.yaml:12:26: In compares with "values": write some"#,
            r#"b.yaml:12:50: Exists takes no "values": remove them"#,
            r#"b.yaml:12:56: "a b" is not a valid label key: write one like tier or example.com/tier"#,
            r#"b.yaml:13:17: "namespaces" is empty: name some, or leave the key out"#,
            r#"b.yaml:14:25: "kube-*" is not the name of a namespace: patterns are not supported here"#,
            r#"b.yaml:15:5: "matchResources" has no key "nameSpaces", did you mean "namespaces"?"#,
        ],
    );
}

#[test]
fn excluded_subjects_are_read_as_in_a_role_binding() {
    let binding = read(
        "{controls: [C-0057], excludeSubjects: [{kind: User, name: ann, apiGroup: rbac.authorization.k8s.io}, \
         {kind: Group, name: 'oidc:ops'}, {kind: ServiceAccount, namespace: cd, name: robot, apiGroup: ''}, \
         {kind: User, name: 'system:serviceaccount:cd:other'}]}",
    );
    let subjects: Vec<String> = binding
        .exclude_subjects
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        subjects,
        [
            "the user ann",
            "the group oidc:ops",
            "the service account cd/robot",
            "the user system:serviceaccount:cd:other",
        ]
    );
}

#[test]
fn excluded_subject_that_no_request_can_have_is_rejected() {
    check_spec(
        "controls: [C-0057]\nexcludeSubjects:\n\
         - {kind: Usr, name: ann}\n\
         - {kind: User}\n\
         - {kind: ServiceAccount, name: robot}\n\
         - {kind: ServiceAccount, name: 'system:serviceaccount:cd:robot', namespace: cd}\n\
         - {kind: ServiceAccount, name: Robot, namespace: c d}\n\
         - {kind: Group, name: ops, namespace: cd}\n\
         - {kind: Group, name: 'system:authenticated'}\n\
         - {kind: User, name: 'ci-*'}\n\
         - {kind: User, name: ann, apiGroup: rbac}\n\
         - {kind: User, name: ann, uid: 1}\n\
         - {kind: User, name: ''}\n\
         - ann",
        &[
            r#"b.yaml:7:12: "kind" has no value "Usr": write one of User, Group, ServiceAccount, did you mean "User"?"#,
            r#"b.yaml:8:5: an entry of "excludeSubjects" lacks the key "name""#,
            r#"b.yaml:9:5: the service account "robot" lacks its "namespace": accounts of other namespaces can have its name"#,
            r#"b.yaml:10:34: "system:serviceaccount:cd:robot" is the user name of a service account: write its name and "namespace", or kind: User"#,
            r#"b.yaml:11:34: "Robot" is not a valid name of a service account"#,
            r#"b.yaml:11:52: "c d" is not a valid name of a namespace"#,
            r#"b.yaml:12:41: only a ServiceAccount is in a namespace: remove "namespace""#,
            r#"b.yaml:13:25: every user is a member of "system:authenticated", so the binding would apply to no user: name a smaller group"#,
            r#"b.yaml:14:24: "ci-*" is a pattern, and patterns are not read here: write whole names"#,
            r#"b.yaml:15:39: "rbac" is not the API group of such a subject: write "rbac.authorization.k8s.io", or leave the key out"#,
            r#"b.yaml:16:5: "excludeSubjects" lists the user ann twice: keep one"#,
            r#"b.yaml:16:29: an entry of "excludeSubjects" has no key "uid": it has the keys kind, name, namespace, apiGroup"#,
            r#"b.yaml:17:24: "name" is empty: write something or leave the key out"#,
            r#"b.yaml:18:5: an entry of "excludeSubjects" must be a map with the keys kind, name, namespace, apiGroup, but is a string"#,
        ],
    );
    check_spec(
        "controls: [C-0057]\nexcludeSubjects: []",
        &[r#"b.yaml:6:20: "excludeSubjects" is empty: name some subjects, or leave the key out"#],
    );
    check_spec(
        "controls: [C-0057]\nexcludeSubjects: {kind: User, name: ann}",
        &[r#"b.yaml:6:20: "excludeSubjects" must be a list, but is a map"#],
    );
}

/// Checks the start of each note about a binding with this `matchResources`.
#[track_caller]
fn check_notes(match_resources: &str, expected: &[&str]) {
    let binding = read(&format!(
        "{{controls: [C-0057], matchResources: {match_resources}}}"
    ));
    let notes = binding.exclusion_notes();
    assert_eq!(notes.len(), expected.len(), "{notes:?}");
    for ((_, note), start) in notes.iter().zip(expected) {
        assert!(note.starts_with(start), "{note}");
    }
}

#[test]
fn exclusion_that_does_not_follow_owners_has_a_note() {
    check_notes("{}", &[]);
    check_notes(
        "{objectSelector: {matchExpressions: [{key: a, operator: DoesNotExist}]}}",
        &["an objectSelector does not follow owners"],
    );
    let web = "excludeResourceRules: [{resources: [deployments], resourceNames: [web]}]";
    check_notes(&format!("{{{web}}}"), &[]);
    check_notes(
        &format!("{{resourceRules: [{{resources: [pods, deployments]}}], {web}}}"),
        &["Pods of the excluded deployments are not excluded, because"],
    );
    check_notes(
        "{excludeResourceRules: [{resources: [replicasets, cronjobs]}]}",
        &["all replicasets are excluded, and the Pods of each with it"],
    );
}

#[test]
fn file_with_an_invalid_binding_keeps_the_others() {
    let one = |name: &str| HEAD.replace("nsa", name) + "spec: {controls: [C-0057]}\n";
    check(
        &format!(
            "{}---\nkind: Pod\napiVersion: v1\n---\n{}---\n{}",
            one("a"),
            one("b"),
            one("a")
        ),
        &[
            "a",
            "b",
            r#"b.yaml:6:1: this is "Pod" of "v1", but only ControlBinding of kubevet.io/v1alpha1 belongs here: move or fix it"#,
            r#"b.yaml:16:18: another binding is named "a" (b.yaml:3): this one is ignored; choose another name"#,
        ],
    );
    check(
        "",
        &[
            "b.yaml: the file holds no binding: write `apiVersion: kubevet.io/v1alpha1`, `kind: ControlBinding`, a name, and what it covers in `spec`",
        ],
    );
    check(
        &one("Not_a_name"),
        &[
            "b.yaml:3:18: \"Not_a_name\" is not a valid object name: write lower-case letters, digits, \"-\" and \".\", at most 253",
        ],
    );
    let json = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"kubevet.io/v1alpha1","kind":"ControlBinding","metadata":{"name":"j","uid":"1","generation":2},"spec":{"controls":["C-0057"]},"status":{}}]}"#;
    check(json, &["j"]);
}

#[test]
fn every_binding_of_a_folder_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let library = embedded().0;
    let load = || {
        let LoadedBindings {
            bindings, problems, ..
        } = load_bindings(dir.path(), &library);
        let names: Vec<String> = bindings.into_iter().map(|binding| binding.name).collect();
        let prefix = format!("{}/", dir.path().display());
        (
            names,
            problems
                .iter()
                .map(|problem| problem.to_string().replace(&prefix, ""))
                .collect::<Vec<_>>(),
        )
    };
    assert!(
        load().1[0].ends_with("what it covers in `spec`"),
        "{:?}",
        load()
    );
    let one = |name: &str| HEAD.replace("nsa", name) + "spec: {controls: [C-0057]}\n";
    for (file, text) in [
        ("a.yaml", one("a")),
        ("b.YML", one("b")),
        ("c.json", one("a")),
        (".d.yaml", one("d")),
        ("e.txt", one("e")),
    ] {
        fs::write(dir.path().join(file), text).unwrap();
    }
    fs::create_dir(dir.path().join("f.yaml")).unwrap();
    let (names, problems) = load();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("c.json:3:18: another binding is named \"a\" ("),
        "{problems:?}"
    );
    assert!(
        load_bindings(&dir.path().join("none"), &library).problems[0].message == "does not exist"
    );
    let loaded = load_bindings(&dir.path().join("e.txt"), &library);
    let names: Vec<&str> = loaded
        .bindings
        .iter()
        .map(|binding| &*binding.name)
        .collect();
    assert_eq!(
        (names, loaded.problems),
        (vec!["e"], Vec::new()),
        "a file that is named"
    );
}

#[test]
fn key_tables_cover_the_format() {
    assert!(binding_keys().iter().any(|entry| entry.at == "spec"
        && entry.keys.contains(&"onOwned")
        && entry.required.is_empty()));
    assert!(
        binding_keys()
            .iter()
            .any(|entry| entry.at.ends_with("resourceRules[]") && entry.required == ["resources"])
    );
    assert!(binding_enums().iter().all(|(_, words)| !words.is_empty()));
}

/// A file that is read while it is written is a prefix: it is rejected, or denies no less than the
/// whole.
#[test]
fn truncated_example_is_rejected_or_denies_no_less() {
    let text = fs::read_to_string(concat!(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../.."),
        "/examples/gate/bindings/security.yaml"
    ))
    .unwrap();
    let library = embedded().0;
    let read = |text: &str| read_bindings(&"b.yaml".into(), text.as_bytes(), &library);
    let whole = read(&text).bindings.remove(0);
    let mut taken = 0;
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let LoadedBindings {
            bindings, problems, ..
        } = read(&text[..end]);
        for binding in bindings.iter().filter(|_| problems.is_empty()) {
            taken += 1;
            assert_eq!(binding.actions, whole.actions, "up to byte {end}");
            assert!(
                whole
                    .controls
                    .iter()
                    .all(|id| binding.controls.contains(id)),
                "up to byte {end}"
            );
        }
    }
    assert!(taken > 0, "some beginnings are whole bindings");
}
