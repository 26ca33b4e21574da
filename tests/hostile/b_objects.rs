//! B1, B3, B4 and B6: every position, kind, version, subresource and spelling of a privileged
//! container, and operations that are never denied.

use crate::{
    attack_connection::post,
    attack_objects::{
        Review, clean_pod, container, merge, pod, pod_with, privileged, privileged_pod, workload,
    },
    attack_scale::share_machine,
    attacked_server::{Server, ServerSetup, binding},
};
use serde_json::{Value, json};

/// The acceptable verdicts.
pub(crate) const DENIED: &[&str] = &["denied"];
pub(crate) const WARNED: &[&str] = &["warned"];
pub(crate) const ALLOWED: &[&str] = &["allowed"];
pub(crate) const PASSED: &[&str] = &["allowed", "warned"];
pub(crate) const NOT_CLEAN: &[&str] = &["denied", "warned"];
pub(crate) const ANY: &[&str] = &["denied", "warned", "allowed"];

/// A server with a binding over the controls of these tables.
pub(crate) fn server() -> Server {
    let controls = "[C-0038, C-0041, C-0045, C-0046, C-0048, C-0057, C-0074, K-0001, K-0002]";
    ServerSetup::with(&[binding("sem", controls, "validationActions: [Deny]")]).start()
}

/// Checks all cases and reports every failed one.
#[track_caller]
pub(crate) fn check_all(server: &mut Server, cases: Vec<(&str, String, &[&str])>) {
    let failures: Vec<String> = cases
        .into_iter()
        .filter_map(|(name, body, right)| {
            let response = post(server, body);
            let response = response.review_response("u-1");
            let verdict = match (
                response["allowed"] == true,
                response.contains_key("warnings"),
            ) {
                (false, _) => "denied",
                (true, true) => "warned",
                (true, false) => "allowed",
            };
            (!right.contains(&verdict))
                .then(|| format!("{name}: {verdict}, not {right:?}: {response:?}"))
        })
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
    server.assert_running();
}

fn created(object: &Value) -> String {
    Review::create(object).to_json()
}

