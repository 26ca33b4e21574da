//! `kubevet policy` and custom controls: a new control is checked, and all its problems are
//! reported at once.

use kubevet_testkit::test_dir::{ProgramRun, TestDir};
use std::{fs, path::Path};

const POD: &str = "apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: a
    image: registry.example.com/a:1.0.0
    tty: true
";
const FINDING: &str = "{\"message\": \"m\", \"paths\": [\"spec\"], \"fixes\": []}";

/// A folder with a copy of the library in `policies`.
fn library() -> TestDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let dir = TestDir::new();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"),
        &dir.path().join("policies"),
    );
    dir
}

/// The folder of a new control, `C-9001-mine`, created by the program itself.
fn scaffold() -> TestDir {
    let dir = TestDir::new();
    assert_eq!(dir.run(&["policy", "new", "C-9001-mine"]).code, 0);
    dir
}

fn errors(run: &ProgramRun) -> Vec<&str> {
    run.stderr
        .lines()
        .map(|line| line.strip_prefix("error: ").unwrap_or(line))
        .collect()
}

#[test]
fn new_control_passes_its_own_tests() {
    let dir = scaffold();
    let test = dir.run(&["policy", "test", "C-9001-mine"]);
    assert_eq!(
        (test.code, test.stderr.as_str()),
        (0, ""),
        "{}",
        test.stdout
    );
    assert_eq!(
        test.stdout,
        "1 control, 4 test objects: 4 as expected, 0 not\n"
    );
    let again = dir.run(&["policy", "new", "C-9001-mine"]);
    assert_eq!(again.code, 2);
    assert!(
        again.prints("exists: choose another name"),
        "{}",
        again.stderr
    );
}

#[test]
fn rule_that_fails_its_test_data_exits_with_1() {
    let dir = scaffold().file("C-9001-mine/testdata/pass/wrong.yaml", POD);
    let test = dir.run(&["policy", "test", "C-9001-mine"]);
    assert_eq!((test.code, test.stderr.as_str()), (1, ""));
    assert!(
        test.prints("testdata/pass/wrong.yaml") && test.prints("4 as expected, 1 not"),
        "{}",
        test.stdout
    );
}

#[test]
fn inverted_comparison_in_the_library_is_caught() {
    let dir = library();
    let rule = "policies/controls/C-0057-privileged-container/rule.rego";
    let source = dir
        .read(rule)
        .replacen("privileged == true", "privileged == false", 1);
    let test = dir.file(rule, source).run(&["policy", "test", "policies"]);
    assert_eq!(test.code, 1);
    assert!(
        test.prints("C-0057-privileged-container/testdata/fail/"),
        "{}",
        test.stdout
    );
}

#[test]
fn all_problems_of_a_folder_are_reported_at_once() {
    let dir = library();
    let rule = "policies/controls/C-0016-allow-privilege-escalation/rule.rego";
    let source = dir.read(rule);
    let line = source.lines().count() + 2;
    let dir = dir
        .file(
            "policies/controls/C-0057-privileged-container/control.yaml",
            "id: C-0057\nname: [\n",
        )
        .file(
            "policies/controls/C-0018-configured-readiness-probe/control.yaml",
            "id: C-0018\n name: {\n",
        )
        .file(rule, format!("{source}\nf(x) := f(x)\n"))
        .file("pod.yaml", POD);
    let positions = [
        "policies/controls/C-0057-privileged-container/control.yaml:".to_owned(),
        "policies/controls/C-0018-configured-readiness-probe/control.yaml:".to_owned(),
        format!("{rule}:{line}:1: `f` calls itself: rules must not be recursive"),
    ];
    let test = dir.run(&["policy", "test", "policies"]);
    let scan = dir.run(&["scan", "pod.yaml", "--policies", "policies", "-f", "json"]);
    assert_eq!((test.code, scan.code), (2, 2));
    for position in positions {
        let located = |value: &str| {
            value.starts_with(&position)
                && value
                    .split(':')
                    .nth(2)
                    .is_some_and(|part| part.parse::<u32>().is_ok())
        };
        assert!(
            errors(&test).into_iter().any(located),
            "{position} is not told: {}",
            test.stderr
        );
        assert!(
            scan.problems().iter().any(|problem| located(problem)),
            "{position} is not told: {:?}",
            scan.problems()
        );
    }
}

#[test]
fn custom_rules_run_beside_the_library() {
    let file = format!(
        "# METADATA\n# title: Mine\n# custom:\n#   id: C-9002\n#   severity: low\n#   kinds: [Pod]\n\
         package controls.c9002\nimport rego.v1\ndeny contains {FINDING} if input.object.kind == \"Pod\"\n"
    );
    let dir = scaffold().file("mine.rego", file).file("pod.yaml", POD);
    let flags = [
        "--custom-rules",
        "C-9001-mine",
        "--custom-rules",
        "mine.rego",
        "-f",
        "json",
    ];
    let run = dir.run(&[&["scan", "pod.yaml"], &flags[..]].concat());
    assert_eq!((run.code, run.problems()), (1, vec![]));
    let found = run.findings();
    for expected in ["C-9001 web spec.containers[0].tty", "C-9002 web spec"] {
        assert!(found.iter().any(|finding| finding == expected), "{found:?}");
    }
    assert!(
        found.iter().any(|finding| finding.starts_with("C-0017 ")),
        "{found:?}"
    );
    let run = dir.run(&[&["scan", "control", "C-9002", "pod.yaml"], &flags[..]].concat());
    assert_eq!(run.findings(), ["C-9002 web spec"]);
    let missing = dir.run(&[
        "scan",
        "pod.yaml",
        "--custom-rules",
        "nowhere",
        "-f",
        "json",
    ]);
    assert_eq!(missing.code, 2);
    assert!(
        missing.problems()[0].starts_with("nowhere: does not exist"),
        "{:?}",
        missing.problems()
    );
}

