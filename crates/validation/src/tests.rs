//! Tables: an object, and what is reported of it.

use super::{SchemaMode, SchemaOptions, Validation, validate};
use kubevet_document::{self as document, Limits};

fn validated(text: &str, options: SchemaOptions) -> Validation {
    let parsed = document::read(&"x.yaml".into(), text.as_bytes(), &Limits::default());
    assert_eq!(parsed.problems, [], "{text}");
    validate(&parsed.documents[0], &options)
}

fn at(minor: u8) -> SchemaOptions {
    SchemaOptions {
        minor,
        ..SchemaOptions::default()
    }
}

/// Checks what is reported of an object: problems with positions, then findings with paths.
#[track_caller]
fn check_at(minor: u8, text: &str, expected: &[&str]) {
    let found = validated(text, at(minor));
    let problems = found.problems.iter().map(ToString::to_string);
    let findings = found
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.path, finding.message));
    let all: Vec<String> = problems.chain(findings).collect();
    assert_eq!(all, expected, "{text}");
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_at(36, text, expected);
}

/// Checks one value of a container, by the end of the message; empty if it is right.
#[track_caller]
fn check_container(field: &str, expected: &str) {
    check_in("  containers: [{name: a, ", field, "}]", expected);
}

#[track_caller]
fn check_in(before: &str, field: &str, after: &str, expected: &str) {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n{before}{field}{after}\n"
    );
    let found = validated(&text, at(36));
    let messages: Vec<&str> = found
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    let message = messages.first().copied().unwrap_or_default();
    let message = message
        .strip_prefix("the API server refuses this object: ")
        .unwrap_or(message);
    assert_eq!(message, expected, "{field}");
    assert_eq!(found.findings, [], "{field}");
}

#[test]
fn value_has_the_type_that_the_server_decodes() {
    let privileged = "spec.containers[0].securityContext.privileged must be true or false, but is";
    for (value, expected) in [
        ("true", String::new()),
        ("null", String::new()),
        ("", String::new()),
        ("yes", String::new()),
        (
            "\"true\"",
            format!("{privileged} a string; remove the quotes"),
        ),
        ("1", format!("{privileged} a number")),
        ("[]", format!("{privileged} a list")),
        ("{}", format!("{privileged} a map")),
        (
            "'${PRIV}'",
            format!("{privileged} a string that looks like a template that was not rendered"),
        ),
        (
            "'{{ .Values.privileged }}'",
            format!("{privileged} a string that looks like a template that was not rendered"),
        ),
    ] {
        check_container(
            &format!("securityContext: {{privileged: {value}}}"),
            &expected,
        );
    }
    for (field, expected) in [
        ("ports: []", ""),
        ("ports: null", ""),
        ("ports: [null]", ""),
        (
            "ports: {}",
            "spec.containers[0].ports must be a list, but is a map",
        ),
        (
            "ports: 80",
            "spec.containers[0].ports must be a list, but is a number",
        ),
        (
            "ports: [80]",
            "spec.containers[0].ports[0] must be a map, but is a number",
        ),
        (
            "ports: [{containerPort: \"80\"}]",
            "spec.containers[0].ports[0].containerPort must be a whole number, but is a string; remove the quotes",
        ),
        ("ports: [{containerPort: 80.0}]", ""),
        ("ports: [{containerPort: 8e1}]", ""),
        (
            "ports: [{containerPort: 80.5}]",
            "spec.containers[0].ports[0].containerPort must be a whole number, but is a number with a fraction",
        ),
        (
            "ports: [{containerPort: 3000000000}]",
            "spec.containers[0].ports[0].containerPort must be a whole number, but is beyond 32 bits",
        ),
        ("env: [{name: A, value: \"1\"}]", ""),
        (
            "env: [{name: A, value: 1}]",
            "spec.containers[0].env[0].value must be a string, but is a number; put it in quotes",
        ),
        (
            "env: [{name: A, value: true}]",
            "spec.containers[0].env[0].value must be a string, but is a boolean; put it in quotes",
        ),
        (
            "env: {A: b}",
            "spec.containers[0].env must be a list, but is a map",
        ),
        ("securityContext: null", ""),
        (
            "securityContext: []",
            "spec.containers[0].securityContext must be a map, but is a list",
        ),
        (
            "command: sh",
            "spec.containers[0].command must be a list, but is a string",
        ),
        (
            "command: [sleep, 5]",
            "spec.containers[0].command[1] must be a string, but is a number; put it in quotes",
        ),
        ("resources: {limits: {cpu: 1}}", ""),
        ("resources: {limits: {cpu: 0.5, memory: 1Gi}}", ""),
        ("resources: {limits: {cpu: null}}", ""),
        (
            "resources: {limits: {memory: 1GB}}",
            "spec.containers[0].resources.limits.memory must be a quantity such as 500m or 1Gi, but is another string",
        ),
        (
            "resources: {limits: {cpu: true}}",
            "spec.containers[0].resources.limits.cpu must be a quantity such as 500m or 1Gi, but is a boolean",
        ),
        ("livenessProbe: {httpGet: {port: http}}", ""),
        ("livenessProbe: {httpGet: {port: 80}}", ""),
        (
            "livenessProbe: {httpGet: {port: 80.5}}",
            "spec.containers[0].livenessProbe.httpGet.port must be a whole number or a string, but is a number with a fraction",
        ),
        (
            "livenessProbe: {httpGet: {port: true}}",
            "spec.containers[0].livenessProbe.httpGet.port must be a whole number or a string, but is a boolean; put it in quotes",
        ),
    ] {
        check_container(field, expected);
    }
    check_in("  ", "terminationGracePeriodSeconds: 3000000000", "", "");
    check_in("  ", "nodeSelector: {a: b}", "", "");
    check_in(
        "  ",
        "nodeSelector: {a: 1}",
        "",
        "spec.nodeSelector.a must be a string, but is a number; put it in quotes",
    );
}