#[test]
fn b1_privileged_container_is_found_in_every_position() {
    let _machine = share_machine();
    let side = merge(privileged("i"), &json!({"restartPolicy": "Always"}));
    let ephemeral = merge(privileged("dbg"), &json!({"targetContainerName": "a"}));
    let with = |key: &str, value: Value| pod_with(&[container("a")], &json!({key: [value]}));
    let scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "w"}, "spec": {"replicas": 3}});
    let bind = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [privileged_pod()]});
    let update = |old: &Value, new: &Value, sub: &str| Review::update(old, new).sub_resource(sub);
    let mut cases = vec![
        (
            "B1.1 init",
            created(&with("initContainers", privileged("i"))),
            DENIED,
        ),
        (
            "B1.2 sidecar",
            created(&with("initContainers", side)),
            DENIED,
        ),
        (
            "B1.3 ephemeral",
            update(
                &clean_pod(),
                &with("ephemeralContainers", ephemeral),
                "ephemeralcontainers",
            )
            .to_json(),
            DENIED,
        ),
        (
            "B1.4 clean ephemeral",
            update(
                &clean_pod(),
                &with("ephemeralContainers", container("dbg")),
                "ephemeralcontainers",
            )
            .to_json(),
            ALLOWED,
        ),
        (
            "B1.5 resize",
            update(&clean_pod(), &clean_pod(), "resize").to_json(),
            ALLOWED,
        ),
        (
            "B1.6 resize of old",
            update(&privileged_pod(), &privileged_pod(), "resize").to_json(),
            WARNED,
        ),
        (
            "B1.7 resize adds",
            update(&clean_pod(), &privileged_pod(), "resize").to_json(),
            DENIED,
        ),
        (
            "B1.8 status",
            update(&clean_pod(), &privileged_pod(), "status").to_json(),
            PASSED,
        ),
        (
            "B1.9 scale",
            update(&scale, &scale, "scale")
                .resource("apps", "v1", "deployments")
                .to_json(),
            ALLOWED,
        ),
        (
            "B1.10 binding",
            Review::create(&bind)
                .sub_resource("binding")
                .resource("", "v1", "pods")
                .to_json(),
            ALLOWED,
        ),
        ("B1.29 List", created(&list), ANY),
        (
            "B1.24 custom",
            created(&merge(
                made("Deployment"),
                &json!({"apiVersion": "foo.io/v1"}),
            )),
            ANY,
        ),
        (
            "B1.22 extensions",
            created(&merge(
                made("Deployment"),
                &json!({"apiVersion": "extensions/v1beta1"}),
            )),
            ANY,
        ),
        (
            "B1.23 extensions",
            created(&merge(
                made("DaemonSet"),
                &json!({"apiVersion": "extensions/v1beta1"}),
            )),
            ANY,
        ),
        (
            "B1.19 beta",
            created(&merge(
                made("CronJob"),
                &json!({"apiVersion": "batch/v1beta1"}),
            )),
            DENIED,
        ),
        (
            "B1.20 beta",
            created(&merge(
                made("Deployment"),
                &json!({"apiVersion": "apps/v1beta1"}),
            )),
            DENIED,
        ),
        (
            "B1.21 beta",
            created(&merge(
                made("StatefulSet"),
                &json!({"apiVersion": "apps/v1beta2"}),
            )),
            DENIED,
        ),
    ];
    for kind in [
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "PodTemplate",
        "ReplicationController",
    ] {
        cases.push((kind, created(&made(kind)), DENIED));
    }
    // The request names a Pod; the object's own kind cannot change that.
    for (name, over) in [
        ("B1.25", json!({"kind": "pod"})),
        ("B1.26", json!({"kind": "Service"})),
        ("B1.27", json!({"apiVersion": "foo/v1"})),
        ("B1.28", json!({"kind": null, "apiVersion": null})),
    ] {
        let review = created(&privileged_pod());
        let body = Review::create(&merge(privileged_pod(), &over))
            .kind("", "v1", "Pod")
            .resource("", "v1", "pods")
            .to_json();
        assert_ne!(review, body);
        cases.push((name, body, DENIED));
    }
    check_all(&mut server(), cases);
}

fn made(kind: &str) -> Value {
    workload(kind, &json!({"containers": [privileged("a")]}))
}

#[test]
fn b3_operations_without_object_are_never_denied() {
    let _machine = share_machine();
    let options = |kind: &str, more: Value| {
        merge(
            json!({"apiVersion": "v1", "kind": kind, "container": "a"}),
            &more,
        )
    };
    let exec = |command: &str| {
        options(
            "PodExecOptions",
            json!({"command": [command], "stdin": true}),
        )
    };
    let long = format!("\u{1b}[31mred\n{}", "y".repeat(1_000_000));
    let null = Review::connect("exec", &Value::Null)
        .kind("", "v1", "PodExecOptions")
        .resource("", "v1", "pods");
    let mut server = server();
    check_all(
        &mut server,
        vec![
            (
                "B3.54 DELETE",
                Review::of("DELETE", &Value::Null, &privileged_pod()).to_json(),
                PASSED,
            ),
            (
                "B3.55 exec",
                Review::connect("exec", &exec("sh")).to_json(),
                DENIED,
            ),
            (
                "B3.56 attach",
                Review::connect(
                    "attach",
                    &options("PodAttachOptions", json!({"stdin": true})),
                )
                .to_json(),
                DENIED,
            ),
            (
                "B3.57 port-forward",
                Review::connect(
                    "portforward",
                    &options("PodPortForwardOptions", json!({"ports": [80]})),
                )
                .to_json(),
                DENIED,
            ),
            ("B3.60 no options", null.to_json(), DENIED),
            (
                "B3.61 long",
                Review::connect("exec", &exec(&long)).to_json(),
                DENIED,
            ),
        ],
    );
    let before = server.metric("kubevet_denials_total");
    let dry = Review::create(&privileged_pod())
        .with("dryRun", true)
        .to_json();
    check_all(&mut server, vec![("B3.62 dry run", dry, DENIED)]);
    assert!(
        (server.metric("kubevet_denials_total") - before).abs() < 0.5,
        "B3.63"
    );
}

