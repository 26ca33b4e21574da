//! Joins: nested loops and hash joins find the same, in proportion to both lists.

use super::{EMBEDDED, check, check_with_helpers, clause, compile, object, workload_rule};
use crate::ConditionCounts;
use kubevet_model::EvalRequest;
use std::fmt::Write as _;

const JOIN: &str = "\tsome volume in workload.volumes\n\tis_object(volume.spec.hostPath)\n\
                    \tsome container in workload.containers\n\
                    \tsome mount in collections.list(object.get(container.spec, [\"volumeMounts\"], []))\n\
                    \tmount.name == volume.name";

/// A Pod with `count` host path volumes, and one container that mounts each of them.
fn pod_with_mounts(count: usize) -> String {
    let mut yaml =
        String::from("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n");
    for number in 0..count {
        let _ = writeln!(yaml, "  - {{name: v{number}, hostPath: {{path: /}}}}");
    }
    yaml.push_str("  containers:\n  - name: c\n    volumeMounts:\n");
    for number in 0..count {
        let _ = writeln!(yaml, "    - {{name: v{number}}}");
    }
    yaml
}

fn join_steps(count: usize) -> u64 {
    let engine = compile(&[workload_rule(9001, clause(JOIN, "volume.name"))]);
    let mut counts = ConditionCounts::default();
    let params = EMBEDDED.params.defaults();
    let document = object(&pod_with_mounts(count));
    let verdict = engine.judge_observed(&document, &EvalRequest::default(), &params, &mut counts);
    assert_eq!(verdict.violations.len(), count);
    counts.steps()
}

#[test]
fn join_below_the_threshold_finds_what_loops_find() {
    let expected = &["v0", "v1", "v2"];
    check(JOIN, "volume.name", &pod_with_mounts(3), expected);
}

#[test]
fn join_above_the_threshold_finds_what_loops_find() {
    let names: Vec<String> = (0..60).map(|number| format!("v{number}")).collect();
    let mut expected: Vec<&str> = names.iter().map(String::as_str).collect();
    expected.sort_unstable();
    check(JOIN, "volume.name", &pod_with_mounts(60), &expected);
}

#[test]
fn join_costs_in_proportion_to_both_lists() {
    let (steps, steps_of_twice) = (join_steps(1000), join_steps(2000));
    assert!(steps < 1000 * 100, "{steps}");
    assert!(steps_of_twice < steps * 5 / 2, "{steps} {steps_of_twice}");
}

#[test]
fn join_leaves_out_elements_without_a_key() {
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes: [{name: v, hostPath: \
                {}}]\n  containers: [{name: c, volumeMounts: [{}, 7, {name: v}, {name: 1}]}]\n";
    check(JOIN, "volume.name", yaml, &["v"]);
}

#[test]
fn semi_join_in_a_helper_decides_as_a_loop() {
    let helpers = "is_mounted(volume) if {\n\tsome container in workload.containers\n\
                   \tsome mount in collections.list(object.get(container.spec, [\"volumeMounts\"], []))\n\
                   \tmount.name == volume.name\n}\n";
    let conditions = "\tsome volume in workload.volumes\n\tnot is_mounted(volume)";
    let mut yaml = pod_with_mounts(50);
    yaml.push_str("  - {name: d, volumeMounts: [{name: other}]}\n");
    let yaml = yaml.replace("  volumes:\n", "  volumes:\n  - {name: unused}\n");
    check_with_helpers(helpers, conditions, "volume.name", &yaml, &["unused"]);
}
