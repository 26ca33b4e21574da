//! `kubevet review` of many requests: what bindings would newly deny of recordings, and of the
//! objects of a cluster.

use kubevet_testkit::{
    polling::wait_for,
    raw_connection::{container_spec, create_pod_review, post},
    snapshot::assert_matches_file,
    test_dir::{ProgramRun, TestDir},
    webhook_process::WebhookProcess,
};
use std::fs;

const NEXT: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: next}
spec: {controls: [C-0057, C-0041], validationActions: [Deny]}
";
const OWNER: &str =
    r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-5","controller":true}"#;
const CONTROLLER: &str = "system:serviceaccount:kube-system:replicaset-controller";

fn now() -> String {
    NEXT.replace("next", "now").replace("C-0057, ", "")
}

/// `NEXT` for the namespaces of one label.
fn selective() -> String {
    let selector = "spec: {matchResources: {namespaceSelector: {matchLabels: {tier: front}}}, ";
    NEXT.replace("spec: {", selector)
}

/// The review of creating a Pod: `privileged`, `hostNetwork` or anything else.
fn review(uid: &str, namespace: &str, user: &str, fault: &str) -> String {
    let host = format!("\"spec\":{{\"hostNetwork\":{},", fault == "hostNetwork");
    let spec = container_spec(fault == "privileged").replace("\"spec\":{", &host);
    create_pod_review(uid, &spec)
        .replace("\"shop\"", &format!("\"{namespace}\""))
        .replace("\"ann\"", &format!("\"{user}\""))
        .replace(
            "\"web\"",
            &format!("\"web-{}\"", uid.trim_start_matches("again-")),
        )
}

/// A Pod that the controller creates for a ReplicaSet.
fn owned_review(uid: &str) -> String {
    review(uid, "shop", CONTROLLER, "privileged").replace(
        "\"metadata\":{",
        &format!("\"metadata\":{{\"ownerReferences\":[{OWNER}],"),
    )
}

/// The requests of a week.
fn reviews() -> Vec<(String, String)> {
    let deployer = "system:serviceaccount:ci:deployer";
    [
        ("1", "shop", deployer, "privileged"),
        ("again-1", "shop", deployer, "privileged"),
        ("2", "shop", deployer, "privileged"),
        ("3", "shop", "ann", "privileged"),
        ("4", "app", "ann", "hostNetwork"),
        ("5", "app", "ann", "none"),
    ]
    .into_iter()
    .map(|(uid, namespace, user, fault)| (uid.to_owned(), review(uid, namespace, user, fault)))
    .chain([("6".to_owned(), owned_review("6"))])
    .collect()
}

/// A folder with the bindings, and the requests as files.
fn dir() -> TestDir {
    let dir = TestDir::new()
        .file("next.yaml", NEXT)
        .file("now.yaml", now());
    reviews().into_iter().fold(dir, |dir, (uid, body)| {
        dir.file(&format!("rec/review-{uid}.json"), body)
    })
}

#[track_caller]
fn check_code(run: &ProgramRun, code: i32) {
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (code, ""),
        "{}",
        run.stdout
    );
}

#[track_caller]
fn check_snapshot(name: &str, run: &ProgramRun) {
    assert_matches_file(&format!("tests/cli/snapshots/{name}"), &run.stdout);
}

/// The webhook records under bindings that only warn, and the next bindings are tried on that.
#[test]
fn recording_of_the_webhook_is_replayed() {
    let dir = TestDir::new()
        .file("b/warn.yaml", NEXT.replace("Deny", "Warn"))
        .file("next.yaml", NEXT);
    let path = |name: &str| dir.path().join(name).display().to_string();
    let flags = ["--bindings", &path("b"), "--record", &path("rec")];
    let webhook = WebhookProcess::start(&dir.path().join("tls"), &flags).unwrap();
    let reviews = reviews();
    for (uid, body) in &reviews {
        assert_eq!(post(&webhook, body).review_response(uid)["allowed"], true);
    }
    wait_for("the records", || {
        let files = fs::read_dir(dir.path().join("rec")).unwrap().flatten();
        let is_complete = |path: &std::path::Path| path.extension() == Some("json".as_ref());
        let complete = files.filter(|file| is_complete(&file.path())).count();
        (complete == reviews.len())
            .then_some(())
            .ok_or_else(|| webhook.stderr())
    });
    let run = dir.run(&["review", "--bindings", "next.yaml", "rec"]);
    check_code(&run, 1);
    check_snapshot("replay.txt", &run);
    let copied = self::dir().run(&["review", "--bindings", "next.yaml", "rec"]);
    assert_eq!(run.stdout, copied.stdout, "of the same requests as files");
}

#[test]
fn json_matches_its_snapshot() {
    let run = dir().run(&["review", "--bindings", "next.yaml", "-f", "json", "rec"]);
    check_code(&run, 1);
    check_snapshot("replay.json", &run);
}

