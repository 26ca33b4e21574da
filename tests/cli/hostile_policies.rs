//! Hostile and untested policies: whatever they contain, the program ends, and never reports
//! success.

use kubevet_testkit::test_dir::{ProgramRun, TestDir};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: a\n    image: b\n";
const METADATA: &str = "# METADATA
# title: Hostile
# custom:
#   id: C-9001
#   severity: low
#   kinds: [workloads]
#   remediation: none
package controls.c9001
import rego.v1
";
/// A rule body that produces one finding.
const DENY: &str =
    "deny contains {\"message\": \"m\", \"paths\": [\"metadata.name\"], \"fixes\": []} if ";

fn run(rules: impl AsRef<[u8]>) -> ProgramRun {
    let mut source = METADATA.as_bytes().to_vec();
    source.extend_from_slice(rules.as_ref());
    TestDir::new()
        .file("pod.yaml", POD)
        .file("bad.rego", source)
        .run(&[
            "scan",
            "control",
            "C-9001",
            "pod.yaml",
            "--custom-rules",
            "bad.rego",
            "-f",
            "json",
        ])
}

/// The rule is rejected when it is loaded: a problem in the file contains this message, whether or
/// not the control is known afterwards.
fn refused(rules: impl AsRef<[u8]>, expected: &str) {
    let run = run(rules);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.prints(expected) && run.prints("bad.rego"),
        "{expected:?} is not said: {run:?}"
    );
}

/// The rule is loaded, and its evaluation is an error in the report.
fn fails(rules: impl AsRef<[u8]>, expected: &str) {
    fails_either(rules, &[expected]);
}

fn fails_either(rules: impl AsRef<[u8]>, expected: &[&str]) {
    let run = run(rules);
    assert_eq!(run.code, 2, "{run:?}");
    let errors = run.json()["errors"].clone();
    assert_eq!(errors.as_array().unwrap().len(), 1, "{run:?}");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(
        expected.iter().any(|expected| message.contains(expected)),
        "{errors}"
    );
}

/// The rule is rejected, fails, or even succeeds; but the program ends, and reports nothing as
/// passed that did not pass.
fn ends(rules: impl AsRef<[u8]>) {
    let run = run(rules);
    assert!(matches!(run.code, 0..=2), "{run:?}");
}

fn body(statements: &str) -> String {
    format!("{DENY}{{\n{statements}\n}}\n")
}

#[test]
fn valid_rule_is_evaluated() {
    let run = run(body("\ttrue"));
    assert_eq!(
        (run.code, run.findings()),
        (1, vec!["C-9001 web metadata.name".to_owned()])
    );
}

#[test]
fn recursive_rule_is_rejected() {
    for rules in [
        "f(x) := f(x)\n".to_owned() + &body("\tf(1)"),
        "f(x) := g(x)\ng(x) := f(x)\n".to_owned() + &body("\tf(1)"),
        "p if q\nq if p\n".to_owned() + &body("\tp"),
        "deny contains x if some x in deny\n".to_owned(),
        "deny contains x if some x in data.controls.c9001.deny\n".to_owned(),
        "deny contains x if {\n\tk := \"controls\"\n\tsome x in data[k].c9001.deny\n}\n".to_owned(),
        "import data.controls.c9001\ndeny contains x if some x in c9001.deny\n".to_owned(),
    ] {
        refused(rules, "calls itself: rules must not be recursive");
    }
}

