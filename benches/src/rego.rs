//! The rules in the form that peers read: standard Rego, with one entry rule that evaluates all of
//! them.

use kubevet_model::{ControlId, EvalRequest};
use kubevet_policy::{Library, ParamValue, Params, package_of};
use serde_json::{Map, Value, json};

/// The entry rule: the list of the findings of each control.
pub const ENTRY: &str = "data.kubevet.bench.all";

/// Returns the file name and source of every module that the controls need; the entry rule's is
/// last.
pub fn modules(library: &Library, controls: &[ControlId]) -> Vec<(String, String)> {
    let rules = library
        .controls
        .iter()
        .filter(|entry| controls.contains(&entry.control.id))
        .map(|entry| &entry.rule);
    let modules = library.modules.iter().chain(rules);
    let mut modules: Vec<_> = modules
        .map(|module| (module.file.to_string(), module.text.to_string()))
        .collect();
    let denials: Vec<_> = controls
        .iter()
        .map(|control| format!("data.{}.deny", package_of(control.as_str())))
        .collect();
    let entry = format!(
        "package kubevet.bench\nimport rego.v1\nall := [\n{}\n]\n",
        denials.join(",\n")
    );
    modules.push(("entry.rego".to_owned(), entry));
    modules
}

/// Returns the rules' `input` without the object.
pub fn input(params: &Params) -> Map<String, Value> {
    let to_json = |value: &ParamValue| match value {
        ParamValue::String(string) => json!(string),
        ParamValue::List(strings) => json!(strings),
    };
    let params: Map<_, _> = params
        .iter()
        .map(|(name, value)| (name.to_owned(), to_json(value)))
        .collect();
    let request = json!({"operation": EvalRequest::default().operation.name()});
    Map::from_iter([
        ("params".to_owned(), params.into()),
        ("request".to_owned(), request),
    ])
}