#[test]
fn b4_odd_spellings_and_wrong_types_hide_no_finding() {
    let _machine = share_machine();
    let capable = |name: &str| {
        created(&pod(&[merge(
            container("a"),
            &json!({"securityContext": {"capabilities": {"add": [name]}}}),
        )]))
    };
    let mut cases = Vec::new();
    for name in [
        "SYS_ADMIN",
        "CAP_SYS_ADMIN",
        "sys_admin",
        "cap_sys_admin",
        "Cap_Sys_Admin",
        "ALL",
        "all",
        "CAP_ALL",
        "cap_all",
    ] {
        cases.push((name, capable(name), DENIED));
    }
    // No runtime accepts these.
    for name in [
        " SYS_ADMIN",
        "SYS_ADMIN ",
        "SYS_ADMIN\0",
        "\u{405}YS_ADMIN",
        "CAP_CAP_SYS_ADMIN",
    ] {
        cases.push((name, capable(name), ANY));
    }
    let clean = created(&clean_pod());
    let put = |old: &str, new: &str| {
        assert!(clean.contains(old));
        clean.replacen(old, new, 1)
    };
    let containers = format!(r#""containers":[{}]"#, container("a"));
    let spec = format!(r#""spec":{}"#, clean_pod()["spec"]);
    let string =
        created(&privileged_pod()).replacen(r#""privileged":true"#, r#""privileged":"true""#, 1);
    cases.extend([
        ("B4.78 a text", string, ANY),
        ("B4.79 null", put(&containers, r#""containers":null"#), ANY),
        ("B4.80 a map", put(&containers, r#""containers":{}"#), ANY),
        (
            "B4.81 a map of one",
            put(
                &containers,
                &format!(r#""containers":{{"a":{}}}"#, privileged("a")),
            ),
            ANY,
        ),
        ("B4.82 spec null", put(&spec, r#""spec":null"#), ANY),
        ("B4.83 spec a list", put(&spec, r#""spec":[1]"#), ANY),
        (
            "B4.84 nonsense",
            put(&containers, r#""containers":[null,1,"x"]"#),
            ANY,
        ),
        (
            "B4.85 metadata null",
            put(
                &format!(r#""metadata":{}"#, clean_pod()["metadata"]),
                r#""metadata":null"#,
            ),
            ANY,
        ),
    ]);
    let nulls = merge(container("a"), &json!({"securityContext": null}));
    cases.push((
        "B4.86 nulls beside it",
        created(&pod_with(
            &[nulls],
            &json!({"initContainers": [privileged("i")]}),
        )),
        DENIED,
    ));
    let windows = json!({"securityContext": {"windowsOptions": {"hostProcess": true}}});
    cases.push((
        "B4.87 hostProcess",
        created(&pod_with(&[container("a")], &windows)),
        DENIED,
    ));
    let pid = created(&pod_with(&[container("a")], &json!({"hostPID": true})));
    cases.push((
        "B4.88 twice",
        pid.replacen(r#""hostPID":true"#, r#""hostPID":false,"hostPID":true"#, 1),
        DENIED,
    ));
    for path in [
        "/var/run/docker.sock",
        "/var/run/../run/docker.sock",
        "//run//docker.sock",
        "/run/docker.sock/",
        "/run/./docker.sock",
        "/var/run",
        "/",
    ] {
        let mounts = merge(
            container("a"),
            &json!({"volumeMounts": [{"name": "v", "mountPath": "/m"}]}),
        );
        let volumes = json!({"volumes": [{"name": "v", "hostPath": {"path": path}}]});
        cases.push((path, created(&pod_with(&[mounts], &volumes)), DENIED));
    }
    let unnamed = merge(
        privileged_pod(),
        &json!({"metadata": {"name": null, "generateName": "p-"}}),
    );
    cases.push((
        "B6 generateName",
        Review::create(&unnamed).with("name", "").to_json(),
        DENIED,
    ));
    let elsewhere = merge(
        privileged_pod(),
        &json!({"metadata": {"namespace": "kube-system"}}),
    );
    cases.push(("B6 namespace", created(&elsewhere), DENIED));
    check_all(&mut server(), cases);
}
