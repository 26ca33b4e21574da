//! The protocol of the external oracle: a process that evaluates Rego with OPA and policies with the
//! API server's CEL, one line of JSON for each request and each response.
//!
//! The process itself belongs to the caller, who provides a [`Pipe`] to it.

use super::test_case::TestCase;
use serde_json::Value;

/// The beginning of the error for a request that the oracle does not know.
const UNKNOWN_REQUEST: &str = "unknown op";

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
    let line = responses.first().map_or("", String::as_str);
    let response = parse_response(line)?;
    response
        .get("prepared")
        .and_then(Value::as_u64)
        .ok_or_else(|| response.to_string())
}

/// Parses a response line.
///
/// # Errors
/// It is not JSON, or the oracle does not know the request.
pub(super) fn parse_response(line: &str) -> Result<Value, String> {
    let response: Value = serde_json::from_str(line).map_err(|error| {
        format!(
            "the answer of the oracle is not JSON: {error}: {}",
            line.trim_end()
        )
    })?;
    match response.get("error").and_then(Value::as_str) {
        Some(error) if error.starts_with(UNKNOWN_REQUEST) => Err(format!(
            "the oracle is of another version ({error}): build it from the same source as kubevet \
             (tests/kubernetes/README.md)"
        )),
        _ => Ok(response),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Answering(&'static str);

    impl Pipe for Answering {
        fn exchange(&mut self, lines: &[String]) -> Result<Vec<String>, String> {
            Ok(lines.iter().map(|_| self.0.to_owned()).collect())
        }
    }

    #[track_caller]
    fn check(answer: &'static str, expected: Result<u64, &str>) {
        let prepared = prepare(&mut Answering(answer), &Value::Null);
        match (prepared, expected) {
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (prepared, expected) => assert_eq!(prepared, expected.map_err(str::to_owned)),
        }
    }

    #[test]
    fn oracle_of_another_version_is_named() {
        check(r#"{"id":null,"prepared":7}"#, Ok(7));
        check(
            r#"{"id":null,"error":"unknown op \"prepare\""}"#,
            Err("the oracle is of another version (unknown op \"prepare\"): build it"),
        );
        check(r#"{"error":"rego_parse_error"}"#, Err("rego_parse_error"));
        check(
            "hello\n",
            Err("the answer of the oracle is not JSON: expected value at line 1 column 1: hello"),
        );
    }
}