#[test]
fn times_and_bytes_are_read_as_the_server_reads_them() {
    let wrong_time = "x.yaml:3:31: the API server refuses this object: metadata.creationTimestamp must be a time such as \
                      2006-01-02T15:04:05Z, but is another string";
    for (time, expected) in [
        ("2024-02-03T04:05:06Z", &[][..]),
        ("2024-02-03T04:05:06.123+01:00", &[]),
        ("null", &[]),
        ("2024-02-03T04:05:06", &[wrong_time]),
        ("''", &[wrong_time]),
        ("yesterday", &[wrong_time]),
    ] {
        let text =
            format!("apiVersion: v1\nkind: Namespace\nmetadata: {{creationTimestamp: {time}}}\n");
        check(&text, expected);
    }
    let wrong_bytes = "x.yaml:4:11: the API server refuses this object: data.a must be a string in base64, but is another string";
    for (data, expected) in [
        ("aGk=", &[][..]),
        ("''", &[]),
        ("\"aG\\nk=\\n\"", &[]),
        ("null", &[]),
        ("hello", &[wrong_bytes]),
        ("hunter2!", &[wrong_bytes]),
        ("aGk", &[wrong_bytes]),
        ("a=k=", &[wrong_bytes]),
    ] {
        let text =
            format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: {{a: {data}}}\n");
        check(&text, expected);
    }
    check(
        "apiVersion: v1\nkind: Secret\ndata:\n  a: 1\nstringData:\n  b: 2\n",
        &[
            "x.yaml:4:6: the API server refuses this object: data.a must be a string in base64, but is a number; put it in quotes",
            "x.yaml:6:6: the API server refuses this object: stringData.b must be a string, but is a number; put it in quotes",
        ],
    );
}