/// `--current` leaves out what is denied today, and the exit code is that of what is left.
#[test]
fn exit_code_reflects_what_is_newly_denied() {
    let dir = dir().file("mild.yaml", NEXT.replace("C-0057, C-0041", "C-0045"));
    for (arguments, code, newly_denied, denied_before) in [
        (&["--bindings", "next.yaml", "rec"][..], 1, 5, 0),
        (
            &["--bindings", "next.yaml", "--current", "now.yaml", "rec"],
            1,
            4,
            1,
        ),
        (
            &["--bindings", "next.yaml", "--current", "next.yaml", "rec"],
            0,
            0,
            5,
        ),
        (
            &["--bindings", "now.yaml", "--current", "next.yaml", "rec"],
            0,
            0,
            1,
        ),
        (&["--bindings", "mild.yaml", "rec"], 0, 0, 0),
        (
            &[
                "--bindings",
                "now.yaml",
                "rec/review-4.json",
                "rec/review-5.json",
            ],
            1,
            1,
            0,
        ),
        (
            &[
                "--bindings",
                "now.yaml",
                "rec/review-[56].json",
                "rec/review-5.json",
            ],
            0,
            0,
            0,
        ),
    ] {
        let run = dir.run(&[&["review", "-f", "json"], arguments].concat());
        check_code(&run, code);
        let counted = (
            run.summary("newlyDeniedRequests"),
            run.summary("deniedBefore"),
        );
        assert_eq!(counted, (newly_denied, denied_before), "{arguments:?}");
    }
}

