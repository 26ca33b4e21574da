//! Where the reference tier is known to differ from OPA, each with its reason: it is a tier that runs what nothing else
//! can, not the judge. Nothing is excused for any other voice.

use super::{json_path, subject::Answer};
use serde_json::Value;

/// The name of the voice that deviations are known of.
pub(super) const REFERENCE: &str = "reference";

/// A way in which the interpreter differs from OPA.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    /// Its name in tables.
    pub name: &'static str,
    /// Why it is, and why it is left.
    pub reason: &'static str,
    applies: fn(right: &Answer, other: &Answer, object: &str) -> bool,
}

/// All that are known.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "%d of a negative number",
        reason: "regorus prints the sign twice: sprintf(\"%d\", [-1]) is \"--1\"; only words differ",
        applies: |right, other, _| {
            words(right) == words(other).replace("--", "-") && denies_both(right, other)
        },
    },
    Deviation {
        name: "whole numbers beyond 64 bits",
        reason: "floor(1e300) == 1e300 holds in regorus and not in OPA, which does not print such a number; only words differ",
        applies: |right, other, object| denies_both(right, other) && has_huge_number(object),
    },
];

fn denies_both(right: &Answer, other: &Answer) -> bool {
    right.denies() == Some(true) && other.denies() == Some(true)
}

fn words(answer: &Answer) -> String {
    answer.to_string()
}

/// Whether an object has a number of more than eighteen digits.
fn has_huge_number(object: &str) -> bool {
    let huge = |it: &Value| it.as_f64().is_some_and(|it| it.abs() >= 1e18);
    let Ok(root) = serde_json::from_str::<Value>(object) else {
        return false;
    };
    json_path::places(&root)
        .iter()
        .any(|it| json_path::at(&root, it).is_some_and(huge))
}

/// The deviation that explains a difference.
pub(super) fn explained(
    voice: &str,
    right: &Answer,
    other: &Answer,
    object: &str,
) -> Option<&'static str> {
    if voice != REFERENCE {
        return None;
    }
    DEVIATIONS
        .iter()
        .find(|it| (it.applies)(right, other, object))
        .map(|it| it.name)
}

#[cfg(test)]
mod tests {
    use super::{REFERENCE, explained};
    use crate::subject::{Answer, Found};

    #[test]
    fn only_the_reference_tier_is_excused() {
        let says = |message: &str| {
            Answer::Findings(vec![Found {
                message: message.into(),
                paths: vec!["ports".into()],
                fixes: vec![],
            }])
        };
        let check =
            |voice: &str, right: &Answer, other: &Answer, object: &str, expected: Option<&str>| {
                assert_eq!(explained(voice, right, other, object), expected);
            };
        let negative = Some("%d of a negative number");
        check(
            REFERENCE,
            &says("port -1"),
            &says("port --1"),
            "{}",
            negative,
        );
        check("program", &says("port -1"), &says("port --1"), "{}", None);
        check(REFERENCE, &says("port -1"), &says("port --2"), "{}", None);
        check(
            REFERENCE,
            &says("port -1"),
            &Answer::Findings(vec![]),
            r#"{"a":1e300}"#,
            None,
        );
        check(
            REFERENCE,
            &says("a"),
            &says("b"),
            r#"{"a":[1e300]}"#,
            Some("whole numbers beyond 64 bits"),
        );
        check(REFERENCE, &says("a"), &says("b"), r#"{"a":[65535]}"#, None);
    }
}
