//! `kubevet scan` on readable manifests: selection, output and exit codes.

use kubevet_testkit::{
    snapshot::assert_matches_file,
    test_dir::{ProgramRun, TestDir},
};
use serde_json::Value;
use std::collections::BTreeSet;

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
    let plain =
        "name: PLAIN\ndescription: d\ncontrols: [{id: C-0016}, {id: C-0057}, {id: C-0061}]\n";
    let dir = TestDir::new()
        .file("web.yaml", manifest)
        .file("plain.yaml", plain)
        .file("acme.yaml", ACME);
    for (name, flags) in [
        ("resource.txt", &[][..]),
        ("control.txt", &["--view", "control"]),
        ("security.txt", &["--view", "security"]),
        ("report.json", &["-f", "json"]),
    ] {
        let named = ["scan", "framework", "plain.yaml,acme.yaml", "web.yaml"];
        let arguments = [&named, flags].concat();
        let (first, second) = (dir.run(&arguments), dir.run(&arguments));
        assert_eq!((first.code, first.stderr.as_str()), (2, ""));
        assert!(first.stdout == second.stdout, "two runs of {name} differ");
        assert_matches_file(&format!("tests/cli/snapshots/{name}"), &first.stdout);
    }
    validate(&dir.run(&["scan", "web.yaml", "-f", "json"]).json());
}

/// A framework with requirements: failed, incomplete or not evaluated until C-0083 is here, and not
/// checkable.
const ACME: &str = "\
name: ACME
version: v1
description: What our platform team demands.
mappingBy: the platform team
requirements:
  - section: '1.1'
    title: No privileged containers
    level: L1
    assessment: Automated
    controls: [{id: C-0057, reason: It finds them.}]
  - section: '1.2'
    title: No vulnerable images that are open to the outside
    level: L2
    assessment: Manual
    controls: [{id: C-0083, reason: It finds them.}]
  - section: '1.3'
    title: Doors are locked
    level: L1
    note: Doors are not in a cluster.
";

/// Controls that are not here, or need what files do not have, lower coverage and are no failure.
#[test]
fn control_that_is_not_here_lowers_coverage_alone() {
    let clean = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: c, image: x}]}\n";
    let dir = TestDir::new().file("x.yaml", clean).file("acme.yaml", ACME);
    let scan =
        |flags: &[&str]| dir.run(&[&["scan", "framework", "acme.yaml", "x.yaml"], flags].concat());
    for (flags, code) in [
        (&[][..], 0),
        (&["--fail-coverage-below", "50"], 0),
        (&["--fail-coverage-below", "51%"], 1),
        (&["--fail-coverage-below", "51", "--exit-zero"], 0),
        (&["--fail-coverage-below", "100", "--level", "L1"], 0),
        (&["--compliance-threshold", "100"], 0),
    ] {
        let run = scan(flags);
        assert_eq!(run.code, code, "{flags:?}: {}", run.stdout);
    }
    let report = scan(&["-f", "json"]).json();
    validate(&report);
    let framework = &report["frameworks"][0];
    assert_eq!(framework["coverage"], 50.0);
    let notice = framework["notice"].as_str().unwrap();
    assert!(notice.contains("never certified compliance"), "{notice}");
    let statuses: Vec<&str> = framework["requirements"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|requirement| requirement["status"].as_str())
        .collect();
    assert_eq!(statuses, ["passed", "notEvaluated", "notCheckable"]);
    assert_eq!(report["unavailable"][0]["id"], "C-0083");
    let pretty = scan(&["--fail-coverage-below", "60"]).stdout;
    for expected in [
        "coverage of ACME v1 at 50%, under 60%",
        "1.3      L1                 not checkable",
        "needs results of image scans, which this input does not have: C-0083",
        "by the platform team",
    ] {
        assert!(pretty.contains(expected), "{expected}: {pretty}");
    }
    assert!(!pretty.contains("Doors are not"), "{pretty}");
    assert!(scan(&["-v"]).stdout.contains("Doors are not in a cluster."));
}

