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
    let scan = dir.run(&[
        "scan",
        "pod.yaml",
        "--policies-only",
        "policies",
        "-f",
        "json",
    ]);
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

/// A folder with a control, a module, params and a framework of its own, over the built-in library.
fn overlay() -> TestDir {
    let rule = "package controls.acme1\n\nimport rego.v1\n\nimport data.lib.acme\nimport data.lib.workload\n\n\
                deny contains finding if {\n\tsome container in workload.containers\n\t\
                some name in input.params.forbiddenNames\n\tacme.is(container, name)\n\t\
                finding := {\"message\": \"m\", \"paths\": [workload.at(container, \"name\")], \"fixes\": []}\n}\n";
    TestDir::new()
        .file(
            "own/controls/ACME-1-names/control.yaml",
            "id: ACME-1\nname: Names\nseverity: low\ncategory: A\nrisk: d\ncheck: c\nremediation: r\nkinds: [workloads]\n\
             params: [forbiddenNames]\n",
        )
        .file("own/controls/ACME-1-names/rule.rego", rule)
        .file(
            "own/lib/acme.rego",
            "package lib.acme\n\nimport rego.v1\n\nis(container, name) if container.name == name\n",
        )
        .file(
            "own/params.yaml",
            "forbiddenNames:\n  type: names\n  description: d\n  default: [a]\n",
        )
        .file(
            "own/frameworks/acme.yaml",
            "name: ACME\ndescription: d\ncontrols: [{id: ACME-1}, {id: C-0057}]\n",
        )
        .file(
            "other.yaml",
            "name: OTHER\ndescription: d\ncontrols: [{id: ACME-1}]\n",
        )
        .file("config.json", "{\"forbiddenNames\": [\"b\"]}")
        .file("pod.yaml", POD)
}

#[test]
fn overlay_brings_controls_modules_params_and_frameworks() {
    const FOUND: &str = "ACME-1 web spec.containers[0].name";
    for (arguments, expected) in [
        (&["framework", "ACME", "pod.yaml"][..], &[FOUND][..]),
        (&["framework", "acme,other.yaml", "pod.yaml"], &[FOUND]),
        (
            &[
                "framework",
                "other.yaml",
                "pod.yaml",
                "--controls-config",
                "config.json",
            ],
            &[],
        ),
    ] {
        let flags = ["--policies", "own", "-f", "json"];
        let run = overlay().run(&[&["scan"], arguments, &flags].concat());
        assert_eq!(run.problems(), [] as [&str; 0], "{}", run.stderr);
        assert_eq!(run.findings(), expected, "{arguments:?}");
    }
    let dir = overlay();
    for arguments in [
        &["list", "control", "ACME-1"][..],
        &["policy", "explain", "ACME-1"],
        &["vap", "generate", "ACME"],
        &["manifests"],
        &["review", "pod.yaml"],
    ] {
        for flag in ["--policies", "--custom-rules"] {
            let run = dir.run(&[arguments, &[flag, "own"]].concat());
            assert_eq!(run.code, 0, "{arguments:?} {flag}: {}", run.stderr);
        }
    }
    let test = dir.run(&["policy", "test", "own"]);
    assert_eq!((test.code, test.stderr.as_str()), (0, ""));
}

/// The folder in place of the library has nothing that it does not bring itself.
#[test]
fn policies_only_replaces_the_library() {
    let dir = overlay()
        .file(
            "alone/ACME-2/control.yaml",
            "id: ACME-2\nname: Alone\nseverity: low\ncategory: A\nrisk: d\ncheck: c\nremediation: r\nkinds: [Pod]\n",
        )
        .file(
            "alone/ACME-2/rule.rego",
            format!("package controls.acme2\n\nimport rego.v1\n\ndeny contains {FINDING} if input.object.kind == \"Pod\"\n"),
        );
    let run = dir.run(&["scan", "pod.yaml", "--policies-only", "alone", "-f", "json"]);
    assert_eq!(run.problems(), [] as [&str; 0]);
    assert_eq!(run.findings(), ["ACME-2 web spec"]);
    let run = dir.run(&["scan", "pod.yaml", "--policies-only", "own", "-f", "json"]);
    assert_eq!(run.code, 2);
    let problems = run.problems();
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("there is no control \"C-0057\"")),
        "{problems:?}"
    );
}

