//! The changes that the API server makes to an object before admission. A required string, number or
//! boolean that is missing is set to its zero value, and so is a null in a list or a map. A
//! namespaced object without a namespace gets that of the request.
//!
//! Validation rejects such objects later, but policies are evaluated first. So all subjects evaluate
//! what the policies see.

use super::{from_schema, json_path};
use kubevet_k8s::schema::{Field, Schema, Type};
use kubevet_model::Kind;
use serde_json::{Map, Value, json};

/// The namespace of every request.
const REQUEST_NAMESPACE: &str = "default";

/// Applies the changes to an object.
pub(super) fn apply_defaults(object: &mut Value) {
    replace_null_items(object);
    for (path, type_id) in from_schema::typed_structs(object) {
        let Some(Value::Object(fields)) = json_path::get_mut(object, &path) else {
            continue;
        };
        let schema = Schema::embedded();
        for field in schema
            .fields(type_id)
            .filter(|field| !field.defaulted && !field.nullable)
        {
            remove_if_empty(fields, field);
        }
        for field in schema.fields(type_id).filter(|field| field.defaulted) {
            let is_missing = fields.get(field.name).is_none_or(Value::is_null);
            if let (true, Some(zero)) = (is_missing, scalar_zero(field.ty)) {
                fields.insert(field.name.to_owned(), zero);
            }
        }
    }
    set_request_namespace(object);
}

/// Sets the namespace of an object of a namespaced kind that has none, or an empty one.
pub fn set_request_namespace(object: &mut Value) {
    let string = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = Kind::new(Kind::group_of(string("apiVersion")), string("kind"));
    let is_namespaced = Schema::embedded()
        .kind(&kind)
        .is_some_and(|info| info.namespaced);
    let Some(fields) = object.as_object_mut().filter(|_| is_namespaced) else {
        return;
    };
    let metadata = fields.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = json!({});
    }
    if let Value::Object(metadata) = metadata {
        let namespace = metadata.entry("namespace").or_insert(Value::Null);
        if namespace.is_null() || namespace == "" {
            *namespace = json!(REQUEST_NAMESPACE);
        }
    }
}

/// Removes an optional field that is null, or is an empty string: Go omits both when it encodes the
/// object.
fn remove_if_empty(fields: &mut Map<String, Value>, field: &Field) {
    let is_empty =
        |value: &Value| value.is_null() || field.ty == Type::String && value.as_str() == Some("");
    if fields.get(field.name).is_some_and(is_empty) {
        fields.remove(field.name);
    }
}

/// Replaces nulls that are elements of lists or values of maps by zero values.
fn replace_null_items(object: &mut Value) {
    for (path, type_id) in from_schema::typed_structs(object) {
        let Some(Value::Object(fields)) = json_path::get_mut(object, &path) else {
            continue;
        };
        for field in Schema::embedded()
            .fields(type_id)
            .filter(|field| !field.keeps_null_items)
        {
            let (Type::List(inner) | Type::Map(inner)) = field.ty else {
                continue;
            };
            let Some(zero) = item_zero(Schema::embedded().resolve(inner)) else {
                continue;
            };
            let nulls: Vec<&mut Value> = match fields.get_mut(field.name) {
                Some(Value::Array(items)) => {
                    items.iter_mut().filter(|item| item.is_null()).collect()
                }
                Some(Value::Object(entries)) => entries
                    .values_mut()
                    .filter(|value| value.is_null())
                    .collect(),
                _ => continue,
            };
            for null in nulls {
                *null = zero.clone();
            }
        }
    }
}

/// True if the defaults change nothing.
pub(super) fn has_defaults(object: &Value) -> bool {
    let mut defaulted = object.clone();
    apply_defaults(&mut defaulted);
    defaulted == *object
}

/// Returns the zero value of a scalar type; `None` for types that may be missing.
fn scalar_zero(ty: Type) -> Option<Value> {
    match ty {
        Type::String => Some(json!("")),
        Type::Bool => Some(json!(false)),
        Type::Int32 | Type::Int64 | Type::Number => Some(json!(0)),
        _ => None,
    }
}

/// Returns the zero value of a type inside a list or a map; `None` if it is null.
fn item_zero(ty: Type) -> Option<Value> {
    match ty {
        Type::Struct(_) => Some(json!({})),
        Type::Quantity => Some(json!("0")),
        Type::IntOrString => Some(json!(0)),
        _ => scalar_zero(ty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_required_scalar_is_zero_value() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "containers": [{"securityContext": {"seccompProfile": {}}, "volumeMounts": [{}]}], "volumes": [{"hostPath": {}}],
        }});
        assert!(!has_defaults(&pod));
        apply_defaults(&mut pod);
        assert!(has_defaults(&pod));
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
    fn empty_optional_field_is_removed() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "spec": {
            "hostNetwork": null, "containers": [{"name": "a", "image": "", "imagePullPolicy": null}],
        }});
        apply_defaults(&mut pod);
        assert_eq!(pod["spec"], json!({"containers": [{"name": "a"}]}));
    }

    #[test]
    fn namespaced_object_without_namespace_gets_that_of_the_request() {
        fn check(mut object: Value, expected: Value) {
            apply_defaults(&mut object);
            assert_eq!(object["metadata"]["namespace"], expected, "{object}");
        }
        check(json!({"apiVersion": "v1", "kind": "Pod"}), json!("default"));
        check(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": null}),
            json!("default"),
        );
        check(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": ""}}),
            json!("default"),
        );
        check(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop"}}),
            json!("shop"),
        );
        check(json!({"apiVersion": "v1", "kind": "Node"}), Value::Null);
    }

    #[test]
    fn null_in_list_or_map_is_zero_value() {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"app": null}}, "spec": {
            "containers": [{"ports": [null], "args": [null], "resources": {"limits": {"cpu": null}}}],
        }});
        apply_defaults(&mut pod);
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
