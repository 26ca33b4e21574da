//! Memoization: how often a condition is decided, and that no memo outlives its object.

use super::{EMBEDDED, Rule, check, clause, compile, object, pod, workload_rule};
use crate::ConditionCounts;
use kubevet_model::EvalRequest;
use std::fmt::Write as _;

/// Returns how often each condition of control 9001 was decided.
#[track_caller]
fn decisions(rules: &[Rule<'_>], yaml: &str) -> Vec<(String, u64)> {
    let engine = compile(rules);
    let mut counts = ConditionCounts::default();
    let params = EMBEDDED.params.defaults();
    let _ = engine.judge_observed(&object(yaml), &EvalRequest::default(), &params, &mut counts);
    engine
        .condition_coverage(&"C-9001".into(), &counts)
        .into_iter()
        .map(|coverage| (coverage.condition, coverage.held + coverage.failed))
        .collect()
}

#[test]
fn condition_of_an_element_is_decided_once_for_each_element_and_all_controls() {
    let container = "\tsome container in workload.containers\n\tcontainer.spec.tty == true";
    let rules =
        [9001, 9002, 9003].map(|number| workload_rule(number, clause(container, "container.name")));
    for (containers, expected) in [
        ("{tty: false}, {tty: false}, {tty: 1}, {tty: null}", 4),
        // A condition whose field is absent is not decided.
        ("{tty: false}, {name: b}, {tty: 1}, {name: d}", 2),
    ] {
        let decided = decisions(&rules, &pod(containers));
        assert_eq!(decided, [("container.tty == true".to_owned(), expected)]);
    }
}

#[test]
fn condition_of_the_object_is_decided_once_inside_a_loop() {
    // Inside the helper the condition is reached for every container, but does not depend on it.
    let helpers = "is_bad(spec) if {\n\tspec.tty == true\n\tinput.object.spec.hostPID == true\n}\n\n\
                   is_bad(spec) if {\n\tspec.stdin == true\n\tinput.object.spec.hostPID == true\n}\n";
    let conditions = "\tsome container in workload.containers\n\tis_bad(container.spec)";
    let rule = workload_rule(
        9001,
        format!("{helpers}\n{}", clause(conditions, "container.name")),
    );
    let yaml = pod("{name: a, tty: true}, {name: b, stdin: true}, {name: c, tty: true}");
    let yaml = yaml.replace("spec: {", "spec: {hostPID: false, ");
    let decided = decisions(&[rule], &yaml);
    let host_pid: Vec<u64> = decided
        .iter()
        .filter(|(condition, _)| condition.contains("hostPID"))
        .map(|(_, count)| *count)
        .collect();
    assert_eq!(host_pid, [1], "{decided:?}");
}

#[test]
fn memo_of_an_object_is_not_used_for_the_next() {
    let engine = compile(&[workload_rule(
        9001,
        clause(
            "\tsome container in workload.containers\n\tcontainer.spec.image == \"x\"\n\
             \tcontainer.spec.image != \"y\"",
            "container.name",
        ),
    )]);
    let params = EMBEDDED.params.defaults();
    for (image, expected) in [("x", 1), ("z", 0), ("x", 1)] {
        let yaml = pod(&format!("{{name: a, image: {image}}}"));
        let verdict = engine.judge(&object(&yaml), &EvalRequest::default(), &params);
        assert_eq!(verdict.violations.len(), expected, "{image}");
    }
}

#[test]
fn clause_that_fired_is_not_decided_again() {
    let rule = workload_rule(
        9001,
        clause(
            "\tsome container in workload.containers\n\tcontainer.spec.tty == true",
            "container.name",
        ),
    );
    let yaml = pod("{name: a, tty: true}, {name: b}, {name: c}");
    // One decision until it fires, and three to find every element for the findings.
    let decided = decisions(&[rule], &yaml);
    assert_eq!(decided[0].1, 4, "{decided:?}");
}

#[test]
fn strings_of_an_outer_loop_are_computed_again_after_recycling() {
    // Each container adds 1 KiB of computed strings: the scratch buffer of 64 KiB is recycled
    // often.
    let mut containers = String::new();
    for number in 0..200 {
        let separator = if number == 0 { "" } else { ", " };
        let image = format!("{}{number}", "A".repeat(1000));
        let _ = write!(containers, "{separator}{{name: c{number}, image: {image}}}");
    }
    let conditions = "\tsome outer in workload.containers\n\
                      \tlower := strings.lower_ascii(outer.spec.image)\n\tendswith(lower, \"a7\")\n\
                      \tsome inner in workload.containers\n\
                      \tstrings.lower_ascii(inner.spec.image) == lower";
    let message = "sprintf(\"%s %s\", [outer.name, inner.name])";
    check(conditions, message, &pod(&containers), &["c7 c7"]);
}
