//! Reads a controls config: Kubescape's inputs as they are released, or a flat map from params to
//! values.
//!
//! Files of Kubescape's users must work as they are, so names that Kubescape knows and no control
//! here reads are accepted ([`READ_ELSEWHERE`]). Any other unknown name is a problem: a mistyped
//! name would change nothing, unnoticed.

use super::{
    did_you_mean::did_you_mean,
    map_reader::{FieldSpec, MapReader, abbreviate, type_name},
    params::{ParamSchema, ParamValue, Params},
};
use kubevet_document::{self as document, Node, Value};
use kubevet_model::Problem;
use std::sync::Arc;

/// Names of Kubescape's inputs that no control here reads yet.
const READ_ELSEWHERE: &[&str] = &[
    "hardenedSandboxRuntimeClasses",
    "imageDigestExemptRepositories",
    "max_critical_vulnerabilities",
    "max_high_vulnerabilities",
    "sandbox_cpu_limit_max",
    "sandbox_memory_limit_max",
    "sensitiveInterfaces",
    "servicesNames",
    "trustedCosignPublicKeys",
    "wlKnownNames",
];

/// The keys beside `settings` in Kubescape's file.
const FILE_KEYS: &[FieldSpec] = &[
    FieldSpec::required("settings"),
    FieldSpec::optional("name"),
    FieldSpec::optional("guid"),
    FieldSpec::optional("attributes"),
    FieldSpec::optional("scope"),
    FieldSpec::optional("creationTime"),
    FieldSpec::optional("updatedTime"),
];
/// The keys that hold params, and those beside them that are for other parts of Kubescape.
const SETTINGS_KEYS: &[FieldSpec] = &[
    FieldSpec::optional(POSTURE_INPUTS),
    FieldSpec::optional(DATA_INPUTS),
    FieldSpec::optional("postureScanConfig"),
    FieldSpec::optional("vulnerabilityScanConfig"),
];
/// The keys of maps from params to values, in Kubescape's inputs and in its test cases.
pub(super) const POSTURE_INPUTS: &str = "postureControlInputs";
pub(super) const DATA_INPUTS: &str = "dataControlInputs";

/// Reads a controls config into `params`. Every value that can be read is set; any other keeps its
/// value and is a problem.
#[must_use]
pub fn read_controls_config(
    file: &str,
    bytes: &[u8],
    schema: &ParamSchema,
    params: &mut Params,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let file: Arc<str> = file.into();
    let mut reader = MapReader::new(&file, &mut problems);
    let Some(document) = reader.document_of(bytes, "controls config", document::read) else {
        return problems;
    };
    let root = document.root();
    if !root.is_map() {
        reader.error(
            root.position(),
            format!(
                "a controls config is a map from params to values, but this is {}",
                type_name(root)
            ),
        );
        return problems;
    }
    for (name, value) in entries_of(&mut reader, root, schema) {
        match schema.get(&name) {
            None if READ_ELSEWHERE.contains(&name.as_str()) => {}
            _ => set(&mut reader, &name, value, schema, params),
        }
    }
    problems
}

/// Returns the names and values of a controls config of any shape.
fn entries_of<'a>(
    reader: &mut MapReader<'_>,
    root: Node<'a>,
    schema: &ParamSchema,
) -> Vec<(String, Node<'a>)> {
    let mut found = Vec::new();
    let (settings, what) = if let Some(settings) = root.get("settings") {
        reader.keys(root, "a controls config", FILE_KEYS);
        (settings, "\"settings\"")
    } else if root.get(POSTURE_INPUTS).is_some() || root.get(DATA_INPUTS).is_some() {
        (root, "a controls config")
    } else {
        collect_params(reader, root, schema, &mut found);
        return found;
    };
    if !reader.keys(settings, what, SETTINGS_KEYS) {
        return found;
    }
    let inputs: Vec<_> = [POSTURE_INPUTS, DATA_INPUTS]
        .into_iter()
        .filter_map(|key| Some((key, settings.get(key)?)))
        .collect();
    if inputs.is_empty() {
        reader.error(
            settings.position(),
            format!("\"settings\" lacks the key {POSTURE_INPUTS:?}, so it sets nothing"),
        );
    }
    for (key, node) in inputs {
        match node.value() {
            Value::Map => collect_params(reader, node, schema, &mut found),
            Value::Null => {}
            _ => reader.error(
                node.position(),
                format!(
                    "{key:?} must be a map from params to values, but is {}",
                    type_name(node)
                ),
            ),
        }
    }
    found
}

