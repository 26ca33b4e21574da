//! What a cluster holds, as `kubectl get … -o yaml` prints it: what controllers made for an owner in
//! the same input is reported once, at the owner.

use super::check;
use kubevet_testkit::test_dir::TestDir;

const POD_SPEC: &str = "{hostPID: true, containers: [{name: c, image: a}]}";

fn object(kind: &str, name: &str, owner: &str, spec: &str) -> String {
    let version = if kind == "Pod" { "v1" } else { "apps/v1" };
    let owners = match owner.split_once('/') {
        None => String::new(),
        Some((kind, name)) => format!(
            ", ownerReferences: [{{apiVersion: apps/v1, kind: {kind}, name: {name}, uid: u, controller: true}}]"
        ),
    };
    let spec = if kind == "Pod" {
        spec.to_owned()
    } else {
        format!(
            "{{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, spec: {spec}}}}}"
        )
    };
    format!(
        "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop{owners}}}\nspec: {spec}\n"
    )
}

#[test]
fn object_of_an_owner_is_left_out_if_it_has_no_findings_of_its_own() {
    let deployment = object("Deployment", "web", "", POD_SPEC);
    let replica_set = object("ReplicaSet", "web-1", "Deployment/web", POD_SPEC);
    let pod = |spec| object("Pod", "web-1-x", "ReplicaSet/web-1", spec);
    let other = POD_SPEC.replace(
        "name: c",
        "name: other, securityContext: {privileged: true}",
    );
    for (objects, expected) in [
        (
            format!("{deployment}{replica_set}{}", pod(POD_SPEC)),
            [
                "+Deployment shop/web",
                "-\nReplicaSet shop",
                "-\nPod shop",
                "+ReplicaSet of Deployment shop/web, which has the same findings",
                "+Pod of ReplicaSet shop/web-1, which has the same findings",
                "+1 defect",
            ]
            .as_slice(),
        ),
        (
            format!("{deployment}{replica_set}{}", pod(&other)),
            &[
                "+Pod shop/web-1-x",
                "+container other is privileged",
                "-Pod of ReplicaSet",
            ],
        ),
        (
            pod(POD_SPEC),
            &["+Pod shop/web-1-x", "-which has the same findings"],
        ),
        (
            object("ReplicaSet", "web-1", "ReplicaSet/web-1", POD_SPEC),
            &["+ReplicaSet shop/web-1", "-which has the same findings"],
        ),
    ] {
        let dir = TestDir::new().file("x.yaml", objects);
        check(
            &dir,
            &["scan", "control", "C-0038,C-0057", "x.yaml"],
            1,
            expected,
        );
    }
}
