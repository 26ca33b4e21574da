//! The comparison of answers: whole findings where both subjects give them, else verdict and message.

use super::{
    known_deviations,
    pod_mutations::CONTAINER_LISTS,
    subject::{SubjectAnswer, SubjectFinding},
};
use kubevet_model::{FieldPath, Segment};

/// Two subjects that disagree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    /// The index of the more trusted subject.
    pub(super) trusted: usize,
    /// The index of the other.
    pub(super) other: usize,
    /// The classes of both answers, such as `deny` and `pass`. A shrunk object must show the same.
    pub(super) classes: (&'static str, &'static str),
    /// The part of the answers that differs, such as `messages`. It too must stay the same.
    pub(super) part: &'static str,
}

/// Compares every answer with that of the most trusted subject that gives one. Known deviations are
/// no differences; `on_known` is called with their names.
pub(super) fn differences(
    names: &[String],
    answers: &[&SubjectAnswer],
    object: &str,
    on_known: &mut dyn FnMut(&'static str),
) -> Vec<Difference> {
    let mut evaluated = answers.iter().enumerate().filter(|(_, answer)| {
        !matches!(
            answer,
            SubjectAnswer::Invalid(_) | SubjectAnswer::Unsupported(_)
        )
    });
    let Some((trusted, expected)) = evaluated.next() else {
        return Vec::new();
    };
    let mut differences = Vec::new();
    for (other, answer) in evaluated {
        let Some(part) = differing_part(expected, answer) else {
            continue;
        };
        let name = names.get(other).map_or("", String::as_str);
        match known_deviations::explain(name, expected, answer, object) {
            Some(name) => on_known(name),
            None => differences.push(Difference {
                trusted,
                other,
                classes: (answer_class(expected), answer_class(answer)),
                part,
            }),
        }
    }
    differences
}

fn answer_class(answer: &SubjectAnswer) -> &'static str {
    match answer.denies() {
        Some(true) => "deny",
        Some(false) => "pass",
        None => match answer {
            SubjectAnswer::Error(_) => "error",
            _ => "silence",
        },
    }
}

/// Returns the part in which two answers differ; `None` if they agree.
fn differing_part(expected: &SubjectAnswer, other: &SubjectAnswer) -> Option<&'static str> {
    match (expected, other) {
        (SubjectAnswer::Findings(expected), SubjectAnswer::Findings(other)) => {
            differing_part_of_findings(expected, other)
        }
        (SubjectAnswer::Error(_), SubjectAnswer::Error(_)) => None,
        (SubjectAnswer::Findings(_), SubjectAnswer::NotApplicable)
        | (SubjectAnswer::NotApplicable, SubjectAnswer::Findings(_)) => Some("applicability"),
        (SubjectAnswer::Findings(findings), SubjectAnswer::Verdict(Some(message)))
            if !findings.is_empty() =>
        {
            // The API server's message where the message expression fails.
            if message.starts_with("failed expression: ") {
                return Some("the message could not be made");
            }
            findings
                .iter()
                .any(|finding| !mentions_container(finding, message))
                .then_some("the message lacks a container's name")
        }
        _ => (expected.denies().is_none() || expected.denies() != other.denies())
            .then_some("verdicts"),
    }
}

fn differing_part_of_findings(
    expected: &[SubjectFinding],
    other: &[SubjectFinding],
) -> Option<&'static str> {
    if expected == other {
        return None;
    }
    if expected.is_empty() != other.is_empty() {
        return Some("verdicts");
    }
    if expected.len() != other.len() {
        return Some("how many findings");
    }
    let pairs = || expected.iter().zip(other);
    Some(if pairs().any(|(a, b)| a.message != b.message) {
        "messages"
    } else if pairs().any(|(a, b)| a.paths != b.paths) {
        "paths"
    } else {
        "fixes"
    })
}

