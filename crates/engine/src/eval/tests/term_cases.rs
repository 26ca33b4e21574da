//! Terms: fallbacks, `else`, counts and strings.

use super::{check, check_with_helpers, config_map};

#[test]
fn object_get_falls_back_only_if_the_field_is_missing() {
    let conditions = "\tvalue := object.get(input.object, [\"a\"], \"fallback\")";
    let message = "sprintf(\"%s\", [value])";
    let guarded = format!("{conditions}\n\tis_string(value)");
    check(&guarded, message, &config_map(""), &["fallback"]);
    check(&guarded, message, &config_map("a: x"), &["x"]);
    check(&guarded, message, &config_map("a: null"), &[]);
}

#[test]
fn else_chain_takes_the_first_that_is_defined() {
    let helpers = "value := input.object.a if is_string(input.object.a)\n\n\
                   else := input.object.b if is_string(input.object.b)\n\nelse := \"none\"\n";
    for (fields, expected) in [("a: x\nb: z", "x"), ("b: z", "z"), ("a: 1", "none")] {
        check_with_helpers(
            helpers,
            "\tvalue != \"\"",
            "value",
            &config_map(fields),
            &[expected],
        );
    }
}

#[test]
fn count_is_of_elements_keys_and_characters() {
    let map = config_map("list: [1, 2]\nmap: {a: 1}\nstring: äöü");
    check(
        "\tcount(input.object.list) == 2",
        "\"found\"",
        &map,
        &["found"],
    );
    check(
        "\tcount(input.object.map) == 1",
        "\"found\"",
        &map,
        &["found"],
    );
    check(
        "\tcount(input.object.string) == 3",
        "\"found\"",
        &map,
        &["found"],
    );
}

#[test]
fn string_functions_of_functions_share_bytes_of_the_document() {
    let conditions =
        "\tvalue := trim_suffix(trim_prefix(input.object.a, \"<\"), \">\")\n\tvalue == \"body\"";
    check(conditions, "value", &config_map("a: <body>"), &["body"]);
}

#[test]
fn functions_of_computed_strings_give_computed_strings() {
    let conditions = "\tlower := strings.lower_ascii(input.object.a)\n\
                      \tvalue := replace(lower, \"a\", \"b\")\n\tvalue != lower";
    check(conditions, "value", &config_map("a: XAY"), &["xby"]);
}

#[test]
fn parts_of_images_are_those_of_the_library() {
    let conditions = "\tvalue := input.object.a\n\tis_string(value)";
    let message = "sprintf(\"%s %s\", [images.registry(value), images.tag(value)])";
    check(
        conditions,
        message,
        &config_map("a: ghcr.io/a/b:1"),
        &["ghcr.io 1"],
    );
}

#[test]
fn quantities_compare_by_value() {
    let conditions = "\tquantities.less(input.object.a, input.object.b)";
    check(
        conditions,
        "\"less\"",
        &config_map("a: 1000m\nb: 1.5"),
        &["less"],
    );
    check(conditions, "\"less\"", &config_map("a: 1Ki\nb: 1000"), &[]);
    check(
        conditions,
        "\"less\"",
        &config_map("a: nonsense\nb: 1000"),
        &[],
    );
}