#[test]
fn newest_of_a_family_is_named_and_level_narrows_it() {
    let dir = TestDir::new().file("x.yaml", PRIVILEGED);
    let scan = |name: &str, level: &str| {
        let arguments = [
            "scan",
            "framework",
            name,
            "x.yaml",
            "--level",
            level,
            "-f",
            "json",
        ];
        dir.run(&arguments)
    };
    let (l1, l2) = (scan("cis", "l1"), scan("CIS", "L2"));
    let note = "note: cis is cis-v2.0.0, the newest of its versions\n";
    assert_eq!(l1.stderr, note);
    let sections = |run: &ProgramRun| {
        run.json()["frameworks"][0]["requirements"]
            .as_array()
            .unwrap()
            .len()
    };
    assert!(sections(&l1) < sections(&l2));
    assert_eq!(sections(&l2), 131);
    for (arguments, expected) in [
        (
            &["--framework", "NSA", "--level", "L1"][..],
            "the requirements of NSA have no level",
        ),
        (&["--level", "L1"], "name one, such as cis"),
        (&["--framework", "cis", "--level", "L3"], "write L1 or L2"),
        (
            &["--control", "C-0083"],
            "is not evaluated: needs results of image scans",
        ),
    ] {
        let run = dir.run(&[&["scan", "x.yaml"], arguments].concat());
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(
            run.stderr.contains(expected),
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

/// Every id of the public library has a state, and a control that is here shows its source.
#[test]
fn list_shows_states_and_sources() {
    let dir = TestDir::new();
    let list = dir.run(&["list", "controls", "-f", "json"]).json();
    let controls = list["controls"].as_array().unwrap();
    let state = |id: &str| {
        let found = controls.iter().find(|control| control["id"] == id);
        found.map(|control| control["state"].as_str().unwrap().to_owned())
    };
    let public = |control: &&Value| control["id"].as_str().unwrap().starts_with("C-");
    assert_eq!(controls.iter().filter(public).count(), 281);
    assert_eq!(state("C-0057").as_deref(), Some("present"));
    assert_eq!(state("C-0083").as_deref(), Some("images"));
    assert_eq!(state("C-0246").as_deref(), Some("manual"));
    assert_eq!(state("K-0001").as_deref(), Some("present"));
    let page = dir.run(&["list", "control", "C-0057"]).stdout;
    for expected in [
        "cis-v2.0.0 5.2.2 L1 Manual Minimize the admission of privileged containers",
        "package controls.c0057",
        "validations:",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let absent = dir.run(&["list", "control", "c-0083"]);
    assert!(absent.stdout.contains("PCI-DSS"), "{}", absent.stdout);
    assert_eq!(absent.code, 0);
    let exec = dir.run(&["list", "control", "K-0001"]);
    assert_eq!(exec.code, 0, "{}", exec.stderr);
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
    let by_flags = [
        "scan",
        "x.yaml",
        "--framework",
        "nsa",
        "--control",
        "C-0073",
        "-f",
        "json",
    ];
    assert_eq!(controls(&by_flags).len(), nsa.len() + 1);
    // All but the two for connections, which no file holds.
    let all = controls(&["scan", "x.yaml", "--all", "-f", "json"]);
    assert_eq!(all.len(), policies_count() - 2);
}

/// The number of controls of the library.
fn policies_count() -> usize {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/controls");
    std::fs::read_dir(folder).unwrap().count()
}

/// A control of a user, as one Rego file.
const OWN: &str = r#"# METADATA
# title: Always
# custom:
#   id: X-1
#   severity: low
#   kinds: [Pod]
package controls.x1

import rego.v1

deny contains finding if {
	input.object.kind == "Pod"
	finding := {"message": "a pod", "paths": ["spec"], "fixes": []}
}
"#;

#[test]
fn without_a_choice_the_default_set_and_own_controls_are_run() {
    let dir = TestDir::new()
        .file("x.yaml", PRIVILEGED)
        .file("own.rego", OWN);
    let run = dir.run(&["scan", "x.yaml", "--custom-rules", "own.rego", "-f", "json"]);
    let report = run.json();
    let ids: Vec<&str> = report["controls"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|control| control["id"].as_str())
        .collect();
    for (id, is_run) in [
        ("C-0057", true),
        ("K-0005", true),
        ("C-0306", false),
        ("K-0003", true),
        ("C-0073", false),
        ("X-1", true),
    ] {
        assert_eq!(ids.contains(&id), is_run, "{id}: {ids:?}");
    }
    let not_run = report["notRun"]["frameworks"].as_array().unwrap();
    assert!(not_run.contains(&"NSA".into()) && !not_run.contains(&"security".into()));
    let pretty = dir.run(&["scan", "x.yaml"]);
    for line in ["not run   AllControls, ArmoBest, ", "; --all runs all "] {
        assert!(pretty.stdout.contains(line), "{}", pretty.stdout);
    }
    assert!(
        !pretty.stdout.contains("cannot evaluate"),
        "{}",
        pretty.stdout
    );
}

#[test]
fn unknown_name_is_refused_with_the_nearest() {
    let dir = TestDir::new().file("x.yaml", PRIVILEGED);
    for (arguments, expected) in [
        (
            &["--control", "C-57"][..],
            "`C-57`, did you mean \"C-0057\"?",
        ),
        (&["--framework", "NSS"], "`NSS`, did you mean \"NSA\"?"),
        (&["--all", "--control", "C-0057"], "cannot be used with"),
        (&["c-0073"], "write --control C-0073"),
        (&["C-57"], "write --control ID"),
        (&["nsa"], "write --framework NSA"),
        (&["framework", "NSA"], "write --framework NAME"),
    ] {
        let run = dir.run(&[&["scan", "x.yaml"], arguments].concat());
        let printed = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(printed.contains(expected), "{arguments:?}: {printed}");
    }
    let run = dir.run(&["scan", "--all", "framework", "NSA", "x.yaml"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("not by both"), "{}", run.stderr);
}

#[test]
fn admission_only_control_is_listed_but_not_scanned() {
    let exec = "apiVersion: v1\nkind: PodExecOptions\ncommand: [sh]\n---\n";
    let dir = TestDir::new().file("x.yaml", format!("{exec}{PRIVILEGED}"));
    assert!(dir.run(&["list", "controls"]).stdout.contains("K-0001"));
    let run = dir.run(&["scan", "x.yaml", "--all", "-f", "json"]);
    assert!(!run.stdout.contains("K-0001"), "{}", run.stdout);
    let run = dir.run(&["scan", "control", "K-0001", "x.yaml"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("K-0001 does not apply to files: its scope is admission"),
        "{}",
        run.stderr
    );
}

const NGINX: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx, labels: {app: nginx}}
spec:
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      containers:
      - name: nginx
        image: nginx
";

/// The Deployment with another field in its container.
fn nginx_with(field: &str) -> String {
    format!("{NGINX}        {field}\n")
}

#[test]
fn each_defect_is_reported_once_with_all_ids() {
    let volume = "      volumes: [{name: s, hostPath: {path: /var/run/docker.sock}}]\n";
    let socket = nginx_with("volumeMounts: [{name: s, mountPath: /s}]") + volume;
    let zero = nginx_with("resources: {limits: {cpu: 0}}");
    let unconfined = nginx_with("securityContext: {seccompProfile: {type: Unconfined}}");
    let unlabelled = NGINX.replace("{app: nginx}", "{}");
    for (manifest, expected) in [
        (NGINX, &["C-0004", "C-0009", "C-0271"][..]),
        (NGINX, &["C-0009", "C-0050", "C-0270"]),
        (NGINX, &["C-0055", "C-0210", "C-0211", "K-0215"]),
        (NGINX, &["C-0306", "K-0005"]),
        (&unlabelled, &["C-0076", "C-0077"]),
        (&zero, &["C-0009", "C-0050", "C-0270"]),
        (
            &unconfined,
            &["C-0055", "C-0210", "C-0211", "K-0208", "K-0215"],
        ),
        (&socket, &["C-0048", "C-0074"]),
    ] {
        let dir = TestDir::new().file("x.yaml", manifest);
        let report = dir.run(&["scan", "x.yaml", "--all", "-f", "json"]).json();
        validate(&report);
        let defects = report["defects"].as_array().unwrap();
        let ids = |defect: &Value| -> Vec<String> {
            let ids = defect["controls"].as_array().unwrap().iter();
            let ids: BTreeSet<&str> = ids.filter_map(Value::as_str).collect();
            ids.into_iter().map(str::to_owned).collect()
        };
        assert!(
            defects.iter().any(|defect| ids(defect) == expected),
            "{expected:?}: {:?}",
            defects.iter().map(ids).collect::<Vec<_>>()
        );
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.len() > defects.len());
        for finding in findings {
            let key = &finding["defect"];
            let mut defects = defects.iter();
            assert!(defects.any(|defect| defect["defect"] == *key), "{finding}");
        }
    }
}

#[test]
fn report_of_a_bare_deployment_fits_on_a_screen() {
    let dir = TestDir::new().file("nginx.yaml", NGINX);
    let run = dir.run(&["scan", "nginx.yaml"]);
    let lines = run.stdout.lines().count();
    assert!(lines <= 20, "{lines} lines: {}", run.stdout);
    assert!(run.stdout.contains("FAILED: 7 defects"), "{}", run.stdout);
}

/// Services in the namespace `default`, which is their only defect.
fn services(number: usize) -> String {
    let service = |index| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: s{index}\n  namespace: default\nspec:\n  \
             selector:\n    app: web\n  ports:\n  - port: 8443\n"
        )
    };
    (0..number).map(service).collect::<Vec<_>>().join("---\n")
}

#[test]
fn objects_whose_only_defect_is_the_same_minor_one_are_one_entry() {
    for (number, flags, entries, headings) in [
        (5, &[][..], 1, 0),
        (4, &[], 0, 4),
        (5, &["--verbose"], 0, 5),
    ] {
        let dir = TestDir::new().file("services.yaml", services(number));
        let path = "services.yaml";
        let run = dir.run(&[&["scan", "control", "C-0212", path], flags].concat());
        let lines = |text: &str| run.stdout.matches(text).count();
        assert_eq!(
            lines("5 objects with the same defect"),
            entries,
            "{}",
            run.stdout
        );
        assert_eq!(lines("Service 5: --verbose shows the objects"), entries);
        assert_eq!(lines("Service default/s"), headings, "{}", run.stdout);
        // What is not shown by itself is counted all the same.
        let verdict = format!("{number} defects (");
        assert_eq!(lines(&verdict), 1, "{}", run.stdout);
    }
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
        (2, Some("notConfigured"))
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
