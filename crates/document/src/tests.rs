//! Tests of the crate as a whole: paths, identity, lists, generated documents, hostile inputs.

use super::{
    Document, FieldKey, Limits, Node, Number, ParsedFile, Value, expand_lists, read, read_json,
    read_yaml,
};
use proptest::prelude::*;
use std::sync::Arc;

fn file() -> Arc<str> {
    Arc::from("f")
}

fn limits() -> Limits {
    Limits {
        bytes: 8 << 20,
        nodes: 2_000_000,
        expansion: 100_000,
        ..Limits::default()
    }
}

fn json_of(document: &Document) -> String {
    let mut out = String::new();
    document.root().write_json(&mut out);
    out
}

/// Checks the documents as JSON, then the problems, one a line.
fn shown(reading: &ParsedFile) -> String {
    let documents = reading.documents.iter().map(json_of);
    documents
        .chain(reading.problems.iter().map(ToString::to_string))
        .collect::<Vec<_>>()
        .join("\n")
}

fn only(text: &str) -> Document {
    only_of(&read(&file(), text.as_bytes(), &limits()))
}

fn only_of(reading: &ParsedFile) -> Document {
    assert!(
        reading.documents.len() == 1 && reading.problems.is_empty(),
        "{}",
        shown(reading)
    );
    reading.documents[0].clone()
}

#[test]
fn documents_may_be_shared_between_threads() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Document>();
}

#[test]
fn the_form_is_chosen_as_kubectl_does() {
    let check = |text: &str, expected: &str| {
        assert_eq!(shown(&read(&file(), text.as_bytes(), &limits())), expected)
    };
    check("{\"a\":1e3}", "{\"a\":1e3}");
    check("a: 1e3", "{\"a\":1000}");
    check("{a: 1}", "{\"a\":1}");
    check("[1]", "[1]");
    check("{\"a\":1}{\"b\":2}", "{\"a\":1}\n{\"b\":2}");
    check("{\"a\":1}\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}");
    check("{\"a\":1}\n---\n{\"b\":2}\n", "{\"a\":1}\n{\"b\":2}");
    check("{\"a\":1,\n}", "{\"a\":1}");
    check(
        "{\"a\":1]",
        "f:1:7: this is no JSON: expected `,` or `}`, found `]`",
    );
    check("{a: b: [c", "f:1:8: this is no YAML: unclosed bracket '['");
    check("", "");
    check(" \n", "");
}

#[test]
fn other_encodings_are_read_where_they_say_so() {
    let text = "a: ä😀\n";
    let little: Vec<u8> = std::iter::once(0xFEFF)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = std::iter::once(0xFEFF)
        .chain(text.encode_utf16())
        .flat_map(u16::to_be_bytes)
        .collect();
    for bytes in [little, big] {
        assert_eq!(shown(&read(&file(), &bytes, &limits())), "{\"a\":\"ä😀\"}");
    }
    let latin = b"a: 1\n---\nb: \xe4\n---\nc: 3\n";
    assert_eq!(
        shown(&read(&file(), latin, &limits())),
        "{\"a\":1}\n{\"c\":3}\nf:3:4: this byte is no UTF-8; save the file as UTF-8"
    );
}