/// True if the message of a denial names the container of a finding, or is truncated. A container
/// without a name is called by its path, which may differ: no API server accepts such an object.
fn mentions_container(finding: &SubjectFinding, message: &str) -> bool {
    // A finding that is not about a container may have any message.
    if !finding.paths.iter().any(|path| is_in_container(path)) {
        return true;
    }
    let Some((_, rest)) = finding.message.split_once("container ") else {
        return true;
    };
    let is_mentioned =
        |name: &str| name.contains('[') || message.contains(name) || message.contains('…');
    rest.split([' ', ':']).next().is_none_or(is_mentioned)
}

/// True if the field path is that of a container or below it, such as `spec.containers[0].image`.
fn is_in_container(path: &str) -> bool {
    let Ok(path) = path.parse::<FieldPath>() else {
        return false;
    };
    let steps = path.segments();
    steps
        .clone()
        .zip(steps.skip(1))
        .any(|(step, next)| match (step, next) {
            (Segment::Field(name), Segment::Index(_)) => CONTAINER_LISTS.contains(&name),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::differences;
    use crate::subject::{SubjectAnswer, SubjectFinding};

    /// Checks the differences of answers, each with the index of the subject and the part.
    #[track_caller]
    fn check(answers: &[SubjectAnswer], expected: &[(usize, &str)]) {
        let names: Vec<String> = answers.iter().map(|_| "a subject".to_owned()).collect();
        let found = differences(
            &names,
            &answers.iter().collect::<Vec<_>>(),
            "{}",
            &mut |_| {},
        );
        let found: Vec<(usize, &str)> = found
            .iter()
            .map(|difference| (difference.other, difference.part))
            .collect();
        assert_eq!(found, expected, "{answers:?}");
    }

    fn finding(message: &str, path: &str) -> SubjectAnswer {
        SubjectAnswer::Findings(vec![SubjectFinding {
            message: message.into(),
            paths: vec![path.into()],
            fixes: vec![],
        }])
    }

    fn pass() -> SubjectAnswer {
        SubjectAnswer::Findings(vec![])
    }

    fn denied(message: &str) -> SubjectAnswer {
        SubjectAnswer::Verdict(Some(message.into()))
    }

    #[test]
    fn differing_verdicts_messages_and_paths_are_found() {
        check(
            &[
                pass(),
                pass(),
                SubjectAnswer::Verdict(None),
                SubjectAnswer::Invalid("x".into()),
            ],
            &[],
        );
        check(
            &[pass(), finding("m", "a"), denied("m")],
            &[(1, "verdicts"), (2, "verdicts")],
        );
        check(
            &[finding("m", "a"), finding("n", "a"), finding("m", "b")],
            &[(1, "messages"), (2, "paths")],
        );
    }

    #[test]
    fn denial_without_container_name_differs() {
        check(
            &[
                finding("container web runs", "spec.containers[0].a"),
                denied("web runs"),
                denied("it runs"),
            ],
            &[(2, "the message lacks a container's name")],
        );
        check(
            &[
                finding("in container web: sh", "a"),
                denied("in container web"),
            ],
            &[],
        );
        check(
            &[
                finding("container a[0] runs", "a"),
                denied("container  runs"),
            ],
            &[],
        );
        check(
            &[
                finding("container web runs", "spec.containers[0].a"),
                denied("container a runs; cont…"),
            ],
            &[],
        );
        check(
            &[finding("m", "a"), denied("failed expression: a")],
            &[(1, "the message could not be made")],
        );
    }

    #[test]
    fn errors_and_missing_answers_differ_from_verdicts() {
        check(
            &[
                SubjectAnswer::Error("a".into()),
                SubjectAnswer::Error("b".into()),
                pass(),
            ],
            &[(2, "verdicts")],
        );
        check(&[SubjectAnswer::Missing, pass()], &[(1, "verdicts")]);
        check(
            &[
                SubjectAnswer::Unsupported("x".into()),
                pass(),
                SubjectAnswer::Missing,
            ],
            &[(2, "verdicts")],
        );
    }
}