/// Collects the entries of a map whose keys are params, and reports other keys.
fn collect_params<'a>(
    reader: &mut MapReader<'_>,
    node: Node<'a>,
    schema: &ParamSchema,
    found: &mut Vec<(String, Node<'a>)>,
) {
    reader.check_repeated(node);
    for entry in node.entries() {
        if schema.get(entry.key).is_some() || READ_ELSEWHERE.contains(&entry.key) {
            found.push((entry.key.to_owned(), entry.value));
        } else {
            let known = schema
                .iter()
                .map(|spec| spec.name.as_str())
                .chain(READ_ELSEWHERE.iter().copied());
            let hint = did_you_mean(
                entry.key,
                known.chain(["settings", POSTURE_INPUTS, DATA_INPUTS]),
            );
            reader.error(
                entry.key_position(),
                format!("there is no param {:?}{hint}", abbreviate(entry.key)),
            );
        }
    }
}

fn set(
    reader: &mut MapReader<'_>,
    name: &str,
    node: Node<'_>,
    schema: &ParamSchema,
    params: &mut Params,
) {
    let Some(value) = read_value(reader, node, name) else {
        return;
    };
    if let Err(error) = params.set(schema, name, value) {
        reader.error(node.position(), error.to_string());
    }
}

/// Reads the value of a param: a string or a list of strings; null is an empty list, as in Go.
pub(super) fn read_value(
    reader: &mut MapReader<'_>,
    node: Node<'_>,
    name: &str,
) -> Option<ParamValue> {
    match node.value() {
        Value::Null => Some(ParamValue::List(Vec::new())),
        Value::List => {
            let elements = reader.elements(node, &format!("the param {name:?}"))?;
            let what = format!("an entry of the param {name:?}");
            let texts: Vec<_> = elements
                .iter()
                .map(|element| reader.string_value(*element, &what))
                .collect();
            texts
                .into_iter()
                .map(|string| string.map(|text| text.value))
                .collect::<Option<_>>()
                .map(ParamValue::List)
        }
        Value::Map => {
            let message = format!("the param {name:?} must be a list of strings, but is a map");
            reader.error(node.position(), message);
            None
        }
        _ => reader
            .string_value(node, &format!("the param {name:?}"))
            .map(|string| ParamValue::String(string.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded;

    /// Reads a config over the built-in params, and checks the changes and the errors.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let schema = embedded().0.params;
        let mut params = schema.defaults();
        let problems = read_controls_config("config.json", text.as_bytes(), &schema, &mut params);
        let defaults = schema.defaults();
        let changed = params
            .iter()
            .filter(|(name, value)| defaults.get(name) != Some(value));
        let mut got: Vec<String> = changed
            .map(|(name, value)| format!("{name} {value:?}"))
            .collect();
        got.extend(problems.iter().map(ToString::to_string));
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn config_of_each_shape_is_read() {
        check("{}", &[]);
        check(
            "{\"publicRegistries\": [\"docker.io\"]}",
            &["publicRegistries List([\"docker.io\"])"],
        );
        check(
            "publicRegistries: docker.io\n",
            &["publicRegistries List([\"docker.io\"])"],
        );
        check(
            "{\"settings\":{\"postureControlInputs\":{\"insecureCapabilities\":null},\"dataControlInputs\":{\"cloudProvider\":\"aws\"}}}",
            &[
                "cloudProvider String(\"aws\")",
                "insecureCapabilities List([])",
            ],
        );
        check(
            "{\"postureControlInputs\":{\"cloudProvider\":[\"gce\"], \"wlKnownNames\": [\"x\"]}}",
            &["cloudProvider String(\"gce\")"],
        );
        check(
            r#"{"sensitiveValuesAllowed": ["BEGIN \\w+ KEY"]}"#,
            &["sensitiveValuesAllowed List([\"BEGIN [0-9A-Za-z_]+ KEY\"])"],
        );
    }

    #[test]
    fn errors_are_reported_and_other_values_are_set() {
        check(
            "publicRegistry: [a]\nuntrustedRegistries: [b, 1]\nmemory_limit_max: [1GB]\nfloatingImageTags: [edge]\ncloudProvider: [a, b]\n",
            &[
                "floatingImageTags List([\"edge\"])",
                "config.json:1:1: there is no param \"publicRegistry\", did you mean \"publicRegistries\"?",
                "config.json:2:26: an entry of the param \"untrustedRegistries\" must be a string, but is a number: put it in quotes",
                "config.json:3:19: the param \"memory_limit_max\" has the entry \"1GB\", which is not a valid quantity: write one like 500m, 0.5, 2Gi or 1e3",
                "config.json:5:16: the param \"cloudProvider\" must be a string, but is given 2: keep one",
            ],
        );
        check(
            "[]",
            &[
                "config.json:1:1: a controls config is a map from params to values, but this is a list",
            ],
        );
        check(
            "{\"settings\": {\"postureControlInput\": {}}}",
            &[
                "config.json:1:15: \"settings\" has no key \"postureControlInput\", did you mean \"postureControlInputs\"?",
                "config.json:1:14: \"settings\" lacks the key \"postureControlInputs\", so it sets nothing",
            ],
        );
        check(
            "{\"setings\": {}}",
            &["config.json:1:2: there is no param \"setings\", did you mean \"settings\"?"],
        );
        check(
            "",
            &["config.json:1:1: the file is empty: it must hold one controls config"],
        );
    }
}