#[test]
fn taken_id_is_refused_by_policy_new_and_by_scan() {
    let dir = scaffold().file("pod.yaml", POD);
    for (arguments, expected) in [
        (
            &["policy", "new", "C-0057-mine"][..],
            "the id C-0057 is already that of",
        ),
        (
            &["policy", "new", "C-9001-again"],
            "the id C-9001 is already that of ./C-9001-mine",
        ),
        (
            &["policy", "new", "ACME-1", "--policies", "own"],
            "the id ACME-1 is already that of own/controls/ACME-1-names/control.yaml",
        ),
        (
            &[
                "scan",
                "pod.yaml",
                "--policies",
                "C-9001-mine",
                "--policies",
                "copy",
            ],
            "C-9001 is already the id of C-9001-mine/control.yaml",
        ),
    ] {
        let dir = overlay()
            .file(
                "copy/C-9001-x/control.yaml",
                dir.read("C-9001-mine/control.yaml"),
            )
            .file("copy/C-9001-x/rule.rego", dir.read("C-9001-mine/rule.rego"))
            .file(
                "C-9001-mine/control.yaml",
                dir.read("C-9001-mine/control.yaml"),
            )
            .file("C-9001-mine/rule.rego", dir.read("C-9001-mine/rule.rego"));
        let run = dir.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.prints(expected), "{}{}", run.stdout, run.stderr);
    }
    assert!(
        dir.read("C-9001-mine/control.yaml")
            .contains("name: \"Mine\"")
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
            "--verbose",
        ]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert_eq!(run.stdout.contains("a: ********"), is_masked, "{lines}");
        assert_eq!(run.stdout.contains("hunter2"), !is_masked, "{lines}");
        assert!(run.stdout.contains("b: plain"), "{lines}: {}", run.stdout);
    }
}

/// Rules outside the profile run all the same, so they are notes; `--strict` makes them errors.
#[test]
fn rule_outside_the_profile_passes_its_tests_with_notes() {
    let rule = format!(
        "package controls.c9001\n\nimport rego.v1\n\nimport data.lib.workload\n\n\
         deny contains finding if {{\n\
         \tttys := [c | some c in workload.containers; c.spec.tty == true]\n\
         \tsome container in ttys\n\
         \tpath := workload.at(container, \"tty\")\n\
         \tfinding := {FINDING_AT_PATH}\n}}\n"
    );
    let dir = scaffold().file("C-9001-mine/rule.rego", rule);
    let test = dir.run(&["policy", "test", "C-9001-mine"]);
    let notes: Vec<&str> = test.stderr.lines().collect();
    assert_eq!(test.code, 0, "{}{}", test.stdout, test.stderr);
    assert_eq!(
        test.stdout,
        "1 control, 4 test objects: 4 as expected, 0 not\n"
    );
    assert!(
        matches!(notes.as_slice(), [note] if note.starts_with("note: C-9001-mine/rule.rego:8:")),
        "{notes:?}"
    );
    let strict = dir.run(&["policy", "test", "--strict", "C-9001-mine"]);
    assert_eq!(strict.code, 2);
    assert_eq!(errors(&strict).len(), 1, "{}", strict.stderr);
}
const FINDING_AT_PATH: &str =
    "{\"message\": \"m\", \"paths\": [path], \"fixes\": [{\"path\": path, \"value\": false}]}";

