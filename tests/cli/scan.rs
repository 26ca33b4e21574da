//! `kubevet scan` on readable manifests: selection, output and exit codes.

use kubevet_testkit::{
    snapshot::assert_matches_file,
    test_dir::{ProgramRun, TestDir},
};
use serde_json::Value;

const PRIVILEGED: &str = "apiVersion: v1
kind: Pod
metadata:
  generateName: web-
spec:
  initContainers:
  - name: a
    image: registry.example.com/a:1.0.0
    securityContext:
      privileged: true
";
const FOUND: &str = "C-0057 web-* spec.initContainers[0].securityContext.privileged";

/// A privileged Pod with this name and namespace.
fn pod(name: &str, namespace: &str) -> String {
    PRIVILEGED.replace(
        "generateName: web-",
        &format!("name: {name}\n  namespace: {namespace}"),
    )
}

/// Scans one path with C-0057 and returns the report.
fn scan(dir: &TestDir, path: &str, flags: &[&str]) -> ProgramRun {
    dir.run(&[&["scan", "control", "C-0057", path, "-f", "json"], flags].concat())
}

/// The names of the objects with a finding.
fn names(run: &ProgramRun) -> Vec<String> {
    run.findings()
        .iter()
        .filter_map(|finding| finding.split(' ').nth(1))
        .map(str::to_owned)
        .collect()
}