const POD: &str = "\
# a comment
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app.kubernetes.io/name: web
spec:
  containers:
  - name: ä
    image: nginx
  - {name: b, \"image\": c}
data:
  '0': x
";

#[test]
fn paths_are_located_in_yaml_and_json() {
    let check = |text: &str, path: &str, expected: &str| {
        let document = only(text);
        let resolved = document.resolve(&path.parse().unwrap());
        assert_eq!(
            format!("{} {}", resolved.position, resolved.found),
            expected,
            "{path}"
        );
    };
    for (path, expected) in [
        ("spec", "9:1 1"),
        ("spec.containers", "10:3 2"),
        ("spec.containers[0]", "11:5 3"),
        ("spec.containers[0].image", "12:5 4"),
        ("spec.containers[1].image", "13:15 4"),
        ("spec.containers[1].securityContext.privileged", "13:5 3"),
        ("spec.containers[2].image", "10:3 2"),
        ("spec.containers.x", "10:3 2"),
        ("metadata.labels[app.kubernetes.io/name]", "8:5 3"),
        ("metadata.labels[x]", "7:3 2"),
        ("data[0]", "15:3 2"),
        ("nothing", "2:1 0"),
    ] {
        check(POD, path, expected);
    }
    let text = "{\n  \"spec\": {\"containers\": [\n    {\"name\": \"ä\", \"image\": 1}]}}";
    check(text, "spec.containers[0]", "3:5 3");
    check(text, "spec.containers[0].image", "3:19 4");
    check(text, "kind", "1:1 0");
    check("[1]", "a", "1:1 0");
}

#[test]
fn what_comes_through_an_alias_is_placed_at_its_use_and_its_inside_where_it_is_written() {
    let document = only("a: &x\n  k: 1\nb: *x\nc:\n  <<: *x\n");
    let root = document.root();
    for (path, expected) in [("b", "3:1"), ("b.k", "2:3"), ("c", "4:1"), ("c.k", "2:3")] {
        assert_eq!(
            document
                .resolve(&path.parse().unwrap())
                .position
                .to_string(),
            expected,
            "{path}"
        );
    }
    assert_eq!(root.get("b").unwrap().position().to_string(), "3:4");
    assert_eq!(root.entry("b").unwrap().key_position().to_string(), "3:1");
}

#[test]
fn identities() {
    let check = |text: &str, expected: &str| {
        let id = only(text).id();
        let found = format!(
            "{} {} {} {}",
            id.api_version, id.kind, id.namespace, id.name
        );
        assert_eq!(found, expected, "{text}");
    };
    check(POD, "v1 Pod shop web");
    check("kind: Pod\nmetadata: {generateName: web-}", " Pod  web-*");
    check(
        "kind: Pod\nmetadata: {name: '', generateName: web-}",
        " Pod  web-*",
    );
    check("kind: 1\nmetadata: [a]", "   ");
    check("x", "   ");
}

#[test]
fn lists_are_unfolded() {
    let check = |text: &str, expected: &str| {
        let found: Vec<_> = expand_lists(only(text)).iter().map(json_of).collect();
        assert_eq!(found.join("\n"), expected, "{text}");
    };
    check("{kind: Pod, items: [1]}", r#"{"kind":"Pod","items":[1]}"#);
    check("{kind: List}", r#"{"kind":"List"}"#);
    check("{kind: List, items: {}}", r#"{"kind":"List","items":{}}"#);
    check("{kind: List, items: []}", "");
    check(
        "{kind: List, items: [{kind: A}, {a: 1}, 2]}",
        "{\"kind\":\"A\"}\n{\"a\":1}\n2",
    );
    check(
        "{kind: List, items: [{kind: A}, {kind: List, items: [{kind: B}, {kind: C}]}, {kind: D}]}",
        "{\"kind\":\"A\"}\n{\"kind\":\"B\"}\n{\"kind\":\"C\"}\n{\"kind\":\"D\"}",
    );
    check(
        "{apiVersion: v1, kind: PodList, items: [{a: [x]}, {kind: '', apiVersion: v2}, {kind: B}]}",
        "{\"a\":[\"x\"],\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n{\"kind\":\"B\"}",
    );
    check(
        "{kind: PodList, items: [{apiVersion: v2}]}",
        r#"{"apiVersion":"v2","kind":"Pod"}"#,
    );
}

#[test]
fn an_item_of_many_keys_is_completed_and_still_found_into() {
    let keys: String = (0..100).map(|key| format!("k{key}: [{key}], ")).collect();
    let documents = expand_lists(only(&format!(
        "{{apiVersion: v1, kind: PodList, items: [{{{keys}}}]}}"
    )));
    let root = documents[0].root();
    assert_eq!(root.get("kind").unwrap().as_str(), Some("Pod"));
    assert_eq!(
        root.get("k77")
            .unwrap()
            .at(0)
            .map(|node| format!("{node:?}")),
        Some("77".to_owned())
    );
    assert_eq!(root.entries().count(), 102);
}

#[test]
fn numbers() {
    let check = |text: &str, expected: Number<'_>| {
        let document = only(&format!("{{\"a\":{text}}}"));
        let Value::Number(found) = document.root().get("a").unwrap().value() else {
            panic!("{text}")
        };
        assert_eq!(found, expected, "{text}");
    };
    check("-0", Number::Int(0));
    check("-12", Number::Int(-12));
    check("999999999999999999", Number::Int(999_999_999_999_999_999));
    check("-9223372036854775808", Number::Int(i64::MIN));
    check(
        "-9223372036854775809",
        Number::Float(-9_223_372_036_854_775_809.0),
    );
    check("1.5", Number::Float(1.5));
    check("9223372036854775807", Number::Int(i64::MAX));
    check(
        "9223372036854775808",
        Number::Float(9_223_372_036_854_775_808.0),
    );
    check("1e2", Number::Float(100.0));
    check("1.0", Number::Float(1.0));
    check("1e999", Number::Big("1e999"));
}

#[test]
fn a_node_is_found_again_by_its_number() {
    let document = only("{\"a\":[1,{\"b\":\"c\"}],\"d\":true}");
    let b = document
        .root()
        .get("a")
        .unwrap()
        .at(1)
        .unwrap()
        .get("b")
        .unwrap();
    assert_eq!(document.node(b.number()).as_str(), Some("c"));
    assert_eq!(
        document.part(b).unwrap().node(b.number()).as_str(),
        Some("c")
    );
    for number in [9, 1000, u32::MAX] {
        let none = document.node(number);
        assert!(
            none.is_null() && none.as_number().is_none() && none.get("a").is_none(),
            "{number}"
        );
    }
}

#[test]
fn long_lists_and_maps_are_found_into() {
    let entries: Vec<String> = (0..1000)
        .map(|key| format!("\"k{}\":[{key}]", key % 900))
        .collect();
    let document = only(&format!("{{{}}}", entries.join(",")));
    let root = document.root();
    let Value::Map(map) = root.value() else {
        panic!("it is a map")
    };
    assert_eq!((map.len(), map.entries().count()), (900, 900));
    for key in 0..900 {
        let expected = if key < 100 { key + 900 } else { key };
        let value = root.get(&format!("k{key}")).unwrap();
        assert_eq!(format!("{value:?}"), format!("[{expected}]"));
    }
    assert!(root.get("k900").is_none() && root.get("").is_none());
    let list = only(&format!("[{}]", "[1],".repeat(999) + "2"));
    assert_eq!(format!("{:?}", list.root().at(999).unwrap()), "2");
    assert_eq!(format!("{:?}", list.root().at(500).unwrap()), "[1]");
    assert!(list.root().at(1000).is_none());
}

mod hostile {
    use super::*;

    /// Checks that both readers report exactly one problem, with this message and a position.
    fn check_rejected(text: &str, message: &str) {
        let reading = read(&file(), text.as_bytes(), &limits());
        let start: String = text.chars().take(60).collect();
        assert!(reading.documents.is_empty(), "{start} was read");
        assert_eq!(reading.problems.len(), 1, "{start}: {}", shown(&reading));
        let problem = &reading.problems[0];
        assert!(problem.message.contains(message), "{start}: {problem}");
        assert!(problem.position.is_some(), "{start}: {problem}");
    }

    #[test]
    fn deep_nesting_of_any_syntax_is_rejected() {
        for opener in [
            "[", "{\"a\":", "{a: ", "[{a: ", "- ", "? ", "- ? ", "[? ", "{? ", "!!seq [", "&a [",
            "[\n",
        ] {
            for count in [513, 100_000] {
                check_rejected(&opener.repeat(count), "");
            }
        }
        let indented: String = (0..600)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect();
        check_rejected(&indented, "more than 512 deep");
        check_rejected(&"{\"a\":".repeat(513), "more than 512 deep");
        check_rejected(
            &format!("{}{}", "[".repeat(513), "]".repeat(513)),
            "more than 512 deep",
        );
        check_rejected(
            &format!("a: &a {}1{}\nb: [*a]", "[".repeat(511), "]".repeat(511)),
            "more than 512 deep",
        );
        only(&format!("{}{}", "[".repeat(512), "]".repeat(512)));
        only(&format!("{}1{}", "{\"a\":".repeat(512), "}".repeat(512)));
        only(&format!(
            "a: &a {}1{}\nb: *a",
            "[".repeat(511),
            "]".repeat(511)
        ));
    }

    #[test]
    fn alias_bomb_is_rejected() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..30 {
            let alias = format!("*a{}, ", level - 1);
            bomb += &format!("a{level}: &a{level} [{}]\n", alias.repeat(9));
        }
        check_rejected(
            &bomb,
            "aliases and merge keys of the file add more than 100000 values",
        );
    }

    #[test]
    fn long_key_is_not_copied_for_each_alias() {
        let key = "k".repeat(10_000);
        let read = only(&format!("- &k {key}\n{}", "- {*k : 1}\n".repeat(5_000)));
        let key_at = |at: usize| {
            read.root()
                .at(at)
                .unwrap()
                .entries()
                .next()
                .unwrap()
                .key
                .as_ptr()
        };
        assert_eq!(
            (read.root().elements().count(), key_at(1)),
            (5_001, key_at(5_000))
        );
        check_rejected(
            &format!("- &k {key}\n{}", "- {*k : 1}\n".repeat(100_001)),
            "aliases and merge keys",
        );
    }

    #[test]
    fn merge_bomb_is_rejected() {
        let mut bomb = "- &a0 {k: 1, l: 2}\n".to_owned();
        for level in 1..30 {
            let alias = format!("*a{}, ", level - 1);
            bomb += &format!("- &a{level} {{<<: [{}], m{level}: 1}}\n", alias.repeat(9));
        }
        check_rejected(
            &bomb,
            "aliases and merge keys of the file add more than 100000 values",
        );
    }

    #[test]
    fn nested_merges_count_as_expansion() {
        let inside = "x, ".repeat(2000);
        let text = format!(
            "{}[{inside}]{}",
            "{<<: {b: 1}, a: ".repeat(100),
            "}".repeat(100)
        );
        check_rejected(
            &text,
            "aliases and merge keys of the file add more than 100000 values",
        );
    }

    #[test]
    fn nested_anchors_count_as_expansion() {
        let inside = "x, ".repeat(2000);
        let openers: String = (0..100).map(|level| format!("&a{level} [")).collect();
        check_rejected(
            &format!("{openers}{inside}{}", "]".repeat(100)),
            "add more than 100000 values",
        );
    }

    #[test]
    fn file_with_too_many_values_is_not_read_further() {
        let limits = Limits {
            nodes: 1000,
            ..limits()
        };
        for text in [
            format!("[{}1]", "1,".repeat(2000)),
            format!("a:\n{}---\nb: 1\n", "- 1\n".repeat(2000)),
        ] {
            let reading = read(&file(), text.as_bytes(), &limits);
            assert_eq!(
                (reading.documents.len(), reading.problems.len()),
                (0, 1),
                "{}",
                shown(&reading)
            );
            assert!(
                reading.problems[0]
                    .message
                    .contains("more than 1000 values")
            );
        }
    }

    #[test]
    fn number_of_problems_is_bounded() {
        for bytes in [b"[\n---\n".repeat(1000), b"\xff\n---\n".repeat(1000)] {
            let reading = read(&file(), &bytes, &limits());
            assert_eq!((reading.documents.len(), reading.problems.len()), (0, 101));
            assert!(
                reading.problems[100]
                    .message
                    .ends_with("are broken; the rest is not read")
            );
        }
    }

    #[test]
    fn file_over_the_size_limit_is_rejected() {
        let reading = read(&file(), &vec![b' '; (8 << 20) + 1], &limits());
        assert_eq!(
            shown(&reading),
            "f: the file has 8388609 bytes, more than the 8388608 that are read; split it"
        );
    }

    /// Each input would take minutes if reading were quadratic.
    #[test]
    fn reading_of_megabytes_is_not_quadratic() {
        let count = 100_000;
        let keys = |sort: fn(usize) -> String| (0..count).map(sort).collect::<String>();
        let texts = [
            format!("{{{}\"z\":1}}", keys(|key| format!("\"a{key}\":{key},"))),
            format!("{{{}\"z\":1}}", "\"same\":1,".repeat(count)),
            keys(|key| format!("a{key}: {key}\n")),
            "same: 1\n".repeat(count),
            format!("a: &a 1\nb: [{}]", "*a, ".repeat(count / 2)),
            keys(|key| format!("a{key}: &a{key} 1\n")),
            "- &a 1\n".repeat(count),
            format!(
                "a: |\n{}",
                "  a long line of a block scalar\n".repeat(count)
            ),
            format!("a: >\n{}", "  a folded line\n\n".repeat(count)),
            format!("a: \"{}\"", "word ".repeat(10 * count)),
            format!("a: \"{}\"", "\\n".repeat(10 * count)),
            format!("a: {}", "word ".repeat(10 * count)),
            format!("a: {}", "word\n ".repeat(count)),
            format!("a: '{}'", "''".repeat(10 * count)),
            format!("[{}]", "a, ".repeat(5 * count)),
            format!("[{}]", "a: b, ".repeat(count)),
            format!("{{{}}}", "a, ".repeat(count)),
            "a:\n".to_owned() + &"- - 1\n".repeat(count),
            "# comment\n".repeat(count),
            format!("a: b {}", "# comment\n".repeat(count)),
            "\n".repeat(10 * count),
            " ".repeat(10 * count),
            "---\n".repeat(count),
            "a\n---\n".repeat(count / 2),
            "---\n[\n".repeat(count / 10),
            format!("a: {}", "!".repeat(count)),
            format!("a: &{}", "x".repeat(count)),
            format!("a: !<{}", "x".repeat(count)),
            "%TAG !a! x\n".repeat(count / 10) + "---\na",
            format!("%YAML {}", "1".repeat(count)),
            "? a\n".repeat(count),
            ": ".repeat(count),
            "a: ".repeat(count),
            "[a".repeat(500) + &"]".repeat(500),
            format!("\"{}", "x".repeat(10 * count)),
            "'a\n".repeat(count / 10),
            "{\"a\":1}".repeat(count),
            "&a ".repeat(count),
            "*a ".repeat(count),
            "|\n".repeat(count),
            "a\r".repeat(count),
            "\u{feff}".repeat(count),
        ];
        for text in texts {
            let reading = read(&file(), text.as_bytes(), &limits());
            for document in &reading.documents {
                let _ = document.id();
            }
        }
    }

    #[test]
    fn position_in_a_long_line_is_cheap() {
        let text = format!("[{}1]", "\"ä\",".repeat(300_000));
        let document = only(&text);
        let mut last = 0;
        for element in document.root().elements() {
            let column = element.position().column;
            assert!(column > last);
            last = column;
        }
    }
}

/// Any JSON value whose numbers survive a reader that has only doubles beyond 64 bits.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>()
            .prop_filter("JSON has no such number", |float| float.is_finite())
            .prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[a-z0-9 :#'\"{}-]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 60, 30, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..30).prop_map(Into::into),
            proptest::collection::vec((any::<String>(), inner.clone()), 0..30)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
            proptest::collection::vec(("[a-z]{1,2}", inner), 0..30)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A value as block YAML, with every string and key in double quotes as in JSON.
fn as_block(value: &serde_json::Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        serde_json::Value::Array(list) if !list.is_empty() => {
            for element in list {
                *out += &format!("\n{pad}-");
                as_block(element, indent + 2, out);
            }
        }
        serde_json::Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                *out += &format!(
                    "\n{pad}? {}\n{pad}:",
                    escaped(&serde_json::Value::from(key.as_str()))
                );
                as_block(value, indent + 2, out);
            }
        }
        scalar => *out += &format!(" {}", escaped(scalar)),
    }
}

