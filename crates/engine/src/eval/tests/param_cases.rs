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

#[test]
fn element_of_a_param_decides_by_conditions_of_its_own_and_of_the_object() {
    // Two ways to find an element, one of them for elements of certain lengths; both under a
    // condition of the object.
    let conditions = "\tinput.object.b != \"off\"\n\tis_found(input.object.a, input.object.c)";
    let helpers = "is_found(a, c) if {\n\tsome word in input.params.sensitiveKeyNames\n\tword != \
                   \"free\"\n\thas(a, c, word)\n}\n\nhas(a, _, word) if {\n\tendswith(a, \
                   concat(\"\", [\"-\", word]))\n\tcount(word) < 5\n}\n\nhas(a, c, word) if \
                   {\n\tc == \"all\"\n\tcontains(a, word)\n}\n\nhas(_, c, word) if \
                   strings.contains_ignore_case(c, concat(\"\", [word, \"!\"]))\n\n";
    let words = ["key", "free", "secret"];
    for (fields, expected) in [
        ("{a: a-key, b: on, c: x}", &["found"][..]),
        ("{a: akey, b: on, c: x}", &[]),
        ("{a: a-free, b: on, c: x}", &[]),
        ("{a: a-secret, b: on, c: x}", &[]),
        ("{a: a-key, b: \"off\", c: x}", &[]),
        ("{a: a-secret-1, b: on, c: all}", &["found"]),
        ("{a: free, b: on, c: all}", &[]),
        ("{a: free, b: on, c: a Secret!}", &["found"]),
        ("{a: free, b: on, c: Free!}", &[]),
        ("{a: 1, b: on, c: all}", &[]),
        ("{b: on, c: all}", &[]),
        ("{a: a-key, b: on}", &[]),
    ] {
        let fields = fields.trim_matches(['{', '}']).replace(", ", "\n");
        check_string_sets(helpers, conditions, &words, &fields, expected);
    }
    check_string_sets(helpers, conditions, &[], "a: a-key\nb: on\nc: x", &[]);
}

#[test]
fn empty_element_of_a_param_is_in_every_string() {
    for function in ["startswith", "endswith", "contains"] {
        let conditions = format!(
            "\tsome word in input.params.sensitiveKeyNames\n\t{function}(input.object.a, word)"
        );
        check_string_sets("", &conditions, &["x", ""], "a: abc", &["found"]);
        check_string_sets("", &conditions, &["x", "."], "a: abc", &[]);
        check_string_sets("", &conditions, &["x", ""], "a: [x]", &[]);
    }
}

/// Checks a rule of whose conditions at least one is decided by string sets.
#[track_caller]
fn check_string_sets(
    helpers: &str,
    conditions: &str,
    words: &[&str],
    fields: &str,
    expected: &[&str],
) {
    let name = "sensitiveKeyNames";
    let mut params = EMBEDDED.params.defaults();
    let strings = words.iter().map(ToString::to_string).collect();
    params
        .set_unchecked(&EMBEDDED.params, name, ParamValue::List(strings))
        .unwrap();
    // A condition in a helper is an `Any`; one of the clause itself would be a loop.
    let text = format!(
        "{helpers}is_denied if {{\n{conditions}\n}}\n\n{}",
        clause("\tis_denied", "\"found\"")
    );
    let rule = Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[name],
        text,
    };
    let engine = compile(std::slice::from_ref(&rule));
    assert_eq!(engine.tables().string_sets.conditions.len(), 1);
    check_rules(&[rule], &params, &config_map(fields), expected);
}