fn validate(report: &Value) {
    let schema: Value =
        serde_json::from_str(include_str!("../../schemas/scan-report.v1.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(report)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn report_of_each_view_matches_its_snapshot() {
    let manifest = format!(
        "{}---\nreplicas: 1\n---\n{}---\nkind: Pod\n",
        pod("web", "shop"),
        PRIVILEGED
    );
    let dir = TestDir::new().file("web.yaml", manifest);
    for (name, flags) in [
        ("resource.txt", &[][..]),
        ("control.txt", &["--view", "control"]),
        ("security.txt", &["--view", "security"]),
        ("report.json", &["-f", "json"]),
    ] {
        let arguments = [&["scan", "framework", "NSA,MITRE", "web.yaml"], flags].concat();
        let (first, second) = (dir.run(&arguments), dir.run(&arguments));
        assert_eq!((first.code, first.stderr.as_str()), (2, ""));
        assert!(first.stdout == second.stdout, "two runs of {name} differ");
        assert_matches_file(&format!("tests/cli/snapshots/{name}"), &first.stdout);
    }
    validate(&dir.run(&["scan", "web.yaml", "-f", "json"]).json());
}

#[test]
fn standard_input_is_scanned() {
    let run = TestDir::new().run_with_input(&["scan", "-", "-f", "json"], PRIVILEGED.as_bytes());
    let found: Vec<String> = run
        .findings()
        .into_iter()
        .filter(|finding| finding.starts_with("C-0057"))
        .collect();
    assert_eq!((run.code, found), (1, vec![FOUND.to_owned()]));
    assert!(
        run.json()["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| finding["source"]["file"] == "-")
    );
}

#[test]
fn controls_and_frameworks_can_be_selected() {
    let dir = TestDir::new().file("x.yaml", PRIVILEGED);
    let controls = |arguments: &[&str]| -> Vec<String> {
        let report = dir.run(arguments).json();
        report["controls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|control| control["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        controls(&["scan", "control", "C-0057,C-0016", "x.yaml", "-f", "json"]),
        ["C-0016", "C-0057"]
    );
    assert_eq!(
        controls(&["scan", "control", "c-0057", "x.yaml", "-f", "json"]),
        ["C-0057"]
    );
    let nsa = controls(&["scan", "framework", "nsa", "x.yaml", "-f", "json"]);
    assert!(
        nsa.contains(&"C-0057".to_owned()) && !nsa.contains(&"C-0073".to_owned()),
        "{nsa:?}"
    );
    assert_eq!(controls(&["scan", "x.yaml", "-f", "json"]).len(), 39);
}

#[test]
fn admission_only_control_is_listed_but_not_scanned() {
    let exec = "apiVersion: v1\nkind: PodExecOptions\ncommand: [sh]\n---\n";
    let dir = TestDir::new().file("x.yaml", format!("{exec}{PRIVILEGED}"));
    assert!(dir.run(&["list", "controls"]).stdout.contains("K-0001"));
    let run = dir.run(&["scan", "x.yaml", "-f", "json"]);
    assert!(!run.stdout.contains("K-0001"), "{}", run.stdout);
    let run = dir.run(&["scan", "control", "K-0001", "x.yaml"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("K-0001 is not asked of files: its scope is admission"),
        "{}",
        run.stderr
    );
}

#[test]
fn threshold_decides_the_exit_code() {
    let dir = TestDir::new().file("x.yaml", PRIVILEGED);
    for (flags, code) in [
        (&[][..], 1),
        (&["--severity-threshold", "high"], 1),
        (&["--severity-threshold", "critical"], 1),
        (&["--exit-zero"], 0),
        (&["--severity-threshold", "low", "--exit-zero"], 0),
    ] {
        assert_eq!(scan(&dir, "x.yaml", flags).code, code, "{flags:?}");
    }
    // No seccomp profile: a finding of medium severity.
    for (threshold, code) in [("medium", 1), ("high", 0)] {
        let flags = ["--severity-threshold", threshold];
        let run = dir.run(&[&["scan", "control", "C-0055", "x.yaml"], &flags[..]].concat());
        assert_eq!(run.code, code, "{threshold}");
    }
    for (threshold, code) in [("0", 0), ("100", 1), ("100%", 1)] {
        let run = dir.run(&[
            "scan",
            "framework",
            "NSA",
            "x.yaml",
            "--compliance-threshold",
            threshold,
        ]);
        assert_eq!(run.code, code, "{threshold}");
    }
}

#[test]
fn params_configure_controls() {
    let dir = TestDir::new()
        .file("x.yaml", PRIVILEGED)
        .file("flat.json", r#"{"imageRepositoryAllowList": ["quay.io"]}"#)
        .file(
            "kubescape.json",
            r#"{"settings": {"postureControlInputs": {"imageRepositoryAllowList": ["quay.io"]}}}"#,
        )
        .file(
            "allowed.json",
            r#"{"imageRepositoryAllowList": ["registry.example.com"]}"#,
        )
        .file(
            "unknown.json",
            r#"{"imageRepositoryAllowLst": ["quay.io"]}"#,
        );
    let run = |config: &[&str]| {
        dir.run(
            &[
                &["scan", "control", "C-0078", "x.yaml", "-f", "json"],
                config,
            ]
            .concat(),
        )
    };
    let bare = run(&[]);
    assert_eq!(
        (bare.code, bare.json()["controls"][0]["status"].as_str()),
        (2, Some("irrelevant"))
    );
    assert_eq!(
        bare.json()["controls"][0]["reason"],
        "not configured: set imageRepositoryAllowList"
    );
    for (file, code) in [("flat.json", 1), ("kubescape.json", 1), ("allowed.json", 0)] {
        assert_eq!(run(&["--controls-config", file]).code, code, "{file}");
    }
    let unknown = run(&["--controls-config", "unknown.json"]);
    let message =
        "there is no param \"imageRepositoryAllowLst\", did you mean \"imageRepositoryAllowList\"?";
    assert_eq!(
        (unknown.code, unknown.problems()),
        (2, vec![format!("unknown.json:1:2: {message}")])
    );
    assert_eq!(run(&["--controls-config", "missing.json"]).code, 2);
}

#[test]
fn filter_limits_the_scanned_objects() {
    let dir = TestDir::new().file(
        "a.yaml",
        format!(
            "{}---\n{}---\n{PRIVILEGED}",
            pod("one", "shop"),
            pod("two", "kube-system")
        ),
    );
    for (flags, expected) in [
        (&["--include-namespaces", "shop"][..], &["one"][..]),
        (&["--include-namespaces", "shop,default"], &["one", "web-*"]),
        (&["--exclude-namespaces", "kube-system"], &["one", "web-*"]),
        (
            &[
                "--include-kinds",
                "Pod",
                "--include-namespaces",
                "kube-system",
            ],
            &["two"],
        ),
    ] {
        let run = scan(&dir, "a.yaml", flags);
        assert_eq!(
            (run.code, names(&run)),
            (
                1,
                expected
                    .iter()
                    .map(|expected| (*expected).to_owned())
                    .collect()
            ),
            "{flags:?}"
        );
    }
    for flags in [
        ["--include-kinds", "Deployment"],
        ["--include-namespaces", "none"],
    ] {
        let run = scan(&dir, "a.yaml", &flags);
        let message =
            ": nothing to scan: the flags for namespaces and kinds leave none of 3 objects";
        assert_eq!((run.code, run.problems()), (2, vec![message.to_owned()]));
    }
}

#[test]
fn report_is_written_to_a_file() {
    let dir = TestDir::new().file("x.yaml", PRIVILEGED);
    let printed = scan(&dir, "x.yaml", &[]);
    let written = scan(&dir, "x.yaml", &["-o", "out.json"]);
    assert_eq!(
        (
            written.code,
            written.stdout.as_str(),
            written.stderr.as_str()
        ),
        (1, "", "")
    );
    assert_eq!(dir.read("out.json"), printed.stdout);
}

#[test]
fn folder_is_walked_without_ignored_files() {
    let outside = TestDir::new().file("secret.yaml", pod("outside", "a"));
    let dir = TestDir::new()
        .file("d/a.yaml", pod("a", "a"))
        .file("d/deep/b.YML", pod("b", "a"))
        .file(
            "d/c.json",
            r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}"#,
        )
        .file("d/notes.txt", "a: [")
        .file("d/.git/x.yaml", "a: [")
        .file("d/.kubevetignore", "ignored/\n*.skip.yaml\n")
        .file("d/ignored/x.yaml", "a: [")
        .file("d/x.skip.yaml", "a: [")
        .file("d/.hidden/h.yaml", pod("hidden", "a"))
        .link("d/out.yaml", outside.path().join("secret.yaml"))
        .link("d/in.yaml", "deep/b.YML");
    let run = scan(&dir, "d", &[]);
    let link = "d/out.yaml: a link out of the folder is not followed: name its target";
    assert_eq!((run.code, run.problems()), (2, vec![link.to_owned()]));
    let mut found = names(&run);
    found.sort();
    assert_eq!(found, ["a", "b", "b", "hidden"]);
    let run = scan(&dir.link("d/broken.yaml", "nowhere"), "d", &[]);
    assert_eq!(run.code, 2);
    assert_eq!(
        run.problems(),
        [
            "d/broken.yaml: a link that cannot be followed: no such file or folder",
            link
        ]
    );
}

#[test]
fn glob_pattern_selects_files() {
    let dir = TestDir::new()
        .file("d/a.yaml", pod("a", "a"))
        .file("d/b.yaml", pod("b", "a"))
        .file("d/e/c.yaml", pod("c", "a"))
        .file("d/[x].yaml", pod("literal", "a"));
    for (pattern, expected) in [
        ("d/a*.yaml", &["a"][..]),
        ("d/{a,b}.yaml", &["a", "b"]),
        ("d/**/c.yaml", &["c"]),
        ("./d/e/*", &["c"]),
        ("d/[x].yaml", &["literal"]),
    ] {
        let run = scan(&dir, pattern, &[]);
        assert_eq!(
            (run.code, names(&run)),
            (
                1,
                expected
                    .iter()
                    .map(|expected| (*expected).to_owned())
                    .collect()
            ),
            "{pattern}"
        );
    }
}

#[test]
fn template_source_is_skipped_with_a_reason() {
    let dir = TestDir::new()
        .file("d/pod.yaml", PRIVILEGED)
        .file("d/chart/Chart.yaml", "apiVersion: v2\nname: x\n")
        .file("d/chart/values.yaml", "a: 1\n")
        .file("d/chart/templates/x.yaml", "a: {{ .Values.a }}\n")
        .file("d/kustomization.yaml", "resources: [pod.yaml]\n")
        .file("d/values.yaml", "image: a\n");
    let run = scan(&dir, "d", &[]);
    assert_eq!(
        (run.code, run.findings(), run.problems()),
        (1, vec![FOUND.to_owned()], vec![])
    );
    let mut skipped = run.skipped();
    skipped.sort();
    assert_eq!(
        skipped,
        [
            "d/chart/values.yaml: no Kubernetes object (values of a chart)",
            "d/chart: a Helm chart: scan what `helm template` prints",
            "d/kustomization.yaml: a Kustomization: scan what `kustomize build` prints",
            "d/values.yaml: no Kubernetes object (neither apiVersion nor kind)",
        ]
    );
}

#[test]
fn list_is_expanded_into_its_items() {
    let item = |name: &str| pod(name, "a").trim_end().replace('\n', "\n  ");
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n",
        item("one"),
        item("two")
    );
    let run = scan(&TestDir::new().file("x.yaml", list), "x.yaml", &[]);
    assert_eq!(
        (run.code, names(&run)),
        (1, vec!["one".to_owned(), "two".to_owned()])
    );
    let lines: Vec<u64> = run.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["source"]["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [14, 25]);
}
