//! Changes that no API server would let through: null and wrong types anywhere. A file on disk may hold them, and so may
//! a review that somebody forged: no voice may crash, and none may pass what the others deny.

use super::{
    json_path::{self, Place, Step},
    rng::Random,
};
use serde_json::{Value, json};

/// Puts a value of another type at a place of an object, and another key beside it at times.
pub(super) fn spoil(object: &mut Value, random: &mut Random) {
    let all: Vec<Place> = json_path::places(object)
        .into_iter()
        .filter(|it| it.len() > 1 || !names_kind(it))
        .collect();
    let Some(place) = random.pick(&all) else {
        return;
    };
    let Some(value) = json_path::at_mut(object, place) else {
        return;
    };
    let old = value.clone();
    let wrong = wrong_value(old, random);
    *value = wrong;
}

fn names_kind(place: &Place) -> bool {
    matches!(place.as_slice(), [Step::Key(key)] if key == "apiVersion" || key == "kind")
}

fn wrong_value(old: Value, random: &mut Random) -> Value {
    match random.below(22) {
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
        // A map of what was a list: its values look just like the elements.
        19 => match old {
            Value::Array(items) => Value::Object(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(at, it)| (at.to_string(), it))
                    .collect(),
            ),
            Value::Object(fields) => Value::Array(fields.into_iter().map(|(_, it)| it).collect()),
            other => json!({"a": other}),
        },
        20 => match old {
            Value::Array(items) => items.into_iter().next().unwrap_or_default(),
            Value::Object(fields) => fields
                .into_iter()
                .next()
                .map(|(_, it)| it)
                .unwrap_or_default(),
            Value::String(text) => text.parse::<i64>().map_or(json!("1"), Into::into),
            Value::Bool(it) => json!(it.to_string()),
            other => json!(other.to_string()),
        },
        _ => json!({"name": "x", "value": old}),
    }
}
