//! Language cases: a library with a control for each construct that the compiler accepts, over two
//! fields that hold every sort of value, or nothing. Shipped controls use few of the constructs, and a
//! compiler fault in any of them must be found.

use super::corpus::SeedObject;
use kubevet_model::{Kind, KindSelector};
use kubevet_policy::{self as policy, Library};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The group and kind of the objects, which the schema does not know.
const KIND: (&str, &str) = ("example.com", "Thing");
/// The shipped control whose other properties they have.
const TEMPLATE_CONTROL: &str = "C-0073";
/// The number of the first control.
const FIRST_NUMBER: usize = 9000;

/// The values of the fields `spec.x` and `spec.y` as JSON; the first means a missing field.
const FIELD_VALUES: &[&str] = &[
    "",
    "null",
    "true",
    "false",
    "0",
    "1",
    "1.0",
    "-3",
    "2.5",
    "\"\"",
    "\"a\"",
    "\"abc\"",
    "\"A:b:c\"",
    "[]",
    "[null]",
    "[\"a\",1,true]",
    "[[\"a\"],{\"a\":1}]",
    "[1.0,null,{\"a\":1.0},[],\"a\"]",
    "[[1,1.0,\"a\"],[{\"a\":1},null,-0,0.0]]",
    "{}",
    "{\"a\":\"b\"}",
    "{\"a\":{\"b\":\"a\"},\"b\":[\"a\"]}",
];

/// Helper rules and a body of `deny` each, in which `x` and `y` are the two fields.
const RULE_BODIES: &[(&str, &str)] = &[
    ("", "x == y"),
    ("", "x != y"),
    ("", "x < y"),
    ("", "x >= y"),
    ("", "x > 0"),
    ("", "x == 1"),
    ("", "x"),
    ("", "not x"),
    ("", "not x == y"),
    ("", "not x.a"),
    ("", "x.a.b == \"a\""),
    ("", "x.a != \"b\""),
    ("", "z := x.a\n\tz != 5"),
    ("", "x in y"),
    ("", "x in {\"a\", \"abc\"}"),
    ("", "x in {\"a\", 1, true, null}"),
    ("", "\"a\" in x"),
    ("", "\"a\" in y.b"),
    ("", "some e in x\n\te == \"a\""),
    (
        "",
        "some k, e in collections.map(x)\n\tk == \"a\"\n\tis_object(e)",
    ),
    (
        "",
        "some i, e in collections.list(x)\n\ti == 0\n\te == \"a\"",
    ),
    (
        "",
        "some e in collections.list(object.get(input.object, [\"spec\", \"x\"], []))\n\tis_string(e)",
    ),
    ("", "every e in collections.list(x) {\n\t\te == \"a\"\n\t}"),
    ("", "every e in x {\n\t\tis_string(e)\n\t}"),
    ("", "every e in [x, y] {\n\t\te == \"a\"\n\t}"),
    ("", "some e in [x, y]\n\te == \"a\""),
    (
        "",
        "some e in [\"a\", \"abc\"]\n\tsome f in collections.list(y)\n\te == f",
    ),
    ("", "startswith(x, \"a\")"),
    ("", "contains(x, y)"),
    ("", "endswith(x, y)"),
    ("", "regex.match(`^[a-c]+$`, x)"),
    ("", "is_null(x)"),
    ("", "z := x\n\tis_number(z)\n\tnot is_zero(z)"),
    ("", "count(x) > 0"),
    ("", "count(x) == count(y)"),
    (
        "",
        "object.get(input.object.spec, [\"x\", \"a\"], \"none\") == \"none\"",
    ),
    ("", "object.get(x, \"a\", 7) == 7"),
    ("", "object.get(x, [\"a\", \"b\"], y) == y"),
    ("", "split(x, \":\")[1] == \"b\""),
    ("", "count(split(x, \":\")) == 3"),
    ("", "substring(x, 1, -1) == \"bc\""),
    ("", "trim_prefix(x, \"A:\") == \"b:c\""),
    ("", "concat(\"-\", [x, y]) == \"a-abc\""),
    ("", "replace(x, \"b\", \"\") == \"ac\""),
    ("", "strings.lower_ascii(x) == \"a:b:c\""),
    ("", "quantities.is_positive(x)"),
    ("", "quantities.less(x, y)"),
    ("f(v) if v == \"a\"\nf(v) if v == 1\n", "f(x)"),
    ("f(v) if v == \"a\"\n", "not f(x)"),
    ("f(v) if v == \"a\"\n", "z := x\n\tnot f(z)"),
    (
        "f(v) := v.a if is_object(v)\nelse := \"none\"\n",
        "f(x) == \"none\"",
    ),
    (
        "f(v) := v.a if true\nelse := \"none\"\n",
        "f(x) == \"none\"",
    ),
    (
        "f(v) := \"one\" if v == 1\nelse := \"a\" if v == \"a\"\nelse := v\n",
        "f(x) == y",
    ),
    ("f(v) := false if v == 1\nelse := true\n", "f(x)"),
    (
        "f(v) := false if v == 1\nelse := true\n",
        "z := x\n\tnot f(z)",
    ),
    ("f(v) := 1 if true\n", "f(x) == 1"),
    ("f(v, w) if v == w\n", "z := x\n\tnot f(z, 1)"),
    ("g(v) if v.a\nf(v) if not g(v)\n", "f(x)"),
    ("f(\"a\") if true\nf(1) if true\n", "f(x)"),
    ("r if input.object.spec.x == 1\n", "not r"),
    (
        "r := \"v\" if input.object.spec.x == 1\nelse := \"w\" if input.object.spec.y\n",
        "r != \"v\"",
    ),
    (
        "s contains e if {\n\tsome e in collections.list(input.object.spec.x)\n\tis_string(e)\n}\ns contains \"z\" if input.object.spec.y == 1\n",
        "some e in s\n\te != \"q\"",
    ),
    (
        "s contains e if {\n\tsome e in collections.list(input.object.spec.x)\n}\n",
        "\"a\" in s",
    ),
    (
        "s contains e if {\n\tsome e in collections.list(input.object.spec.x)\n}\n",
        "count(s) == 0",
    ),
    (
        "s contains e if {\n\tsome e in collections.list(input.object.spec.x)\n}\n",
        "y in s",
    ),
    (
        "f(v) if {\n\tsome e in collections.list(v)\n\tsome e2 in collections.list(v)\n\te != e2\n}\n",
        "f(x)",
    ),
    (
        "f(v) if {\n\tsome e in collections.list(v)\n\tnot e == \"a\"\n}\n",
        "z := x\n\tnot f(z)",
    ),
    ("", "x[0] == \"a\""),
    ("", "x[y] == \"b\""),
    (
        "",
        "some i, e in collections.list(x)\n\tcollections.list(y)[i] == e",
    ),
    ("", "collections.is_empty(x)"),
    // Joins of two iterations by an equality.
    (
        "",
        "some e in collections.list(x)\n\tsome f in collections.list(y)\n\te == f",
    ),
    (
        "",
        "some e in collections.list(x)\n\tsome f in collections.list(y)\n\te.a == f.a\n\tis_number(f.a)",
    ),
    (
        "",
        "some k, e in collections.map(x)\n\tsome f in collections.list(y)\n\tk == f",
    ),
    (
        "",
        "some e in collections.list(x)\n\tsome l in collections.list(y)\n\tsome f in collections.list(l)\n\te == f",
    ),
    (
        "",
        "some l in collections.list(y)\n\tsome e in collections.list(x)\n\tsome f in collections.list(l)\n\tf == e",
    ),
    (
        "",
        "some l in collections.list(y)\n\tsome i, e in collections.list(l)\n\tsome j, f in collections.list(l)\n\te == f\n\ti != j",
    ),
    (
        "f(v) if {\n\tsome e in collections.list(input.object.spec.y)\n\te == v\n}\n",
        "some e in collections.list(x)\n\tnot f(e)",
    ),
    (
        "f(v) if {\n\tsome l in collections.list(input.object.spec.y)\n\tsome e in collections.list(l)\n\te == v\n}\n",
        "some e in collections.list(x)\n\tnot f(e)",
    ),
];

