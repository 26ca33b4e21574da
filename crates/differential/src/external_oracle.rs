//! The protocol of the external oracle: a process that evaluates Rego with OPA and policies with the
//! API server's CEL, one line of JSON for each request and each response.
//!
//! The process itself belongs to the caller, who provides a [`Pipe`] to it.

use super::test_case::TestCase;
use serde_json::Value;

/// A process that answers each line with a line.
pub trait Pipe: Send {
    /// Sends lines, and returns the response lines in order.
    ///
    /// # Errors
    /// The process is gone.
    fn exchange(&mut self, lines: &[String]) -> Result<Vec<String>, String>;
}

/// A number by which the oracle knows something that it has prepared, or why it refused it.
pub(super) type Prepared = Result<u64, String>;

/// Returns the request to evaluate a case. `evaluator` is `rego` or `cel`, and `targets` are pairs
/// of the number of something prepared and a name in it.
pub(super) fn evaluate_request(case: &TestCase, evaluator: &str, targets: &[Value]) -> String {
    let (targets, operation) = (Value::from(targets.to_vec()), case.operation);
    // The object is JSON already, and goes into the line as it is.
    format!(
        r#"{{"op":"judge","operation":"{operation}","{evaluator}":{targets},"object":{}}}"#,
        case.object
    )
}

/// Sends a `prepare` request, and returns the number of what is prepared.
pub(super) fn prepare(pipe: &mut dyn Pipe, request: &Value) -> Prepared {
    let responses = pipe.exchange(&[request.to_string()])?;
    let response: Value = responses
        .first()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default();
    response
        .get("prepared")
        .and_then(Value::as_u64)
        .ok_or_else(|| response.to_string())
}

/// Parses a response line.
pub(super) fn parse_response(line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))
}