#[test]
fn rule_that_would_overflow_the_stack_is_rejected() {
    let nested = |count: usize| format!("\tx := {}1{}", "[".repeat(count), "]".repeat(count));
    refused(body(&nested(40)), "brackets are nested more than 10 deep");
    refused(
        body(&format!("\tx := {}", vec!["1"; 300].join(" + "))),
        "more than 64 operators in a row",
    );
    refused(
        body(&format!("\tx := {}1", "-".repeat(2000))),
        "more than 64 operators in a row",
    );
    refused(
        body(&format!("\t{}true", "not ".repeat(300))),
        "more than 64 operators in a row",
    );
    let many = |count, line: &dyn Fn(usize) -> String| {
        (1..=count).map(line).collect::<Vec<_>>().join("\n")
    };
    refused(
        body(&many(3000, &|index| format!("\tsome x{index} in [1]"))),
        "nested too deep",
    );
    refused(
        body(&many(3000, &|index| format!("\tsome x{index}"))),
        "nested too deep",
    );
    let calls = many(900, &|index| format!("f{index}(x) := f{}(x)", index - 1));
    refused(
        format!("f0(x) := x\n{calls}\n{}", body("\tf900(1) == 1")),
        "nested too deep",
    );
    let backwards: Vec<&str> = calls.lines().rev().collect();
    refused(
        format!(
            "{}\nf0(x) := x\n{}",
            backwards.join("\n"),
            body("\tf900(1) == 1")
        ),
        "too deep",
    );
    let rules = many(900, &|index| format!("p{index} := p{}", index - 1));
    refused(
        format!("p0 := 1\n{rules}\n{}", body("\tp900 == 1")),
        "nested too deep",
    );
    let calls = many(2000, &|index| format!("f{index}(x) := f{}(x)", index - 1));
    refused(
        format!("f0(x) := x\n{calls}\n{}", body("\tf2000(1) == 1")),
        "more than 1000 rules",
    );
}

/// Rules at the accepted limits run on the threads that evaluate many objects.
#[test]
fn rule_just_below_the_limits_fits_the_stack() {
    let lines = |from: usize, to: usize, line: &dyn Fn(usize) -> String| {
        (from..=to).map(line).collect::<Vec<_>>().join("\n")
    };
    let bodies = [
        body(&lines(1, 210, &|index| format!("\tsome x{index} in [1]"))),
        body(&lines(1, 210, &|index| format!("\tx{index} := {index}"))),
        format!(
            "f0(x) := x\n{}\n{}",
            lines(1, 50, &|index| format!("f{index}(x) := f{}(x)", index - 1)),
            body("\tf50(1) == 1")
        ),
        format!(
            "p0 := 1\n{}\n{}",
            lines(1, 65, &|index| format!("p{index} := p{}", index - 1)),
            body("\tp65 == 1")
        ),
        body(&format!("\tx := {}", vec!["1"; 30].join(" + "))),
        body(&format!("\tx := {}", vec!["1"; 60].join(" - "))),
        body(&format!(
            "\t{}true{}",
            "every x in [1] { ".repeat(9),
            " }".repeat(9)
        )),
    ];
    let pods: Vec<String> = (0..200)
        .map(|index| POD.replace("web", &format!("web{index}")))
        .collect();
    for rules in bodies {
        let dir = TestDir::new()
            .file("pods.yaml", pods.join("---\n"))
            .file("bad.rego", format!("{METADATA}{rules}"));
        let run = dir.run(&[
            "scan",
            "control",
            "C-9001",
            "pods.yaml",
            "--custom-rules",
            "bad.rego",
            "-f",
            "json",
        ]);
        assert_eq!(
            run.code,
            1,
            "{rules}\n{}\n{}",
            run.stdout.get(..3000).unwrap_or(&run.stdout),
            run.stderr
        );
        assert_eq!(run.summary("failedObjects"), 200);
    }
}

#[test]
fn rule_beyond_the_step_limit_is_stopped() {
    for statements in [
        "\tr := numbers.range(1, 1000)\n\tsome a in r\n\tsome b in r\n\tsome c in r\n\ta + b + c < 0",
        "\tr := numbers.range(1, 2000)\n\tcount([[a, b] | some a in r; some b in r]) > 0",
        "\tr := {x | some x in numbers.range(1, 100000)}\n\tsome i in numbers.range(1, 100000)\n\tcount(r - {i}) < 0",
    ] {
        fails(body(statements), "takes longer than");
    }
    let calls: Vec<String> = (1..=30)
        .map(|index| format!("f{index}(x) if {{\n\tf{0}(x)\n\tf{0}(x)\n}}", index - 1))
        .collect();
    fails(
        format!("f0(x) if x\n{}\n{}", calls.join("\n"), body("\tf30(1)")),
        "takes longer than",
    );
}

/// A chain of `count` lines: `x0` is `first`, and each line computes the next variable from the
/// last.
fn grows(first: &str, count: usize, line: &dyn Fn(&str) -> String, last: &str) -> String {
    let lines =
        (1..=count).map(|index| format!("\tx{index} := {}\n", line(&format!("x{}", index - 1))));
    body(&format!(
        "\tx0 := {first}\n{}\t{}",
        lines.collect::<String>(),
        last.replace('X', &format!("x{count}"))
    ))
}