/// A string as JSON, with the characters escaped that YAML does not accept unescaped.
fn escaped(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for character in value.to_string().chars() {
        match character {
            ' '..='~' | '\u{a0}'..='\u{d7ff}' if !matches!(character, '\u{2028}' | '\u{2029}') => {
                out.push(character)
            }
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    out
}

fn check_reads_back(
    value: &serde_json::Value,
    reading: &ParsedFile,
    text: &str,
) -> Result<(), TestCaseError> {
    if value.is_null() {
        prop_assert!(reading.documents.is_empty() && reading.problems.is_empty());
        return Ok(());
    }
    prop_assert!(
        reading.documents.len() == 1 && reading.problems.is_empty(),
        "{text}\n{}",
        shown(reading)
    );
    prop_assert_eq!(
        doubles(tree(reading.documents[0].root())),
        doubles(value.clone()),
        "{}",
        text
    );
    Ok(())
}

/// A node as a value of serde, through its public methods.
fn tree(node: Node<'_>) -> serde_json::Value {
    match node.value() {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => truth.into(),
        Value::Number(Number::Int(int)) => int.into(),
        Value::Number(Number::Float(float)) => float.into(),
        Value::Number(Number::Big(text)) => panic!("{text} is none that was written"),
        Value::String(text) => text.into(),
        Value::List(list) => list.elements().map(tree).collect(),
        Value::Map(map) => map
            .entries()
            .map(|entry| (entry.key.to_owned(), tree(entry.value)))
            .collect(),
    }
}

/// YAML writes whole doubles as integers, as Go does: `1.0` is `1`. So whole numbers that a double
/// holds exactly are compared as integers, and all others as doubles.
fn doubles(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => {
            let float = number.as_f64().unwrap_or_default();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole and within 64 bits"
            )]
            if float.fract() == 0.0 && float.abs() < 9e15 {
                (float as i64).into()
            } else {
                float.into()
            }
        }
        serde_json::Value::Array(list) => list.into_iter().map(doubles).collect(),
        serde_json::Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, doubles(value)))
            .collect(),
        other => other,
    }
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{0,3}",
        "same[ab]same[ab]{0,2}same",
        "beginning of[ab ]{0,30}and an end",
        "[\u{e4}\u{20ac}a]{0,9}"
    ]
}

