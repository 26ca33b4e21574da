//! What the compiler makes of Rego, construct by construct, against OPA: small rules over two fields that hold everything
//! a field can hold, or nothing.

use crate::{
    rego::{canonical, finding},
    support::Oracle,
};
use kubevet::{
    document::{self, Limits},
    engine::Engine,
    model::Request,
    policy::{self, Library},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the fields `spec.x` and `spec.y` hold; the first stands for a missing field.
const VALUES: &[&str] = &[
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
    "{}",
    "{\"a\":\"b\"}",
    "{\"a\":{\"b\":\"a\"},\"b\":[\"a\"]}",
];

/// Bodies of `deny` over `x` and `y`, which stand for the two fields, with what they need beside them.
const RULES: &[(&str, &str)] = &[
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
    ("", "some k, e in collections.map(x)\n\tk == \"a\"\n\tis_object(e)"),
    ("", "some i, e in collections.list(x)\n\ti == 0\n\te == \"a\""),
    ("", "some e in collections.list(object.get(input.object, [\"spec\", \"x\"], []))\n\tis_string(e)"),
    ("", "every e in collections.list(x) {\n\t\te == \"a\"\n\t}"),
    ("", "every e in x {\n\t\tis_string(e)\n\t}"),
    ("", "every e in [x, y] {\n\t\te == \"a\"\n\t}"),
    ("", "some e in [x, y]\n\te == \"a\""),
    ("", "some e in [\"a\", \"abc\"]\n\tsome f in collections.list(y)\n\te == f"),
    ("", "startswith(x, \"a\")"),
    ("", "contains(x, y)"),
    ("", "endswith(x, y)"),
    ("", "regex.match(`^[a-c]+$`, x)"),
    ("", "is_null(x)"),
    ("", "z := x\n\tis_number(z)\n\tnot is_zero(z)"),
    ("", "count(x) > 0"),
    ("", "count(x) == count(y)"),
    ("", "object.get(input.object.spec, [\"x\", \"a\"], \"none\") == \"none\""),
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
    ("f(v) := v.a if is_object(v)\nelse := \"none\"\n", "f(x) == \"none\""),
    ("f(v) := v.a if true\nelse := \"none\"\n", "f(x) == \"none\""),
    ("f(v) := \"one\" if v == 1\nelse := \"a\" if v == \"a\"\nelse := v\n", "f(x) == y"),
    ("f(v) := false if v == 1\nelse := true\n", "f(x)"),
    ("f(v) := false if v == 1\nelse := true\n", "z := x\n\tnot f(z)"),
    ("f(v) := 1 if true\n", "f(x) == 1"),
    ("f(v, w) if v == w\n", "z := x\n\tnot f(z, 1)"),
    ("g(v) if v.a\nf(v) if not g(v)\n", "f(x)"),
    ("f(\"a\") if true\nf(1) if true\n", "f(x)"),
    ("r if input.object.spec.x == 1\n", "not r"),
    ("r := \"v\" if input.object.spec.x == 1\nelse := \"w\" if input.object.spec.y\n", "r != \"v\""),
    (
        "s contains e if {\n\tsome e in collections.list(input.object.spec.x)\n\tis_string(e)\n}\ns contains \"z\" if input.object.spec.y == 1\n",
        "some e in s\n\te != \"q\"",
    ),
    ("s contains e if {\n\tsome e in collections.list(input.object.spec.x)\n}\n", "\"a\" in s"),
    ("s contains e if {\n\tsome e in collections.list(input.object.spec.x)\n}\n", "count(s) == 0"),
    ("s contains e if {\n\tsome e in collections.list(input.object.spec.x)\n}\n", "y in s"),
    ("f(v) if {\n\tsome e in collections.list(v)\n\tsome e2 in collections.list(v)\n\te != e2\n}\n", "f(x)"),
    ("f(v) if {\n\tsome e in collections.list(v)\n\tnot e == \"a\"\n}\n", "z := x\n\tnot f(z)"),
    ("", "x[0] == \"a\""),
    ("", "x[y] == \"b\""),
    ("", "some i, e in collections.list(x)\n\tcollections.list(y)[i] == e"),
    ("", "collections.is_empty(x)"),
];

fn rule(number: usize, helpers: &str, body: &str) -> String {
    let field = |text: &str| {
        // `x` and `y` as words of their own.
        let mut out = String::new();
        let mut word = String::new();
        for letter in text.chars().chain(['\n']) {
            if letter.is_ascii_alphanumeric() || letter == '_' || letter == '"' {
                word.push(letter);
                continue;
            }
            match word.as_str() {
                "x" | "y" if !out.ends_with(['.', '"']) => out.push_str(&format!("input.object.spec.{word}")),
                _ => out.push_str(&word),
            }
            word.clear();
            out.push(letter);
        }
        out
    };
    format!(
        "package controls.c{number}\n\nimport rego.v1\n\nimport data.lib.collections\nimport data.lib.quantities\n\
         import data.lib.strings\n\nis_zero(v) if v == 0\n\n{helpers}\ndeny contains finding if {{\n\t{}\
         \tfinding := {{\"message\": \"found\", \"paths\": [\"spec\"], \"fixes\": []}}\n}}\n",
        field(body)
    )
}

fn library() -> Library {
    let mut library = policy::embedded().0;
    let template =
        library.controls.iter().find(|it| it.control.id.as_str() == "C-0073").expect("a control of Pods").clone();
    library.controls = RULES
        .iter()
        .enumerate()
        .map(|(place, (helpers, body))| {
            let number = 9000 + place;
            let mut source = template.clone();
            let mut control = (*source.control).clone();
            control.id = format!("C-{number}").as_str().into();
            source.control = control.into();
            source.rule.file = format!("rule-{number}.rego").into();
            source.rule.text = rule(number, helpers, body).into();
            source
        })
        .collect();
    library
}

fn objects() -> Vec<String> {
    let field = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!("\"{name}\":{value}") };
    let mut objects = Vec::new();
    for x in VALUES {
        for y in VALUES {
            let fields: Vec<String> = [field("x", x), field("y", y)].into_iter().filter(|it| !it.is_empty()).collect();
            let spec = fields.join(",");
            objects.push(format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"a\"}},\"spec\":{{{spec}}}}}"
            ));
        }
    }
    objects
}

