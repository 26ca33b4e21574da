//! Fields of JSON that another process wrote: a field that is absent or of another type is empty.
//!
//! Apart because several commands read the status of objects. Nothing here fails: what a command
//! needs, it checks.

use serde_json::Value;

/// Returns a field; null if there is none.
pub(super) fn field<'v>(value: &'v Value, key: &str) -> &'v Value {
    value.get(key).unwrap_or(&Value::Null)
}

/// Returns the text of a field; empty if it is none.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    field(value, key).as_str().unwrap_or_default()
}

/// Returns the number of a field; 0 if it is no count.
pub(super) fn number(value: &Value, key: &str) -> u64 {
    field(value, key).as_u64().unwrap_or_default()
}

/// Returns the elements of a field; none if it is no list.
pub(super) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    field(value, key).as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn field_of_another_type_is_empty() {
        let value = json!({"text": "a", "number": 7, "list": [1, 2]});
        let check = |key: &str, expected: (&str, u64, usize)| {
            let found = (
                text(&value, key),
                number(&value, key),
                list(&value, key).len(),
            );
            assert_eq!(found, expected, "{key}");
        };
        check("text", ("a", 0, 0));
        check("number", ("", 7, 0));
        check("list", ("", 0, 2));
        check("absent", ("", 0, 0));
    }
}
