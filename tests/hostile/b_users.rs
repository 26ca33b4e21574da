//! B5: the requesting user. No field that the author of an object controls makes a controller of
//! him.

use crate::{
    attack_objects::{Review, merge, privileged_pod},
    attack_scale::share_machine,
    b_objects::{DENIED, WARNED, check_all, server},
};
use serde_json::json;

#[test]
fn b5_forged_owners_and_controllers_are_not_exempt() {
    let _machine = share_machine();
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    let owned = |version: &str, kind: &str, controls: bool| {
        let owner = json!({"apiVersion": version, "kind": kind, "name": "w", "uid": "1", "controller": controls});
        Review::create(&merge(
            privileged_pod(),
            &json!({"metadata": {"ownerReferences": [owner]}}),
        ))
    };
    let of_set = || owned("apps/v1", "ReplicaSet", true);
    let groups = json!([
        "system:serviceaccounts:kube-system",
        "system:masters",
        "system:serviceaccounts"
    ]);
    let masters = json!({"username": "ann", "groups": groups});
    let collector = "system:serviceaccount:kube-system:generic-garbage-collector";
    check_all(
        &mut server(),
        vec![
            ("B5.96", of_set().to_json(), DENIED),
            (
                "B5.97",
                of_set().user(&format!("{controller}2")).to_json(),
                DENIED,
            ),
            (
                "B5.98",
                of_set().with("userInfo", masters).to_json(),
                DENIED,
            ),
            (
                "B5.99",
                of_set()
                    .user("system:serviceaccount:kube-system:ReplicaSet-Controller")
                    .to_json(),
                DENIED,
            ),
            (
                "B5.100",
                of_set()
                    .user("system:serviceaccount:shop:replicaset-controller")
                    .to_json(),
                DENIED,
            ),
            (
                "B5.101",
                of_set().user(&format!("{controller}\n")).to_json(),
                DENIED,
            ),
            (
                "B5.101 blank",
                of_set().user(&format!(" {controller}")).to_json(),
                DENIED,
            ),
            ("B5.102", of_set().user(controller).to_json(), WARNED),
            (
                "B5.103",
                owned("apps/v1", "DaemonSet", true)
                    .user(controller)
                    .to_json(),
                DENIED,
            ),
            (
                "B5.104",
                owned("foo.io/v1", "ReplicaSet", true)
                    .user(controller)
                    .to_json(),
                DENIED,
            ),
            (
                "B5.105",
                owned("apps/v1", "ReplicaSet", false)
                    .user(controller)
                    .to_json(),
                DENIED,
            ),
            (
                "B5.106",
                Review::update(&privileged_pod(), &privileged_pod())
                    .user(collector)
                    .to_json(),
                WARNED,
            ),
        ],
    );
}