/// Returns the controls, and objects for them: one for each pair of values.
#[must_use]
pub fn language_cases() -> (Library, Vec<SeedObject>) {
    let mut library = policy::embedded().0;
    let template = library
        .controls
        .iter()
        .find(|source| source.control.id.as_str() == TEMPLATE_CONTROL)
        .cloned();
    let control_source = |(number, (helpers, body)): (usize, &(&str, &str))| {
        let mut source = template.clone()?;
        let mut control = (*source.control).clone();
        control.id = format!("C-{number}").as_str().into();
        control.kinds = vec![KindSelector::Kind(Kind::new(KIND.0, KIND.1))];
        source.control = Arc::new(control);
        source.rule.file = format!("construct-{number}.rego").into();
        source.rule.text = rule_source(number, helpers, body).into();
        Some(source)
    };
    library.controls = (FIRST_NUMBER..)
        .zip(RULE_BODIES)
        .filter_map(control_source)
        .collect();
    (library, seed_objects())
}

fn seed_objects() -> Vec<SeedObject> {
    // The empty string is no JSON, and gives the missing field.
    let values: Vec<Option<Value>> = FIELD_VALUES
        .iter()
        .map(|json| serde_json::from_str(json).ok())
        .collect();
    values
        .iter()
        .flat_map(|x| values.iter().map(move |y| (x, y)))
        .map(|(x, y)| seed_object(x.clone(), y.clone()))
        .collect()
}

fn seed_object(x: Option<Value>, y: Option<Value>) -> SeedObject {
    let spec: Map<String, Value> = [("x", x), ("y", y)]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    let object = json!({"apiVersion": format!("{}/v1", KIND.0), "kind": KIND.1,
        "metadata": {"name": "a", "namespace": "shop"}, "spec": spec});
    SeedObject {
        object,
        control: None,
        params: Vec::new(),
    }
}

fn rule_source(number: usize, helpers: &str, body: &str) -> String {
    format!(
        "package controls.c{number}\n\nimport rego.v1\n\nimport data.lib.collections\nimport data.lib.quantities\n\
         import data.lib.strings\n\nis_zero(v) if v == 0\n\n{helpers}\ndeny contains finding if {{\n\t{}\
         \tfinding := {{\"message\": \"found\", \"paths\": [\"spec\"], \"fixes\": []}}\n}}\n",
        with_field_references(body)
    )
}

/// Replaces the identifiers `x` and `y` of a body by references to the fields.
fn with_field_references(body: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in body.chars().chain(['\n']) {
        // A quote is a part of a word, so that a literal is no identifier.
        if c.is_ascii_alphanumeric() || c == '_' || c == '"' {
            word.push(c);
            continue;
        }
        match word.as_str() {
            "x" | "y" if !out.ends_with(['.', '"']) => {
                out.push_str(&format!("input.object.spec.{word}"));
            }
            _ => out.push_str(&word),
        }
        word.clear();
        out.push(c);
    }
    out
}