#[test]
fn unknown_field_has_a_suggestion() {
    // Each field with the place that it is in, and the end of the message.
    for (place, key, expected) in [
        ("", "spce", ": did you mean spec?"),
        ("", "Spec", ": did you mean spec?"),
        ("", "replicas", ": it belongs to spec"),
        ("", "labels", ": it belongs to metadata"),
        ("metadata", "label", ": did you mean labels?"),
        ("metadata", "Name", ": did you mean name?"),
        ("spec", "replica", ": did you mean replicas?"),
        ("spec", "containers", ": it belongs to spec.template.spec"),
        ("spec", "nodeSelector", ": it belongs to spec.template.spec"),
        (
            "spec",
            "restartPolicy",
            ": it belongs to spec.template.spec",
        ),
        (
            "template",
            "containers",
            ": it belongs to spec.template.spec",
        ),
        ("pod", "container", ": did you mean containers?"),
        ("pod", "securitycontext", ": did you mean securityContext?"),
        ("pod", "replicas", ": it belongs to spec"),
        (
            "pod",
            "runAsNonRoot",
            ": it belongs to spec.template.spec.securityContext",
        ),
        (
            "pod",
            "privileged",
            ": it belongs to spec.template.spec.containers[].securityContext",
        ),
        (
            "container",
            "runAsNonroot",
            ": did you mean runAsNonRoot of spec.template.spec.containers[0].securityContext?",
        ),
        (
            "container",
            "hostNetwork",
            ": it belongs to spec.template.spec",
        ),
        ("container", "volumes", ": it belongs to spec.template.spec"),
        (
            "container",
            "imagePullSecrets",
            ": it belongs to spec.template.spec",
        ),
        (
            "container",
            "imagePullpolicy",
            ": did you mean imagePullPolicy?",
        ),
        (
            "container",
            "limits",
            ": it belongs to spec.template.spec.containers[0].resources",
        ),
        ("container", "volumeMount", ": did you mean volumeMounts?"),
        ("container", "port", ": did you mean ports?"),
        ("container", "xyzzy", ""),
        ("context", "runAsNonroot", ": did you mean runAsNonRoot?"),
        (
            "context",
            "fsGroup",
            ": it belongs to spec.template.spec.securityContext",
        ),
        ("context", "hostPID", ": it belongs to spec.template.spec"),
    ] {
        let line = |of: &str| {
            if of == place {
                format!("{key}: null, ")
            } else {
                String::new()
            }
        };
        let text = format!(
            "{{apiVersion: apps/v1, kind: Deployment, {} metadata: {{{}}}, spec: {{{} template: {{{} spec: {{{} \
             containers: [{{{} securityContext: {{{}}}}}]}}}}}}}}",
            line(""),
            line("metadata"),
            line("spec"),
            line("template"),
            line("pod"),
            line("container"),
            line("context")
        );
        let found = validated(&text, at(36));
        assert_eq!(found.problems, [], "{key}");
        let messages: Vec<&str> = found
            .findings
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [format!("unknown field {key} is dropped{expected}")],
            "{key} in {place:?}"
        );
    }
}

#[test]
fn dropped_security_setting_is_high() {
    for (field, expected) in [
        ("securitycontext: {}", Some("high")),
        ("securityContext: {runAsNonroot: true}", Some("high")),
        ("securityContext: {xyzzy: true}", Some("high")),
        (
            "securityContext: {capabilities: {dropp: [ALL]}}",
            Some("high"),
        ),
        ("privileged: false", Some("high")),
        ("imagePullpolicy: Always", None),
        ("xyzzy: 1", None),
    ] {
        let text =
            format!("apiVersion: v1\nkind: Pod\nspec: {{containers: [{{name: a, {field}}}]}}\n");
        let found = validated(&text, at(36));
        let severities: Vec<_> = found
            .findings
            .iter()
            .map(|finding| finding.severity.map(|severity| severity.name()))
            .collect();
        assert_eq!(severities, [expected], "{field}");
    }
}

#[test]
fn version_decides_which_fields_and_kinds_there_are() {
    let image = "apiVersion: v1\nkind: Pod\nspec: {volumes: [{name: a, image: {reference: x}}]}\n";
    check(image, &[]);
    let later = "Kubernetes 1.30 drops the field image: it came with 1.31";
    check_at(30, image, &[&format!("spec.volumes[0].image: {later}")]);
    // The table begins with 1.30.
    check_at(
        20,
        "apiVersion: v1\nkind: Pod\nspec: {hostUsers: true}\n",
        &[],
    );
    let claim = "apiVersion: v1\nkind: Pod\nspec: {resourceClaims: [{name: a, source: {}}]}\n";
    check_at(30, claim, &[]);
    check(
        claim,
        &[
            "spec.resourceClaims[0].source: Kubernetes 1.36 drops the field source: 1.30 was the last \
           version with it",
        ],
    );
    let policy = "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingAdmissionPolicy\n";
    check(policy, &[]);
    let late = "Kubernetes 1.35 does not serve admissionregistration.k8s.io/v1 MutatingAdmissionPolicy, which came with 1.36";
    check_at(
        35,
        policy,
        &[
            &format!("x.yaml:1:13: {late}"),
            &format!("apiVersion: {late}"),
        ],
    );
}

