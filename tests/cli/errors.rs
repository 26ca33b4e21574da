//! Requests that cannot be fulfilled: each exits with 2, reports what and where, and does not stop
//! the work that is possible.

use kubevet_testkit::test_dir::{ProgramRun, TestDir};
use std::process::Command;

const BAD_POD: &str = "apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: a
    image: b
    securityContext:
      privileged: true
";
const FOUND: &str = "C-0057 web spec.containers[0].securityContext.privileged";

/// Scans standard input that is not a manifest, and expects exactly one problem.
fn check_input(input: &str, problem: &str) {
    let run = TestDir::new().run_with_input(&["scan", "-", "-f", "json"], input.as_bytes());
    assert_eq!(
        (run.code, run.problems()),
        (2, vec![problem.to_owned()]),
        "{input:.100}"
    );
    let pretty = TestDir::new().run_with_input(&["scan", "-"], input.as_bytes());
    assert_eq!(pretty.code, 2);
    assert!(pretty.prints("nothing was checked"), "{}", pretty.stdout);
}

fn scan(dir: &TestDir, paths: &[&str]) -> ProgramRun {
    dir.run(&[&["scan", "control", "C-0057"], paths, &["-f", "json"]].concat())
}

/// Runs a command that cannot start, and expects this message on stderr.
fn check_refused(dir: &TestDir, arguments: &[&str], message: &str) {
    let run = dir.run(arguments);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.trim_end()),
        (2, "", message),
        "{arguments:?}"
    );
}

#[test]
fn input_without_manifest_exits_with_2() {
    check_input("a: [", "-:1:4: invalid YAML: unclosed bracket '['");
    check_input("", ": nothing to scan: no Kubernetes object in -");
    check_input(
        "kind: Pod",
        "-:1:1: an object without apiVersion: add it, such as `apiVersion: v1`",
    );
    check_input(
        "apiVersion: v1",
        "-:1:1: an object without kind: add it, such as `kind: Pod`",
    );
    check_input(
        "apiVersion: v1\nkind: [Pod]",
        "-:1:1: kind must be a non-empty string, such as `Deployment`",
    );
}

#[test]
fn unbounded_nesting_exits_with_2() {
    for input in [
        "[".repeat(100_000),
        format!("x: {}{}", "[".repeat(5000), "]".repeat(5000)),
        "{\"a\":".repeat(100_000),
    ] {
        let run = TestDir::new().run_with_input(&["scan", "-", "-f", "json"], input.as_bytes());
        assert_eq!(
            (run.code, run.problems().len()),
            (2, 1),
            "{:?}",
            run.problems()
        );
        let problem = &run.problems()[0];
        assert!(
            problem.contains("recursion limit") || problem.contains("nested more than 512"),
            "{problem}"
        );
    }
}

#[test]
fn missing_path_exits_with_2() {
    let dir = TestDir::new().folder("empty");
    for (path, problem) in [
        (
            "nope.yaml",
            "nope.yaml: cannot be read: no such file or folder",
        ),
        ("no/*.yaml", "no/*.yaml: matches no file"),
        ("empty", ": nothing to scan: no Kubernetes object in empty"),
    ] {
        let run = scan(&dir, &[path]);
        assert_eq!((run.code, run.problems()), (2, vec![problem.to_owned()]));
    }
}

#[test]
fn pipe_or_device_is_never_waited_for() {
    let dir = TestDir::new()
        .file("d/good.yaml", BAD_POD)
        .folder("d/x.yaml");
    assert!(
        Command::new("mkfifo")
            .arg(dir.path().join("d/pipe.yaml"))
            .status()
            .unwrap()
            .success()
    );
    let run = scan(&dir, &["d/pipe.yaml"]);
    assert_eq!(
        (run.code, run.problems()),
        (
            2,
            vec!["d/pipe.yaml: neither a file nor a folder".to_owned()]
        )
    );
    let run = scan(&dir, &["d"]);
    assert_eq!(
        (run.code, run.problems()),
        (2, vec!["d/pipe.yaml: no regular file".to_owned()])
    );
    assert_eq!(run.findings(), [FOUND]);
}