#[test]
fn rule_beyond_the_memory_limit_is_stopped() {
    for rules in [
        body("\tcount(numbers.range(1, 30000000)) > 0"),
        body("\tcount(sprintf(\"%99999999d\", [1])) > 0"),
        body("\tcount(sprintf(\"%.99999999f\", [1.5])) > 0"),
        body("\tunits.parse(\"1e99999999\") > 0"),
        body("\tunits.parse(\"1E-99999999\") > 0"),
        body("\tunits.parse_bytes(\"1e99999999999999999999\") > 0"),
        grows(
            "\"aaaaaaaaaa\"",
            40,
            &|x| format!("concat(\"\", [{x}, {x}])"),
            "count(X) > 0",
        ),
        grows(
            "\"aaaaaaaaaa\"",
            12,
            &|x| format!("replace({x}, \"a\", \"aaaaaaaaaa\")"),
            "count(X) > 0",
        ),
        grows(
            "\"aaaaaaaaaa\"",
            30,
            &|x| format!("replace({x}, \"\", {x})"),
            "count(X) > 0",
        ),
        grows(
            "\"aaaaaaaaaa\"",
            12,
            &|x| format!("regex.replace({x}, \"a\", \"aaaaaaaaaa\")"),
            "count(X) > 0",
        ),
        grows(
            "\"aaaaaaaaaa\"",
            12,
            &|x| {
                format!("strings.replace_n({{\"a\": \"bbbbbbbbbb\", \"b\": \"aaaaaaaaaa\"}}, {x})")
            },
            "count(X) > 0",
        ),
    ] {
        // On a slow machine the deadline may come first.
        fails_either(
            rules,
            &[
                "the rule makes more than 32 MiB of values",
                "the rule takes longer than",
            ],
        );
    }
    for rules in [
        grows("[1]", 40, &|x| format!("[{x}, {x}]"), "X == X"),
        grows(
            "[1]",
            40,
            &|x| format!("{{\"a\": {x}, \"b\": {x}}}"),
            "json.marshal(X) == \"\"",
        ),
        "d(x) := [x, x]\n".to_owned() + &grows("[1]", 40, &|x| format!("d({x})"), "X == X"),
        grows("10", 40, &|x| format!("{x} * {x}"), "X > 0"),
        grows("10", 40, &|x| format!("{x} + {x}"), "X > 0"),
    ] {
        refused(rules, "copies of a value: build less");
    }
}

/// A tenth above the limit: evaluating many more takes longer than a rule may take on a slow machine.
#[test]
fn rule_with_too_many_findings_is_stopped() {
    fails(
        "deny contains {\"message\": sprintf(\"%d\", [i]), \"paths\": [\"a\"], \"fixes\": []} if some i in numbers.range(1, 11000)\n",
        "over 10000 findings in one object",
    );
}

#[test]
fn builtin_with_side_effect_is_rejected() {
    for (statement, name) in [
        (
            "http.send({\"method\": \"GET\", \"url\": \"http://127.0.0.1\"})",
            "http.send",
        ),
        ("rand.intn(\"x\", 5) > 0", "rand.intn"),
        ("time.now_ns() > 0", "time.now_ns"),
        ("opa.runtime().env", "opa.runtime"),
        ("net.lookup_ip_addr(\"localhost\")", "net.lookup_ip_addr"),
        ("print(\"x\")", "print"),
        ("trace(\"x\")", "trace"),
        ("walk(input)", "walk"),
    ] {
        refused(
            body(&format!("\t{statement}")),
            &format!("`{name}` is not a function that a rule may call"),
        );
    }
}

#[test]
fn with_modifier_cannot_restore_a_rejected_builtin() {
    ends(body("\tinput.object with input as 1"));
    refused(
        "p if true\n".to_owned() + &body("\tp with data.controls.c9001.p as false"),
        "bad.rego",
    );
    ends("h(x) if false\nf(x) if h(x) with h as f\n".to_owned() + &body("\tf(1)"));
    ends(
        "h(x) if false\nf(x) if h(x) with data.controls.c9001.h as f\n".to_owned()
            + &body("\tf(1)"),
    );
    ends(body("\tcount([1]) > 0 with count as http.send"));
}

