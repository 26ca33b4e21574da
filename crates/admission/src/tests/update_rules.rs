//! Which findings of an UPDATE are new.

use super::*;
use crate::finding_key::{FindingKeyHasher, FindingKeys};

#[test]
fn unchanged_finding_of_an_update_is_existing() {
    let violating = || pod(&privileged("web"));
    let relabelled = object(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {a: b}}\n\
         spec: {containers: [{name: web, image: new, securityContext: {privileged: true}}]}",
    );
    let decision = check_privileged(
        denying(&["C-0057"]),
        &update(violating(), relabelled),
        "Warn Existing",
    );
    let mut warnings = decision.warnings.iter();
    assert!(
        warnings.any(|warning| warning.ends_with("(already there)")),
        "{:?}",
        decision.warnings
    );
    let all = Binding {
        on_update: OnUpdate::All,
        ..denying(&["C-0057"])
    };
    check_privileged(all, &update(violating(), violating()), "Deny New");
}

#[test]
fn container_inserted_before_another_is_the_new_one() {
    let two = pod(&format!("{}, {}", privileged("first"), privileged("web")));
    check(
        [denying(&["C-0057"])],
        &update(pod(&privileged("web")), two),
        &[
            "Deny New C-0057 spec.containers[0].securityContext.privileged",
            "Warn Existing C-0057 spec.containers[1].securityContext.privileged",
        ],
    );
}

#[test]
fn value_replaced_by_another_is_new_and_reordered_values_are_not() {
    let with_capability = |capability: &str| {
        pod(&format!(
            "{{name: web, securityContext: {{capabilities: {{add: [NET_ADMIN, {capability}]}}}}}}"
        ))
    };
    check(
        [denying(&["C-0046"])],
        &update(with_capability("SYS_ADMIN"), with_capability("SYS_MODULE")),
        &[
            "Deny New C-0046 spec.containers[0].securityContext.capabilities.add[1]",
            "Warn Existing C-0046 spec.containers[0].securityContext.capabilities.add[0]",
        ],
    );
    let reordered =
        pod("{name: web, securityContext: {capabilities: {add: [SYS_ADMIN, NET_ADMIN]}}}");
    let decision = update(with_capability("SYS_ADMIN"), reordered)
        .decide(&enforcement([denying(&["C-0046"])]));
    assert!(decision.allowed, "{:?}", described(&decision));
}

#[test]
fn pods_of_a_custom_workload_are_compared_as_those_of_a_deployment() {
    let rollout = |replicas: u32, containers: &str| {
        object(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: web}}\n\
             spec: {{replicas: {replicas}, template: {{spec: {{containers: [{containers}]}}}}}}"
        ))
    };
    let old = "C-0057 spec.template.spec.containers[0].securityContext.privileged";
    check(
        [denying(&["C-0057"])],
        &update(
            rollout(1, &privileged("web")),
            rollout(2, &privileged("web")),
        ),
        &[&format!("Warn Existing {old}")],
    );
    let two = format!("{}, {}", privileged("first"), privileged("web"));
    check(
        [denying(&["C-0057"])],
        &update(rollout(1, &privileged("web")), rollout(1, &two)),
        &[
            &format!("Deny New {old}"),
            "Warn Existing C-0057 spec.template.spec.containers[1].securityContext.privileged",
        ],
    );
}

#[test]
fn change_of_a_composed_pod_makes_its_findings_new() {
    let workflow = |metadata: &str, image: &str| {
        object(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{{metadata}}}\n\
             spec: {{templates: [{{name: a, container: {{image: {image}, securityContext: {{privileged: true}}}}}}]}}"
        ))
    };
    let finding = "C-0057 spec.templates[0].container.securityContext.privileged";
    check(
        [denying(&["C-0057"])],
        &update(
            workflow("name: a", "b"),
            workflow("name: a, labels: {c: d}", "b"),
        ),
        &[&format!("Warn Existing {finding}")],
    );
    check(
        [denying(&["C-0057"])],
        &update(workflow("name: a", "b"), workflow("name: a", "c")),
        &[&format!("Deny New {finding}")],
    );
}

#[test]
fn ephemeral_container_is_the_new_finding() {
    let debugged = object(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\n\
         spec: {{containers: [{}], ephemeralContainers: [{}]}}",
        privileged("web"),
        privileged("debug")
    ));
    let scenario = Scenario {
        subresource: "ephemeralcontainers",
        ..update(pod(&privileged("web")), debugged)
    };
    check(
        [denying(&["C-0057"])],
        &scenario,
        &[
            "Deny New C-0057 spec.ephemeralContainers[0].securityContext.privileged",
            "Warn Existing C-0057 spec.containers[0].securityContext.privileged",
        ],
    );
}

