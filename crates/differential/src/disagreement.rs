//! When voices differ: whole findings where both give them, else the verdict and the words.

use super::{
    known_deviations,
    subject::{Answer, Found},
};

/// Two voices that differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    /// The one that is right, in the order in which voices are trusted.
    pub(super) trusted: usize,
    /// The other.
    pub(super) other: usize,
    /// Both answers in a word each, and what about them differs: what a shrunk object must still show.
    pub(super) sort: (&'static str, &'static str, &'static str),
}

/// Every voice that differs from the first that has something to say. Known deviations are counted by `known`.
pub(super) fn differences(
    names: &[String],
    answers: &[&Answer],
    object: &str,
    known: &mut dyn FnMut(&'static str),
) -> Vec<Difference> {
    let mut speaking = answers
        .iter()
        .enumerate()
        .filter(|(_, it)| !matches!(it, Answer::Invalid(_) | Answer::Abstains(_)));
    let Some((trusted, right)) = speaking.next() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (other, answer) in speaking {
        let Some(why) = differ(right, answer) else {
            continue;
        };
        let name = names.get(other).map_or("", String::as_str);
        match known_deviations::explained(name, right, answer, object) {
            Some(name) => known(name),
            None => found.push(Difference {
                trusted,
                other,
                sort: (word(right), word(answer), why),
            }),
        }
    }
    found
}

fn word(answer: &Answer) -> &'static str {
    match answer.denies() {
        Some(true) => "deny",
        Some(false) => "pass",
        None => match answer {
            Answer::Error(_) => "error",
            _ => "silence",
        },
    }
}

fn differ(right: &Answer, other: &Answer) -> Option<&'static str> {
    match (right, other) {
        (Answer::Findings(a), Answer::Findings(b)) => findings_differ(a, b),
        (Answer::Error(_), Answer::Error(_)) => None,
        (Answer::Findings(found), Answer::Verdict(Some(words))) if !found.is_empty() => {
            // What the API server says where it cannot make the message.
            if words.starts_with("failed expression: ") {
                return Some("the message could not be made");
            }
            found
                .iter()
                .any(|it| !names(it, words))
                .then_some("the message lacks a container's name")
        }
        _ => (right.denies().is_none() || right.denies() != other.denies()).then_some("verdicts"),
    }
}

fn findings_differ(right: &[Found], other: &[Found]) -> Option<&'static str> {
    if right == other {
        return None;
    }
    if right.is_empty() != other.is_empty() {
        return Some("verdicts");
    }
    let same = |of: fn(&Found) -> String| right.iter().map(of).eq(other.iter().map(of));
    Some(if right.len() != other.len() {
        "how many findings"
    } else if !same(|it| it.message.clone()) {
        "messages"
    } else if !same(|it| format!("{:?}", it.paths)) {
        "paths"
    } else {
        "fixes"
    })
}

/// Whether the words of a denial name the container that a finding is about, or say that they were cut. One without a
/// name is called by its place, and may be called otherwise: no API server takes it.
fn names(found: &Found, words: &str) -> bool {
    // A finding that is no container's may speak of anything.
    if !found.paths.iter().any(|it| it.contains("ontainers[")) {
        return true;
    }
    let Some((_, rest)) = found.message.split_once("container ") else {
        return true;
    };
    let said = |name: &str| name.contains('[') || words.contains(name) || words.contains('…');
    rest.split([' ', ':']).next().is_none_or(said)
}

#[cfg(test)]
mod tests {
    use super::differences;
    use crate::subject::{Answer, Found};

    fn check(answers: &[Answer], expected: &[(usize, &str)]) {
        let names: Vec<String> = answers.iter().map(|_| "a voice".to_owned()).collect();
        let found = differences(
            &names,
            &answers.iter().collect::<Vec<_>>(),
            "{}",
            &mut |_| {},
        );
        let found: Vec<(usize, &str)> = found.iter().map(|it| (it.other, it.sort.2)).collect();
        assert_eq!(found, expected, "{answers:?}");
    }

    #[test]
    fn what_differs_is_told() {
        let found = |message: &str, path: &str| {
            Answer::Findings(vec![Found {
                message: message.into(),
                paths: vec![path.into()],
                fixes: vec![],
            }])
        };
        let pass = || Answer::Findings(vec![]);
        let denied = |words: &str| Answer::Verdict(Some(words.into()));
        check(
            &[
                pass(),
                pass(),
                Answer::Verdict(None),
                Answer::Invalid("x".into()),
            ],
            &[],
        );
        check(
            &[pass(), found("m", "a"), denied("m")],
            &[(1, "verdicts"), (2, "verdicts")],
        );
        check(
            &[found("m", "a"), found("n", "a"), found("m", "b")],
            &[(1, "messages"), (2, "paths")],
        );
        check(
            &[
                found("container web runs", "spec.containers[0].a"),
                denied("web runs"),
                denied("it runs"),
            ],
            &[(2, "the message lacks a container's name")],
        );
        check(
            &[
                found("in container web: sh", "a"),
                denied("in container web"),
            ],
            &[],
        );
        check(
            &[found("container a[0] runs", "a"), denied("container  runs")],
            &[],
        );
        check(
            &[
                found("container web runs", "spec.containers[0].a"),
                denied("container a runs; cont…"),
            ],
            &[],
        );
        check(
            &[found("m", "a"), denied("failed expression: a")],
            &[(1, "the message could not be made")],
        );
        check(
            &[Answer::Error("a".into()), Answer::Error("b".into()), pass()],
            &[(2, "verdicts")],
        );
        check(&[Answer::Silent, pass()], &[(1, "verdicts")]);
        check(
            &[Answer::Abstains("x".into()), pass(), Answer::Silent],
            &[(2, "verdicts")],
        );
    }
}