/// A control in one file has no test data; its rule is loaded and compared with the profile.
#[test]
fn control_in_one_file_is_tested_without_test_data() {
    let file = |statement: &str| {
        format!(
            "# METADATA\n# title: Mine\n# custom:\n#   id: C-9002\n#   severity: low\n#   kinds: [Pod]\n\
             package controls.c9002\nimport rego.v1\ndeny contains {FINDING} if {{\n{statement}\n}}\n"
        )
    };
    for (statement, code, expected) in [
        (
            "input.object.kind == \"Pod\"",
            0,
            "1 control loads; no test data",
        ),
        (
            "input.object.spec.containers[_].tty",
            0,
            "note: mine.rego:10:",
        ),
        ("input.kind == \"Pod\"", 2, "error: mine.rego:10:"),
    ] {
        let dir = TestDir::new().file("mine.rego", file(statement));
        let test = dir.run(&["policy", "test", "mine.rego"]);
        assert_eq!(test.code, code, "{}{}", test.stdout, test.stderr);
        assert!(test.prints(expected), "{}{}", test.stdout, test.stderr);
    }
}

/// A rule that does not load has one error for its cause, and no line about its test data.
#[test]
fn mistake_in_a_rule_is_one_error_that_says_what_to_write() {
    let own = |body: &str| format!("deny contains {FINDING} if {{\n{body}\n}}\n");
    let with = |body: &str| format!("import data.lib.workload\n{}", own(body));
    let finding =
        |finding: &str| format!("deny contains {finding} if input.object.kind == \"Pod\"\n");
    for (rule, expected) in [
        (
            own("\tsome container in workload.containers\n\tworkload.at(container, \"tty\") == \"\""),
            "6:23: `workload` is not imported: add `import data.lib.workload`",
        ),
        (
            own("\tstrings.lower_ascii(input.object.kind) == \"pod\""),
            "6:5: `strings` is not imported: add `import data.lib.strings`",
        ),
        (
            own("\tdata.lib.workload.is_windows"),
            "6:5: `data.lib.workload.is_windows` is not read through an import: add `import data.lib.workload`, and write \
             `workload.is_windows`",
        ),
        (
            with("\tsome container in workload.container\n\tcontainer.spec.tty"),
            "7:23: `workload.container` does not exist: did you mean `workload.containers`?",
        ),
        (
            with("\tsome container in workload.containers\n\tworkload.att(container, \"tty\") == \"\""),
            "8:5: `workload.att` does not exist: did you mean `workload.at`?",
        ),
        (
            with("\tsome container in workload.probe_containers\n\tcontainer.securityContext.privileged"),
            "8:5: `container.securityContext` does not exist: did you mean `container.spec.securityContext`?",
        ),
        (
            "import data.lib.workloads\n".to_owned()
                + &own("\tsome container in workloads.containers\n\tcontainer.spec.tty"),
            "5:8: `data.lib.workloads` does not exist: did you mean `data.lib.workload`?",
        ),
        (
            own("\tinput.kind == \"Pod\""),
            "6:5: `input.kind` does not exist: write `input.object.kind`",
        ),
        (
            own("\tstarts_with(input.object.kind, \"P\")"),
            "6:16: `starts_with` is not a function that a rule may call, did you mean `startswith`?",
        ),
        (
            "deny contains msg if {\n\tinput.object.kind == \"Pod\"\n\tmsg := sprintf(\"%s\", [\"no\"])\n}\n".to_owned(),
            "7:19: a finding is {\"message\": …, \"paths\": […], \"fixes\": []}, not a string",
        ),
        (
            "deny[msg] { msg := \"no\" }\n".to_owned(),
            "5:11: `if` keyword is required before rule body: since Rego 1.0 a rule is written \
             `deny contains finding if { … }`",
        ),
        (
            finding("{\"message\": \"m\", \"paths\": [\"spec\"]}"),
            "5:15: a finding needs `fixes`: write [] where there are none",
        ),
        (
            finding("{\"msg\": \"m\", \"paths\": [\"spec\"], \"fixes\": []}"),
            "5:15: a finding needs `message`: rename `msg`",
        ),
        (
            finding("{\"message\": \"m\", \"paths\": \"spec\", \"fixes\": []}"),
            "5:42: `paths` of a finding is a list, not a string",
        ),
        (
            finding("{\"message\": \"m\", \"paths\": [\"spec\"], \"fixes\": [{\"path\": \"spec\"}]}"),
            "5:61: a fix is {\"path\": …, \"value\": …} or {\"path\": …, \"remove\": true}",
        ),
    ] {
        let rule = format!("package controls.c9001\n\nimport rego.v1\n\n{rule}");
        let test =
            scaffold()
                .file("C-9001-mine/rule.rego", rule)
                .run(&["policy", "test", "C-9001-mine"]);
        let expected: Vec<String> = expected
            .lines()
            .map(|line| format!("C-9001-mine/rule.rego:{line}"))
            .collect();
        assert_eq!(errors(&test), expected, "{}", test.stderr);
        assert_eq!((test.code, test.stdout.as_str()), (2, ""));
    }
}

