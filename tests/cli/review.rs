//! `kubevet review`: the response of the webhook without a webhook, and its exit codes.

use kubevet_testkit::{
    raw_connection::{check_review, container_spec, create_pod_review},
    snapshot::assert_matches_file,
    test_dir::TestDir,
};

const STRICT: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec: {controls: [C-0057], validationActions: [Deny]}
";
const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: a, image: b, securityContext: {privileged: true}}]}
";
const NO_UID: &str = "00000000-0000-0000-0000-000000000000";

fn dir() -> TestDir {
    TestDir::new()
        .file("b/strict.yaml", STRICT)
        .file("pod.yaml", POD)
        .file("good.yaml", POD.replace("true", "false"))
        .file(
            "denied.json",
            create_pod_review("u-1", &container_spec(true)),
        )
        .file(
            "allowed.json",
            create_pod_review("u-2", &container_spec(false)),
        )
}

#[test]
fn exit_code_reflects_the_decision() {
    let dir = dir();
    for (file, bindings, code, uid) in [
        ("denied.json", true, 1, "u-1"),
        ("denied.json", false, 0, "u-1"),
        ("allowed.json", true, 0, "u-2"),
        ("pod.yaml", true, 1, NO_UID),
        ("good.yaml", true, 0, NO_UID),
    ] {
        let mut arguments = vec!["review", file];
        if bindings {
            arguments.extend(["--bindings", "b"]);
        }
        let run = dir.run(&arguments);
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (code, ""),
            "{file}: {run:?}"
        );
        assert_eq!(run.stdout.lines().count(), 1);
        assert_eq!(
            check_review(run.stdout.as_bytes(), uid)["allowed"],
            code == 0
        );
    }
    let piped = dir.run_with_input(
        &["review", "--bindings", "b"],
        create_pod_review("u-3", &container_spec(true)).as_bytes(),
    );
    assert_eq!(piped.code, 1);
    check_review(piped.stdout.as_bytes(), "u-3");
    // A truncated review is denied by policy, as the webhook would, without evaluation.
    let broken = create_pod_review("u-4", &container_spec(true));
    let run = dir.run_with_input(
        &["review", "--bindings", "b"],
        broken.trim_end_matches('}').as_bytes(),
    );
    assert_eq!(run.code, 2, "{run:?}");
    assert_eq!(
        check_review(run.stdout.as_bytes(), "u-4")["status"]["code"],
        400
    );
}

#[test]
fn input_that_is_not_reviewable_is_reported() {
    let dir = dir()
        .file("two.yaml", format!("{POD}---\n{POD}"))
        .file("bad.yaml", "a: [")
        .file("empty.yaml", "")
        .file("data.yaml", "a: b")
        .file("other.json", "{\"kind\": \"AdmissionReview\"}")
        .file("wrong/b.yaml", STRICT.replace("C-0057", "C-9999"));
    for (arguments, expected) in [
        (
            &["two.yaml"][..],
            "two.yaml: holds 2 objects: a review is about one, so give one at a time",
        ),
        (&["two.yaml", "--request"], "two.yaml: holds 2 objects"),
        (&["bad.yaml"], "bad.yaml:"),
        (&["bad.yaml", "--request"], "bad.yaml:"),
        (&["empty.yaml"], "empty.yaml: holds no object"),
        (&["data.yaml"], "not an AdmissionReview"),
        (&["other.json"], "not an AdmissionReview"),
        (&["none.yaml"], "cannot read none.yaml: No such file"),
        (
            &["none.yaml", "--request"],
            "cannot read none.yaml: No such file",
        ),
        // A folder is replayed, which needs bindings.
        (&["b"], "name the bindings to try: --bindings FILE|DIR"),
        (&["pod.yaml", "--bindings", "none"], "none"),
        (&["pod.yaml", "--bindings", "wrong"], "wrong/b.yaml:4:"),
        (
            &["pod.yaml", "--request", "--explain"],
            "cannot be used with",
        ),
    ] {
        let run = dir.run(&[&["review"], arguments].concat());
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (2, ""),
            "{arguments:?}: {run:?}"
        );
        assert!(run.stderr.contains(expected), "{arguments:?}: {run:?}");
    }
}