/// A string as JSON, each character of it written as an escape.
fn all_escaped(text: &str) -> String {
    let units: String = text
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    format!("\"{units}\"")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printed_json_is_read_back(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let reading = read_json(&file(), text.as_bytes(), &limits());
        check_reads_back(&value, &reading, &text)?;
        if let ([document], false) = (reading.documents.as_slice(), pretty) {
            // No digit or letter changes, but for the form of control characters.
            let again = json_of(document);
            prop_assert_eq!(json_of(&read_json(&file(), again.as_bytes(), &limits()).documents[0]), again);
        }
    }

    #[test]
    fn printed_flow_yaml_is_read_back(value in any_json()) {
        let text = escaped(&value);
        check_reads_back(&value, &read_yaml(&file(), text.as_bytes(), &limits()), &text)?;
    }

    #[test]
    fn printed_block_yaml_is_read_back(value in any_json()) {
        let mut text = "---".to_owned();
        as_block(&value, 0, &mut text);
        check_reads_back(&value, &read_yaml(&file(), text.as_bytes(), &limits()), &text)?;
    }

    #[test]
    fn last_of_repeated_keys_counts(keys in proptest::collection::vec("[a-c]{0,2}", 0..40)) {
        let entries: Vec<String> = keys.iter().enumerate().map(|(index, key)| format!("\"{key}\": {index}")).collect();
        let text = format!("{{{}}}", entries.join(", "));
        for reading in [read_json(&file(), text.as_bytes(), &limits()), read_yaml(&file(), text.as_bytes(), &limits())] {
            let root = reading.documents[0].root();
            let found: Vec<_> = root.entries().map(|entry| (entry.key.to_owned(), format!("{:?}", entry.value))).collect();
            let expected: Vec<_> = keys.iter().enumerate()
                .filter(|(index, key)| keys.iter().rposition(|other| other == *key) == Some(*index))
                .map(|(index, key)| (key.clone(), index.to_string()))
                .collect();
            for (key, value) in &expected {
                prop_assert_eq!(&format!("{:?}", root.get(key).unwrap()), value);
            }
            prop_assert_eq!(found, expected);
        }
    }

    /// Keys with common prefixes, suffixes and lengths; some with escapes, some repeated; with and
    /// without an index.
    #[test]
    fn a_field_is_what_a_search_of_the_entries_finds(
        keys in proptest::collection::vec(any_key(), 0..40),
        absent in proptest::collection::vec(any_key(), 10),
        escapes in any::<u64>(),
    ) {
        let entries: Vec<String> = keys.iter().enumerate().map(|(index, key)| {
            let key = if escapes >> (index % 64) & 1 == 0 { format!("\"{key}\"") } else { all_escaped(key) };
            let value = [format!("{index}"), format!("[{index}, {{\"a\": 1}}]"), format!("{{\"a\": {index}}}")];
            format!("{key}: {}", value[index % 3])
        }).collect();
        let text = format!("{{{}}}", entries.join(", "));
        let merged = format!("{{<<: {text}}}");
        let list = format!("{{\"kind\": \"PodList\", \"items\": [{text}]}}");
        let documents = [
            only_of(&read_json(&file(), text.as_bytes(), &limits())),
            only_of(&read_yaml(&file(), text.as_bytes(), &limits())),
            only_of(&read_yaml(&file(), merged.as_bytes(), &limits())),
            expand_lists(only_of(&read_json(&file(), list.as_bytes(), &limits()))).remove(0),
        ];
        for document in &documents {
            let root = document.root();
            for name in keys.iter().chain(&absent) {
                let expected = root.entries().find(|entry| entry.key == *name);
                let expected = expected.map(|entry| (entry.value.number(), entry.key_node().number()));
                let value = expected.map(|pair| pair.0);
                prop_assert_eq!(root.field(&FieldKey::new(name)).map(Node::number), value, "{} in {}", name, text);
                prop_assert_eq!(root.get(name).map(Node::number), value, "{} in {}", name, text);
                if let Some((_, key)) = expected {
                    prop_assert_eq!(document.node(key).as_str(), Some(name.as_str()));
                }
            }
            // The found value is the last one of the text.
            for name in &keys {
                let index = keys.iter().rposition(|other| other == name).unwrap();
                let json = format!("{:?}", root.get(name).unwrap());
                let expected = [format!("{index}"), format!("[{index},{{\"a\":1}}]"), format!("{{\"a\":{index}}}")];
                prop_assert_eq!(&json, &expected[index % 3], "{} in {}", name, text);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_rejected(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for reading in [read, read_json, read_yaml] {
            let reading = reading(&file(), &bytes, &limits());
            for document in reading.documents {
                let _ = (json_of(&document), document.id(), document.lines(0, 3), expand_lists(document));
            }
        }
    }

    #[test]
    fn any_syntax_is_read_or_rejected(text in "[]a0\\-:?,\\[{}&*!|>'\"%#\\\\ \t\r\n\u{e4}\u{2028}]{0,60}") {
        for reading in [read, read_json, read_yaml] {
            let reading = reading(&file(), text.as_bytes(), &limits());
            for document in reading.documents {
                let json = json_of(&document);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{}", json);
            }
        }
    }
}