#[test]
fn unreadable_recording_is_named_and_stops_nothing() {
    let dir = dir()
        .file("rec/broken.json", "{\"kind\": \"AdmissionReview\", ")
        .file("rec/cut.json", reviews()[0].1.trim_end_matches('}'))
        .file("rec/data.yaml", "a: b")
        .file("rec/empty.yaml", "")
        .file("rec/kind.yaml", "kind: Pod")
        .file(
            "rec/old.json",
            "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1beta1\"}",
        )
        .file("rec/syntax.yaml", "a: [")
        .file("rec/huge.json", "")
        .file("rec/notes.txt", "not read")
        .file("rec/review-7.part", "{")
        .link("rec/loop.json", "loop.json")
        .link("rec/again", ".");
    let huge = fs::File::create(dir.path().join("rec/huge.json")).unwrap();
    huge.set_len((64 << 20) + 1).unwrap();
    let run = dir.run(&["review", "--bindings", "next.yaml", "-f", "json", "rec"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    for name in [
        "broken.json",
        "cut.json",
        "data.yaml",
        "empty.yaml",
        "kind.yaml",
        "old.json",
        "syntax.yaml",
        "huge.json",
        "loop.json",
    ] {
        let lines = run.stderr.lines();
        let named = lines
            .filter(|line| line.starts_with(&format!("error: rec/{name}:")))
            .count();
        assert_eq!(named, 1, "{name}: {}", run.stderr);
    }
    assert_eq!(run.stderr.lines().count(), 9, "{}", run.stderr);
    assert_eq!(run.problems().len(), 9);
    assert_eq!(run.summary("newlyDeniedRequests"), 5);
}

#[test]
fn replay_of_nothing_fails() {
    let dir = dir()
        .folder("none")
        .file("warn.yaml", NEXT.replace("Deny", "Warn"));
    for (arguments, expected) in [
        (&["rec"][..], "name the bindings to try"),
        (
            &["--bindings", "next.yaml", "none"],
            "there is no request in what was read",
        ),
        (
            &["--bindings", "next.yaml", "missing", "rec"],
            "missing: cannot be read: no such file or folder",
        ),
        (&["--bindings", "missing", "rec"], "missing: does not exist"),
        (
            &["--bindings", "next.yaml", "--current", "missing", "rec"],
            "missing: does not exist",
        ),
        (
            &["--bindings", "next.yaml", "--explain", "rec"],
            "name one file",
        ),
        (
            &["--bindings", "next.yaml", "--explain", "rec", "rec"],
            "name one file",
        ),
    ] {
        let run = dir.run(&[&["review"], arguments].concat());
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert!(run.prints(expected), "{arguments:?}: {run:?}");
    }
    let run = dir.run(&["review", "--bindings", "warn.yaml", "rec"]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr
            .starts_with("note: none of the bindings denies anything"),
        "{run:?}"
    );
}

/// What `kubectl get` prints of a Deployment with its ReplicaSet and Pod, a Pod of its own, and a
/// Pod of the control plane.
fn cluster_dump() -> String {
    let owned_by = |kind: &str, name: &str| {
        format!(
            "ownerReferences: [{{apiVersion: apps/v1, kind: {kind}, name: {name}, controller: true}}]"
        )
    };
    let pod_spec = "{containers: [{name: a, image: b, securityContext: {privileged: true}}]}";
    let object = |version: &str, kind: &str, metadata: &str, spec: &str| {
        format!(
            "- apiVersion: {version}\n  kind: {kind}\n  metadata: {{{metadata}}}\n  spec: {spec}\n"
        )
    };
    let template = format!("{{template: {{spec: {pod_spec}}}}}");
    let replica_set = format!(
        "name: web-5, namespace: shop, {}",
        owned_by("Deployment", "web")
    );
    let pod = format!(
        "name: web-5-x, namespace: shop, {}",
        owned_by("ReplicaSet", "web-5")
    );
    [
        "apiVersion: v1\nkind: List\nitems:\n".to_owned(),
        object(
            "apps/v1",
            "Deployment",
            "name: web, namespace: shop",
            &template,
        ),
        object("apps/v1", "ReplicaSet", &replica_set, &template),
        object("v1", "Pod", &pod, pod_spec),
        object("v1", "Pod", "name: alone, namespace: app", pod_spec),
        object("v1", "Pod", "name: proxy, namespace: kube-system", pod_spec),
    ]
    .concat()
}

#[test]
fn objects_of_a_cluster_are_replayed_and_owned_ones_skipped() {
    let dir = TestDir::new()
        .file("next.yaml", NEXT)
        .file("all.yaml", cluster_dump());
    let piped = dir.run_with_input(
        &["review", "--bindings", "next.yaml", "-"],
        cluster_dump().as_bytes(),
    );
    check_code(&piped, 1);
    check_snapshot("replay-of-a-cluster.txt", &piped);
    let named = dir.run(&[
        "review",
        "--bindings",
        "next.yaml",
        "-f",
        "pretty",
        "all.yaml",
    ]);
    assert_eq!(named.stdout, piped.stdout);
    // Answers, a line each, are still there.
    for arguments in [&["all.yaml"][..], &["-f", "answers", "-"]] {
        let all = [&["review", "--bindings", "next.yaml"], arguments].concat();
        let run = dir.run_with_input(&all, cluster_dump().as_bytes());
        assert_eq!((run.code, run.stdout.lines().count()), (1, 5), "{run:?}");
    }
    // An owner that is not in the input does not count, so what it owns does.
    let pods = cluster_dump().replace("kind: Deployment\n", "kind: StatefulSet\n");
    let run = dir.run_with_input(
        &["review", "--bindings", "next.yaml", "-f", "json", "-"],
        pods.as_bytes(),
    );
    assert_eq!(run.summary("newlyDeniedRequests"), 3, "{}", run.stdout);
    assert_eq!(run.summary("skippedOwned"), 1);
}

/// Where only Pods are bound, a controller is denied them, which the owner's admission hides.
#[test]
fn pod_that_a_controller_would_be_denied_is_listed() {
    let rules =
        "spec: {matchResources: {resourceRules: [{apiGroups: [\"\"], resources: [pods]}]}, ";
    let dir = TestDir::new().file("next.yaml", NEXT.replace("spec: {", rules));
    let run = dir.run_with_input(
        &["review", "--bindings", "next.yaml", "-"],
        cluster_dump().as_bytes(),
    );
    assert_eq!(run.code, 1, "{run:?}");
    // The check of the binding says the same beforehand.
    assert!(
        run.stderr.starts_with("note: next.yaml:")
            && run
                .stderr
                .ends_with("so Pods of existing Deployments will be denied\n"),
        "{run:?}"
    );
    check_snapshot("replay-to-controllers.txt", &run);
}

#[test]
fn labels_of_namespaces_come_from_a_file() {
    let namespaces = "apiVersion: v1\nkind: NamespaceList\nitems:\n\
                      - metadata: {name: shop, labels: {tier: front}}\n- metadata: {name: app}\n";
    let dir = dir()
        .file("by-label.yaml", selective())
        .file("ns.yaml", namespaces)
        .file("some.yaml", namespaces.replace("app", "other"))
        .file(
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
        )
        .file("empty.yaml", "");
    for (file, code, expected) in [
        ("ns.yaml", 1, "4 of 7 requests would newly be denied"),
        (
            "some.yaml",
            2,
            "error: the namespace app is not in some.yaml: add it with its labels",
        ),
        ("pod.yaml", 2, "pod.yaml:1:1: not a Namespace"),
        ("empty.yaml", 2, "empty.yaml: holds no Namespace"),
        ("none.yaml", 2, "cannot read none.yaml"),
    ] {
        let run = dir.run(&[
            "review",
            "--bindings",
            "by-label.yaml",
            "--namespaces",
            file,
            "rec",
        ]);
        assert_eq!(run.code, code, "{file}: {run:?}");
        assert!(run.prints(expected), "{file}: {run:?}");
    }
    // One review is answered by the same labels.
    for (review, namespaces, code, expected) in [
        ("rec/review-1.json", "ns.yaml", 1, ""),
        ("rec/review-4.json", "ns.yaml", 0, ""),
        (
            "rec/review-4.json",
            "some.yaml",
            2,
            "error: the namespace app is not in some.yaml",
        ),
    ] {
        let run = dir.run(&[
            "review",
            "--bindings",
            "by-label.yaml",
            "--namespaces",
            namespaces,
            review,
        ]);
        assert_eq!(run.code, code, "{run:?}");
        assert!(run.stderr.starts_with(expected), "{run:?}");
    }
    let run = dir.run(&["review", "--bindings", "by-label.yaml", "rec"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("give --kubeconfig or --namespaces"),
        "{run:?}"
    );
}