#[test]
fn object_being_deleted_may_be_updated_and_gains_no_exemption_for_new_findings() {
    let deleting = |finalizers: &str| {
        privileged_pod(&format!(
            "name: web, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: {finalizers}"
        ))
    };
    let all = || Binding {
        on_update: OnUpdate::All,
        ..denying(&["C-0057"])
    };
    let finalizer_removed = update(deleting("[a]"), deleting("[]"));
    check_privileged(all(), &finalizer_removed, "Warn Deleting");
    // The containers of an object that is being deleted still run.
    let clean = object(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web}]}",
    );
    check_privileged(all(), &update(clean, deleting("[a]")), "Deny New");
}

#[test]
fn status_write_is_warned_of_and_delete_is_not_evaluated() {
    let all = || Binding {
        on_update: OnUpdate::All,
        ..denying(&["C-0057"])
    };
    let status = Scenario {
        subresource: "status",
        ..update(pod("{name: a}"), pod(&privileged("web")))
    };
    check_privileged(all(), &status, "Warn StatusWrite");
    let delete = Scenario {
        operation: Operation::Delete,
        object: None,
        ..create(pod(&privileged("web")))
    };
    check([all()], &delete, &[]);
}

#[test]
fn list_elements_are_compared_by_their_merge_keys() {
    let with_ports = |ports: &str, list: &str| {
        let first = if list == "containers" {
            ""
        } else {
            "containers: [{name: app}], "
        };
        object(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\n\
             spec: {{{first}{list}: [{{name: web, env: [], ports: [{ports}], \
             securityContext: {{privileged: true}}}}]}}"
        ))
    };
    let is_allowed = |controls: &[&str], old: Document, new: Document| {
        update(old, new)
            .decide(&enforcement([denying(controls)]))
            .allowed
    };
    let port = |number: u16| format!("{{containerPort: 80, hostPort: {number}}}");
    let containers = |ports: &str| with_ports(ports, "containers");
    let two_ports = format!("{{containerPort: 81}}, {}", port(80));
    assert!(
        is_allowed(&["C-0044"], containers(&port(80)), containers(&two_ports)),
        "a port inserted before it changes no key"
    );
    assert!(
        !is_allowed(&["C-0044"], containers(&port(80)), containers(&port(81))),
        "another host port is another finding"
    );
    assert!(
        !is_allowed(
            &["C-0057"],
            with_ports("", "containers"),
            with_ports("", "initContainers")
        ),
        "another list is another finding"
    );
}

/// Another node path behind the same mount, or another host volume under it, reaches other files of
/// the node.
#[test]
fn mount_of_another_volume_or_host_path_is_new() {
    let mounting = |volume: &str, first_path: &str| {
        object(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\n\
             spec: {{containers: [{{name: web, volumeMounts: [{{name: {volume}, mountPath: /a}}]}}], \
             volumes: [{{name: one, hostPath: {{path: {first_path}}}}}, \
             {{name: two, hostPath: {{path: /var/log}}}}]}}"
        ))
    };
    for control in ["C-0045", "C-0048"] {
        let is_denied = |old: Document, new: Document| {
            let decision = update(old, new).decide(&enforcement([denying(&[control])]));
            !decision.allowed
        };
        let before = || mounting("one", "/var/log");
        assert!(!is_denied(before(), before()), "{control}");
        assert!(
            is_denied(before(), mounting("one", "/")),
            "{control}: the path of the volume"
        );
        assert!(
            is_denied(before(), mounting("two", "/var/log")),
            "{control}: the volume"
        );
    }
}

#[test]
fn value_that_many_findings_read_is_hashed_once() {
    let mounts: Vec<String> = (0..2_000)
        .map(|number| format!("{{name: v, mountPath: /m{number}}}"))
        .collect();
    let path = "a".repeat(100_000);
    let pod = object(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\n\
         spec: {{containers: [{{name: web, volumeMounts: [{}]}}], \
         volumes: [{{name: v, hostPath: {{path: /{path}}}}}]}}",
        mounts.join(", ")
    ));
    let verdict = update_verdict(&pod, &policy::embedded().0.params.defaults());
    let findings: Vec<_> = verdict
        .violations
        .iter()
        .filter(|finding| finding.control == "C-0048".into())
        .collect();
    assert_eq!(findings.len(), 2_000);
    let enforcement = Enforcement {
        path_reads: engine().path_reads(),
        ..Enforcement::default()
    };
    let hasher = FindingKeyHasher::new(&pod, &enforcement);
    drop(FindingKeys::new(&hasher, findings));
    let hashed_bytes = hasher.hashed_bytes();
    assert!(hashed_bytes < 500_000, "{hashed_bytes} bytes");
}
