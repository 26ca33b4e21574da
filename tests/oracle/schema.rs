//! The table of types against Kubernetes' own decoding: which absent fields arrive at admission,
//! which as null, and which nulls within lists and maps are kept.
//!
//! For each type an object with an empty value of it is created, and the API server's policies
//! report what they see in it.

use kubevet_k8s::schema::{Field, KindInfo, Schema, Type, TypeId};
use kubevet_testkit::oracle::Oracle;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, VecDeque};

/// The oracle does not decode these groups.
const NOT_DECODED: &[&str] = &["apiextensions.k8s.io", "apiregistration.k8s.io"];

#[test]
fn defaulted_and_null_fields_at_admission_match_the_table() {
    let Some(mut oracle) = Oracle::start("schema") else {
        return;
    };
    let schema = Schema::embedded();
    let mut visited = BTreeSet::new();
    let mut errors = Vec::new();
    let mut todo: VecDeque<TypePath> = schema
        .kinds()
        .filter(|kind| !NOT_DECODED.contains(&kind.group))
        .map(TypePath::root)
        .collect();
    while let Some(path) = todo.pop_front() {
        if !visited.insert(path.ty) {
            continue;
        }
        // The Go types of the newest version only are available.
        let fields = || schema.fields(path.ty).filter(|field| field.until.is_none());
        let expression: Vec<&Field> = fields().filter(|field| !path.gives(field.name)).collect();
        errors.extend(absent(&mut oracle, &path, &expression));
        let collections: Vec<&Field> = expression
            .into_iter()
            .filter(|field| matches!(field.ty, Type::List(_) | Type::Map(_)))
            .collect();
        errors.extend(nulls(&mut oracle, &path, &collections));
        todo.extend(fields().filter_map(|field| path.below(field)));
    }
    assert!(visited.len() > 300, "{} types were asked", visited.len());
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

/// A path to an empty struct in an object of some kind.
struct TypePath {
    kind: KindInfo,
    ty: TypeId,
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Field(&'static str),
    /// The only element of a list.
    Element,
    /// The only value of a map.
    Value,
}

impl TypePath {
    fn root(kind: KindInfo) -> Self {
        Self {
            kind,
            ty: kind.root,
            steps: Vec::new(),
        }
    }

    /// The path to the struct in a field, directly or in a list or map.
    fn below(&self, field: &Field) -> Option<Self> {
        let mut steps = self.steps.clone();
        steps.push(Step::Field(field.name));
        let mut ty = field.ty;
        loop {
            ty = match ty {
                Type::List(inner) => {
                    steps.push(Step::Element);
                    Schema::embedded().resolve(inner)
                }
                Type::Map(inner) => {
                    steps.push(Step::Value);
                    Schema::embedded().resolve(inner)
                }
                Type::Struct(ty) => {
                    return Some(Self {
                        kind: self.kind,
                        ty,
                        steps,
                    });
                }
                _ => return None,
            }
        }
    }

    /// True if the object needs this field itself, for its type and name.
    fn gives(&self, field: &str) -> bool {
        match self.steps.as_slice() {
            [] => ["apiVersion", "kind", "metadata"].contains(&field),
            [Step::Field("metadata")] => ["name", "namespace"].contains(&field),
            _ => false,
        }
    }

    /// The object with these fields at this path.
    fn object(&self, fields: Map<String, Value>) -> Value {
        let filled =
            self.steps
                .iter()
                .rev()
                .fold(Value::Object(fields), |inner, step| match step {
                    Step::Field(name) => json!({ *name: inner }),
                    Step::Element => json!([inner]),
                    Step::Value => json!({ "k": inner }),
                });
        let mut object = json!({
            "apiVersion": self.kind.api_version(),
            "kind": self.kind.name,
            "metadata": {},
        });
        object
            .as_object_mut()
            .expect("an object")
            .extend(filled.as_object().expect("an object").clone());
        object["metadata"]["name"] = json!("x");
        if self.kind.namespaced {
            object["metadata"]["namespace"] = json!("x");
        }
        object
    }

    /// This path as a CEL expression.
    fn expression(&self) -> String {
        let steps = self.steps.iter().map(|step| match step {
            Step::Field(name) => format!("[{name:?}]"),
            Step::Element => "[0]".to_owned(),
            Step::Value => "[\"k\"]".to_owned(),
        });
        format!("dyn(object){}", steps.collect::<String>())
    }
}

/// The absent fields that arrive in another form than the table says.
fn absent(oracle: &mut Oracle, path: &TypePath, fields: &[&Field]) -> Vec<String> {
    let at = path.expression();
    let expression = |name: &str| {
        format!("!({name:?} in {at}) ? 'absent' : {at}[{name:?}] == null ? 'null' : 'there'")
    };
    let answers = evaluate(
        oracle,
        path.object(Map::new()),
        fields.iter().map(|field| expression(field.name)),
    );
    let differs = |(field, answer): (&&Field, String)| {
        let right = match answer.as_str() {
            "null" => field.nullable && !field.defaulted,
            "there" => field.defaulted && !field.nullable,
            // Older versions write an empty time as null.
            "absent" => !field.defaulted && (!field.nullable || field.name == "creationTimestamp"),
            _ => false,
        };
        (!right).then(|| {
            format!(
                "{}.{}: {answer}",
                Schema::embedded().name(path.ty),
                field.name
            )
        })
    };
    fields.iter().zip(answers).filter_map(differs).collect()
}

/// The nulls in lists and maps that arrive in another form than the table says.
fn nulls(oracle: &mut Oracle, path: &TypePath, fields: &[&Field]) -> Vec<String> {
    let schema = Schema::embedded();
    let given = |field: &&Field| match field.ty {
        Type::List(inner) if schema.resolve(inner) != Type::Any => {
            Some((field.name.to_owned(), json!([null])))
        }
        Type::Map(inner) if schema.resolve(inner) != Type::Any => {
            Some((field.name.to_owned(), json!({ "k": null })))
        }
        _ => None,
    };
    let fields: Vec<&Field> = fields
        .iter()
        .copied()
        .filter(|field| given(field).is_some())
        .collect();
    let at = path.expression();
    let expression = |field: &&Field| {
        let key = if matches!(field.ty, Type::List(_)) {
            "0"
        } else {
            "\"k\""
        };
        format!("{at}[{:?}][{key}] == null ? 'null' : 'there'", field.name)
    };
    let object = path.object(fields.iter().filter_map(given).collect());
    let answers = evaluate(oracle, object, fields.iter().map(expression));
    let differs = |(field, answer): (&&Field, String)| {
        let expected = if field.keeps_null_items {
            "null"
        } else {
            "there"
        };
        (answer != expected).then(|| {
            format!(
                "{}.{}, a null in it: {answer}",
                schema.name(path.ty),
                field.name
            )
        })
    };
    fields.iter().zip(answers).filter_map(differs).collect()
}

/// The result of each expression under the API server's policies, or its error.
fn evaluate(
    oracle: &mut Oracle,
    object: Value,
    expressions: impl Iterator<Item = String>,
) -> Vec<String> {
    let validations: Vec<Value> = expressions
        .map(|expression| json!({ "expression": "false", "messageExpression": expression }))
        .collect();
    if validations.is_empty() {
        return Vec::new();
    }
    let policy = json!({
        "metadata": { "name": "x" },
        "spec": {
            "matchConstraints": {
                "resourceRules": [{
                    "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"],
                }],
            },
            "validations": validations,
        },
    });
    let answer = oracle.send(&json!({ "op": "vap", "policy": policy, "object": object }));
    let decisions = answer["decisions"]
        .as_array()
        .unwrap_or_else(|| panic!("{object}: {answer}"));
    assert_eq!(decisions.len(), validations.len(), "{object}: {answer}");
    decisions
        .iter()
        .map(|decision| decision["message"].as_str().unwrap_or_default().to_owned())
        .collect()
}
