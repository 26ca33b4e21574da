//! F9: the key of a finding did not contain the volume behind a mount, so an UPDATE could change
//! what a container may write.

use crate::{
    attack_connection::post,
    attack_objects::{Review, container, merge, pod_with, workload},
    attack_scale::share_machine,
    attacked_server::{ServerSetup, assert_allowed, assert_denied, binding},
};
use serde_json::{Value, json};

fn mounts(volume: &str, volumes: &Value) -> Value {
    let mounts = json!({"volumeMounts": [{"name": volume, "mountPath": "/m"}]});
    pod_with(
        &[merge(container("a"), &mounts)],
        &json!({"volumes": volumes}),
    )
}

#[test]
fn f9_b9_volume_behind_an_unchanged_mount_is_part_of_the_finding_key() {
    let _machine = share_machine();
    let server =
        ServerSetup::with(&[binding("b", "[C-0045]", "validationActions: [Deny]")]).start();
    let volume = |path: &str| mounts("v", &json!([{"name": "v", "hostPath": {"path": path}}]));
    let two = json!([{"name": "v", "hostPath": {"path": "/var/log"}}, {"name": "root", "hostPath": {"path": "/"}}]);
    let deployment = |volume: &str| workload("Deployment", &mounts(volume, &two)["spec"]);
    for (name, review) in [
        (
            "B9.13 another path",
            Review::update(&volume("/var/log"), &volume("/")),
        ),
        (
            "B9.14 another volume",
            Review::update(&deployment("v"), &deployment("root")),
        ),
        ("B9.15 created", Review::create(&mounts("root", &two))),
        (
            "an empty folder becomes the node's",
            Review::update(
                &mounts("v", &json!([{"name": "v", "emptyDir": {}}])),
                &volume("/"),
            ),
        ),
    ] {
        let response = post(&server, review.to_json());
        assert_eq!(response.review_response("u-1")["allowed"], false, "{name}");
        assert_denied(&response, "u-1", 403, "C-0045");
    }
    // Existing findings are reported as warnings, whatever else changes.
    let labelled = merge(
        volume("/var/log"),
        &json!({"metadata": {"labels": {"new": "1"}}}),
    );
    assert_allowed(
        &post(
            &server,
            Review::update(&volume("/var/log"), &labelled).to_json(),
        ),
        "u-1",
    );
}
