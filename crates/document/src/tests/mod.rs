//! Tests of the crate as a whole: encodings, paths, identity, lists, lookups.

mod generated;
mod hostile_input;

use super::{Document, Limits, Number, ParsedFile, Value, expand_lists, read, set_namespace};
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

/// The documents as JSON, then the problems, one a line.
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
fn format_is_chosen_as_by_kubectl() {
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
        "f:1:7: invalid JSON: expected `,` or `}`, found `]`",
    );
    check("{a: b: [c", "f:1:8: invalid YAML: unclosed bracket '['");
    check("", "");
    check(" \n", "");
}

#[test]
fn utf_16_is_read_after_a_byte_order_mark_and_other_encodings_are_rejected() {
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
        "{\"a\":1}\n{\"c\":3}\nf:3:4: invalid UTF-8 at this byte; save the file as UTF-8"
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
fn path_is_located_in_yaml_and_json() {
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
fn aliased_value_has_the_position_of_the_alias_and_its_inside_that_of_its_text() {
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
fn identity_is_read_and_absent_parts_are_empty() {
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

#[track_caller]
fn check_expanded(text: &str, expected: &[&str]) {
    let parsed = read(&file(), text.as_bytes(), &limits());
    assert_eq!(parsed.problems, [], "{text}");
    assert_eq!(
        shown(&expand_lists(parsed.documents)),
        expected.join("\n"),
        "{text}"
    );
}

#[test]
fn list_is_expanded_to_its_items() {
    let check = check_expanded;
    check("{kind: List}", &[r#"{"kind":"List"}"#]);
    check(
        "{kind: Pod, items: null}",
        &[r#"{"kind":"Pod","items":null}"#],
    );
    check("{kind: List, items: []}", &[]);
    check(
        "{kind: List, items: [{kind: A}, {kind: List, items: [{kind: B}, {kind: C}]}, {kind: D}]}",
        &[
            r#"{"kind":"A"}"#,
            r#"{"kind":"B"}"#,
            r#"{"kind":"C"}"#,
            r#"{"kind":"D"}"#,
        ],
    );
    check(
        "{kind: Shelf, items: [{kind: A}]}\n---\n{kind: B}",
        &[r#"{"kind":"A"}"#, r#"{"kind":"B"}"#],
    );
}

#[test]
fn list_item_without_a_kind_gets_that_of_its_list() {
    let check = check_expanded;
    check(
        "{apiVersion: v1, kind: PodList, items: [{a: [x]}, {kind: '', apiVersion: v2}, {kind: B}]}",
        &[
            r#"{"a":["x"],"apiVersion":"v1","kind":"Pod"}"#,
            r#"{"apiVersion":"v1","kind":"Pod"}"#,
            r#"{"kind":"B"}"#,
        ],
    );
    check(
        "{kind: PodList, items: [{apiVersion: v2}]}",
        &[r#"{"apiVersion":"v2","kind":"Pod"}"#],
    );
    check(
        "{apiVersion: a/v1, kind: Shelf, items: [{b: 1}]}",
        &[r#"{"b":1,"apiVersion":"a/v1","kind":"Shelf"}"#],
    );
}

#[test]
fn array_of_objects_is_expanded_and_of_other_values_is_not() {
    let check = check_expanded;
    check(
        "[{kind: A}, [{apiVersion: v1}]]",
        &[r#"{"kind":"A"}"#, r#"{"apiVersion":"v1"}"#],
    );
    check("[[[{kind: A}]]]", &[r#"{"kind":"A"}"#]);
    check("[{items: [{kind: A}]}]", &[r#"{"kind":"A"}"#]);
    check("{items: [{kind: A}]}", &[r#"{"kind":"A"}"#]);
    check("[1, {a: 2}]", &[r#"[1,{"a":2}]"#]);
    check("{items: [1, {a: 2}]}", &[r#"{"items":[1,{"a":2}]}"#]);
    check("{items: 1}", &[r#"{"items":1}"#]);
    check("[]", &["[]"]);
}

#[test]
fn list_item_that_is_no_object_is_a_problem() {
    let problem = "an item of a list that is not an object: add apiVersion and kind, or remove it";
    for (text, objects, positions) in [
        (
            "{kind: List, items: [{kind: A}, {a: 1}, 2]}",
            r#"{"kind":"A"}"#,
            &["1:33", "1:41"][..],
        ),
        ("[x, {kind: A}, null]", r#"{"kind":"A"}"#, &["1:2", "1:16"]),
        ("{kind: PodList, items: [x]}", "", &["1:25"]),
        (
            "[{kind: A}, [1], {items: [1]}]",
            r#"{"kind":"A"}"#,
            &["1:13", "1:18"],
        ),
    ] {
        let problems = positions
            .iter()
            .map(|position| format!("f:{position}: {problem}"));
        let expected: Vec<_> = [objects.to_owned()]
            .into_iter()
            .filter(|objects| !objects.is_empty())
            .chain(problems)
            .collect();
        assert_eq!(
            shown(&expand_lists(vec![only(text)])),
            expected.join("\n"),
            "{text}"
        );
    }
    for items in ["{}", "1", "{a: {kind: Pod}}"] {
        let text = format!("{{kind: Pod, items: {items}}}");
        check_expanded(
            &text,
            &["f:1:1: `items` makes an object a list of objects, and must be a list"],
        );
    }
}

#[test]
fn list_nested_too_deep_is_a_problem() {
    let nested = |depth: usize| {
        let list = (0..depth).fold("{kind: A}".to_owned(), |inner, _| {
            format!("{{kind: List, items: [{inner}]}}")
        });
        format!("[{list}, {{kind: B}}]")
    };
    check_expanded(&nested(7), &[r#"{"kind":"A"}"#, r#"{"kind":"B"}"#]);
    for depth in [8, 40] {
        let arrays = "[".repeat(depth + 1) + "{kind: A}" + &"]".repeat(depth + 1);
        check_expanded(
            &arrays,
            &["f:1:9: lists are nested more than 8 deep; take the objects out of the outer lists"],
        );
        let text = nested(depth);
        let column = 2 + 7 * "{kind: List, items: [".len();
        check_expanded(
            &text,
            &[
                r#"{"kind":"B"}"#,
                &format!(
                    "f:1:{column}: lists are nested more than 8 deep; take the objects out of the outer lists"
                ),
            ],
        );
    }
}

#[test]
fn long_list_item_gets_a_kind_and_its_keys_are_found() {
    let keys: String = (0..100).map(|key| format!("k{key}: [{key}], ")).collect();
    let list = only(&format!(
        "{{apiVersion: v1, kind: PodList, items: [{{{keys}}}]}}"
    ));
    let expanded = expand_lists(vec![list]);
    let root = expanded.documents[0].root();
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
fn number_is_an_integer_a_double_or_its_digits() {
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
fn node_is_found_by_its_number() {
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
fn child_of_a_long_list_or_map_is_found() {
    let entries: Vec<String> = (0..1000)
        .map(|key| format!("\"k{}\":[{key}]", key % 900))
        .collect();
    let document = only(&format!("{{{}}}", entries.join(",")));
    let root = document.root();
    assert!(root.is_map());
    assert_eq!((root.child_count(), root.entries().count()), (900, 900));
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

#[test]
fn namespace_is_set_where_it_is_missing() {
    let check = |text: &str, expected: &str| {
        let reading = expand_lists(read(&file(), text.as_bytes(), &limits()).documents);
        let documents = set_namespace(reading.documents, "shop", |document| {
            document.id().kind != "Node"
        });
        let shown: Vec<String> = documents
            .iter()
            .map(|document| {
                let id = document.id();
                format!("{} {}", id.namespace, json_of(document))
            })
            .collect();
        assert_eq!(shown.join("\n"), expected, "{text}");
    };
    check(
        "kind: A\nmetadata: {name: a}\nspec: {b: [1]}\n---\nkind: B\nmetadata: {name: b}\n",
        "shop {\"kind\":\"A\",\"metadata\":{\"name\":\"a\",\"namespace\":\"shop\"},\"spec\":{\"b\":[1]}}\n\
         shop {\"kind\":\"B\",\"metadata\":{\"name\":\"b\",\"namespace\":\"shop\"}}",
    );
    check(
        "kind: A\nmetadata: {namespace: own}",
        "own {\"kind\":\"A\",\"metadata\":{\"namespace\":\"own\"}}",
    );
    check(
        "kind: A\nmetadata: {namespace: ''}\nspec: 1",
        "shop {\"kind\":\"A\",\"metadata\":{\"namespace\":\"shop\"},\"spec\":1}",
    );
    check(
        "kind: A\nmetadata: {namespace: null, a: \"b\\n\"}",
        "shop {\"kind\":\"A\",\"metadata\":{\"a\":\"b\\n\",\"namespace\":\"shop\"}}",
    );
    check(
        "kind: Node\nmetadata: {name: n1}",
        " {\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\"}}",
    );
    check("kind: A\nmetadata: 7", " {\"kind\":\"A\",\"metadata\":7}");
    check("kind: A", " {\"kind\":\"A\"}");
    check(
        "kind: List\napiVersion: v1\nitems: [{kind: A, metadata: {}}, {kind: B, metadata: {namespace: x}}]",
        "shop {\"kind\":\"A\",\"metadata\":{\"namespace\":\"shop\"}}\nx {\"kind\":\"B\",\"metadata\":{\"namespace\":\"x\"}}",
    );
}

#[test]
fn namespace_of_an_object_with_many_fields_is_found() {
    let many: String = (0..300).map(|i| format!("  k{i}: {i}\n")).collect();
    let text = format!(
        "kind: A\n{}metadata:\n{many}spec: {{x: 7}}\n",
        many.replace("  k", "r")
    );
    let documents = set_namespace(vec![only(&text)], "shop", |_| true);
    let root = documents[0].root();
    assert_eq!(documents[0].id().namespace, "shop");
    assert!(json_of(&documents[0]).contains("\"r299\":299,\"metadata\":{"));
    assert_eq!(root.get("metadata").map(|map| map.child_count()), Some(301));
    assert_eq!(root.get("spec").map(|map| map.child_count()), Some(1));
}