/// `sensitive` decides which values are masked, in control.yaml and in annotations; the category
/// does not.
#[test]
fn values_at_findings_of_sensitive_controls_are_masked() {
    const CONFIG_MAP: &str =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: hunter2\n  b: plain\n";
    let rule = |sensitive: &str| {
        format!(
            "# METADATA\n# title: Mine\n# custom:\n#   id: C-9002\n#   severity: low\n#   kinds: [ConfigMap]\n{sensitive}\
             package controls.c9002\nimport rego.v1\ndeny contains \
             {{\"message\": \"m\", \"paths\": [\"data[a]\"], \"fixes\": []}} if input.object.data.a\n"
        )
    };
    for (lines, is_masked) in [
        ("#   category: Company\n#   sensitive: true\n", true),
        ("#   category: Secrets\n#   sensitive: false\n", false),
        ("#   category: Secrets\n", false),
    ] {
        let dir = TestDir::new()
            .file("mine.rego", rule(lines))
            .file("map.yaml", CONFIG_MAP);
        let run = dir.run(&[
            "scan",
            "control",
            "C-9002",
            "map.yaml",
            "--custom-rules",
            "mine.rego",
        ]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert_eq!(run.stdout.contains("a: ********"), is_masked, "{lines}");
        assert_eq!(run.stdout.contains("hunter2"), !is_masked, "{lines}");
        assert!(run.stdout.contains("b: plain"), "{lines}: {}", run.stdout);
    }
}

/// `policy test` reports a rule that leaves the profile.
#[test]
fn rule_outside_the_profile_is_reported() {
    let deny = |statements: &str| format!("deny contains {FINDING} if {{\n{statements}\n}}\n");
    let named = |statements: &str| deny(&format!("\tinput.object.kind == \"Pod\"\n{statements}"));
    for (rule, expected) in [
        (
            named("\tx := [y | some y in [1]]\n\tcount(x) > 0"),
            "comprehensions belong into policies/lib",
        ),
        (
            named("\tx = 1\n\tx > 0"),
            "bind with `:=` on a line of its own; no `=`",
        ),
        (named("\tx := 1.5\n\tx > 0"), "numbers must be integers"),
        (named("\tx := 2 * 3\n\tx > 0"), "no arithmetic"),
        (
            named("\tx := {1} | {2}\n\tcount(x) > 0"),
            "no union or intersection: write two bodies",
        ),
        (
            named("\tx := startswith(\"a\", \"b\")\n\tx == false"),
            "a condition is no value",
        ),
        (
            named("\tinput.object.spec.containers[_].tty"),
            "no `_`: write `some x in …`",
        ),
        (
            named("\tsome x in input.object.spec.containers\n\tx.tty"),
            "a domain must be known to be a list",
        ),
        (
            named("\tnot input.object.spec.x > 3"),
            "`not` may stand before a reference, `==` or a helper",
        ),
        (
            named("\tlower(\"A\") == \"a\""),
            "`lower` does not mean the same in Rego and CEL",
        ),
        (
            named("\tsprintf(\"%v\", [1]) == \"1\""),
            "`%v` prints differently in OPA and here: use %s or %d",
        ),
        (
            named("\tregex.match(\"^\\\\w+$\", \"a\")"),
            "`\\w` is no ASCII class",
        ),
        (
            named("\tinput.object.kind == \"Pod\" with input as 1"),
            "no `with`: pass an argument",
        ),
        (
            named("\tinput.review.kind"),
            "`input.review.kind` does not exist: write `input.object.kind`",
        ),
        (
            named("\tinput.params.cloudProvider"),
            "`cloudProvider` is read but not listed under params",
        ),
        (
            format!("default p := 1\n{}", named("\tp == 1")),
            "`default` and `contains` are not compiled for a helper that is called: write `else`",
        ),
        (
            format!("p := 1 if true\np := 1 if true\n{}", named("\tp == 1")),
            "`p` has two definitions: join them with `else`",
        ),
        (
            format!(
                "deny contains {{\"message\": \"m\", \"paths\": []}} if true\n{}",
                deny("\ttrue")
            ),
            "a finding needs `fixes`, a list that is written out; [] where there are none",
        ),
    ] {
        let rule = format!("package controls.c9001\n\nimport rego.v1\n\n{rule}");
        let test =
            scaffold()
                .file("C-9001-mine/rule.rego", rule)
                .run(&["policy", "test", "C-9001-mine"]);
        assert_eq!(test.code, 2, "{expected}: {}{}", test.stdout, test.stderr);
        let is_reported =
            |value: &&str| value.starts_with("C-9001-mine/rule.rego:") && value.contains(expected);
        assert!(
            errors(&test).iter().any(is_reported),
            "{expected:?} is not told:\n{}",
            test.stderr
        );
    }
}
