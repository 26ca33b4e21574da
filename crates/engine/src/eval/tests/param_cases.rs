//! Params: lists and patterns that rules read.

use super::{
    EMBEDDED, Rule, check, check_rules, clause, compile, config_map, kind, messages, object,
};
use kubevet_model::EvalRequest;
use kubevet_policy::ParamValue;

#[track_caller]
fn check_params(conditions: &str, value: &[&str], name: &str, yaml: &str, expected: &[&str]) {
    let mut params = EMBEDDED.params.defaults();
    let strings = value.iter().map(ToString::to_string).collect();
    params
        .set_unchecked(&EMBEDDED.params, name, ParamValue::List(strings))
        .unwrap();
    let rule = Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[name],
        text: clause(conditions, "\"found\""),
    };
    check_rules(&[rule], &params, yaml, expected);
}

#[test]
fn list_param_is_iterated() {
    let conditions = "\tsome wanted in input.params.publicRegistries\n\tinput.object.a == wanted";
    let map = config_map("a: z");
    check_params(
        conditions,
        &["x", "z"],
        "publicRegistries",
        &map,
        &["found"],
    );
    check_params(conditions, &[], "publicRegistries", &map, &[]);
}

#[test]
fn match_that_the_exception_matches_too_does_not_count() {
    let conditions = "\tstrings.matches_except(`a[0-9]`, `[12]$`, input.object.a)";
    for (text, expected) in [
        ("a: a3", &["found"][..]),
        ("a: a1 a3", &["found"]),
        ("a: a1 a2", &[]),
        ("a: b", &[]),
        ("a: 3", &[]),
        ("b: a3", &[]),
    ] {
        check(conditions, "\"found\"", &config_map(text), expected);
    }
}

#[test]
fn patterns_of_a_param_are_matched_together() {
    let conditions =
        "\tsome pattern in input.params.sensitiveValues\n\tregex.match(pattern, input.object.a)";
    let map = config_map("a: abc");
    check_params(
        conditions,
        &["^x", "b.$"],
        "sensitiveValues",
        &map,
        &["found"],
    );
    check_params(conditions, &["^x", "^y"], "sensitiveValues", &map, &[]);
}

#[test]
fn invalid_pattern_of_a_param_matches_nothing_and_others_still_match() {
    let conditions =
        "\tsome pattern in input.params.sensitiveValues\n\tregex.match(pattern, input.object.a)";
    let params_value = ["(", "b"];
    let mut params = EMBEDDED.params.defaults();
    let strings = params_value.iter().map(ToString::to_string).collect();
    params
        .set_unchecked(
            &EMBEDDED.params,
            "sensitiveValues",
            ParamValue::List(strings),
        )
        .unwrap();
    let engine = compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &["sensitiveValues"],
        text: clause(conditions, "\"found\""),
    }]);
    let request = EvalRequest::default();
    let verdict = engine.judge(&object(&config_map("a: abc")), &request, &params);
    assert_eq!(messages(&verdict), ["found"]);
}
