//! What the API server makes of an object before anybody judges it: a required text, number or truth that is missing is
//! there at admission, empty. Validation refuses such objects later, but the policies are asked about them first, so
//! every voice is asked about what they see.

use super::{grow, tree};
use crate::schema::{Field, Schema, Type};
use serde_json::{Value, json};

/// Fills in what would not be missing.
pub(super) fn arrive(object: &mut Value) {
    for (place, of) in grow::structs(object) {
        let Some(Value::Object(fields)) = tree::at_mut(object, &place) else { continue };
        for field in Schema::embedded().fields(of).filter(|it| it.always) {
            let is_missing = fields.get(field.name).is_none_or(Value::is_null);
            if let (true, Some(empty)) = (is_missing, empty(field)) {
                fields.insert(field.name.to_owned(), empty);
            }
        }
    }
}

/// Whether nothing would be filled in.
pub(super) fn has_arrived(object: &Value) -> bool {
    let mut filled = object.clone();
    arrive(&mut filled);
    filled == *object
}

fn empty(field: &Field) -> Option<Value> {
    match field.ty {
        Type::String => Some(json!("")),
        Type::Bool => Some(json!(false)),
        Type::Int32 | Type::Int64 | Type::Number => Some(json!(0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_there_and_empty() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "containers": [{"securityContext": {"seccompProfile": {}}, "volumeMounts": [{}]}], "volumes": [{"hostPath": {}}],
        }});
        assert!(!has_arrived(&pod));
        arrive(&mut pod);
        assert!(has_arrived(&pod));
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["name"], "");
        assert_eq!(container["securityContext"]["seccompProfile"]["type"], "");
        assert_eq!((&container["volumeMounts"][0]["name"], &container["image"]), (&json!(""), &Value::Null));
        assert_eq!(pod["spec"]["volumes"][0]["hostPath"]["path"], "");
    }
}