#[test]
fn statement_outside_the_profile_is_one_note() {
    for body in [
        "\tx := input.object.spec.containers[_].image\n\tnot startswith(x, \"a\")",
        "\tsome port in input.object.spec.containers[_].ports\n\tport.hostPort",
        "\tinput.object.spec.containers[_].name == input.object.spec.volumes[_].name",
    ] {
        let rule = format!(
            "package controls.c9001\n\nimport rego.v1\n\ndeny contains {FINDING} if {{\n{body}\n}}\n"
        );
        let test =
            scaffold()
                .file("C-9001-mine/rule.rego", rule)
                .run(&["policy", "test", "C-9001-mine"]);
        let notes: Vec<&str> = test.stderr.lines().collect();
        assert!(
            matches!(notes.as_slice(), [note] if note.contains("no `_`: write `some x in …`")),
            "{notes:#?}"
        );
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
            "comprehensions are not compiled: use `some … in` or a partial set rule",
        ),
        (
            named("\tx = 1\n\tx > 0"),
            "bind with `:=` on its own line; no `=`",
        ),
        (named("\tx := 1.5\n\tx > 0"), "numbers must be integers"),
        (named("\tx := 2 * 3\n\tx > 0"), "no arithmetic"),
        (
            named("\tx := {1} | {2}\n\tcount(x) > 0"),
            "no union or intersection: write two bodies",
        ),
        (
            named("\tx := startswith(\"a\", \"b\")\n\tx == false"),
            "a condition is not a value",
        ),
        (
            named("\tinput.object.spec.containers[_].tty"),
            "no `_`: write `some x in …`",
        ),
        (
            named("\tsome x in input.object.spec.containers\n\tx.tty"),
            "`some … in` needs a list: use an iterator of data.lib",
        ),
        (
            named("\tnot input.object.spec.x > 3"),
            "`not` is compiled only before a reference, `==` or a helper",
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
            "the pattern has a class that is not ASCII everywhere",
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
            "a finding needs `fixes`: write [] where there are none",
        ),
    ] {
        let rule = format!("package controls.c9001\n\nimport rego.v1\n\n{rule}");
        let test = scaffold().file("C-9001-mine/rule.rego", rule).run(&[
            "policy",
            "test",
            "--strict",
            "C-9001-mine",
        ]);
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

/// The Pod Security Standards can be scanned as frameworks.
#[test]
fn pod_security_standards_are_frameworks() {
    let dir = TestDir::new().file("pod.yaml", POD);
    for (framework, code, result) in [
        ("pss-baseline", 0, "passed: no defects"),
        ("pss-restricted", 1, "FAILED: "),
    ] {
        let scan = dir.run(&["scan", "framework", framework, "pod.yaml"]);
        assert_eq!(scan.code, code, "{}{}", scan.stdout, scan.stderr);
        assert!(scan.stdout.contains(result), "{}", scan.stdout);
    }
}
