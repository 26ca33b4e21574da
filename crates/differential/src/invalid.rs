//! Changes that no API server would accept: null and wrong types anywhere. A file may hold them, and so
//! may a forged review. No subject may crash on them, and none may pass what the others deny.

use super::{
    json_path::{self, JsonPath, PathStep},
    rng::Rng,
};
use serde_json::{Value, json};

/// Replaces a value of an object by one that is likely to have the wrong type.
pub(super) fn corrupt(object: &mut Value, rng: &mut Rng) {
    let paths: Vec<JsonPath> = json_path::all_paths(object)
        .into_iter()
        .filter(|path| path.len() > 1 || !names_kind(path))
        .collect();
    let Some(path) = rng.pick(&paths) else {
        return;
    };
    let Some(value) = json_path::get_mut(object, path) else {
        return;
    };
    *value = wrong_value(value.clone(), rng);
}

fn names_kind(path: &JsonPath) -> bool {
    matches!(path.as_slice(), [PathStep::Key(key)] if key == "apiVersion" || key == "kind")
}

fn wrong_value(old: Value, rng: &mut Rng) -> Value {
    match rng.below(22) {
        0..3 => Value::Null,
        3 => json!(true),
        4 => json!(false),
        5 => json!(0),
        6 => json!(-1),
        7 => json!(1.5),
        8 => json!(9_223_372_036_854_775_808_u64),
        9 => json!(1e300),
        10 => json!(""),
        11 => json!("x"),
        12 => json!([]),
        13 => json!({}),
        14 => json!([null]),
        15 => json!({"": null}),
        16 => json!([old]),
        17 => json!({"0": old}),
        18 => json!([[old]]),
        19 => swap_list_and_map(old),
        20 => unwrap_or_convert(old),
        _ => json!({"name": "x", "value": old}),
    }
}

/// Turns a list into a map with the same values and back: an iteration over either looks the same.
fn swap_list_and_map(old: Value) -> Value {
    match old {
        Value::Array(items) => Value::Object(
            items
                .into_iter()
                .enumerate()
                .map(|(index, item)| (index.to_string(), item))
                .collect(),
        ),
        Value::Object(fields) => Value::Array(fields.into_iter().map(|(_, value)| value).collect()),
        other => json!({"a": other}),
    }
}

/// Returns the first value inside a collection, or converts a scalar between string and other types.
fn unwrap_or_convert(old: Value) -> Value {
    match old {
        Value::Array(items) => items.into_iter().next().unwrap_or_default(),
        Value::Object(fields) => fields
            .into_iter()
            .next()
            .map(|(_, value)| value)
            .unwrap_or_default(),
        Value::String(string) => string.parse::<i64>().map_or(json!("1"), Into::into),
        Value::Bool(boolean) => json!(boolean.to_string()),
        other => json!(other.to_string()),
    }
}