#[test]
fn what_is_compiled_means_what_opa_says() {
    let Some(mut oracle) = Oracle::start("what_is_compiled_means_what_opa_says") else { return };
    let library = library();
    let (engine, problems) = Engine::compile(&library);
    assert!(problems.is_empty(), "{problems:#?}");
    let refused: Vec<String> = engine.interpreted().map(|(_, why)| why.to_string()).collect();
    // The only one that must not be compiled: a negated call whose argument may be undefined. The interpreter, which
    // has it then, finds something where OPA's body is undone, so it is left out below.
    let lost = refused.iter().filter(|it| it.contains("`not` is undefined too")).count();
    assert_eq!((refused.len(), lost), (1, 1), "{refused:#?}");
    let all = library.modules.iter().chain(library.controls.iter().map(|it| &it.rule));
    let modules: Value =
        all.map(|it| (it.file.to_string(), json!(&*it.text))).collect::<serde_json::Map<_, _>>().into();
    let params = library.params.defaults();
    let objects = objects();
    let lines: Vec<String> = objects
        .iter()
        .map(|object| {
            let object: Value = serde_json::from_str(object).expect("JSON");
            let input = json!({"object": object, "params": {}, "request": {"operation": "CREATE"}});
            json!({"op": "rego", "regoVersion": "v1", "modules": modules, "query": "data.controls", "input": input})
                .to_string()
        })
        .collect();
    let answers = oracle.ask_all(&lines);
    let (mut differences, mut seen) = (Vec::new(), vec![BTreeSet::new(); RULES.len()]);
    for (object, answer) in objects.iter().zip(&answers) {
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        assert!(answer.get("error").is_none(), "{object}: {answer}");
        let read = document::read_json(&"object".into(), object.as_bytes(), &Limits::default());
        let verdict = engine.judge(&read.documents[0], &Request::default(), &params);
        assert!(verdict.errors.is_empty(), "{object}: {:?}", verdict.errors);
        for (place, source) in library.controls.iter().enumerate() {
            if engine.interpreted().any(|(id, _)| *id == source.control.id) {
                seen[place].extend([true, false]);
                continue;
            }
            let name = format!("c{}", 9000 + place);
            let opa: BTreeSet<String> =
                answer["result"][&name]["deny"].as_array().into_iter().flatten().map(canonical).collect();
            let own = verdict.findings.iter().filter(|it| it.control == source.control.id);
            let own: BTreeSet<String> = own.map(|it| canonical(&finding(it))).collect();
            seen[place].insert(!opa.is_empty());
            if opa != own {
                let (helpers, body) = RULES[place];
                differences.push(format!("{helpers}{body}\n  {object}\n  OPA {opa:?}\n  engine {own:?}"));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences[..differences.len().min(12)].join("\n")
    );
    // A rule that always says the same proves nothing.
    let dull: Vec<_> = RULES.iter().zip(&seen).filter(|(_, seen)| seen.len() < 2).map(|(rule, _)| rule).collect();
    assert!(dull.is_empty(), "{dull:#?}");
}
