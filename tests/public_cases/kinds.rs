//! Kinds that no control checks, and built-in kinds under another name.

use super::{check, check_scan, clean, pod};
use kubevet_testkit::test_dir::TestDir;

const WIDGET: &str = "apiVersion: example.com/v1
kind: Widget
metadata: {name: ferry}
spec: {template: {spec: {hostPID: true}}}
";

#[test]
fn object_that_no_control_checks_is_never_called_clean() {
    check_scan(
        "widget.yaml",
        WIDGET,
        2,
        &[
            "+nothing was checked",
            "+Widget 1",
            "-passed:",
            "-Frameworks",
            "-100%",
        ],
    );
    let accounts = "+1 of 3 objects checked; 2 to which no control applies: Widget 2";
    let beside = |pod: String| format!("{pod}---\n{WIDGET}---\n{WIDGET}");
    check_scan("clean.yaml", beside(clean("a")), 0, &[accounts]);
    check_scan(
        "found.yaml",
        beside(pod("a")),
        1,
        &[accounts, "+in 1 of 1 object"],
    );
    let dir = TestDir::new().file("x.yaml", beside(clean("a")));
    let arguments = ["scan", "control", "C-0038", "x.yaml", "-f", "json"];
    let summary = &dir.run(&arguments).json()["summary"];
    assert_eq!(summary["objects"], 3);
    assert_eq!(summary["checked"], 1);
    assert_eq!(summary["notApplicable"], serde_json::json!({"Widget": 2}));
}

#[test]
fn built_in_kind_under_another_name_is_a_problem_with_a_suggestion() {
    let workload = "spec: {template: {spec: {hostPID: true}}}";
    for (api_version, kind, meant) in [
        (
            "extensions/v1beta1",
            "Deployment",
            "+`apiVersion: apps/v1`, `kind: Deployment`",
        ),
        (
            "extensions/v1beta1",
            "DaemonSet",
            "+`apiVersion: apps/v1`, `kind: DaemonSet`",
        ),
        (
            "v1",
            "Deployment",
            "+`apiVersion: apps/v1`, `kind: Deployment`",
        ),
        ("apps/v1", "Pod", "+`apiVersion: v1`, `kind: Pod`"),
        (
            "apps/v1",
            "deployment",
            "+`apiVersion: apps/v1`, `kind: Deployment`",
        ),
        (
            "apps/v1",
            "Deploymnet",
            "+`apiVersion: apps/v1`, `kind: Deployment`",
        ),
        ("batch/v2", "Job", "+`apiVersion: batch/v1`, `kind: Job`"),
        (
            "batch/v1beta1",
            "Job",
            "+`apiVersion: batch/v1`, `kind: Job`",
        ),
    ] {
        let object =
            format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n{workload}\n");
        let stream = format!("{}---\n{object}", clean("beside"));
        check_scan("x.yaml", stream, 2, &["+did you mean", meant, "-passed:"]);
    }
}

#[test]
fn workload_in_a_removed_version_is_checked_and_refused() {
    for (api_version, kind, last) in [
        ("apps/v1beta1", "Deployment", "1.15"),
        ("apps/v1beta2", "StatefulSet", "1.15"),
        ("extensions/v1beta1", "DaemonSet", "1.15"),
        ("extensions/v1beta1", "Deployment", "1.15"),
    ] {
        let object = format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n\
             spec: {{template: {{spec: {{hostPID: true}}}}}}\n"
        );
        let dir = TestDir::new().file("old.yaml", object);
        let refused =
            format!("+Kubernetes 1.36 does not serve {api_version} {kind} (removed in 1.16)");
        let scan = ["scan", "control", "C-0038", "old.yaml"];
        check(
            &dir,
            &scan,
            2,
            &["+hostPID", &refused, "+did you mean `apiVersion: apps/v1`"],
        );
        let of_old_cluster = [&scan[..], &["--kube-version", last]].concat();
        check(&dir, &of_old_cluster, 1, &["+hostPID", "-did you mean"]);
    }
}

#[test]
fn misspelled_kind_on_the_command_line_is_recognized() {
    let dir = TestDir::new().file("x.yaml", clean("a"));
    for (kind, expected) in [
        (
            "Deploy",
            "+no object has the kind \"Deploy\", did you mean \"Deployment\"?",
        ),
        ("Deploymnet", "+did you mean \"Deployment\"?"),
        ("Deployment", "-did you mean"),
        ("Deployment", "+leave none of 1 object"),
    ] {
        check(
            &dir,
            &["scan", "x.yaml", "--include-kinds", kind],
            2,
            // The file has an object: only none that the flags leave.
            &[expected, "-Frameworks", "-no Kubernetes object"],
        );
    }
    check(
        &dir,
        &["scan", "x.yaml", "--all", "--include-kinds", "Pod,Servce"],
        2,
        &[
            "+no object has the kind \"Servce\", did you mean \"Service\"?",
            "+C-0076",
        ],
    );
    check(
        &dir,
        &["scan", "none.yaml"],
        2,
        &["+no such file or folder", "-Frameworks"],
    );
}

#[test]
fn namespace_of_the_command_line_is_that_of_objects_without_one() {
    let in_namespace = "apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: default}\nspec: {containers: [{name: c, image: a}]}\n";
    let dir = TestDir::new()
        .file("x.yaml", clean("a"))
        .file("y.yaml", in_namespace);
    let scan = |arguments: &[&str], exit_code, expected: &[&str]| {
        let all: Vec<&str> = ["scan", "control", "C-0061"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        check(&dir, &all, exit_code, expected);
    };
    scan(&["x.yaml"], 0, &["-namespace default"]);
    scan(&["x.yaml", "-n", "shop"], 0, &["-namespace default"]);
    scan(
        &["x.yaml", "-n", "default"],
        1,
        &["+the workload is in the namespace default"],
    );
    scan(
        &["y.yaml", "-n", "shop"],
        1,
        &["+the workload is in the namespace default"],
    );
    scan(
        &[
            "x.yaml",
            "y.yaml",
            "-n",
            "shop",
            "--include-namespaces",
            "shop",
        ],
        0,
        &["-nothing to scan"],
    );
    scan(
        &["x.yaml", "-n", "Shop/a"],
        2,
        &["+lower-case letters, digits"],
    );
}
