//! Loops: `some` and `every` over lists, maps and containers.

use super::{check, check_with_helpers, config_map, pod};

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
