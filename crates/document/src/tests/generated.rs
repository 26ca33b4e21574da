//! Generated documents: what a JSON or YAML writer prints is read back, and any bytes are read or
//! rejected.

use super::{file, json_of, limits, only_of, shown};
use crate::{FieldKey, Node, Number, ParsedFile, Value, expand_lists, read, read_json, read_yaml};
use proptest::prelude::*;

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
        Value::List => node.elements().map(tree).collect(),
        Value::Map => node
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
    fn field_lookup_finds_what_a_search_of_the_entries_finds(
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
            only_of(&expand_lists(vec![only_of(&read_json(&file(), list.as_bytes(), &limits()))])),
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
                let _ = (json_of(&document), document.id(), document.lines(0, 3), expand_lists(vec![document]));
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
