//! Conditions: comparisons, negation, type tests and membership.

use super::{check, check_with_helpers, config_map, map_engine, messages, object, pod};
use kubevet_model::EvalRequest;
use kubevet_policy::Params;

#[test]
fn equality_with_missing_field_is_false() {
    let missing = config_map("");
    check("\tinput.object.data.a == \"x\"", "\"found\"", &missing, &[]);
    check("\tinput.object.data.a != \"x\"", "\"found\"", &missing, &[]);
}

#[test]
fn equality_compares_values_and_types() {
    let map = config_map("a: 1\nb: \"1\"\nc: 1.0\nd: [1, {x: y}]\ne: [1, {x: y}]");
    check("\tinput.object.a == input.object.b", "\"found\"", &map, &[]);
    check(
        "\tinput.object.a == input.object.c",
        "\"found\"",
        &map,
        &["found"],
    );
    check(
        "\tinput.object.d == input.object.e",
        "\"found\"",
        &map,
        &["found"],
    );
}

#[test]
fn nested_collections_differ_by_one_element() {
    let map = config_map("a: {x: [1, [2, {y: z}]], w: 0}\nb: {w: 0, x: [1, [2, {y: q}]]}");
    check("\tinput.object.a == input.object.b", "\"equal\"", &map, &[]);
    check(
        "\tinput.object.a != input.object.b",
        "\"differ\"",
        &map,
        &["differ"],
    );
}

#[test]
fn numbers_beyond_64_bits_compare_exactly() {
    // The interpreter compares them as floating-point numbers, so it is left out.
    let map = config_map("a: 9223372036854775808\nb: 9223372036854775809");
    let engine = map_engine("\tinput.object.a < input.object.b");
    let verdict = engine.judge(&object(&map), &EvalRequest::default(), &Params::default());
    assert_eq!(messages(&verdict), ["found"]);
}

#[test]
fn strings_are_ordered_by_bytes() {
    let map = config_map("a: Zebra\nb: apple");
    check(
        "\tinput.object.a < input.object.b",
        "\"less\"",
        &map,
        &["less"],
    );
}

#[test]
fn truthiness_of_false_is_false_and_of_null_true() {
    let map = config_map("a: false\nb: null");
    check("\tinput.object.a", "\"found\"", &map, &[]);
    check("\tinput.object.b", "\"found\"", &map, &["found"]);
    check("\tinput.object.c", "\"found\"", &map, &[]);
}

#[test]
fn not_of_undefined_is_true() {
    check(
        "\tnot input.object.data.a",
        "\"missing\"",
        &config_map(""),
        &["missing"],
    );
    check(
        "\tnot input.object.data.a",
        "\"missing\"",
        &config_map("data: {a: x}"),
        &[],
    );
}

#[test]
fn not_of_helper_with_undefined_argument_is_lost() {
    let helpers = "is_x(value) if value == \"x\"\n";
    let conditions = "\tsome container in workload.containers\n\timage := container.spec.image\n\tnot is_x(image)";
    let containers = "{name: a, image: x}, {name: b}, {name: c, image: y}";
    let expected = &["c"];
    check_with_helpers(
        helpers,
        conditions,
        "container.name",
        &pod(containers),
        expected,
    );
}

#[test]
fn type_tests_tell_all_types_apart() {
    let map = config_map("values: [null, true, 1, s, [], {}]");
    for (test, index) in [
        ("is_null", 0),
        ("is_boolean", 1),
        ("is_number", 2),
        ("is_string", 3),
        ("is_array", 4),
        ("is_object", 5),
    ] {
        let conditions = format!(
            "\tsome i, value in collections.list(object.get(input.object, [\"values\"], []))\n\
             \t{test}(value)"
        );
        check(
            &conditions,
            "sprintf(\"%d\", [i])",
            &map,
            &[&index.to_string()],
        );
    }
}

#[test]
fn one_of_literals_matches_any() {
    let conditions = "\tsome wanted in [\"a\", \"b\"]\n\tinput.object.value == wanted";
    check(conditions, "wanted", &config_map("value: b"), &["b"]);
    check(conditions, "wanted", &config_map("value: c"), &[]);
}

#[test]
fn membership_is_in_lists_and_in_values_of_maps() {
    let map = config_map("list: [1, x]\nmap: {k: x}");
    check(
        "\t\"x\" in input.object.list",
        "\"found\"",
        &map,
        &["found"],
    );
    check("\t\"x\" in input.object.map", "\"found\"", &map, &["found"]);
    check("\t\"k\" in input.object.map", "\"found\"", &map, &[]);
    check("\t\"x\" in input.object.absent", "\"found\"", &map, &[]);
}
