//! The CRD of ControlBindings and the reader of bindings accept the same.

use super::{options, parse_objects};
use crate::{crd, install::slots, template::render};
use kubevet_policy::{binding_enums, binding_keys};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Sets of strings by the path in a schema.
type SetsByPath = BTreeMap<String, BTreeSet<String>>;

fn set<'a>(strings: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    strings.into_iter().map(str::to_owned).collect()
}

/// The parts of a schema that the CRD and the reader of bindings must agree in.
#[derive(Default)]
struct SchemaFacts {
    /// The keys of every map.
    keys: SetsByPath,
    /// The required keys of every map.
    required: SetsByPath,
    /// The values of every enum.
    enums: SetsByPath,
}

impl SchemaFacts {
    fn collect(&mut self, schema: &Value, path: &str) {
        let strings =
            |list: &Value| set(list.as_array().unwrap().iter().map(|s| s.as_str().unwrap()));
        if let Some(values) = schema.get("enum") {
            self.enums.insert(path.to_owned(), strings(values));
        }
        if let Some(items) = schema.get("items") {
            self.collect(items, &format!("{path}[]"));
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let keys = set(properties.keys().map(String::as_str));
            let required = schema.get("required").map(strings).unwrap_or_default();
            self.keys.insert(path.to_owned(), keys);
            self.required.insert(path.to_owned(), required);
            for (name, schema) in properties {
                let path = format!("{path}.{name}");
                self.collect(schema, path.trim_start_matches('.'));
            }
        }
    }
}

#[test]
fn crd_and_reader_accept_the_same_bindings() {
    let crd = parse_objects(&render(&crd::template(), &slots(&options()))).remove(0);
    let version = &crd["spec"]["versions"][0];
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    // The reader does not look into the status, which kubevet itself writes.
    schema["properties"]["status"] = Value::Null;
    let mut facts = SchemaFacts::default();
    facts.collect(&schema, "");
    let table = binding_keys();
    let expected: SetsByPath = table
        .iter()
        .map(|entry| (entry.at.to_owned(), set(entry.keys.iter().copied())))
        .collect();
    assert_eq!(facts.keys, expected);
    // The API server itself requires what every object needs.
    let remove_object_keys = |sets: &mut SetsByPath| {
        for key in ["apiVersion", "kind", "metadata"] {
            sets.get_mut("").unwrap().remove(key);
        }
    };
    let mut expected: SetsByPath = table
        .iter()
        .map(|entry| (entry.at.to_owned(), set(entry.required.iter().copied())))
        .collect();
    remove_object_keys(&mut facts.required);
    remove_object_keys(&mut expected);
    assert_eq!(facts.required, expected);
    let mut expected: SetsByPath = binding_enums()
        .into_iter()
        .map(|(path, values)| (path.to_owned(), set(values)))
        .collect();
    let group = crd["spec"]["group"].as_str().unwrap();
    let api_version = format!("{group}/{}", version["name"].as_str().unwrap());
    assert_eq!(
        expected.remove("apiVersion"),
        Some(set([api_version.as_str()]))
    );
    assert_eq!(
        expected.remove("kind"),
        Some(set([crd["spec"]["names"]["kind"].as_str().unwrap()]))
    );
    assert_eq!(facts.enums, expected);
}
