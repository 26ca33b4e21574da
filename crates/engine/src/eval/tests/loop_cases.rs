//! Loops: `some` and `every` over lists, maps and containers.

use super::{EMBEDDED, check, check_rules, check_with_helpers, config_map, pod, workload_rule};

#[test]
fn some_visits_lists_in_order_and_gives_indexes() {
    let conditions = "\tsome i, value in collections.list(object.get(input.object, [\"values\"], []))\n\tis_string(value)";
    let map = config_map("values: [x, z]");
    check(
        conditions,
        "sprintf(\"%d %s\", [i, value])",
        &map,
        &["0 x", "1 z"],
    );
}

#[test]
fn some_over_missing_null_or_wrong_type_finds_nothing() {
    let conditions = "\tsome value in collections.list(object.get(input.object, [\"values\"], []))";
    for fields in ["", "values: null", "values: text", "values: {a: b}"] {
        check(conditions, "\"found\"", &config_map(fields), &[]);
    }
}

#[test]
fn some_visits_entries_of_maps() {
    let conditions = "\tsome key, value in collections.map(object.get(input.object, [\"data\"], {}))\n\tis_string(value)";
    let map = config_map("data: {a: x, b: z}");
    check(
        conditions,
        "sprintf(\"%s=%s\", [key, value])",
        &map,
        &["a=x", "b=z"],
    );
}

#[test]
fn every_over_missing_list_is_true() {
    let conditions = "\tevery value in collections.list(object.get(input.object, [\"values\"], \
                      [])) {\n\t\tvalue == \"x\"\n\t}";
    check(conditions, "\"all\"", &config_map(""), &["all"]);
    check(
        conditions,
        "\"all\"",
        &config_map("values: [x, x]"),
        &["all"],
    );
    check(conditions, "\"all\"", &config_map("values: [x, z]"), &[]);
}

#[test]
fn every_with_undefined_body_is_false() {
    let conditions = "\tevery value in collections.list(object.get(input.object, [\"values\"], \
                      [])) {\n\t\tvalue.a == \"x\"\n\t}";
    check(
        conditions,
        "\"all\"",
        &config_map("values: [{a: x}]"),
        &["all"],
    );
    check(
        conditions,
        "\"all\"",
        &config_map("values: [{a: x}, {}]"),
        &[],
    );
}

#[test]
fn loops_of_one_domain_inside_each_other_are_apart() {
    let conditions = "\tsome a in workload.containers\n\tsome b in workload.containers\n\
                      \ta.spec.image == b.spec.image\n\ta.name != b.name";
    let containers = "{name: a, image: x}, {name: b, image: y}, {name: c, image: x}";
    let expected = &["a c", "c a"];
    check(
        conditions,
        "sprintf(\"%s %s\", [a.name, b.name])",
        &pod(containers),
        expected,
    );
}

#[test]
fn any_in_a_helper_restores_the_outer_element() {
    // The helper iterates the containers too. The element of the outer loop is current again after
    // it.
    let helpers = "has(image) if {\n\tsome container in workload.containers\n\
                   \tcontainer.spec.image == image\n}\n";
    let conditions =
        "\tsome container in workload.containers\n\thas(\"x\")\n\tcontainer.spec.tty == true";
    let containers = "{name: a, image: x}, {name: b, image: y, tty: true}";
    check_with_helpers(
        helpers,
        conditions,
        "container.name",
        &pod(containers),
        &["b"],
    );
}

#[test]
fn containers_of_all_lists_are_visited() {
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: a}, 7]\n  \
                initContainers: [{name: b}]\n  ephemeralContainers: [{}]\n";
    let expected = &["a", "b", "containers[1]", "ephemeralContainers[0]"];
    check(
        "\tsome container in workload.containers",
        "container.name",
        yaml,
        expected,
    );
}

#[test]
fn check_whose_field_is_absent_does_not_keep_the_result_of_the_element_before() {
    let text = "deny contains finding if {\n\tsome container in \
                workload.containers\n\tcontainer.spec.lifecycle.hook == \"a\"\n\tsome variable in \
                collections.list(object.get(container.spec, [\"env\"], []))\n\tvariable.name == \
                \"b\"\n\tfinding := {\"message\": container.name, \"paths\": [\"metadata\"], \
                \"fixes\": []}\n}\n";
    for (containers, expected) in [
        (
            "{name: one, lifecycle: {hook: a}}, {name: two, env: [{name: b}]}",
            &[][..],
        ),
        (
            "{name: one, lifecycle: {hook: a}}, {name: two, lifecycle: {}, env: [{name: b}]}",
            &[],
        ),
        (
            "{name: one, env: [{name: b}]}, {name: two, lifecycle: {hook: a}, env: [{name: b}]}",
            &["two"],
        ),
        (
            "{name: one, lifecycle: {hook: a}, env: [{name: b}]}, {name: two, env: [{name: b}]}",
            &["one"],
        ),
    ] {
        let rule = workload_rule(9001, text.to_owned());
        check_rules(
            &[rule],
            &EMBEDDED.params.defaults(),
            &pod(containers),
            expected,
        );
    }
}

#[test]
fn condition_that_holds_without_the_field_is_decided_without_it() {
    let get = "object.get(input.object, [\"a\"], \"x\")";
    for (conditions, holds_without) in [
        (format!("{get} == \"x\""), true),
        (format!("{get} == \"y\""), false),
        (format!("{get} != \"x\""), false),
        (format!("{get} != \"y\""), true),
        (format!("{get} in {{\"x\", \"z\"}}"), true),
        (format!("{get} in {{\"y\", \"z\"}}"), false),
        (format!("is_string({get})"), true),
        (format!("is_number({get})"), false),
        (format!("startswith({get}, \"x\")"), true),
        (format!("{get} < \"y\""), true),
        ("not input.object.a == \"y\"".to_owned(), true),
        ("not input.object.a".to_owned(), true),
        ("object.get(input.object, [\"a\"], false)".to_owned(), false),
        ("object.get(input.object, [\"a\"], true)".to_owned(), true),
        (
            "count(object.get(input.object, [\"a\"], [])) == 0".to_owned(),
            true,
        ),
    ] {
        let expected = if holds_without { &["found"][..] } else { &[] };
        check(
            &format!("\t{conditions}"),
            "\"found\"",
            &config_map(""),
            expected,
        );
    }
}