#[test]
fn removed_version_is_refused_and_deprecated_one_is_not() {
    let budget = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nspec: {xyzzy: 1}\n";
    let removed = "does not serve policy/v1beta1 PodDisruptionBudget (removed in 1.25): did you mean `apiVersion: \
                   policy/v1`, `kind: PodDisruptionBudget`?";
    for minor in [36, 25] {
        let message = format!("Kubernetes 1.{minor} {removed}");
        check_at(
            minor,
            budget,
            &[
                &format!("x.yaml:1:13: {message}"),
                &format!("apiVersion: {message}"),
            ],
        );
    }
    check_at(
        24,
        budget,
        &[
            "apiVersion: policy/v1beta1 PodDisruptionBudget is deprecated since Kubernetes 1.21, and Kubernetes 1.25 does not \
           serve it: use policy/v1 PodDisruptionBudget",
        ],
    );
    check_at(20, budget, &[]);
    check(
        "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\n",
        &[
            "x.yaml:1:13: Kubernetes 1.36 does not serve policy/v1beta1 PodSecurityPolicy (removed in 1.25), and nothing \
             replaces it",
            "apiVersion: Kubernetes 1.36 does not serve policy/v1beta1 PodSecurityPolicy (removed in 1.25), and nothing \
             replaces it",
        ],
    );
    let severity = |minor| {
        validated(budget, at(minor)).findings[0]
            .severity
            .map(|severity| severity.name())
    };
    assert_eq!((severity(36), severity(24)), (None, Some("low")));
}

#[test]
fn kind_that_is_not_built_in_is_not_judged() {
    for text in [
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {xyzzy: 1}\n",
        "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nspec: 5\n",
        "apiVersion: v1\nkind: Deployment\nspec: {xyzzy: 1}\n",
    ] {
        assert_eq!(validated(text, at(36)), Validation::default(), "{text}");
    }
}

#[test]
fn mode_decides_what_is_a_problem() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  xyzzy: 1\n  hostPID: 5\n";
    let in_mode = |mode| validated(text, SchemaOptions { mode, minor: 36 });
    assert_eq!(in_mode(SchemaMode::Off), Validation::default());
    let warn = in_mode(SchemaMode::Warn);
    assert_eq!((warn.problems.len(), warn.findings.len()), (1, 1));
    let strict = in_mode(SchemaMode::Strict);
    let problems: Vec<String> = strict.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2);
    assert_eq!(problems[1], "x.yaml:4:3: unknown field xyzzy is dropped");
    assert_eq!(strict.findings, warn.findings);
}

#[test]
fn report_of_one_object_is_bounded() {
    let keys: String = (0..100)
        .map(|number| format!("  unknown{number}: 1\n"))
        .collect();
    let labels: String = (0..100)
        .map(|number| format!("    label{number}: 1\n"))
        .collect();
    let text = format!("apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n{labels}spec:\n{keys}");
    let found = validated(&text, at(36));
    assert_eq!((found.problems.len(), found.findings.len()), (31, 30));
    assert_eq!(
        found.problems[30].message,
        "70 more values of this object have a wrong type"
    );
    let last = &found.findings[29].message;
    assert!(
        last.ends_with("; not listed: 70 more unknown fields of this object"),
        "{last}"
    );
    let long = format!("apiVersion: v1\nkind: Pod\n{}: 1\n", "x".repeat(1_000));
    assert!(validated(&long, at(36)).findings[0].message.chars().count() < 400);
}

#[test]
fn deep_object_needs_no_stack() {
    let deep = "{properties: {a: ".repeat(300) + "{}" + &"}}".repeat(300);
    let text = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {{versions: [{{schema: {{openAPIV3Schema: \
         {deep}}}}}]}}\n"
    );
    let limits = Limits {
        depth: 2_000,
        ..Limits::default()
    };
    let parsed = document::read(&"x.yaml".into(), text.as_bytes(), &limits);
    assert_eq!(parsed.problems, []);
    let found = validate(&parsed.documents[0], &at(36));
    assert_eq!((found.problems, found.findings), (Vec::new(), Vec::new()));
}
