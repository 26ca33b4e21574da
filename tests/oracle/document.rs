//! The YAML reader against `sigs.k8s.io/yaml`, the reader of kubectl and Helm.

use kubevet_document::{Limits, read_yaml};
use kubevet_testkit::{build_output::shared_data, oracle::Oracle};
use proptest::{
    collection,
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    fs,
    sync::Arc,
};

/// The result of reading a stream: its non-empty documents, and the number of rejected ones.
#[derive(Debug, PartialEq)]
struct Outcome {
    documents: Vec<Value>,
    refused: usize,
    /// True if a part of the input was ignored silently.
    has_unread: bool,
}

fn read_here(source: &str) -> Outcome {
    let reading = read_yaml(&Arc::from("f"), source.as_bytes(), &Limits::default());
    let documents = reading.documents.iter().map(|document| {
        let mut source = String::new();
        document.root().write_json(&mut source);
        serde_json::from_str(&source).unwrap_or_else(|error| panic!("{source} is no JSON: {error}"))
    });
    Outcome {
        documents: documents.collect(),
        refused: reading.problems.len(),
        has_unread: false,
    }
}

fn read_by_go(oracle: &mut Oracle, source: &str) -> Outcome {
    let answer = oracle.send(&json!({ "op": "yaml", "text": source }));
    let mut outcome = Outcome {
        documents: Vec::new(),
        refused: 0,
        has_unread: false,
    };
    for document in answer["documents"]
        .as_array()
        .unwrap_or_else(|| panic!("{source:?}: {answer}"))
    {
        outcome.has_unread |= document.get("rest").is_some();
        if document.get("error").is_some() {
            outcome.refused += 1;
        } else if !document["json"].is_null() {
            outcome.documents.push(document["json"].clone());
        }
    }
    outcome
}

#[test]
fn awkward_yaml_is_read_as_in_go() {
    let Some(mut oracle) = Oracle::start("awkward YAML") else {
        return;
    };
    let mut differing = String::new();
    for source in AWKWARD {
        let (read_here, read_by_go) = (read_here(source), read_by_go(&mut oracle, source));
        if read_here != read_by_go {
            differing +=
                &format!("{source:?}\n  kubevet {read_here:?}\n  Go      {read_by_go:?}\n");
        }
    }
    assert!(differing.is_empty(), "\n{differing}");
}

#[test]
fn differences_from_go_are_the_intended_ones() {
    let Some(mut oracle) = Oracle::start("deliberate differences") else {
        return;
    };
    for (why, cases) in DELIBERATE {
        for (source, expected) in *cases {
            let read_here = read_here(source);
            assert_ne!(
                read_here,
                read_by_go(&mut oracle, source),
                "no difference any more, {why}: {source:?}"
            );
            let mut shown: Vec<_> = read_here.documents.iter().map(Value::to_string).collect();
            shown.extend((0..read_here.refused).map(|_| "refused".to_owned()));
            assert_eq!(shown.join(" "), *expected, "{why}: {source:?}");
        }
    }
}

#[test]
fn generated_values_are_read_as_in_go() {
    let sources = yaml().prop_map(|value| print(&value));
    check_generated("generated YAML", 2000, 1500, sources);
}

#[test]
fn random_tokens_are_read_as_in_go() {
    let sources = collection::vec(select(TOKENS), 1..24).prop_map(|tokens| tokens.concat());
    check_generated("random YAML tokens", 4000, 200, sources);
}

