//! B10 to B12: hostile strings in warnings, messages, annotations and metrics. f10 covers the
//! decision log.

use crate::{
    attack_connection::post,
    attack_objects::{
        Review, config_map, container, merge, pod, pod_with, privileged, privileged_pod,
    },
    attack_scale::{scale, share_machine},
    attacked_server::{Server, ServerSetup, binding},
};
use serde_json::{Value, json};

/// Line breaks, terminal control sequences, bidirectional marks, and invisible characters.
const EVIL: &str = "a\n\"\r\u{1b}[31mX\u{1b}]0;t\u{7}\u{2028}\u{2029}\u{202e}RTL\u{200b}\u{85}\u{9b}m\0\u{7f}\u{feff}<b>|`$(x)";

fn servers() -> [Server; 2] {
    [
        ServerSetup::with(&[binding("warn", "['*']", "validationActions: [Warn]")]).start(),
        ServerSetup::with(&[binding("deny", "['*']", "validationActions: [Deny]")]).start(),
    ]
}

/// True if the string has no control and no invisible characters.
fn is_plain(string: &str) -> bool {
    string.chars().all(|character| {
        !character.is_control() && !matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    })
}

#[test]
fn b10_hostile_strings_are_escaped_in_messages() {
    let _machine = share_machine();
    let capability = json!({"securityContext": {"capabilities": {"add": [format!("SYS_ADMIN{EVIL}"), "SYS_ADMIN"]}}});
    let mounts = json!({"volumeMounts": [{"name": EVIL, "mountPath": EVIL}]});
    let volumes = json!({"volumes": [{"name": EVIL, "hostPath": {"path": EVIL}}]});
    let env = json!({"env": [{"name": format!("password{EVIL}"), "value": "x"}]});
    let mut labelled = privileged_pod();
    labelled["metadata"] = json!({"name": EVIL, "labels": {EVIL: EVIL}});
    for mut server in servers() {
        for (name, object) in [
            ("container", pod(&[privileged(EVIL)])),
            (
                "image",
                pod(&[merge(container("a"), &json!({"image": EVIL}))]),
            ),
            ("capability", pod(&[merge(container("a"), &capability)])),
            (
                "volume",
                pod_with(&[merge(container("a"), &mounts)], &volumes),
            ),
            ("environment", pod(&[merge(container("a"), &env)])),
            (
                "ConfigMap key",
                config_map(&[(&format!("password{EVIL}"), "x")]),
            ),
            ("labels", labelled.clone()),
        ] {
            let response = post(
                &server,
                Review::create(&object)
                    .with("name", EVIL)
                    .user(EVIL)
                    .to_json(),
            );
            // The response passes the checks of length, lines and control characters.
            let response = response.review_response("u-1");
            let mut strings: Vec<&str> = Vec::new();
            strings.extend(
                response
                    .get("warnings")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str),
            );
            let annotations = response.get("auditAnnotations").and_then(Value::as_object);
            strings.extend(
                annotations
                    .into_iter()
                    .flatten()
                    .filter_map(|(_, annotation)| annotation.as_str()),
            );
            let message = response
                .get("status")
                .and_then(|status| status["message"].as_str())
                .unwrap_or_default();
            strings.extend(message.lines());
            for string in strings {
                assert!(is_plain(string), "{name}: {string:?}");
            }
            for line in message.lines() {
                let ours = line.starts_with("C-")
                    || line.starts_with("K-")
                    || line.starts_with('\u{2026}');
                assert!(ours, "{name}: a line that is not ours: {line:?}");
            }
        }
        assert!(
            is_plain(&server.metrics().replace('\n', "")),
            "{}",
            server.metrics()
        );
        server.assert_running();
    }
}

#[test]
fn b11_long_strings_are_truncated_in_messages() {
    let _machine = share_machine();
    let long = "x".repeat(scale(300_000, 1_000_000));
    for mut server in servers() {
        for object in [
            pod(&[privileged(&long)]),
            pod(&[merge(
                container("a"),
                &json!({"env": [{"name": format!("password{long}"), "value": "x"}]}),
            )]),
            config_map(&[(&format!("password{long}"), "x")]),
            pod(&[merge(
                container("a"),
                &json!({"image": format!("{long}:latest")}),
            )]),
            pod(&(0..200)
                .map(|index| privileged(&format!("c{index}")))
                .collect::<Vec<_>>()),
        ] {
            let response = post(&server, Review::create(&object).to_json());
            let review = response.review_response("u-1");
            assert!(
                review
                    .get("warnings")
                    .and_then(Value::as_array)
                    .is_none_or(|warnings| warnings.len() <= 16)
            );
            assert!(
                response.body.len() < 32 << 10,
                "{} bytes",
                response.body.len()
            );
        }
        server.assert_running();
    }
}

#[test]
fn b12_metrics_do_not_grow_with_foreign_names() {
    let _machine = share_machine();
    let server = ServerSetup::example().no_decision_log().start();
    post(&server, Review::create(&privileged_pod()).to_json()).review_response("u-1");
    let lines = || server.metrics().lines().count();
    let before = lines();
    let number = scale(150, 400);
    for index in 0..number {
        let object = merge(
            pod(&[privileged(&format!("c{index}"))]),
            &json!({"kind": format!("Kind{index}"), "apiVersion": format!("g{index}.io/v1")}),
        );
        let review = Review::create(&object).with("name", format!("n{index}"));
        post(&server, review.user(&format!("u{index}")).to_json()).review_response("u-1");
        let pod = Review::create(&pod(&[privileged(&format!("c{index}"))]));
        post(&server, pod.user(&format!("u{index}")).to_json()).review_response("u-1");
    }
    let after = lines();
    assert!(after < before + 30, "{before} lines, then {after}");
    // Namespaces are labels, of which a bounded number is kept: a line for each control that finds
    // something in one.
    for index in 0..number {
        let pod = Review::create(&pod(&[privileged("c")])).with("namespace", format!("ns{index}"));
        post(&server, pod.to_json()).review_response("u-1");
    }
    let with_namespaces = lines();
    assert!(
        with_namespaces <= after + 2 * number,
        "{after} lines, then {with_namespaces}"
    );
}
