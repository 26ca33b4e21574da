//! B2 and B9: an UPDATE is denied for new findings, in any disguise, and warned about existing
//! ones.

use crate::{
    attack_objects::{
        Review, clean_pod, config_map, container, merge, pod, pod_with, privileged, privileged_pod,
        workload,
    },
    attack_scale::share_machine,
    attacked_server::{ServerSetup, binding},
    b_objects::{DENIED, NOT_CLEAN, WARNED, check_all, server},
};
use serde_json::{Value, json};

fn capable(names: &[&str]) -> Value {
    pod(&[merge(
        container("a"),
        &json!({"securityContext": {"capabilities": {"add": names}}}),
    )])
}

/// A Pod that mounts one of these volumes.
fn mounting(volume: &str, mount: &Value, volumes: &Value) -> Value {
    let mount = merge(json!({"name": volume, "mountPath": "/m"}), mount);
    pod_with(
        &[merge(container("a"), &json!({"volumeMounts": [mount]}))],
        &json!({"volumes": volumes}),
    )
}

fn going(object: &Value) -> Value {
    merge(
        object.clone(),
        &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x"]}}),
    )
}

#[test]
fn b2_update_is_denied_for_new_findings_only() {
    let _machine = share_machine();
    let (bad, clean) = (privileged_pod(), clean_pod());
    let (a, b, evil) = (container("a"), container("b"), privileged("a"));
    let update = |old: &Value, new: &Value| Review::update(old, new).to_json();
    let volume = |path: &str| json!([{"name": "v", "hostPath": {"path": path}}]);
    let two = json!([{"name": "v", "hostPath": {"path": "/var/log"}}, {"name": "root", "hostPath": {"path": "/"}}]);
    let moved = |inits: &Value, containers: &Value| {
        pod_with(
            std::slice::from_ref(containers),
            &json!({"initContainers": [inits]}),
        )
    };
    let second = |mounts: bool| {
        let mount = json!({"volumeMounts": [{"name": "v", "mountPath": "/m"}]});
        let other = if mounts {
            merge(b.clone(), &mount)
        } else {
            b.clone()
        };
        pod_with(
            &[merge(a.clone(), &mount), other],
            &json!({"volumes": volume("/")}),
        )
    };
    let network = |on: bool| pod_with(std::slice::from_ref(&a), &json!({"hostNetwork": on}));
    let deployment = |of: &Value| workload("Deployment", &json!({"containers": [of]}));
    let template = |on: bool| {
        merge(
            container("a"),
            &json!({"securityContext": {"privileged": on}}),
        )
    };
    let marked = merge(
        bad.clone(),
        &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
    );
    check_all(
        &mut server(),
        vec![
            (
                "B2.30 moved",
                update(
                    &pod(&[evil.clone(), b.clone()]),
                    &pod(&[b.clone(), evil.clone()]),
                ),
                WARNED,
            ),
            (
                "B2.31 renamed",
                update(&bad, &pod(&[privileged("z")])),
                DENIED,
            ),
            (
                "B2.32 swapped",
                update(
                    &pod(&[evil.clone(), b.clone()]),
                    &pod(&[a.clone(), privileged("b")]),
                ),
                DENIED,
            ),
            (
                "B2.33 to init",
                update(&moved(&b, &evil), &moved(&evil, &b)),
                DENIED,
            ),
            (
                "B2.34 another capability",
                update(&capable(&["NET_ADMIN"]), &capable(&["SYS_ADMIN"])),
                DENIED,
            ),
            (
                "B2.35 order",
                update(
                    &capable(&["NET_ADMIN", "NET_RAW"]),
                    &capable(&["NET_RAW", "NET_ADMIN"]),
                ),
                WARNED,
            ),
            (
                "B2.36 one more",
                update(
                    &capable(&["NET_ADMIN"]),
                    &capable(&["NET_ADMIN", "SYS_ADMIN"]),
                ),
                DENIED,
            ),
            (
                "B2.37 spelling",
                update(&capable(&["SYS_ADMIN"]), &capable(&["CAP_SYS_ADMIN"])),
                NOT_CLEAN,
            ),
            (
                "B2.38 image",
                update(
                    &bad,
                    &pod(&[merge(evil.clone(), &json!({"image": "evil/x:1"}))]),
                ),
                WARNED,
            ),
            (
                "B2.39 no old",
                Review::of("UPDATE", &bad, &Value::Null).to_json(),
                DENIED,
            ),
            (
                "B2.40 empty old",
                Review::update(&bad, &bad)
                    .with("oldObject", json!({}))
                    .to_json(),
                DENIED,
            ),
            (
                "B2.41 forged old",
                Review::create(&bad)
                    .with("oldObject", bad.clone())
                    .to_json(),
                DENIED,
            ),
            ("B2.42 going, it says", update(&clean, &marked), DENIED),
            (
                "B2.43 finalizer",
                update(&going(&bad), &going(&bad)),
                WARNED,
            ),
            (
                "B2.44 going, and more",
                update(&going(&clean), &going(&bad)),
                DENIED,
            ),
            (
                "B2.45 created going",
                Review::create(&going(&bad)).to_json(),
                DENIED,
            ),
            (
                "B2.46 path",
                update(
                    &mounting("v", &json!({}), &volume("/var/log")),
                    &mounting("v", &json!({}), &volume("/")),
                ),
                DENIED,
            ),
            (
                "B2.47 writable",
                update(
                    &mounting("v", &json!({"readOnly": true}), &volume("/var/log")),
                    &mounting("v", &json!({"readOnly": false}), &volume("/var/log")),
                ),
                DENIED,
            ),
            (
                "B2.48 volume",
                update(
                    &mounting("v", &json!({}), &two),
                    &mounting("root", &json!({}), &two),
                ),
                DENIED,
            ),
            (
                "B2.49 another container",
                update(&second(false), &second(true)),
                DENIED,
            ),
            (
                "B2.50 labels",
                update(
                    &bad,
                    &merge(bad.clone(), &json!({"metadata": {"labels": {"new": "1"}}})),
                ),
                WARNED,
            ),
            (
                "B2.51 network",
                update(&network(false), &network(true)),
                DENIED,
            ),
            (
                "B2.52 template",
                update(&deployment(&a), &deployment(&evil)),
                DENIED,
            ),
            (
                "B2.53 one name twice",
                update(
                    &pod(&[template(true), template(false)]),
                    &pod(&[template(false), template(true)]),
                ),
                NOT_CLEAN,
            ),
        ],
    );
}

