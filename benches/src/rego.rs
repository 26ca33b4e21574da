//! The rules as peers get them: stock Rego, with one entry rule that asks all of them.

use kubevet::{
    model::{ControlId, EvalRequest},
    policy::{Library, ParamValue, Params, package_of},
};
use serde_json::{Map, Value, json};

/// The entry rule: a list of every asked control's findings.
pub const ENTRY: &str = "data.kubevet.bench.all";

/// File and text of every module that the asked controls need, the entry rule's last.
pub fn modules(library: &Library, asked: &[ControlId]) -> Vec<(String, String)> {
    let rules = library
        .controls
        .iter()
        .filter(|it| asked.contains(&it.control.id))
        .map(|it| &it.rule);
    let modules = library.modules.iter().chain(rules);
    let mut modules: Vec<_> = modules
        .map(|it| (it.file.to_string(), it.text.to_string()))
        .collect();
    let denials: Vec<_> = asked
        .iter()
        .map(|it| format!("data.{}.deny", package_of(it.as_str())))
        .collect();
    let entry = format!(
        "package kubevet.bench\nimport rego.v1\nall := [\n{}\n]\n",
        denials.join(",\n")
    );
    modules.push(("entry.rego".to_owned(), entry));
    modules
}

/// What rules see as `input`, without the object.
pub fn input(params: &Params) -> Map<String, Value> {
    let value = |it: &ParamValue| match it {
        ParamValue::String(text) => json!(text),
        ParamValue::List(texts) => json!(texts),
    };
    let params: Map<_, _> = params
        .iter()
        .map(|(name, it)| (name.to_owned(), value(it)))
        .collect();
    let request = json!({"operation": EvalRequest::default().operation.name()});
    Map::from_iter([
        ("params".to_owned(), params.into()),
        ("request".to_owned(), request),
    ])
}
