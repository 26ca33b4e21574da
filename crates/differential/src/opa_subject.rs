//! OPA as a subject, through the external oracle. OPA is right about Rego.

use super::{
    corpus,
    external_oracle::{Pipe, Prepared, evaluate_request, parse_response, prepare},
    subject::{Subject, SubjectAnswer, SubjectError, SubjectFinding, canonical_json},
    test_case::TestCase,
};
use kubevet_engine::Engine;
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::{ControlId, FieldPath};
use kubevet_policy::{self as policy, Library};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const NAME: &str = "OPA";
/// The most bytes of a message that the engine keeps, and that are compared.
const MAX_MESSAGE_BYTES: usize = 4096;

/// The rules of a library under OPA.
pub(super) struct OpaSubject<P> {
    pipe: P,
    /// The Rego modules by file name.
    modules: Value,
    /// The queries by control id. Each is a list: of the `deny` set, or of nothing if the control
    /// does not apply.
    queries: Value,
    /// The numbers of what the oracle has prepared, by the index of the params.
    prepared: BTreeMap<usize, u64>,
    /// The kinds of which rules see the pods alone, which the engine makes.
    workloads: CustomWorkloads,
}

impl<P: Pipe> OpaSubject<P> {
    /// `engine` says which rules have `applies`.
    pub(super) fn new(pipe: P, library: &Library, engine: &Engine) -> Self {
        let modules = library
            .modules
            .iter()
            .chain(library.controls.iter().map(|source| &source.rule));
        let modules: Map<String, Value> = modules
            .map(|module| (module.file.to_string(), json!(&*module.text)))
            .collect();
        let query = |id: &ControlId| {
            let package = policy::package_of(id.as_str());
            let query = if engine.has_applies(id) {
                format!("[deny | data.{package}.applies; deny := data.{package}.deny]")
            } else {
                format!("[data.{package}.deny]")
            };
            (id.to_string(), json!(query))
        };
        let queries: Map<String, Value> = library
            .controls
            .iter()
            .map(|source| query(&source.control.id))
            .collect();
        Self {
            pipe,
            modules: modules.into(),
            queries: queries.into(),
            prepared: BTreeMap::new(),
            workloads: library.workloads.clone(),
        }
    }

    fn is_custom(&self, case: &TestCase) -> bool {
        let object: Option<Value> = serde_json::from_str(&case.object).ok();
        object.is_some_and(|object| {
            let kind = corpus::kind_of(&object);
            self.workloads.get(&kind.group, &kind.name).is_some()
        })
    }

    /// Returns the number of the library prepared with the params of a case.
    fn prepare(&mut self, case: &TestCase) -> Prepared {
        if let Some(number) = self.prepared.get(&case.params_index) {
            return Ok(*number);
        }
        let request = json!({
            "op": "prepare",
            "modules": self.modules,
            "queries": self.queries,
            "params": case.params.to_json(),
        });
        let number = prepare(&mut self.pipe, &request)?;
        self.prepared.insert(case.params_index, number);
        Ok(number)
    }

    fn evaluate_batch(&mut self, batch: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, String> {
        let mut lines = Vec::new();
        for case in batch {
            let number = self.prepare(case)?;
            let targets: Vec<Value> = case
                .controls
                .iter()
                .map(|control| json!([number, control.as_str()]))
                .collect();
            lines.push(evaluate_request(case, "rego", &targets));
        }
        let responses = self.pipe.exchange(&lines)?;
        let mut answers = Vec::new();
        for (case, line) in batch.iter().zip(&responses) {
            let response = parse_response(line)?;
            if self.is_custom(case) {
                let reason = "rules see the pods of such an object alone".to_owned();
                answers.push(vec![SubjectAnswer::Invalid(reason); case.controls.len()]);
                continue;
            }
            answers.push(
                (0..case.controls.len())
                    .map(|index| parse_answer(&response, index))
                    .collect(),
            );
        }
        Ok(answers)
    }
}

impl<P: Pipe> Subject for OpaSubject<P> {
    fn name(&self) -> &str {
        NAME
    }

    fn evaluate(&mut self, batch: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, SubjectError> {
        self.evaluate_batch(batch).map_err(|reason| SubjectError {
            subject: NAME.to_owned(),
            reason,
        })
    }
}

/// Parses the answer for the control at an index of the case.
fn parse_answer(response: &Value, index: usize) -> SubjectAnswer {
    if let Some(error) = response.get("error") {
        return SubjectAnswer::Error(error.to_string());
    }
    let result = response
        .get("rego")
        .and_then(|results| results.get(index))
        .unwrap_or(&Value::Null);
    if let Some(error) = result.get("error") {
        return SubjectAnswer::Error(error.as_str().unwrap_or_default().to_owned());
    }
    let deny = match result.get("result").and_then(Value::as_array) {
        Some(values) if values.is_empty() => return SubjectAnswer::NotApplicable,
        Some(values) => values.first().and_then(Value::as_array),
        None => None,
    };
    let Some(deny) = deny else {
        return SubjectAnswer::Missing;
    };
    let mut findings: Vec<SubjectFinding> = deny.iter().map(parse_finding).collect();
    // A rule may emit a string that is not a valid field path, such as `data[a]b]`. That is an error for
    // every evaluator.
    let paths = findings.iter().flat_map(|finding| {
        finding
            .paths
            .iter()
            .chain(finding.fixes.iter().map(|(path, _)| path))
    });
    if let Some(error) = paths
        .filter_map(|path| path.parse::<FieldPath>().err())
        .next()
    {
        return SubjectAnswer::Error(error.to_string());
    }
    // `deny` is a set, but its elements may have further fields.
    findings.sort();
    findings.dedup();
    SubjectAnswer::Findings(findings)
}

fn parse_finding(element: &Value) -> SubjectFinding {
    let string = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let list = |name: &str| {
        element
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
    };
    let fix = |fix: &Value| {
        (
            fix.get("path").map(string).unwrap_or_default(),
            fix.get("value").map(canonical_json),
        )
    };
    let mut message = element.get("message").map(string).unwrap_or_default();
    message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
    let mut fixes: Vec<_> = list("fixes").iter().map(fix).collect();
    fixes.sort();
    SubjectFinding {
        message,
        paths: list("paths").iter().map(string).collect(),
        fixes,
    }
}