#[test]
fn b9_finding_absent_from_the_old_object_is_new() {
    let _machine = share_machine();
    let controls = "[C-0012, C-0013, C-0016, C-0055, C-0210]";
    let mut server =
        ServerSetup::with(&[binding("b", controls, "validationActions: [Deny]")]).start();
    let bare = |context: Value| {
        pod(&[
            json!({"name": "a", "image": "registry.example.com/a:1", "securityContext": context}),
        ])
    };
    let update = |old: &Value, new: &Value| Review::update(old, new).to_json();
    let seccomp = |kind: &str| {
        bare(
            json!({"seccompProfile": {"type": kind}, "runAsNonRoot": true, "allowPrivilegeEscalation": false}),
        )
    };
    let nothing = bare(json!({}));
    let password = |name: &str, value: &str| {
        pod(&[merge(
            container("a"),
            &json!({"env": [{"name": name, "value": value}]}),
        )])
    };
    check_all(
        &mut server,
        vec![
            (
                "B9.16 root",
                update(&nothing, &bare(json!({"runAsUser": 0}))),
                DENIED,
            ),
            (
                "B9.17 default",
                update(&nothing, &bare(json!({"allowPrivilegeEscalation": true}))),
                NOT_CLEAN,
            ),
            (
                "B9.18 unconfined",
                update(
                    &nothing,
                    &bare(json!({"seccompProfile": {"type": "Unconfined"}})),
                ),
                NOT_CLEAN,
            ),
            (
                "B9.19 unconfined",
                update(&seccomp("RuntimeDefault"), &seccomp("Unconfined")),
                DENIED,
            ),
            (
                "B9.20 value",
                update(
                    &password("DB_PASSWORD", "one"),
                    &password("DB_PASSWORD", "two"),
                ),
                DENIED,
            ),
            (
                "B9.21 name",
                update(&password("DB_PASSWORD", "one"), &password("DB_PWD", "one")),
                DENIED,
            ),
            (
                "B9.22 Cyrillic",
                Review::create(&config_map(&[("\u{440}assword", "x")])).to_json(),
                &["allowed"],
            ),
        ],
    );
}
