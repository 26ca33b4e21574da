//! Objects that Kubernetes would refuse, or store otherwise than they are written.

use super::{check, check_scan, clean, pod};
use kubevet_testkit::test_dir::TestDir;

/// Checks a scan of one file by all controls.
#[track_caller]
fn check_all(name: &str, content: &str, flags: &[&str], code: i32, expected: &[&str]) {
    let dir = TestDir::new().file(name, content);
    let arguments: Vec<&str> = ["scan", name].iter().chain(flags).copied().collect();
    check(&dir, &arguments, code, expected);
}

fn deployment(spec: &str, container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
         {spec}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      hostPID: true\n      containers:\n      \
         - name: web\n        image: web:1\n        {container}\n"
    )
}

#[test]
fn wrong_type_is_a_problem_at_its_value_and_hides_no_finding() {
    for (spec, container, expected) in [
        (
            "replicas: \"3\"",
            "",
            "+x.yaml:6:13: the API server refuses this object: spec.replicas must be a whole number, but is a string",
        ),
        (
            "",
            "securityContext: {privileged: \"true\"}",
            "+containers[0].securityContext.privileged must be true or false, but is a string; remove the quotes",
        ),
        (
            "",
            "securityContext: {privileged: \"${PRIV}\"}",
            "+privileged must be true or false, but is a string that looks like a template that was not rendered",
        ),
        (
            "",
            "ports: {}",
            "+containers[0].ports must be a list, but is a map",
        ),
        (
            "",
            "env: [{name: A, value: 1}]",
            "+env[0].value must be a string, but is a number",
        ),
        (
            "",
            "resources: {limits: {memory: 1GB}}",
            "+limits.memory must be a quantity such as 500m or 1Gi",
        ),
    ] {
        let object = deployment(spec, container);
        check_scan("x.yaml", &object, 2, &[expected, "+hostPID"]);
        check_all(
            "x.yaml",
            &object,
            &["--schema", "off"],
            1,
            &["+hostPID", "-the API server refuses"],
        );
    }
    let dir = TestDir::new().file("x.yaml", deployment("replicas: []", ""));
    let report = dir.run(&["scan", "x.yaml", "-f", "json"]).json();
    assert_eq!(report["problems"][0]["code"], "KV1008");
    assert_eq!(report["problems"][0]["line"], 6);
}

#[test]
fn value_that_kubernetes_converts_is_no_problem() {
    for (spec, container) in [
        ("replicas: 3.0", "ports: null"),
        (
            "replicas: null",
            "resources: {limits: {cpu: 1, memory: 1Gi}}",
        ),
        (
            "strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}}",
            "",
        ),
        ("", "livenessProbe: {httpGet: {port: http}}"),
        ("", "env: [{name: A, value: \"1\"}]"),
    ] {
        check_scan(
            "x.yaml",
            deployment(spec, container),
            1,
            &["+hostPID", "-refuses", "-problem"],
        );
    }
}

#[test]
fn unknown_field_is_a_finding_with_what_was_meant() {
    for (spec, container, expected) in [
        (
            "",
            "securitycontext: {runAsNonRoot: true}",
            "+did you mean securityContext?",
        ),
        (
            "",
            "securityContext: {runAsNonroot: true}",
            "+did you mean runAsNonRoot?",
        ),
        (
            "",
            "imagePullpolicy: Always",
            "+did you mean imagePullPolicy?",
        ),
        (
            "hostNetwork: false",
            "",
            "+it belongs to spec.template.spec",
        ),
        ("", "replicas: 3", "+it belongs to spec"),
        (
            "",
            "runAsNonRoot: true",
            "+it belongs to spec.template.spec.containers[0].securityContext",
        ),
    ] {
        let object = deployment(spec, container);
        check_all("x.yaml", &object, &[], 1, &["+K-0003", expected]);
        check_all(
            "x.yaml",
            &object,
            &["--schema", "strict"],
            2,
            &["+K-0003", expected],
        );
        check_all(
            "x.yaml",
            &object,
            &["--schema", "off"],
            1,
            &["-unknown field"],
        );
    }
    let dir = TestDir::new().file("x.yaml", deployment("", "securitycontext: {}"));
    let report = dir
        .run(&["scan", "control", "K-0003", "x.yaml", "-f", "json"])
        .json();
    let finding = &report["findings"][0];
    assert_eq!(finding["control"], "K-0003");
    assert_eq!(finding["severity"], "high");
    assert_eq!(finding["source"]["line"], 14);
    assert_eq!(finding["source"]["column"], 9);
}

