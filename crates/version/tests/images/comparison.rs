//! Generated pairs, asked of both.

use crate::{
    differences::{Case, DIFFERENCES},
    generator,
    random::Random,
};
use kubevet_testkit::oracle::Oracle;
use kubevet_version::{Constraint, MissingEpoch, Version, VersionError, VersionFormat};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// Pairs a format: of versions, and of a version with a constraint.
const PAIRS: usize = 4000;
/// Differences that a failure shows of each format.
const SHOWN: usize = 8;

/// The formats that Grype has.
const FORMATS: &[VersionFormat] = &[
    VersionFormat::Unknown,
    VersionFormat::Semantic,
    VersionFormat::Apk,
    VersionFormat::Deb,
    VersionFormat::Rpm,
    VersionFormat::Pacman,
    VersionFormat::Portage,
    VersionFormat::Python,
    VersionFormat::Gem,
    VersionFormat::Maven,
    VersionFormat::Golang,
    VersionFormat::Jvm,
    VersionFormat::Bitnami,
    VersionFormat::Kb,
];

/// Asks the oracle, and compares each answer with ours. Returns what nothing explains.
fn unexplained(
    oracle: &mut Oracle,
    cases: &[(Case<'_>, Value)],
    ours: impl Fn(&Case<'_>) -> String,
) -> Vec<String> {
    let requests: Vec<String> = cases
        .iter()
        .map(|(_, request)| request.to_string())
        .collect();
    let answers = oracle.send_all(&requests);
    let mut errors = Vec::new();
    for ((case, request), answer) in cases.iter().zip(answers) {
        let theirs = said(&answer);
        let ours = ours(case);
        let is_explained = || {
            DIFFERENCES
                .iter()
                .any(|difference| (difference.explains)(case))
        };
        if theirs != ours && !is_explained() {
            errors.push(format!("{request}: Grype says {theirs}, this crate {ours}"));
        }
    }
    errors
}

/// The answer of the oracle in one word.
fn said(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).expect("the oracle answers in JSON");
    match (&answer["result"], &answer["satisfied"]) {
        (Value::Number(order), _) => sign(order.as_i64().unwrap_or(0).cmp(&0)),
        (_, Value::Bool(satisfied)) => satisfied.to_string(),
        _ => "error".to_owned(),
    }
}

fn sign(order: Ordering) -> String {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
    .to_owned()
}

fn order(format: VersionFormat, left: &str, right: &str) -> String {
    let (left, right) = (Version::new(format, left), Version::new(format, right));
    left.compare(&right)
        .map_or_else(|_| "error".to_owned(), sign)
}

fn matches(
    format: VersionFormat,
    constraint: &str,
    version: &str,
    epoch: MissingEpoch,
) -> Result<bool, VersionError> {
    let version = Version::new(format, version).with_missing_epoch(epoch);
    Constraint::parse(format, constraint)?.matches(&version)
}

fn assert_none(errors: &[String], of: usize) {
    let mut shown: Vec<&str> = Vec::new();
    for format in FORMATS {
        let of_format = format!("\"format\":\"{}\"", format.name());
        let found = errors.iter().filter(|error| error.contains(&of_format));
        shown.extend(found.take(SHOWN).map(String::as_str));
    }
    assert!(
        errors.is_empty(),
        "{} of {of} differ:\n{}",
        errors.len(),
        shown.join("\n")
    );
}

#[test]
fn generated_pairs_of_versions_have_the_order_of_grype() {
    let Some(mut oracle) = Oracle::start_for_images("order of versions") else {
        return;
    };
    let mut errors = Vec::new();
    for format in FORMATS {
        let mut random = Random::new(*format as u64 + 1);
        let pairs: Vec<(String, String)> = (0..PAIRS)
            .map(|index| {
                let left = generator::version(&mut random, *format);
                let right = match index % 2 {
                    0 => generator::version(&mut random, *format),
                    _ => generator::neighbour(&mut random, *format, &left),
                };
                (left, right)
            })
            .collect();
        let cases: Vec<(Case<'_>, Value)> = pairs
            .iter()
            .map(|(left, right)| {
                let case = Case {
                    format: *format,
                    is_constraint: false,
                    left,
                    right,
                };
                (
                    case,
                    json!({"op": "compare", "format": format.name(), "a": left, "b": right}),
                )
            })
            .collect();
        let found = unexplained(&mut oracle, &cases, |case| {
            order(case.format, case.left, case.right)
        });
        errors.extend(found);
    }
    assert_none(&errors, PAIRS * FORMATS.len());
}

#[test]
fn generated_constraints_hold_for_the_versions_that_grype_finds() {
    let Some(mut oracle) = Oracle::start_for_images("constraints") else {
        return;
    };
    let mut errors = Vec::new();
    for format in FORMATS {
        for (name, epoch) in [("zero", MissingEpoch::Zero), ("auto", MissingEpoch::Auto)] {
            let mut random = Random::new(1000 + *format as u64);
            let pairs: Vec<(String, String)> = (0..PAIRS / 2)
                .map(|_| {
                    let version = generator::version(&mut random, *format);
                    let constraint = generator::constraint(&mut random, *format, &version);
                    (version, constraint)
                })
                .collect();
            let cases: Vec<(Case<'_>, Value)> = pairs
                .iter()
                .map(|(left, right)| {
                    let case = Case {
                        format: *format,
                        is_constraint: true,
                        left,
                        right,
                    };
                    let request = json!({
                        "op": "satisfies", "format": format.name(), "version": left,
                        "constraint": right, "missingEpoch": name,
                    });
                    (case, request)
                })
                .collect();
            errors.extend(unexplained(&mut oracle, &cases, |case| {
                matches(case.format, case.right, case.left, epoch)
                    .map_or_else(|_| "error".to_owned(), |matches| matches.to_string())
            }));
        }
    }
    assert_none(&errors, PAIRS * FORMATS.len());
}

#[test]
fn deliberate_difference_has_an_example_in_which_grype_differs() {
    let Some(mut oracle) = Oracle::start_for_images("deliberate differences") else {
        return;
    };
    for difference in DIFFERENCES {
        let (format, left, right, theirs, ours) = difference.example;
        let is_constraint = [theirs, ours]
            .iter()
            .any(|said| matches!(*said, "true" | "false"));
        let request = if is_constraint {
            json!({"op": "satisfies", "format": format.name(), "version": left, "constraint": right, "missingEpoch": "zero"})
        } else {
            json!({"op": "compare", "format": format.name(), "a": left, "b": right})
        };
        let case = Case {
            format,
            is_constraint,
            left,
            right,
        };
        assert!(
            !difference.reason.is_empty() && (difference.explains)(&case),
            "{}",
            difference.name
        );
        assert_eq!(
            said(&oracle.send(&request).to_string()),
            theirs,
            "{}",
            difference.name
        );
        assert_ne!(theirs, ours, "{}", difference.name);
        let own = if is_constraint {
            matches(format, right, left, MissingEpoch::Zero)
                .map_or_else(|_| "error".to_owned(), |matches| matches.to_string())
        } else {
            order(format, left, right)
        };
        assert_eq!(own, ours, "{}", difference.name);
    }
}
