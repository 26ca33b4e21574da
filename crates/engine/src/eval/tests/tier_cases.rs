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
