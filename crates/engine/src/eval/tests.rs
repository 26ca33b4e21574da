//! Evaluator cases, each about one construct or one mechanism: a rule, an object and the expected
//! messages.
//!
//! Every case is evaluated three times: as in production, with hash joins from the first element
//! on, and in the interpreter. All must agree.

use crate::{ConditionCounts, Engine, EvalLimits, StepBudgetExceeded};
use kubevet_document::{Document, Limits, read};
use kubevet_model::{
    Control, ControlId, EvalError, EvalRequest, EvalTier, Kind, KindSelector, Operation, Verdict,
};
use kubevet_policy::{self as policy, ControlSource, Library, ModuleSource, ParamValue, Params};
use std::{
    cell::Cell,
    fmt::Write as _,
    sync::{Arc, LazyLock},
    time::Instant,
};

static EMBEDDED: LazyLock<Library> = LazyLock::new(|| policy::embedded().0);

/// A control in test: a part of its id, its kinds, its params and what its module has behind the
/// imports.
struct Rule<'r> {
    number: u32,
    kinds: Vec<KindSelector>,
    params: &'r [&'r str],
    text: String,
}

fn workloads() -> Vec<KindSelector> {
    vec![KindSelector::Workloads]
}

fn kind(group: &str, name: &str) -> Vec<KindSelector> {
    vec![KindSelector::Kind(Kind::new(group, name))]
}

/// The text of a clause of `deny` with these conditions and this message, which is an expression of
/// Rego.
fn clause(conditions: &str, message: &str) -> String {
    format!(
        "deny contains finding if {{\n{conditions}\n\tfinding := {{\"message\": {message}, \
         \"paths\": [\"metadata\"], \"fixes\": []}}\n}}\n"
    )
}

fn library(rules: &[Rule<'_>]) -> Library {
    let template = &*EMBEDDED.controls.first().unwrap().control;
    let controls = rules.iter().map(|rule| {
        let control = Control {
            id: ControlId::from(format!("C-{}", rule.number).as_str()),
            kinds: rule.kinds.clone(),
            params: rule.params.iter().map(ToString::to_string).collect(),
            requires_any_param: Vec::new(),
            ..template.clone()
        };
        let text = format!(
            "package controls.c{}\n\nimport rego.v1\n\nimport data.lib.collections\nimport \
             data.lib.images\nimport data.lib.quantities\nimport data.lib.strings\nimport \
             data.lib.workload\n\n{}",
            rule.number, rule.text
        );
        let file: Arc<str> = format!("c{}.rego", rule.number).into();
        ControlSource {
            control: Arc::new(control),
            rule: ModuleSource {
                file: Arc::clone(&file),
                text: text.into(),
            },
            file,
            position: kubevet_model::Position::START,
        }
    });
    Library {
        controls: controls.collect(),
        modules: EMBEDDED.modules.clone(),
        frameworks: Vec::new(),
        params: EMBEDDED.params.clone(),
    }
}

#[track_caller]
fn compile(rules: &[Rule<'_>]) -> Engine {
    let (engine, problems) = Engine::compile(&library(rules));
    assert_eq!(problems, []);
    let rejected: Vec<String> = engine
        .interpreted()
        .map(|(_, reason)| reason.to_string())
        .collect();
    assert_eq!(rejected, [] as [&str; 0], "every rule is compiled");
    engine
}

#[track_caller]
fn object(yaml: &str) -> Document {
    let parsed = read(&"object.yaml".into(), yaml.as_bytes(), &Limits::default());
    assert_eq!(parsed.problems, []);
    parsed.documents.into_iter().next().unwrap()
}

fn messages(verdict: &Verdict) -> Vec<String> {
    let messages = verdict.violations.iter();
    let errors = verdict.errors.iter();
    messages
        .map(|violation| violation.message.clone())
        .chain(errors.map(|error| format!("error: {}", error.error)))
        .collect()
}

/// Evaluates rules over an object in all three forms.
#[track_caller]
fn check_rules(rules: &[Rule<'_>], params: &Params, yaml: &str, expected: &[&str]) {
    let document = object(yaml);
    let request = EvalRequest {
        operation: Operation::Create,
    };
    let engine = compile(rules);
    let verdict = engine.judge(&document, &request, params);
    assert_eq!(messages(&verdict), expected, "{}", rules[0].text);
    let mut counts = ConditionCounts::with_immediate_hash_joins();
    let joined = engine.judge_observed(&document, &request, params, &mut counts);
    assert_eq!(joined, verdict, "with hash joins: {}", rules[0].text);
    let (interpreter, problems) = Engine::compile_interpreted(&library(rules));
    assert_eq!(problems, []);
    let interpreted = interpreter.judge(&document, &request, params);
    assert_eq!(interpreted, verdict, "interpreted: {}", rules[0].text);
}

/// Evaluates one clause over an object of a kind.
#[track_caller]
fn check(conditions: &str, message: &str, yaml: &str, expected: &[&str]) {
    check_with_helpers("", conditions, message, yaml, expected);
}

#[track_caller]
fn check_with_helpers(
    helpers: &str,
    conditions: &str,
    message: &str,
    yaml: &str,
    expected: &[&str],
) {
    let kinds = if yaml.contains("kind: Pod") {
        workloads()
    } else {
        kind("", "ConfigMap")
    };
    let rule = Rule {
        number: 9001,
        kinds,
        params: &[],
        text: format!("{helpers}\n{}", clause(conditions, message)),
    };
    check_rules(&[rule], &EMBEDDED.params.defaults(), yaml, expected);
}

/// A Pod with these containers.
fn pod(containers: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{containers}]}}\n"
    )
}

