//! Which action a finding of a new object has.

use super::*;

#[test]
fn strongest_action_of_the_binding_is_taken() {
    let scenario = create(pod(&privileged("web")));
    check_privileged(denying(&["C-0057"]), &scenario, "Deny New");
    let warns_and_audits = binding(&["C-0057"], &[Action::Warn, Action::Audit]);
    check_privileged(warns_and_audits, &scenario, "Warn New");
    let audits = binding(&["C-0057"], &[Action::Audit]);
    let audited = check_privileged(audits, &scenario, "Audit New");
    assert!(audited.warnings.is_empty());
    assert_eq!(
        audited.annotations.get("audited"),
        Some(&format!("C-0057 {PRIVILEGED_PATH}"))
    );
}

#[test]
fn object_without_finding_has_no_warning_and_no_annotation() {
    let clean = pod("{name: web, securityContext: {allowPrivilegeEscalation: false}}");
    let decision = check([denying(&["C-0016"])], &create(clean), &[]);
    assert_eq!(*decision.evaluated, ["C-0016".into()]);
    assert!(decision.annotations.is_empty() && decision.warnings.is_empty());
}

#[test]
fn strongest_of_several_bindings_is_taken() {
    let warns = Binding {
        name: "a".to_owned(),
        ..binding(&["C-0057"], &[Action::Warn])
    };
    let denies = Binding {
        name: "b".to_owned(),
        ..denying(&["C-0057"])
    };
    let decision = check(
        [warns, denies],
        &create(pod(&privileged("web"))),
        &[&format!("Deny New C-0057 {PRIVILEGED_PATH}")],
    );
    assert_eq!(decision.bindings, ["a", "b"]);
    let message = decision.status.unwrap().message;
    assert!(message.contains("[binding b]"), "{message}");
}

#[test]
fn exempt_namespace_is_warned_of_and_not_denied() {
    let scenario = Scenario {
        namespace: "kubevet",
        ..create(pod(&privileged("web")))
    };
    check_privileged(denying(&["C-0057"]), &scenario, "Warn Exempt");
}

#[test]
fn connection_is_denied_by_the_control_of_its_options() {
    let connect = |subresource: &'static str, options: &str| Scenario {
        operation: Operation::Connect,
        subresource,
        ..create(object(options))
    };
    let exec = connect(
        "exec",
        "apiVersion: v1\nkind: PodExecOptions\ncontainer: web\ncommand: [sh]\n",
    );
    let decision = check([denying(&["K-0001"])], &exec, &["Deny New K-0001 command"]);
    assert!(decision.status.unwrap().message.contains("[pod shop/web]"));
    check([denying(&["C-0057"])], &exec, &[]);
    let proxy = connect(
        "proxy",
        "apiVersion: v1\nkind: NodeProxyOptions\npath: /exec/shop/web/main\n",
    );
    check([denying(&["K-0001"])], &proxy, &["Deny New K-0001 path"]);
}

/// Outcomes are bounded over all bindings, and findings that are not kept are counted.
#[test]
fn outcomes_are_bounded_and_dropped_findings_counted() {
    let containers: Vec<String> = (0..3_000)
        .map(|number| privileged(&format!("c{number}")))
        .collect();
    let bindings: Vec<Binding> = (0..20)
        .map(|number| Binding {
            name: format!("b{number}"),
            ..binding(&["C-0057"], &[Action::Warn])
        })
        .collect();
    let decision = create(pod(&containers.join(", "))).decide(&enforcement(bindings));
    assert_eq!(
        (decision.outcomes.len(), decision.findings_count()),
        (500, 3_000)
    );
    let mut warnings = decision.warnings.iter();
    assert!(
        warnings.any(|warning| warning.contains("(and 2999 more)")),
        "{:?}",
        decision.warnings
    );
}
