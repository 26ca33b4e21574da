//! YAML documents and their values. `resolve_scalar` tests each scalar; `tests/oracle/` compares with
//! Go.

use crate::{Limits, read_yaml};
use std::sync::Arc;

/// Checks the documents as JSON, then the problems, one a line.
fn shown(input: &str) -> String {
    let limits = Limits {
        depth: 5,
        expansion: 50,
        ..Limits::default()
    };
    let reading = read_yaml(&Arc::from("f"), input.as_bytes(), &limits);
    let documents = reading
        .documents
        .iter()
        .map(|document| format!("{:?}", document.root()));
    let found: Vec<_> = documents
        .chain(reading.problems.iter().map(ToString::to_string))
        .collect();
    found.join("\n")
}

fn check(input: &str, expected: &str) {
    assert_eq!(shown(input), expected, "{input}");
}

#[test]
fn collection_and_scalar_are_read() {
    check("a: b", r#"{"a":"b"}"#);
    check(
        "a:\n- 1\n- b: c\n  d: [e, {f: g}]\n",
        r#"{"a":[1,{"b":"c","d":["e",{"f":"g"}]}]}"#,
    );
    check("- - 1\n  - 2\n- {}\n- []\n-\n", "[[1,2],{},[],null]");
    check(
        "a: |\n  x\n   y\nb: >-\n  x\n  y\n",
        r#"{"a":"x\n y\n","b":"x y"}"#,
    );
    check(
        "a: 'it''s'\nb: \"\\u00e4\\n\"\n",
        r#"{"a":"it's","b":"ä\n"}"#,
    );
    check("a: x\n  y\n", r#"{"a":"x y"}"#);
    check(
        "yes: no\n1: 0644\n1.5: x\n",
        r#"{"true":false,"1":420,"1.5":"x"}"#,
    );
    check(
        "a: 'yes'\nb: \"1\"\nc: !!str 1\nd: !custom 1\ne: ! 1",
        r#"{"a":"yes","b":"1","c":"1","d":"1","e":"1"}"#,
    );
}

#[test]
fn last_of_repeated_keys_counts() {
    check("a: 1\nb: 2\na: 3\n", r#"{"b":2,"a":3}"#);
    check("1: a\n'1': b\n", r#"{"1":"b"}"#);
}

#[test]
fn alias_is_expanded() {
    check(
        "a: &x {b: [1]}\nc: *x\nd: [*x]",
        r#"{"a":{"b":[1]},"c":{"b":[1]},"d":[{"b":[1]}]}"#,
    );
    check("&k a: *k", r#"{"a":"a"}"#);
    check("- &k 0x10\n- {*k : *k}\n", r#"[16,{"16":16}]"#);
    check("a: &x 1\nb: &x 2\nc: *x", r#"{"a":1,"b":2,"c":2}"#);
    check(
        "a: *x",
        "f:1:4: invalid YAML: while parsing node, found unknown anchor",
    );
    check(
        "a: &x [*x]",
        "f:1:8: this alias is inside the value that it names; write the value out",
    );
    check(
        "- &x {a: b}\n- {*x : c}",
        "f:2:4: a list or map cannot be a key in Kubernetes; write the key as a string",
    );
}

#[test]
fn merge_key_applies_at_its_position() {
    check(
        "- &m {a: 1, b: 2}\n- {<<: *m, b: 3}\n- {b: 3, <<: *m}",
        r#"[{"a":1,"b":2},{"a":1,"b":3},{"a":1,"b":2}]"#,
    );
    check(
        "- &m {a: 1}\n- &n {a: 2, b: 3}\n- {<<: [*m, *n]}",
        r#"[{"a":1},{"a":2,"b":3},{"b":3,"a":1}]"#,
    );
    check(
        "- &m {a: 1}\n- &n {<<: *m, b: 2}\n- {c: {<<: *n}}",
        r#"[{"a":1},{"a":1,"b":2},{"c":{"a":1,"b":2}}]"#,
    );
    check("<<: {a: {b: 1}}\na: {c: 2}", r#"{"a":{"c":2}}"#);
    check("'<<': {a: 1}", r#"{"<<":{"a":1}}"#);
    check(
        "<<: 1",
        "f:1:1: the merge key `<<` needs a map or a list of maps as its value",
    );
    check(
        "<<: [1]",
        "f:1:1: the merge key `<<` needs a map or a list of maps as its value",
    );
}

#[test]
fn invalid_document_loses_no_other() {
    check(
        "a: 1\n---\nb: [\n---\nc: 3",
        "{\"a\":1}\n{\"c\":3}\nf:3:4: invalid YAML: unclosed bracket '['",
    );
    check(
        "a: .nan\n---\nb",
        "\"b\"\nf:1:4: `.nan` is not a number in JSON; write a finite one, or quote it",
    );
    check(
        "null: 1\n---\nb",
        "\"b\"\nf:1:1: a key cannot be null in Kubernetes; quote it, or write one before the colon",
    );
    check(
        "? [a]\n: b",
        "f:1:3: a list or map cannot be a key in Kubernetes; write the key as a string",
    );
    check(
        "a: [[[[[]]]]]\n---\nb",
        "\"b\"\nf:1:8: lists and maps are nested more than 5 deep; kubevet reads no deeper",
    );
    check(
        "a: \u{2028}b\n---\nb",
        "\"b\"\nf:1:4: the character U+2028 is a line break to Kubernetes and a letter to other readers; write it as \\u2028 in double quotes",
    );
    check(
        "a: \u{7}\n---\nb",
        "\"b\"\nf:1:4: the character U+0007 is not allowed in YAML; write it as \\u0007 in double quotes",
    );
}

#[test]
fn stream_is_read_document_by_document() {
    check("", "");
    check("# nothing\n---\n---\nnull\n---\n~\n", "");
    check(
        "\u{feff}a: 1\r\nb: 2\r\n---\r\nc: 3\r\n",
        "{\"a\":1,\"b\":2}\n{\"c\":3}",
    );
    check(
        "%YAML 1.2\n---\na: 1\n...\n%YAML 1.1\n---\nb: 2\n...\nc: 3",
        "{\"a\":1}\n{\"b\":2}\n{\"c\":3}",
    );
    check(
        "a: 1\n---\n\u{feff}# c\nb: 2\n---#\nc: 3\n---\u{a0}\nd: 4",
        "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n{\"d\":4}",
    );
    check("--- {a: 1}\n--- |\n x\n", "{\"a\":1}\n\"x\\n\"");
}

#[test]
fn expansion_is_bounded() {
    let bomb = "a: &a [x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\n---\nb";
    check(
        bomb,
        "\"b\"\nf:2:22: aliases and merge keys of the file add more than 50 values; write them out",
    );
}