/// The rule for generated input: what both readers accept, they read equally. kubevet may reject
/// more, which fails a run, or accept more, which evaluates more. Where Go's reader ignores a part
/// of the input, only kubevet has read all of it. At least `read` of the `cases` must be accepted
/// by both, so that the comparison is not vacuous.
fn check_generated(test: &str, cases: u32, read: u32, sources: impl Strategy<Value = String>) {
    let Some(oracle) = Oracle::start(test).map(RefCell::new) else {
        return;
    };
    let compared = Cell::new(0);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    });
    let outcome = runner.run(&sources, |source| {
        let (read_here, read_by_go) = (
            read_here(&source),
            read_by_go(&mut oracle.borrow_mut(), &source),
        );
        if read_here.refused == 0 && read_by_go.refused == 0 && !read_by_go.has_unread {
            prop_assert_eq!(read_here.documents, read_by_go.documents, "{:?}", source);
            compared.set(compared.get() + 1);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        compared.get() >= read,
        "only {} of {cases} texts were read by both",
        compared.get()
    );
}

/// Tokens of YAML.
const TOKENS: &[&str] = &[
    "a",
    "b",
    "a: ",
    "b: ",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "\n",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "'",
    "\"",
    "|\n",
    ">\n",
    "|",
    ">-\n  ",
    " # c\n",
    "&x ",
    "*x",
    "*x ",
    "!!str ",
    "!!int ",
    "! ",
    "!t ",
    "0644",
    "yes",
    "~",
    "<<: ",
    "<<: *x",
    "1e3",
    "1_0",
    "0x1f",
    ".5",
    "-1",
    "12:30",
    "2001-01-01",
    "\\n",
    "\\",
    "x y",
    "\u{e4}",
    "\n---\n",
    "\n...\n",
    "%",
    "@",
];

/// A value and its notation.
#[derive(Debug, Clone)]
enum Yaml {
    /// A scalar as written.
    Scalar(&'static str),
    /// A string in single quotes, in double quotes, or as a block.
    Text(String, u8),
    List(Vec<Yaml>, bool),
    Map(Vec<(&'static str, Yaml)>, bool),
}

fn yaml() -> impl Strategy<Value = Yaml> {
    let scalars = &[
        "a",
        "yes",
        "n",
        "~",
        "0644",
        "1_0",
        "1e3",
        "-0x1f",
        ".5",
        "12:30",
        "2001-01-01",
        "x y",
        "!!str 1",
        "! 1",
        "'1'",
        "\"a\\nb\"",
        "!!int '7'",
        "http://x:80/y",
        "-a",
        "a#b",
        "<<",
        "1e6",
        "0o17",
    ];
    let keys = &[
        "a", "b", "yes", "1", "1.5", "1e6", "0x1f", "'2'", "\"b\"", "x y", "a.b/c", "!!str 3",
        "on", "! c",
    ];
    let leaf = prop_oneof![
        select(scalars.as_slice()).prop_map(Yaml::Scalar),
        ("[ a:#'\"\\\\\n\t\u{e4}\u{1f600}-]{0,12}", 0..4_u8)
            .prop_map(|(source, style)| Yaml::Text(source, style)),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            (collection::vec(inner.clone(), 0..5), any::<bool>())
                .prop_map(|(list, flow)| Yaml::List(list, flow)),
            (
                collection::vec((select(keys.as_slice()), inner), 0..5),
                any::<bool>()
            )
                .prop_map(|(map, flow)| Yaml::Map(map, flow)),
        ]
    })
}

fn print(value: &Yaml) -> String {
    let mut out = String::from("root:");
    write(value, 1, false, &mut out);
    out.push('\n');
    out
}

/// Writes a value after a `:` or `-`, or inside a flow collection.
fn write(value: &Yaml, indent: usize, in_flow: bool, out: &mut String) {
    let pad = "  ".repeat(indent);
    match value {
        Yaml::Scalar(source) => *out += &format!(" {source}"),
        Yaml::Text(source, 0) => {
            *out += &format!(
                " '{}'",
                source.replace('\'', "''").replace(['\n', '\t'], " ")
            )
        }
        Yaml::Text(source, 2) if !in_flow => {
            *out += &format!(
                " |2-\n{pad}  {}",
                source.replace('\n', &format!("\n{pad}  "))
            )
        }
        Yaml::Text(source, 3) if !in_flow => {
            *out += &format!(
                " >2-\n{pad}  {}",
                source.replace('\n', &format!("\n{pad}  "))
            )
        }
        Yaml::Text(source, _) => *out += &format!(" {}", json!(source)),
        Yaml::List(list, flow) if *flow || in_flow || list.is_empty() => {
            *out += " [";
            for element in list {
                write(element, indent, true, out);
                *out += ",";
            }
            *out += "]";
        }
        Yaml::Map(map, flow) if *flow || in_flow || map.is_empty() => {
            *out += " {";
            for (key, value) in map {
                *out += &format!(" {key} :");
                write(value, indent, true, out);
                *out += ",";
            }
            *out += "}";
        }
        Yaml::List(list, _) => {
            for element in list {
                *out += &format!("\n{pad}-");
                write(element, indent + 1, false, out);
            }
        }
        Yaml::Map(map, _) => {
            for (key, value) in map {
                *out += &format!("\n{pad}{key}:");
                write(value, indent + 1, false, out);
            }
        }
    }
}

#[test]
fn corpus_is_read_as_in_go() {
    let Some(mut oracle) = Oracle::start("corpus") else {
        return;
    };
    let Some(corpus) = shared_data("corpus", "corpus") else {
        return;
    };
    let mut files = 0;
    for entry in fs::read_dir(corpus).expect("the corpus is a folder") {
        let path = entry.expect("it can be listed").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let source = fs::read_to_string(&path).expect("it can be read");
            assert!(
                read_here(&source) == read_by_go(&mut oracle, &source),
                "{}",
                path.display()
            );
            files += 1;
        }
    }
    assert!(files > 0, "the corpus has no YAML");
}

/// Input that kubevet reads differently on purpose, with its result, by reason.
const DELIBERATE: &[(&str, &[(&str, &str)])] = &[
    (
        "granit-parser follows YAML 1.2 and refuses what its 1.1 reader lets pass; the run then fails and says where",
        &[
            ("[-, +]", r#"refused"#),
            ("a: \"x\ny\"", r#"refused"#),
            ("a: 'x\ny'", r#"refused"#),
            ("a: \"\\'\"", r#"refused"#),
            ("a: 'x'# c", r#"refused"#),
            ("a: [1, 2]# c", r#"refused"#),
            ("a: \u{feff}x", r#"refused"#),
        ],
    ),
    (
        "Go's reader takes these for line breaks and granit-parser does not, so fields could hide behind them",
        &[
            ("a: x\u{2028}b: y", r#"refused"#),
            ("# x\u{2028}b: y", r#"refused"#),
            ("a: x\u{2029}b: y", r#"refused"#),
        ],
    ),
    (
        "Go's reader takes the first document and silently drops what follows",
        &[
            ("[a, b]]", r#"refused"#),
            ("{a: 1}}", r#"refused"#),
            (" a: 1\nb: 2", r#"refused"#),
            ("|\na", r#""a\n""#),
            ("a: 1\n...\nb: 2", r#"{"a":1} {"b":2}"#),
        ],
    ),
    (
        "YAML allows a directive and content on the line of a separator, kubectl does not; what can be read is judged",
        &[
            ("%TAG ! tag:yaml.org,2002:\n---\na: !int '1'", r#"{"a":1}"#),
            ("%YAML 1.2\n---\na: 1", r#"{"a":1}"#),
            ("--- |\nx\n", r#""x\n""#),
            ("--- >\n x\n y\n", r#""x y\n""#),
            ("a: 1\n--- {b: 2}", r#"{"a":1} {"b":2}"#),
        ],
    ),
    (
        "YAML 1.2 allows tabs where no indentation is counted, and a tag or `?` without content; so what can be read is judged",
        &[
            ("\ta: b", r#"{"a":"b"}"#),
            ("a:\n  b: c\n\n\t\n  d: e", r#"{"a":{"b":"c","d":"e"}}"#),
            ("- a\n-\tb\n", r#"["a","b"]"#),
            ("-\ta: b", r#"[{"a":"b"}]"#),
            ("a: |\n  \tx\n", r#"{"a":"\tx\n"}"#),
            ("\t", r#""#),
            (
                "[!!str 1, !!str yes, !!str, !!str ~, !!str '']",
                r#"["1","yes","","~",""]"#,
            ),
            (
                "[!foo 1, !foo yes, !foo ~, !foo, !foo 'x', !foo [1], !foo {a: 1}]",
                r#"["1","yes","~","","x",[1],{"a":1}]"#,
            ),
            ("[?x, ?]", r#"["?x","?"]"#),
            ("{a: ?x}", r#"{"a":"?x"}"#),
        ],
    ),
    (
        "granit-parser knows the escape `\\/` and pairs of surrogates, as in JSON",
        &[
            ("a: \"\\/\"", r#"{"a":"/"}"#),
            ("a: \"\\ud83d\\ude00\"", r#"{"a":"😀"}"#),
        ],
    ),
];

/// Input that YAML readers disagree about.
const AWKWARD: &[&str] = &[
    // plain words
    "[y, Y, yes, Yes, YES, on, On, ON, true, True, TRUE]",
    "[n, N, no, No, NO, off, Off, OFF, false, False, FALSE]",
    "[yEs, oN, tRUE, nULL, oFF, ye, tru]",
    "[~, null, Null, NULL, '', \"\", , ]",
    "a:",
    "a: ~",
    "a: null",
    "a: ''",
    "a: !!null",
    "a: !!null ''",
    "a: !!null x",
    "~: a",
    "null: a",
    ": a",
    "? \n: a",
    "y: 1\nn: 2\non: 3",
    "'y': 1",
    // integers
    "[0, -0, +0, 00, 1, -1, +1]",
    "[0644, 0o644, 0O644, -0644, +0644, 0_644, 08, 09, 0o8]",
    "[0x1F, 0X1f, -0x1f, +0x1F, 0x, 0xg, 0x_1, 0x1_0]",
    "[0b101, 0B101, -0b101, +0b101, 0b, 0b2, 0b-1, 0b+1, -0b-1, 0b1_0]",
    "[1_000, 1__0, _1, 1_, 1_000.5, -_1, +_1]",
    "[9223372036854775807, 9223372036854775808, 18446744073709551615, 18446744073709551616]",
    "[-9223372036854775808, -9223372036854775809]",
    "[0xFFFFFFFFFFFFFFFF, 0x1FFFFFFFFFFFFFFFF, 0777777777777777777777, 01777777777777777777777]",
    "[12:30, 12:30:45, 190:20:30, 1:0, 0:0, 12:30.5, -12:30]",
    "[1 000, 1a, a1, 0.0.0.0, 10.0.0.1, 1-2, 1/2, --1, ++1, +-1, 1%]",
    "- -\n- +",
    "[ - ]",
    // floats
    "[1.0, 1.50, -1.5, +1.5, .5, -.5, +.5, 5., -5., 1., .]",
    "[1e3, 1E3, 1e+3, 1e-3, 1.5e3, .5e3, 5.e3, 1e, e1, 1e3.5, -1e3, 1e03]",
    "[1e400, -1e400, 1e-400, 123456789012345678901234567890]",
    "[1e5, 1e6, 1e20, 1e21, 1e22, 1e-5, 1e-6, 1e-7, 1e-10, 1.5e-7, 123456789.123456789, 0.1, 0.30000000000000004]",
    "[100000000000000000000.0, 1000000000000000000000.0, 0.000001, 0.0000001, 4.9e-324, 1.7976931348623157e308]",
    "[-0.0, 0.0, +0.0, 0e0, -0e5]",
    "[._5, .5_5, 1_0.5, 1.5_0, 1_e3, .e5, ._]",
    "[inf, Inf, nan, NaN, infinity, Infinity, +inf, -inf, +Inf, -nan, -.nan, +.nan, .infinity]",
    "a: .inf",
    "a: -.inf",
    "a: +.INF",
    "a: .nan",
    "a: .NaN",
    "[0x1p3, 0x.8p1, 0x1.8p0, 1p3]",
    "[1.5f, 1d, 0.5.1, 1..2]",
    // dates
    "[2001-01-01, 2001-1-1, 2001-12-14t21:59:43.10-05:00, 2001-12-14T21:59:43Z, '2001-01-01']",
    "[2001-12-14 21:59:43.10, 2001-12-14 21:59:43.10 -5, 2001-13-01, 20010101]",
    "2001-01-01: a",
    "a: !!timestamp 2001-01-01",
    // tags
    "[!!int 1, !!int '1', !!int \"0644\", !!int 0x1f, !!int 1_0]",
    "a: !!int 1.5",
    "a: !!int x",
    "a: !!int ''",
    "[!!float 1, !!float '1.5', !!float 1e3, !!float .5, !!float 0x10, !!float -0]",
    "a: !!float x",
    "a: !!float .inf",
    "a: !!float 18446744073709551615",
    "[!!bool yes, !!bool 'no', !!bool true]",
    "a: !!bool 1",
    "a: !!bool ''",
    "[!!binary aGVsbG8=, !!binary 'aGVsbG8=', !!binary '']",
    "a: !!binary |\n  aGVs\n  bG8=\n",
    "a: !!binary x",
    "a: !!binary aGVsbG8",
    "a: !!binary /w==",
    "[! 1, ! yes, ! '1', ! \"yes\", ! x, ! ~, ! '']",
    "[!!map {a: 1}, !!seq [1], !!set {a, b}, !!omap [a: 1], !!map [1], !!seq {a: 1}, !!map x]",
    "[!<tag:yaml.org,2002:int> '1', !<tag:yaml.org,2002:str> 1, !<x> 1, !<!foo> 1]",
    "a: !x!y 1",
    "!!str a: !!str 1",
    "!!int '1': a",
    "!!bool 'yes': a",
    "a: !!python/object x",
    "!foo\na: 1",
    "a: !!merge <<",
    // keys
    "1: a\n2.5: b\n-1: c\n0x10: d\n0644: e",
    "1e3: a\n1e6: b\n1e20: c\n1e21: d\n0.00001: e\n0.1: f\n100000.0: g\n1.5e-7: h\n123456789.5: i",
    ".inf: a\n-.inf: b\n.nan: c",
    "18446744073709551615: a",
    "[1]: a",
    "{a: 1}: b",
    "? [a]\n: b",
    "? a\n: b\n? c\n",
    "? a\n? b\n",
    "{a, b: 1, c}",
    "{a: , b}",
    "{? a : b, ? c}",
    "[a: b, c: d]",
    "[? a : b]",
    "[: a]",
    "{: a}",
    "{\"a\":1}",
    "{\"a\":b}",
    "{a:1}",
    "{a:b: c}",
    "{'a':b, 'c' : d}",
    "['a':b]",
    "a:b: c",
    "a::b: c",
    "a : b",
    "a:  b",
    "a:\tb",
    "a: b\t",
    "a:\n\tb",
    "a: b\n\tc: d",
    "\"a b\": 1\n'c: d': 2\n\"e\\nf\": 3",
    "a b: 1\na-b: 2\na.b/c: 3\n\"\": 4",
    "-a: 1\n-1: 2\n?a: 3\n:b: 4",
    "*a : 1",
    "&a a: *a",
    "a: 1\na: 2",
    "a: 1\n\"a\": 2\n'a': 3",
    "a: {b: 1}\na: {c: 2}",
    "a: 1\na:",
    // anchors and merges
    "a: &x 1\nb: *x",
    "a: &x [1, {b: 2}]\nc: *x\nd: [*x, *x]",
    "a: &x\nb: *x",
    "a: &x ~\nb: *x",
    "a: &x 1\nb: &x 2\nc: *x",
    "a: *x",
    "a: &x [*x]",
    "a: &x {b: *x}",
    "&x a: b\nc: *x",
    "- &x 0x10\n- *x : *x",
    "- &x {a: 1}\n- *x : b",
    "&x [1, 2]",
    "a: &x !!str 1\nb: *x",
    "a: !!str &x 1\nb: *x",
    "a: &x\n  b: 1\nc: *x",
    "a: &x 1\n---\nb: *x",
    "- &m {a: 1, b: 2}\n- <<: *m\n  b: 3\n",
    "- &m {a: 1, b: 2}\n- b: 3\n  <<: *m\n",
    "- &m {a: 1}\n- &n {a: 2, b: 3}\n- <<: [*m, *n]\n",
    "- &m {a: 1}\n- &n {a: 2, b: 3}\n- <<: *m\n  <<: *n\n",
    "- &m {a: 1}\n- &n {<<: *m, b: 2}\n- {<<: *n, c: 3}\n",
    "- &m {a: {b: 1}}\n- <<: *m\n  a: {c: 2}\n",
    "<<: {a: 1}",
    "<<: [{a: 1}, {a: 2, b: 3}]",
    "<<: []",
    "<<: {}",
    "<<: 1",
    "<<: ~",
    "<<:",
    "<<: [1]",
    "<<: [[{a: 1}]]",
    "'<<': {a: 1}",
    "\"<<\": 1",
    "!!merge <<: {a: 1}",
    "!!str <<: {a: 1}",
    "! '<<': {a: 1}",
    "[<<, << ]",
    "a: <<",
    "{<<: {a: 1}, a: 2}",
    "a: &m {<<: {b: 1}}\nc: *m",
    "a: &x <<\n*x : {b: 1}",
    "<<: &m {a: 1}\nb: *m",
    // scalars over lines
    "a: |\n  x\n   y\n\n  z\n",
    "a: |-\n  x\n\n",
    "a: |+\n  x\n\n",
    "a: >\n  x\n  y\n\n  z\n",
    "a: >-\n  x\n\n   y\n  z\n",
    "a: >+\n  x\n\n\n",
    "a: |2\n   x\n",
    "a: |1\n x\n  y\n",
    "a: |-1\n  x\n",
    "a: |1-\n  x\n",
    "a: | # c\n  x # d\n",
    "a: |\nb: 1",
    "a: |\n\n\n",
    "a: |\n  x",
    "a: |\n\tx\n",
    "a: |\n   x\n  y\n",
    "a: |\n    \n  x\n",
    "- |\n x\n- >\n y\n",
    "|\n x\n",
    "a: x\n  y\n  z",
    "a: x\n\n  y",
    "a: 'x\n  y'",
    "a: 'x\n\n  y'",
    "a: \"x\n  y\\\n  z\"",
    "a: \"x\\\n   \\ y\"",
    "a: x # c\n  y",
    "a: x#y",
    "a: 'it''s'",
    "a: \"\\0\\a\\b\\t\\n\\v\\f\\r\\e\\ \\\"\\\\\\N\\_\\L\\P\\x41\\u00e4\\U0001F600\"",
    "a: \"\\ud800\"",
    "a: \"\\x\"",
    "a: \"\\q\"",
    "a: \"x",
    "a: 'x",
    "a: \"x\" y",
    "a: 'x' # c",
    "a: [1, 2] # c",
    "a: [1, 2] x",
    "a: {b: 1}x",
    "a: x: y",
    "a: 'x': y",
    "a: [b: c]: d",
    "a: - b",
    "a: @x",
    "a: `x",
    "a: %x",
    "%a: x",
    "a: |x",
    "a: >x",
    "a: &",
    "a: *",
    "a: !",
    "a: ?",
    "a: ? x",
    "a: -x",
    "a: ,x",
    "a: ]x",
    "a: }",
    "a: x, y]",
    "[a, b",
    "{a: 1",
    "[a,, b]",
    "[a, b,]",
    "{a: 1,}",
    "[,]",
    "{,}",
    "[]",
    "{}",
    "[[], {}, [[]]]",
    "[a\n, b\n]",
    "a: [\n1,\n2\n]",
    "a: {\nb: 1\n}",
    "a: [\n  1, # c\n  2 # d\n  ]",
    "a: [x y, z\n w]",
    "[a#b, c #d\n]",
    "[-1, - 1]",
    "[a:b, c: d, http://x:80/y]",
    "{a: http://x:80/y, b: c:d}",
    "[*x]",
    "[a\tb, \tc]",
    // structure
    "a: 1\n b: 2",
    "a:\n b: 1\n  c: 2",
    "a:\n  b: 1\n c: 2",
    " a: 1\n b: 2",
    "a:\n- 1\n- 2\nb: 3",
    "a:\n  - 1\n - 2",
    "- a\nb: c",
    "a: b\n- c",
    "- - a\n  - b\n-\n  - c",
    "-\n  a: 1\n-\n- b: 2\n  c: 3",
    "- a: 1\n b: 2",
    "a: b\nc",
    "a\nb: c",
    "a\nb",
    "x",
    "'x'",
    "1",
    "# c",
    "",
    "\n\n",
    " ",
    "a: 1 # c\n# d\nb: 2 #",
    "#\u{e4}\na: \u{e4}\u{1f600}\n",
    // streams
    "---\na: 1\n---\nb: 2\n",
    "a: 1\n---\n---\nb: 2",
    "---\n---\n",
    "---\na: 1\n...\n",
    "a: 1\n--- # c\nb: 2",
    "a: 1\n---\t\nb: 2",
    "a: 1\n --- \nb: 2",
    "a: |\n  ---\n  x\n---\nb: 1",
    "a: '\n---\n'\nb: 1",
    "a: [\n---\nb: 1",
    "a: 1\r\nb: |\r\n  x\r\n  y\r\n---\r\nc: 'x\r\n  y'\r\n",
    "a: 1\rb: 2\r",
    "\u{feff}a: 1",
    "\u{feff}---\na: 1",
    "a: \u{85}b",
    "a: \u{1}",
    "a: \u{7f}",
    "a: \u{80}",
    "a: \u{a0}b",
    "a: \u{fffd}",
    "a: \u{fffe}",
    "a: \u{10ffff}",
    "a: \u{0}",
    "a: x\u{0}y\nb: 1",
];
