//! Controls of both tiers, and those that do not load.

use super::{Rule, clause, config_map, kind, library, messages, object, pod, workloads};
use crate::Engine;
use kubevet_model::{EvalRequest, KindSelector};
use kubevet_policy::Params;

#[test]
fn interpreted_controls_of_several_kinds_keep_their_results_apart() {
    // The comprehension is outside the profile. The compiled control's kind comes before the
    // others.
    let interpreted = |number: u32, kinds: Vec<KindSelector>| Rule {
        number,
        kinds,
        params: &[],
        text: clause(
            "\tcount([key | some key, _ in input.object]) > 0",
            &format!("\"{number}\""),
        ),
    };
    let compiled = Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: clause("\tinput.object.a == 1", "\"found\""),
    };
    let rules = [
        compiled,
        interpreted(9002, workloads()),
        interpreted(9003, kind("", "Service")),
        interpreted(9004, kind("", "ServiceAccount")),
    ];
    let (engine, problems) = Engine::compile(&library(&rules));
    assert_eq!(problems, []);
    assert_eq!(engine.interpreted().count(), 3);
    for (kind, expected) in [
        ("Pod", "9002"),
        ("Service", "9003"),
        ("ServiceAccount", "9004"),
    ] {
        let yaml = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n");
        let verdict = engine.judge(&object(&yaml), &EvalRequest::default(), &Params::default());
        assert_eq!(messages(&verdict), [expected], "{kind}");
    }
}

#[test]
fn control_that_does_not_load_is_an_error_of_its_kinds_only() {
    let rules = [Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: "deny contains finding if {".to_owned(),
    }];
    let (engine, problems) = Engine::compile(&library(&rules));
    assert_eq!(problems.len(), 1);
    let request = EvalRequest::default();
    let verdict = engine.judge(&object(&config_map("")), &request, &Params::default());
    assert_eq!(messages(&verdict), ["error: its rule does not load"]);
    let verdict = engine.judge(&object(&pod("")), &request, &Params::default());
    assert_eq!(messages(&verdict), [] as [&str; 0]);
}

/// A rule that applies to objects with `a: 1`, in both tiers.
fn rules_with_applies(applies: &str) -> [(&'static str, Rule<'static>); 2] {
    let rule = |number: u32, condition: &str| Rule {
        number,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: format!("{applies}\n\n{}", clause(condition, "\"found\"")),
    };
    [
        ("compiled", rule(9001, "\tinput.object.b == 1")),
        (
            "interpreted",
            rule(9002, "\tcount([1 | input.object.b == 1]) > 0"),
        ),
    ]
}

#[test]
fn control_judges_only_objects_that_it_applies_to() {
    for (applies, yaml, is_judged, expected) in [
        (
            "applies if input.object.a == 1",
            "a: 1\nb: 1\n",
            true,
            &["found"][..],
        ),
        ("applies if input.object.a == 1", "a: 1\nb: 2\n", true, &[]),
        ("applies if input.object.a == 1", "a: 2\nb: 1\n", false, &[]),
        ("applies if input.object.a == 1", "b: 1\n", false, &[]),
        (
            "applies if input.object.a\n\napplies if input.object.c",
            "a: false\nb: 1\n",
            false,
            &[],
        ),
        (
            "applies if input.object.a\n\napplies if input.object.c",
            "c: 1\nb: 1\n",
            true,
            &["found"],
        ),
        ("applies := true", "b: 1\n", true, &["found"]),
        ("applies := false", "b: 1\n", false, &[]),
    ] {
        for (tier, rule) in rules_with_applies(applies) {
            let (engine, problems) = Engine::compile(&library(&[rule]));
            assert_eq!(problems, []);
            assert_eq!(engine.interpreted().next().is_some(), tier == "interpreted");
            let request = EvalRequest::default();
            let verdict = engine.judge(&object(&config_map(yaml)), &request, &Params::default());
            assert_eq!(messages(&verdict), expected, "{tier}: {applies}: {yaml}");
            assert_eq!(
                !verdict.judged.is_empty(),
                is_judged,
                "{tier}: {applies}: {yaml}"
            );
        }
    }
}

#[test]
fn interpreted_controls_with_and_without_applies_keep_their_results_apart() {
    let [_, (_, with)] = rules_with_applies("applies if input.object.a == 1");
    let without = Rule {
        number: 9003,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: clause("\tcount([1 | input.object.b == 1]) > 0", "\"also\""),
    };
    let failing = Rule {
        number: 9004,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: "applies if count([1 | input.object.c == 1]) > 0\n\ndeny contains input.object.c if input.object.c\n"
            .to_owned(),
    };
    let (engine, problems) = Engine::compile(&library(&[with, without, failing]));
    assert_eq!(problems, []);
    for (yaml, judged, expected) in [
        (
            "a: 1\nb: 1\n",
            &["C-9002", "C-9003"][..],
            &["found", "also"][..],
        ),
        ("b: 1\n", &["C-9003"], &["also"]),
        // The rule that fails does not take the others with it.
        (
            "c: 1\nb: 1\n",
            &["C-9003"],
            &[
                "also",
                "error: a finding without a `message` that is a string",
            ],
        ),
    ] {
        let request = EvalRequest::default();
        let verdict = engine.judge(&object(&config_map(yaml)), &request, &Params::default());
        let ids: Vec<&str> = verdict.judged.iter().map(|id| id.as_str()).collect();
        assert_eq!(ids, judged, "{yaml}");
        assert_eq!(messages(&verdict), expected, "{yaml}");
    }
}

#[test]
fn applies_that_is_no_condition_does_not_load() {
    for (applies, is_valid) in [
        ("applies if input.object.a == 1", true),
        ("applies := true if input.object.a == 1", true),
        (
            "applies := false if input.object.a == 1\n\nelse := true",
            true,
        ),
        (
            "default applies := false\n\napplies if input.object.a == 1",
            true,
        ),
        ("applies := input.object.a", false),
        ("applies := \"yes\" if input.object.a == 1", false),
        ("applies(x) if input.object.a == x", false),
        ("applies contains 1 if input.object.a == 1", false),
        (
            "default applies := 1\n\napplies if input.object.a == 1",
            false,
        ),
    ] {
        for (tier, rule) in rules_with_applies(applies) {
            let (_, problems) = Engine::compile(&library(&[rule]));
            assert_eq!(
                problems.is_empty(),
                is_valid,
                "{tier}: {applies}: {problems:?}"
            );
        }
    }
}
