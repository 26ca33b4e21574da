//! The table of built-in types against the OpenAPI documents of a real API server, kind by kind and
//! type by type. `tests/oracle/schema.rs` checks which fields arrive at admission, and which as
//! null.

use kubevet_k8s::schema::{Schema, Type, TypeId};
use kubevet_model::Kind;
use kubevet_testkit::{control_plane::ControlPlane, skip::not_run};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
};

/// All beta features are on: a kind without a stable version is in the table in its newest beta.
const FLAGS: &[&str] = &[
    "--feature-gates=AllBeta=true",
    "--runtime-config=api/beta=true",
];

#[test]
fn schema_table_equals_openapi_of_the_server() {
    if env::var_os("UPDATE").is_some_and(|value| value == "1") {
        return regenerate();
    }
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder can be made");
    let Some(cluster) =
        ControlPlane::with_server_flags("schema", &dir.path().join("cluster"), FLAGS)
    else {
        return;
    };
    let get = |path: &str| -> Value {
        serde_json::from_str(&cluster.kubectl(&["get", "--raw", path], "").ok())
            .expect("the server answers in JSON")
    };
    let mut comparison = Comparison::default();
    let index = get("/openapi/v3");
    // api/v1 and apis/GROUP/VERSION; the other documents only list the groups.
    for path in keys(&index["paths"])
        .into_iter()
        .filter(|key| key.contains("/v1") || key.contains("/v2"))
    {
        comparison.document(&get(&format!("/openapi/v3/{path}")));
    }
    comparison.assert_every_kind_served();
    assert!(
        comparison.types.len() > 300,
        "the server served {} types",
        comparison.types.len()
    );
    assert!(
        comparison.errors.is_empty(),
        "UPDATE=1 cargo test --test cluster schema makes the table anew:\n{}",
        comparison.errors.join("\n")
    );
}

/// Regenerates both tables; the next build uses them.
fn regenerate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (arguments, table) in [
        (&["run", "./schema"][..], "kubernetes.txt"),
        (&["run", "./schema", "lifecycle"], "api_versions.txt"),
    ] {
        let generated = Command::new("go")
            .args(arguments)
            .current_dir(root.join("tests/kubernetes"))
            .output();
        let Ok(generated) = generated else {
            return not_run("schema", "no Go to make the table with");
        };
        assert!(
            generated.status.success(),
            "{}",
            String::from_utf8_lossy(&generated.stderr)
        );
        let path = root.join("crates/k8s/src/schema").join(table);
        fs::write(path, generated.stdout).expect("the table can be written");
    }
}

/// The types compared so far, and the differences.
#[derive(Default)]
struct Comparison {
    kinds: BTreeSet<(String, String, String)>,
    types: BTreeSet<TypeId>,
    errors: Vec<String>,
}