/// A ConfigMap with these further fields.
fn config_map(fields: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\n{fields}\n")
}

// --- conditions ---

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

// --- some, every ---

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

// --- terms ---

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

// --- params ---

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

// --- memoization ---

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

fn workload_rule(number: u32, text: String) -> Rule<'static> {
    Rule {
        number,
        kinds: workloads(),
        params: &[],
        text,
    }
}

#[test]
fn condition_of_an_element_is_decided_once_for_each_element_and_all_controls() {
    let container = "\tsome container in workload.containers\n\tcontainer.spec.tty == true";
    let rules =
        [9001, 9002, 9003].map(|number| workload_rule(number, clause(container, "container.name")));
    let yaml = pod("{name: a}, {name: b}, {name: c}, {name: d}");
    let decided = decisions(&rules, &yaml);
    assert_eq!(decided.len(), 1, "{decided:?}");
    assert_eq!(decided[0].1, 4, "{decided:?}");
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

// --- joins ---

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

// --- limits ---

fn big_map(entries: usize) -> String {
    let mut yaml = config_map("data:");
    for number in 0..entries {
        let _ = writeln!(yaml, "  k{number}: v{number}");
    }
    yaml
}

fn map_engine(conditions: &str) -> Engine {
    compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: clause(conditions, "\"found\""),
    }])
}

const LOOP: &str = "\tsome value in collections.map(object.get(input.object, [\"data\"], {}))\n\
                    \tvalue == \"x\"";

#[test]
fn object_beyond_the_step_budget_has_no_verdict() {
    let engine = map_engine(LOOP);
    let steps = Cell::new(100);
    let limits = EvalLimits {
        deadline: None,
        steps: Some(&steps),
    };
    let (request, params) = (EvalRequest::default(), Params::default());
    let document = object(&big_map(20_000));
    let result = engine.judge_with_limits(&document, &request, &params, &limits);
    assert_eq!(result, Err(StepBudgetExceeded));
}