/// What the text of a rule shows is an error when it is loaded, and not for each object.
#[test]
fn visibly_malformed_finding_is_rejected() {
    for (rules, expected) in [
        ("deny := \"x\"", "write `deny contains finding if"),
        ("deny(x) := 1", "write `deny contains finding if"),
        (
            "deny contains {\"message\": \"m\"} if true",
            "a finding needs `paths`",
        ),
        (
            "deny contains {\"message\": 1, \"paths\": [], \"fixes\": []} if true",
            "`message` of a finding is a string, not a number",
        ),
    ] {
        refused(rules, expected);
    }
}

#[test]
fn malformed_finding_is_an_error() {
    for (rules, expected) in [
        (
            "deny contains x if x := p\np := \"x\"",
            "`message` that is a string",
        ),
        (
            "deny contains x if x := p\np := {\"message\": \"m\"}",
            "a finding without a list `paths`",
        ),
        (
            "p := 1 if true\np := 2 if true\ndeny contains x if x := p",
            "rule conflicts",
        ),
        (
            "deny contains x if regex.match(\"((a{1000}){1000}){1000}\", \"a\")\nx := 1",
            "regex exceeded size limit",
        ),
    ] {
        fails(rules, expected);
    }
}

#[test]
fn input_that_is_not_rego_is_rejected() {
    refused(
        "p := 1\n",
        "the rule finds nothing: write `deny contains finding if",
    );
    refused("", "the rule finds nothing");
    let comment = "# xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n";
    refused(
        comment.repeat(10_000) + &body("\ttrue"),
        "the rule is over 256 KiB",
    );
    for bytes in [
        comment.repeat(40_000).into_bytes(),
        (0..=255).collect(),
        vec![0; 1 << 20],
        vec![0xff; 100],
    ] {
        let dir = TestDir::new()
            .file("pod.yaml", POD)
            .file("bad.rego", [METADATA.as_bytes(), &bytes].concat());
        let run = dir.run(&[
            "scan",
            "pod.yaml",
            "--custom-rules",
            "bad.rego",
            "-f",
            "json",
        ]);
        let problems = run.problems();
        assert!(
            run.code == 2 && problems.len() == 1 && problems[0].starts_with("bad.rego"),
            "{problems:?}"
        );
    }
    refused("x := \"\0\"", "a control character");
    refused("x := \"abc", "unmatched");
    refused("x := \"\\x\"", "invalid escape");
    refused("}", "bad.rego");
}

/// Odd arguments of builtins are undefined, an error or a value, but never a panic.
#[test]
fn odd_builtin_arguments_do_not_crash() {
    let odd = [
        "1 % 0",
        "1 / 0",
        "-9223372036854775808 / -1",
        "-9223372036854775808 % -1",
        "abs(-9223372036854775808)",
        "1e300 * 1e300",
        "to_number(\"1e99999999\")",
        "to_number(\"-\")",
        "substring(\"aé\", 2, 1)",
        "substring(\"aé\", 1, -5)",
        "substring(\"aé\", 1, 99999999999999999999)",
        "array.slice([1, 2], 5, 1)",
        "array.slice([1, 2], -9999999999999999999, 99999999999999999999)",
        "format_int(5, 1)",
        "format_int(5.5, 7)",
        "bits.and(1, -9223372036854775808)",
        "numbers.range(-9223372036854775808, 9223372036854775807)",
        "numbers.range(1.5, 2)",
        "sprintf(\"%\", [1])",
        "sprintf(\"%c\", [9999999999])",
        "sprintf(\"%x%o%b%e%g%q%v%t%p\", [-1, -1, -1, -1, -1, \"a\", [], 1, 2])",
        "sprintf(\"%*d\", [99999999, 1])",
        "regex.find_n(\"a\", \"aaa\", -9223372036854775808)",
        "max([])",
        "strings.reverse(\"a\u{301}é\")",
        "indexof_n(\"\", \"\")",
        "split(\"\", \"\")",
        "trim(\"é\", \"\")",
        "concat(1, 2)",
        "json.filter(1, 2)",
        "json.remove({\"a\": [1]}, [\"a/7\", \"a/-\", \"/\"])",
        "union({1})",
        "object.union(1, 2)",
        "sort({})",
        "units.parse(\"\")",
        "units.parse(\"é\")",
        "units.parse_bytes(\"1ee\")",
    ];
    let lines: String = odd
        .iter()
        .enumerate()
        .map(|(at, argument)| format!("q{at} := {argument}\n{}", body(&format!("\tq{at}"))))
        .collect();
    ends(lines);
}