impl Comparison {
    /// Compares the kinds of one group and version that objects can have, and all their types.
    fn document(&mut self, document: &Value) {
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let post = &item["post"];
            let body = &post["requestBody"]["content"]["*/*"]["schema"];
            let steps: Vec<&str> = path
                .split('/')
                .skip(if path.starts_with("/apis/") { 4 } else { 3 })
                .collect();
            let (namespaced, plural) = match steps.as_slice() {
                [plural] => (false, *plural),
                ["namespaces", "{namespace}", plural] => (true, *plural),
                _ => continue,
            };
            if !body.is_null() {
                self.kind(
                    &post["x-kubernetes-group-version-kind"],
                    plural,
                    namespaced,
                    body,
                    document,
                );
            }
        }
    }

    fn kind(
        &mut self,
        resource: &Value,
        plural: &str,
        namespaced: bool,
        body: &Value,
        document: &Value,
    ) {
        let schema = Schema::embedded();
        let (group, version, name) = (
            string(&resource["group"]),
            string(&resource["version"]),
            string(&resource["kind"]),
        );
        let kind = Kind::new(group, name);
        let Some(found) = schema.kind_at(&kind, version) else {
            let newer = |value: &str| !value.contains("beta") || value > version;
            let superseded = version.contains("beta")
                && schema.kind(&kind).is_some_and(|kind| newer(kind.version));
            if !superseded {
                self.errors.push(format!(
                    "{group}/{version} {name} is served and not in the table"
                ));
            }
            return;
        };
        self.kinds
            .insert((group.to_owned(), name.to_owned(), version.to_owned()));
        let path = format!("{group}/{version} {name}");
        self.same(&path, "plural", found.plural, plural);
        self.same(&path, "namespaced", found.namespaced, namespaced);
        self.same(&path, "until", found.until, None);
        self.same(
            &path,
            "type",
            schema.describe(Type::Struct(found.root)),
            expression(body, document),
        );
        self.named(found.root, body, document);
    }

    /// Compares a type once, and the types of its fields.
    fn named(&mut self, of: TypeId, served: &Value, document: &Value) {
        if !self.types.insert(of) {
            return;
        }
        let schema = Schema::embedded();
        let served = target(served, document);
        let of_now: BTreeMap<_, _> = schema
            .fields(of)
            .filter(|field| field.until.is_none())
            .map(|field| (field.name, field))
            .collect();
        let required = strings(&served["required"]);
        for name in of_now
            .keys()
            .filter(|key| served["properties"][**key].is_null())
        {
            self.errors.push(format!(
                "{}.{name} is in the table and not served",
                schema.name(of)
            ));
        }
        for (name, property) in served["properties"].as_object().into_iter().flatten() {
            let Some(field) = of_now.get(name.as_str()) else {
                self.errors.push(format!(
                    "{}.{name} is served and not in the table",
                    schema.name(of)
                ));
                continue;
            };
            let path = format!("{}.{name}", schema.name(of));
            let elements = if property["items"].is_null() {
                property
            } else {
                &property["items"]
            };
            let mut values: Vec<_> = field.values().collect();
            let mut served_values = strings(&elements["enum"]);
            values.sort_unstable();
            served_values.sort_unstable();
            self.same(
                &path,
                "type",
                schema.describe(field.ty),
                expression(property, document),
            );
            self.same(
                &path,
                "required",
                field.required,
                required.contains(&name.as_str()),
            );
            self.same(
                &path,
                "keys",
                field.keys().collect(),
                strings(&property["x-kubernetes-list-map-keys"]),
            );
            self.same(&path, "values", values, served_values);
            self.field_types(field.ty, property, document);
        }
    }

    /// Continues with the types inside a field.
    fn field_types(&mut self, ty: Type, served: &Value, document: &Value) {
        match ty {
            Type::Struct(of) => self.named(of, served, document),
            Type::List(inner) => self.field_types(
                Schema::embedded().resolve(inner),
                &served["items"],
                document,
            ),
            Type::Map(inner) => {
                self.field_types(
                    Schema::embedded().resolve(inner),
                    &served["additionalProperties"],
                    document,
                );
            }
            _ => {}
        }
    }

    fn assert_every_kind_served(&mut self) {
        for schema in Schema::embedded()
            .kinds()
            .filter(|kind| kind.until.is_none())
        {
            if !self.kinds.contains(&(
                schema.group.to_owned(),
                schema.name.to_owned(),
                schema.version.to_owned(),
            )) {
                self.errors.push(format!(
                    "{}/{} {} is in the table and not served",
                    schema.group, schema.version, schema.name
                ));
            }
        }
    }

    fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        path: &str,
        problem: &str,
        table: T,
        served: T,
    ) {
        if table != served {
            self.errors.push(format!(
                "{path}: {problem} is {table:?} in the table and {served:?} on the server"
            ));
        }
    }
}

/// A schema in the notation of the table.
fn expression(served: &Value, document: &Value) -> String {
    let name = reference(served).map_or("", |reference| {
        reference.rsplit('/').next().unwrap_or_default()
    });
    match name {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => return "quantity".to_owned(),
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => return "intOrString".to_owned(),
        "io.k8s.apimachinery.pkg.runtime.RawExtension"
        | "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1" => {
            return "any".to_owned();
        }
        _ => {}
    }
    let schema = target(served, document);
    match (string(&schema["type"]), string(&schema["format"])) {
        ("string", "byte") => "bytes".to_owned(),
        ("string", "date-time") => "time".to_owned(),
        ("string", "") => "string".to_owned(),
        ("boolean", "") => "bool".to_owned(),
        ("integer", "int32") => "int32".to_owned(),
        ("integer", "int64") => "int64".to_owned(),
        ("number", "double") => "number".to_owned(),
        ("", "") => "any".to_owned(),
        ("array", "") => format!("[{}]", expression(&schema["items"], document)),
        ("object", "") if !schema["additionalProperties"].is_null() => {
            format!(
                "{{{}}}",
                expression(&schema["additionalProperties"], document)
            )
        }
        // io.k8s.api.core.v1.Pod is core.v1.Pod.
        ("object", "") if !name.is_empty() => {
            let mut steps: Vec<&str> = name.rsplitn(4, '.').take(3).collect();
            steps.reverse();
            steps.join(".")
        }
        other => format!("{other:?}"),
    }
}

/// The reference of a schema, which may be the only item of an `allOf`.
fn reference(served: &Value) -> Option<&str> {
    served["$ref"]
        .as_str()
        .or_else(|| served["allOf"][0]["$ref"].as_str())
}

/// The schema itself, or the one that it refers to.
fn target<'d>(served: &'d Value, document: &'d Value) -> &'d Value {
    reference(served)
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')))
        .unwrap_or(served)
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(string).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}
