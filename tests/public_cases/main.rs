//! Inputs from problem reports of users of similar tools, with the right answer. Each row stands for a
//! class: an input that is not checked must never look as if it had passed.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod custom_rules;
mod kinds;
mod owned;
mod params;
mod paths;
mod schema;
mod streams;
mod workloads;

use kubevet_testkit::test_dir::TestDir;

/// What the output must contain (`+TEXT`) and must not (`-TEXT`).
type Expected<'a> = &'a [&'a str];

/// A Pod that C-0038 fails.
fn pod(name: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{hostPID: true}}\n")
}

/// A Pod that C-0038 passes.
fn clean(name: &str) -> String {
    pod(name).replace("true", "false")
}

/// A Pod as JSON that C-0038 fails.
fn json_pod(name: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}"}},"spec":{{"hostPID":true}}}}"#
    )
}

/// Runs the program, and checks the exit code and both streams of output together.
#[track_caller]
fn check(dir: &TestDir, arguments: &[&str], code: i32, expected: Expected<'_>) {
    let run = dir.run(arguments);
    assert_eq!(run.code, code, "{arguments:?}: {run:?}");
    let output = format!("{}{}", run.stdout, run.stderr);
    // Prose is wrapped at the width of the terminal.
    let output = output.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in expected {
        let (is_wanted, text) = text.split_at(1);
        assert_eq!(
            output.contains(text),
            is_wanted == "+",
            "{arguments:?}: {text:?} in {run:?}"
        );
    }
}

/// Scans one file for host namespaces.
#[track_caller]
fn check_scan(name: &str, content: impl AsRef<[u8]>, code: i32, expected: Expected<'_>) {
    let dir = TestDir::new().file(name, content);
    check(&dir, &["scan", "control", "C-0038", name], code, expected);
}
