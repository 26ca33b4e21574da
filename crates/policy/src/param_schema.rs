//! Reads params.yaml into a [`ParamSchema`]. It knows no values but the defaults.

use super::{
    did_you_mean::did_you_mean,
    map_reader::{FieldSpec, MapReader, abbreviate, type_name},
    params::{self, ParamSchema, ParamSpec, ParamType, ParamValue},
    regex_compat,
};
use kubevet_document::{Entry, Node};
use kubevet_model::Problem;
use std::sync::Arc;

/// The keys of one param.
pub(super) const PARAM_KEYS: &[FieldSpec] = &[
    FieldSpec::required("type"),
    FieldSpec::required("description"),
    FieldSpec::required("default"),
];

/// Reads the file. A param with an error, or with the name of one in `base`, is left out.
pub(super) fn read(
    file: &Arc<str>,
    text: &str,
    base: &ParamSchema,
    problems: &mut Vec<Problem>,
) -> ParamSchema {
    let mut schema = ParamSchema::default();
    let mut reader = MapReader::new(file, problems);
    let Some(document) = reader.document(text, "map of params") else {
        return schema;
    };
    let root = document.root();
    if !root.is_map() {
        reader.error(
            root.position(),
            format!(
                "params.yaml must be a map from names to params, but is {}",
                type_name(root)
            ),
        );
        return schema;
    }
    reader.check_repeated(root);
    for entry in root.entries() {
        if base.get(entry.key).is_some() {
            let message = format!(
                "the library already has a param {:?}: choose another name, or set its value with --controls-config",
                abbreviate(entry.key)
            );
            reader.error(entry.key_position(), message);
        } else if let Some(spec) = read_param(&mut reader, &entry) {
            schema.add(spec);
        }
    }
    schema
}

fn read_param(reader: &mut MapReader<'_>, entry: &Entry<'_>) -> Option<ParamSpec> {
    let (name, node) = (entry.key, entry.value);
    let named = is_name(name);
    if !named {
        let message = format!(
            "{:?} is not a valid name for a param: begin with a letter, then letters, digits and _",
            abbreviate(name)
        );
        reader.error(entry.key_position(), message);
    }
    if !reader.keys(
        node,
        &format!("the param {:?}", abbreviate(name)),
        PARAM_KEYS,
    ) {
        return None;
    }
    let description = reader.string(node, "description");
    let word = reader.string(node, "type")?;
    let Some(param_type) = ParamType::parse(&word.value) else {
        let known: Vec<&str> = ParamType::ALL
            .iter()
            .map(|param_type| param_type.name())
            .collect();
        let hint = did_you_mean(&word.value, known.iter().copied());
        reader.error(
            word.position,
            format!(
                "{:?} is not a valid type: write {}{hint}",
                abbreviate(&word.value),
                known.join(", ")
            ),
        );
        return None;
    };
    let default = read_default(reader, node.get("default")?, param_type)?;
    let spec = ParamSpec {
        name: name.to_owned(),
        kind: param_type,
        description: description?.value,
        default,
    };
    named.then_some(spec)
}

/// Reads the default, which must have exactly the type of the param: only users may write a string
/// for a list of one.
fn read_default(
    reader: &mut MapReader<'_>,
    node: Node<'_>,
    param_type: ParamType,
) -> Option<ParamValue> {
    if param_type == ParamType::String {
        return reader
            .string_value(node, "\"default\"")
            .map(|text| ParamValue::String(text.value));
    }
    let mut whole = true;
    let mut entries = Vec::new();
    for element in reader.elements(node, "\"default\"")? {
        let Some(text) = reader.string_value(element, "an entry of \"default\"") else {
            whole = false;
            continue;
        };
        let fault = match param_type {
            ParamType::Regexes => regex_compat::vet(&text.value)
                .err()
                .map(|why| format!("{:?} {why}", abbreviate(&text.value))),
            _ => params::convert(param_type, ParamValue::String(text.value.clone()))
                .err()
                .map(|why| format!("\"default\" {why}")),
        };
        match fault {
            None => entries.push(text.value),
            Some(message) => {
                whole = false;
                reader.error(text.position, message);
            }
        }
    }
    whole.then_some(ParamValue::List(entries))
}

fn is_name(name: &str) -> bool {
    name.len() <= 80
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