#[test]
fn unknown_name_exits_with_2() {
    let dir = TestDir::new().file("x.yaml", BAD_POD);
    for (arguments, message) in [
        (
            ["scan", "control", "C-9999", "x.yaml"],
            "error: no control is called `C-9999`",
        ),
        (
            ["scan", "control", "C-00057,C-0057", "x.yaml"],
            "error: no control is called `C-00057`, did you mean \"C-0057\"?",
        ),
        (
            ["scan", "framework", "NSS", "x.yaml"],
            "error: no framework is called `NSS`, did you mean \"NSA\"?",
        ),
    ] {
        check_refused(&dir, &arguments, message);
    }
    for arguments in [
        &["scan"][..],
        &["scan", "x.yaml", "-f", "xml"],
        &["scan", "x.yaml", "--severity-threshold", "huge"],
        &["scan", "x.yaml", "--compliance-threshold", "101"],
        &["scan", "x.yaml", "--view", "sideways"],
    ] {
        assert_eq!(dir.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn broken_framework_file_reports_each_problem_on_its_line() {
    let dir = TestDir::new()
        .file("x.yaml", BAD_POD)
        .file("acme.yaml", "name: acme\ncontrols: [C-0057]\n");
    check_refused(
        &dir,
        &["scan", "framework", "acme.yaml", "x.yaml"],
        "error: acme.yaml:1:1: a framework lacks the key \"description\"\n\
         error: acme.yaml:2:12: an entry of \"controls\" must be a map with the keys id, section, \
         level, reason, but is a string\n\
         error: the framework of acme.yaml does not load",
    );
}

#[test]
fn one_broken_file_does_not_stop_the_others() {
    let second = format!("{BAD_POD}---\na: [\n");
    let run = scan(&TestDir::new().file("x.yaml", second), &["x.yaml"]);
    assert_eq!((run.code, run.findings()), (2, vec![FOUND.to_owned()]));
    assert_eq!(run.problems().len(), 1);
    assert!(
        run.problems()[0].starts_with("x.yaml:12:"),
        "{:?}",
        run.problems()
    );
    let dir = TestDir::new()
        .file("d/bad.yaml", "a: [")
        .file("d/good.yaml", BAD_POD);
    let run = dir.run(&["scan", "d", "nope", "-f", "json"]);
    assert_eq!(run.code, 2);
    assert!(
        run.findings().iter().any(|finding| finding == FOUND),
        "{:?}",
        run.findings()
    );
    assert_eq!(
        run.problems(),
        [
            "d/bad.yaml:1:4: invalid YAML: unclosed bracket '['",
            "nope: cannot be read: no such file or folder"
        ]
    );
    let run = dir.run(&["scan", "d", "--exit-zero"]);
    assert_eq!(run.code, 2, "what could not be done is never green");
}

#[test]
fn unwritable_output_exits_with_2() {
    let dir = TestDir::new()
        .file("x.yaml", BAD_POD)
        .file("many.yaml", vec![BAD_POD; 300].join("---\n"));
    let run = dir.run(&["scan", "x.yaml", "-o", "no/such/file"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr.starts_with("error: cannot write no/such/file: "),
        "{}",
        run.stderr
    );
    for arguments in [
        &["scan", "many.yaml"][..],
        &["scan", "many.yaml", "-f", "json"],
        &["list", "controls"],
    ] {
        let run = dir.run_into_closed_pipe(arguments);
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (i32::from(arguments[0] == "scan"), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn control_selection_accepts_several_paths() {
    let dir = TestDir::new()
        .file("x.yaml", BAD_POD)
        .file("y.yaml", BAD_POD);
    assert_eq!(scan(&dir, &["x.yaml", "y.yaml"]).findings(), [FOUND, FOUND]);
}

#[test]
fn flags_before_control_selection_are_accepted() {
    let dir = TestDir::new().file("x.yaml", BAD_POD);
    assert_eq!(
        dir.run(&["scan", "-f", "json", "control", "C-0057", "x.yaml"])
            .findings(),
        [FOUND]
    );
}

#[test]
fn control_that_failed_to_load_is_reported_as_such() {
    let dir = TestDir::new()
        .file("x.yaml", BAD_POD)
        .file("mine.rego", "package controls.c9001\n");
    let run = dir.run(&[
        "scan",
        "control",
        "C-9001",
        "x.yaml",
        "--custom-rules",
        "mine.rego",
    ]);
    assert_eq!(run.code, 2);
    assert!(
        run.prints("mine.rego:1:1: the file does not describe its control"),
        "{}",
        run.stderr
    );
}