#[test]
fn list_is_one_review_an_item() {
    let item = |name: &str, privileged: bool| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}","namespace":"shop"}},{}}}"#,
            container_spec(privileged)
        )
    };
    let bad = item("bad", true);
    let good = item("good", false);
    let bare = bad.replace(r#""apiVersion":"v1","kind":"Pod","#, "");
    let list = |kind: &str, items: &[&str]| {
        let items = items.join(",");
        format!(r#"{{"apiVersion":"v1","kind":"{kind}","items":[{items}]}}"#)
    };
    let review = create_pod_review("u-1", &container_spec(true));
    let dir = dir();
    for (input, code, allowed) in [
        (list("List", &[&good, &bad]), 1, &[true, false][..]),
        (list("PodList", &[&bare]), 1, &[false]),
        (
            list("List", &[&list("PodList", &[&good, &good])]),
            0,
            &[true, true],
        ),
        (format!("[{bad}]"), 1, &[false]),
        (list("List", &[&review]), 1, &[false]),
        (list("List", &[]), 2, &[]),
        (list("List", &[&good, "{}"]), 2, &[]),
    ] {
        let run = dir.run_with_input(&["review", "--bindings", "b"], input.as_bytes());
        let answers: Vec<bool> = run
            .stdout
            .lines()
            .map(|line| line.contains(r#""allowed":true"#))
            .collect();
        assert_eq!(
            (run.code, answers.as_slice()),
            (code, allowed),
            "{input}: {run:?}"
        );
    }
}

#[test]
fn request_made_from_a_manifest_is_reviewable() {
    let dir = dir();
    let request = dir.run(&["review", "pod.yaml", "--request"]);
    assert_eq!(request.code, 0, "{request:?}");
    let direct = dir.run(&["review", "pod.yaml", "--bindings", "b"]);
    let by_request = dir.run_with_input(&["review", "--bindings", "b"], request.stdout.as_bytes());
    assert_eq!((direct.code, &direct.stdout), (1, &by_request.stdout));
    let recorded = dir.run(&["review", "denied.json", "--request"]);
    assert_eq!(
        recorded.stdout,
        create_pod_review("u-1", &container_spec(true)),
        "a review is passed on as it is"
    );
}

#[test]
fn explanation_lists_every_control() {
    let binding = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: some}
spec: {controls: [C-0057, C-0038, C-0016, C-0046], validationActions: [Deny]}
";
    let dir = dir().file("some/b.yaml", binding);
    let run = dir.run(&["review", "pod.yaml", "--explain", "--bindings", "some"]);
    assert_eq!(run.code, 1);
    assert_eq!(
        run.stdout,
        dir.run(&["review", "pod.yaml", "--bindings", "some"])
            .stdout
    );
    assert_matches_file("tests/cli/snapshots/explain.txt", &run.stderr);
}

#[test]
fn explanation_states_why_an_object_is_not_checked() {
    let binding = |more: &str| {
        STRICT.replace(
            "validationActions: [Deny]",
            &format!("validationActions: [Deny], {more}"),
        )
    };
    let exclusion = "excludeResourceRules: [{resources: [deployments], resourceNames: [web]}]";
    let dir = dir()
        .file(
            "people/b.yaml",
            binding("excludeSubjects: [{kind: User, name: ann}]"),
        )
        .file(
            "owner/b.yaml",
            binding(&format!("matchResources: {{{exclusion}}}")),
        );
    let by = |user: &str, metadata: &str| {
        let review = dir.run(&["review", "pod.yaml", "--request"]).stdout;
        review
            .replace("kubevet-review", user)
            .replace(r#""name":"web","namespace":"shop"}"#, metadata)
    };
    let owned = r#""name":"web-abc-x","namespace":"shop","labels":{"pod-template-hash":"abc"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-abc","uid":"1","controller":true}]}"#;
    let plain = r#""name":"web","namespace":"shop"}"#;
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    for (folder, review, code, expected) in [
        (
            "people",
            by("ann", plain),
            0,
            "not checked under binding strict: it excludes the user ann\n",
        ),
        ("people", by("bob", plain), 1, "bindings: strict\n"),
        (
            "owner",
            by(controller, owned),
            0,
            "not checked under binding strict: the object was created for the Deployment web, which it excludes\n",
        ),
        ("owner", by("ann", owned), 1, "bindings: strict\n"),
    ] {
        let arguments = ["review", "--explain", "--bindings", folder];
        let run = dir.run_with_input(&arguments, review.as_bytes());
        assert_eq!(run.code, code, "{run:?}");
        assert!(run.stderr.contains(expected), "{run:?}");
    }
}

#[test]
fn binding_that_exempts_by_label_has_a_note() {
    let selector = "objectSelector: {matchExpressions: [{key: exempt, operator: DoesNotExist}]}";
    let binding = STRICT.replace("]}", &format!("], matchResources: {{{selector}}}}}"));
    let dir = dir().file("label/b.yaml", binding);
    let note = ": an objectSelector does not follow owners";
    for arguments in [
        &["review", "pod.yaml", "--bindings", "label"][..],
        &["vap", "generate", "--bindings", "label"],
    ] {
        let run = dir.run(arguments);
        assert!(run.stderr.contains(note), "{run:?}");
    }
}