#[test]
fn steps_are_subtracted_from_the_budget() {
    let engine = map_engine(LOOP);
    let steps = Cell::new(1_000_000);
    let limits = EvalLimits {
        deadline: None,
        steps: Some(&steps),
    };
    let (request, params) = (EvalRequest::default(), Params::default());
    let document = object(&big_map(100));
    let verdict = engine.judge_with_limits(&document, &request, &params, &limits);
    assert_eq!(verdict.unwrap().judged.len(), 1);
    let mut counts = ConditionCounts::default();
    let _ = engine.judge_observed(&document, &request, &params, &mut counts);
    assert_eq!(1_000_000 - steps.get(), counts.steps());
}

#[test]
fn passed_deadline_is_an_error_of_every_control_that_is_not_complete() {
    let engine = map_engine(LOOP);
    let limits = EvalLimits {
        deadline: Some(Instant::now()),
        steps: None,
    };
    let (request, params) = (EvalRequest::default(), Params::default());
    let document = object(&big_map(20_000));
    let verdict = engine
        .judge_with_limits(&document, &request, &params, &limits)
        .unwrap();
    assert_eq!(verdict.judged, []);
    let errors: Vec<&EvalError> = verdict.errors.iter().map(|error| &error.error).collect();
    assert_eq!(errors, [&EvalError::Deadline(EvalTier::Compiled)]);
}

#[test]
fn object_beyond_the_step_limit_is_an_error() {
    // A prefix test costs steps in proportion to the string: 300 of 750,000 are more than 200
    // million.
    let conditions = "\tsome value in collections.map(object.get(input.object, [\"data\"], {}))\n\
                      \tstartswith(input.object.long, value)";
    let engine = map_engine(conditions);
    let long = "a".repeat(12 << 20);
    let yaml = format!("{}long: {long}\n", big_map(300));
    let verdict = engine.judge(&object(&yaml), &EvalRequest::default(), &Params::default());
    let errors: Vec<&EvalError> = verdict.errors.iter().map(|error| &error.error).collect();
    let max_steps = 200_000_000;
    assert_eq!(errors, [&EvalError::StepLimit { max_steps }]);
}

#[test]
fn strings_beyond_the_memory_limit_are_an_error() {
    // Inside an `Any` the scratch buffer is not recycled: 20 strings of 1 MiB are too many.
    let helpers = "has_zz(map) if {\n\tsome value in collections.map(object.get(map, [\"data\"], {}))\n\
                   \tis_string(value)\n\tcontains(strings.lower_ascii(value), \"zz\")\n}\n";
    let engine = compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: format!(
            "{helpers}\n{}",
            clause("\tnot has_zz(input.object)", "\"found\"")
        ),
    }]);
    let mut yaml = config_map("data:");
    for number in 0..20 {
        let _ = writeln!(yaml, "  k{number}: {}", "A".repeat(1 << 20));
    }
    let verdict = engine.judge(&object(&yaml), &EvalRequest::default(), &Params::default());
    let errors: Vec<&EvalError> = verdict.errors.iter().map(|error| &error.error).collect();
    let expected = EvalError::MemoryLimit {
        tier: EvalTier::Compiled,
        max_mib: 16,
    };
    assert_eq!(errors, [&expected]);
}

#[test]
fn more_findings_than_the_limit_are_an_error() {
    let conditions = "\tsome key, value in collections.map(object.get(input.object, [\"data\"], {}))\n\
         \tvalue != \"x\"";
    let engine = compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: clause(conditions, "key"),
    }]);
    let document = object(&big_map(10_001));
    let verdict = engine.judge(&document, &EvalRequest::default(), &Params::default());
    assert_eq!(
        messages(&verdict),
        ["error: over 10000 findings in one object"]
    );
}

#[test]
fn long_message_is_truncated() {
    let engine = compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: clause(
            "\tis_string(input.object.a)",
            "sprintf(\"%s!\", [input.object.a])",
        ),
    }]);
    let yaml = config_map(&format!("a: {}", "ä".repeat(5000)));
    let verdict = engine.judge(&object(&yaml), &EvalRequest::default(), &Params::default());
    assert_eq!(messages(&verdict), ["ä".repeat(2048)]);
}

// --- both tiers ---

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
