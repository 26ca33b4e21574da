//! What the API server makes of an object before anybody judges it: a required text, number or truth that is missing is
//! there at admission, empty, and so is what was null in a list or a map. Validation refuses such objects later, but the
//! policies are asked about them first, so every voice is asked about what they see.

use super::{from_schema, json_path};
use kubevet_k8s::schema::{Schema, Type};
use serde_json::{Value, json};

/// Fills in what would not be missing.
pub(super) fn arrive(object: &mut Value) {
    empty_nulls(object);
    for (place, of) in from_schema::structs(object) {
        let Some(Value::Object(fields)) = json_path::at_mut(object, &place) else {
            continue;
        };
        // What may be missing is missing where it is null, and most texts are where they are empty.
        for field in Schema::embedded()
            .fields(of)
            .filter(|it| !it.defaulted && !it.nullable)
        {
            let is_empty =
                |it: &Value| it.is_null() || field.ty == Type::String && it.as_str() == Some("");
            if fields.get(field.name).is_some_and(is_empty) {
                fields.remove(field.name);
            }
        }
        for field in Schema::embedded().fields(of).filter(|it| it.defaulted) {
            let is_missing = fields.get(field.name).is_none_or(Value::is_null);
            if let (true, Some(empty)) = (is_missing, scalar(field.ty)) {
                fields.insert(field.name.to_owned(), empty);
            }
        }
    }
}

/// Nulls that are elements of lists or values of maps.
fn empty_nulls(object: &mut Value) {
    for (place, of) in from_schema::structs(object) {
        let Some(Value::Object(fields)) = json_path::at_mut(object, &place) else {
            continue;
        };
        for field in Schema::embedded()
            .fields(of)
            .filter(|it| !it.keeps_null_items)
        {
            let (Type::List(inner) | Type::Map(inner)) = field.ty else {
                continue;
            };
            let Some(empty) = element(Schema::embedded().resolve(inner)) else {
                continue;
            };
            let nulls: Vec<&mut Value> = match fields.get_mut(field.name) {
                Some(Value::Array(items)) => items.iter_mut().filter(|it| it.is_null()).collect(),
                Some(Value::Object(fields)) => {
                    fields.values_mut().filter(|it| it.is_null()).collect()
                }
                _ => continue,
            };
            nulls.into_iter().for_each(|it| *it = empty.clone());
        }
    }
}

/// Whether nothing would be filled in.
pub(super) fn has_arrived(object: &Value) -> bool {
    let mut filled = object.clone();
    arrive(&mut filled);
    filled == *object
}

/// What is empty of its type; `None` of a type that may be missing.
fn scalar(ty: Type) -> Option<Value> {
    match ty {
        Type::String => Some(json!("")),
        Type::Bool => Some(json!(false)),
        Type::Int32 | Type::Int64 | Type::Number => Some(json!(0)),
        _ => None,
    }
}

/// What is empty of its type among others of a list or a map; `None` where that is null.
fn element(ty: Type) -> Option<Value> {
    match ty {
        Type::Struct(_) => Some(json!({})),
        Type::Quantity => Some(json!("0")),
        Type::IntOrString => Some(json!(0)),
        _ => scalar(ty),
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
        assert_eq!(
            (&container["volumeMounts"][0]["name"], &container["image"]),
            (&json!(""), &Value::Null)
        );
        assert_eq!(pod["spec"]["volumes"][0]["hostPath"]["path"], "");
    }

    #[test]
    fn what_may_be_missing_is_missing_where_it_is_empty() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "hostNetwork": null, "containers": [{"name": "a", "image": "", "imagePullPolicy": null}],
        }});
        arrive(&mut pod);
        assert_eq!(pod["spec"], json!({"containers": [{"name": "a"}]}));
    }

    #[test]
    fn nulls_in_lists_and_maps_are_empty() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"app": null}}, "spec": {
            "containers": [{"ports": [null], "args": [null], "resources": {"limits": {"cpu": null}}}],
        }});
        arrive(&mut pod);
        let container = &pod["spec"]["containers"][0];
        assert_eq!(pod["metadata"]["labels"]["app"], "");
        assert_eq!(
            (
                &container["ports"][0]["containerPort"],
                &container["args"][0]
            ),
            (&json!(0), &json!(""))
        );
        assert_eq!(container["resources"]["limits"]["cpu"], "0");
    }
}
