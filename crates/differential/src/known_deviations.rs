//! The known deviations of the interpreter from OPA, each with its reason. The interpreter runs what
//! nothing else can; it is not trusted. No deviation is known of any other subject.

use super::{json_path, subject::SubjectAnswer};
use serde_json::Value;

/// The name of the interpreter as a subject.
pub(super) const INTERPRETER: &str = "reference";
/// Numbers from here on count as huge: those with more than eighteen digits.
const HUGE_NUMBER: f64 = 1e18;

/// A known deviation of the interpreter from OPA.
#[derive(Debug, Clone, Copy)]
pub struct KnownDeviation {
    /// The name in tables.
    pub name: &'static str,
    /// The reason, and why it is not fixed.
    pub reason: &'static str,
    applies: fn(expected: &SubjectAnswer, other: &SubjectAnswer, object: &str) -> bool,
}

/// All known deviations.
pub const KNOWN_DEVIATIONS: &[KnownDeviation] = &[
    KnownDeviation {
        name: "%d of a negative number",
        reason: "regorus prints the sign twice: sprintf(\"%d\", [-1]) is \"--1\"; only words differ",
        applies: |expected, other, _| {
            expected.to_string() == other.to_string().replace("--", "-")
                && both_deny(expected, other)
        },
    },
    KnownDeviation {
        name: "whole numbers beyond 64 bits",
        reason: "floor(1e300) == 1e300 holds in regorus and not in OPA, which does not print such a number; only words differ",
        applies: |expected, other, object| both_deny(expected, other) && has_huge_number(object),
    },
];

fn both_deny(expected: &SubjectAnswer, other: &SubjectAnswer) -> bool {
    expected.denies() == Some(true) && other.denies() == Some(true)
}

fn has_huge_number(object: &str) -> bool {
    let is_huge = |value: &Value| {
        value
            .as_f64()
            .is_some_and(|number| number.abs() >= HUGE_NUMBER)
    };
    let Ok(root) = serde_json::from_str::<Value>(object) else {
        return false;
    };
    json_path::all_paths(&root)
        .iter()
        .any(|path| json_path::get(&root, path).is_some_and(is_huge))
}

/// Returns the name of the deviation that explains a difference of a subject from the expected
/// answer.
pub(super) fn explain(
    subject: &str,
    expected: &SubjectAnswer,
    other: &SubjectAnswer,
    object: &str,
) -> Option<&'static str> {
    if subject != INTERPRETER {
        return None;
    }
    KNOWN_DEVIATIONS
        .iter()
        .find(|deviation| (deviation.applies)(expected, other, object))
        .map(|deviation| deviation.name)
}

#[cfg(test)]
mod tests {
    use super::{INTERPRETER, explain};
    use crate::subject::{SubjectAnswer, SubjectFinding};

    #[test]
    fn deviation_explains_difference_of_interpreter_only() {
        let finding = |message: &str| {
            SubjectAnswer::Findings(vec![SubjectFinding {
                message: message.into(),
                paths: vec!["ports".into()],
                fixes: vec![],
            }])
        };
        let check = |subject: &str,
                     expected: &SubjectAnswer,
                     other: &SubjectAnswer,
                     object: &str,
                     name: Option<&str>| {
            assert_eq!(explain(subject, expected, other, object), name);
        };
        let negative = Some("%d of a negative number");
        check(
            INTERPRETER,
            &finding("port -1"),
            &finding("port --1"),
            "{}",
            negative,
        );
        check(
            "program",
            &finding("port -1"),
            &finding("port --1"),
            "{}",
            None,
        );
        check(
            INTERPRETER,
            &finding("port -1"),
            &finding("port --2"),
            "{}",
            None,
        );
        check(
            INTERPRETER,
            &finding("port -1"),
            &SubjectAnswer::Findings(vec![]),
            r#"{"a":1e300}"#,
            None,
        );
        check(
            INTERPRETER,
            &finding("a"),
            &finding("b"),
            r#"{"a":[1e300]}"#,
            Some("whole numbers beyond 64 bits"),
        );
        check(
            INTERPRETER,
            &finding("a"),
            &finding("b"),
            r#"{"a":[65535]}"#,
            None,
        );
    }
}