#[test]
fn fields_of_a_kind_that_no_control_checks_are_compared() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80, targetport: 8080}]}\n";
    let stream = format!("{service}---\n{}", clean("a"));
    check_all(
        "x.yaml",
        &stream,
        &[],
        1,
        &["+did you mean targetPort?", "+Service web"],
    );
    // A Service whose fields are right is not called checked: no control looks at what it does.
    let right = stream.replace("targetport", "targetPort");
    check_scan(
        "x.yaml",
        right,
        0,
        &["+1 of 2 objects checked; 1 to which no control applies: Service 1"],
    );
    let custom =
        "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {anything: 1}\n";
    check_all(
        "x.yaml",
        &format!("{custom}---\n{}", pod("a")),
        &[],
        1,
        &["-unknown field"],
    );
}

#[test]
fn removed_version_is_refused_by_the_version_that_removed_it() {
    let budget = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {minAvailable: 1}\n";
    let stream = format!("{}---\n{budget}", pod("a"));
    let removed = "+does not serve policy/v1beta1 PodDisruptionBudget (removed in 1.25): did you mean `apiVersion: policy/v1`";
    check_all("x.yaml", &stream, &[], 2, &["+K-0004", removed]);
    check_all(
        "x.yaml",
        &stream,
        &["--kube-version", "1.25"],
        2,
        &["+K-0004", "+Kubernetes 1.25", removed],
    );
    let deprecated = "+is deprecated since Kubernetes 1.21";
    check_all(
        "x.yaml",
        &stream,
        &["--kube-version", "v1.24.3"],
        1,
        &["+K-0004", deprecated, "+LOW"],
    );
    check_all(
        "x.yaml",
        &stream,
        &["--kube-version", "1.20"],
        1,
        &["-deprecated", "-removed in"],
    );
    check_all("x.yaml", &stream, &["--schema", "off"], 1, &["-removed in"]);
    // It is refused whatever controls are chosen.
    check_scan("x.yaml", &stream, 2, &["-K-0004", removed]);
    check_all(
        "x.yaml",
        &stream,
        &["--kube-version", "latest"],
        2,
        &["+write it like 1.30"],
    );
}

#[test]
fn template_is_named_where_it_cannot_be_read() {
    let template = "+`{{ … }}`: this is a Helm template; scan what `helm template` prints";
    let object = pod("a").replace("true", "{{ .Values.hostPID }}");
    check_scan(
        "deployment.yaml",
        &object,
        2,
        &["+deployment.yaml:4:17:", template],
    );
    check_scan(
        "x.yaml",
        format!("{{{{- if .Values.on }}}}\n{}{{{{- end }}}}\n", pod("a")),
        2,
        &["+x.yaml:1:1:", template],
    );
    check_scan(
        "quoted.yaml",
        pod("a").replace("true", "'{{ .Values.hostPID }}'"),
        2,
        &["+not rendered"],
    );
}

#[test]
fn schema_controls_are_listed_and_explained_and_not_exported() {
    let dir = TestDir::new();
    for (arguments, code, expected) in [
        (&["list", "controls"][..], 0, &["+K-0003", "+K-0004"][..]),
        (
            &["list", "control", "k-0003"],
            0,
            &["+Field that Kubernetes does not know", "+built-in kinds"],
        ),
        (&["list", "frameworks"], 0, &["+schema"]),
        (
            &["policy", "explain", "K-0003"],
            0,
            &["+There is no rule", "+nothing is exported"],
        ),
        (
            &["vap", "generate", "K-0004"],
            2,
            &["+K-0004 is checked by `kubevet scan` alone"],
        ),
        (
            &["vap", "generate", "schema"],
            2,
            &["+`kubevet scan` alone"],
        ),
    ] {
        check(&dir, arguments, code, expected);
    }
}
