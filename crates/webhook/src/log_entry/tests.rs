//! The bounds of a line, for decisions of every size.

use super::*;
use crate::PhaseDurations;
use kubevet_admission::{Decision, Reason, UnevaluatedCause};
use kubevet_model::{ControlId, EvalError, FieldPath, Violation};
use serde_json::Value;
use std::{cell::Cell, time::Instant};

/// An answer with this number of findings and of unevaluated controls. Each string is `unit`,
/// repeated to this number of bytes.
fn outcome(findings: usize, unit: &str, bytes: usize) -> ReviewOutcome {
    let string = unit.repeat(bytes / unit.len());
    let path = FieldPath::default().key("data").key(&string);
    let fix = Fix {
        path: path.clone(),
        action: FixAction::Set(Value::from(string.clone()).to_string()),
    };
    let finding = Violation {
        control: ControlId::from("C-0012"),
        paths: vec![path; 20],
        message: string.clone(),
        fixes: vec![fix; 20],
    };
    let outcome = FindingOutcome {
        finding,
        action: Some(Action::Deny),
        reason: Reason::New,
        binding: string.clone(),
    };
    let unevaluated = UnevaluatedControl {
        control: None,
        cause: UnevaluatedCause::EvaluationFailed(EvalError::RuleFailed(string.clone())),
        action: Some(Action::Deny),
        binding: string.clone(),
    };
    let decision = Decision {
        outcomes: vec![outcome; findings],
        unevaluated: vec![unevaluated; findings],
        bindings: vec![string.clone(); 40],
        ..Decision::default()
    };
    ReviewOutcome {
        uid: string,
        review: None,
        decision,
        body: Vec::new(),
        phases: PhaseDurations::default(),
    }
}

/// A line of any decision is written: within its bound, as valid JSON, without hidden
/// characters. Entries that it omits are counted.
#[test]
fn line_and_each_of_its_strings_is_bounded() {
    let units = [
        "x",
        "\"",
        "\\",
        "\u{1}",
        "\u{9b}",
        "\u{202e}",
        "\u{e0001}",
        "漢",
        "é",
    ];
    let sizes = [
        (0, 10),
        (1, 10),
        (1, 1 << 20),
        (150, 1 << 10),
        (150, 20 << 10),
    ];
    let time_budget = TimeBudget::new(Instant::now(), Duration::from_secs(10));
    for unit in units {
        for (findings, bytes) in sizes {
            let case = format!("{unit:?} {findings} {bytes}");
            let outcome = outcome(findings, unit, bytes);
            let entry = LogEntry::new(&outcome, 1, &time_budget);
            let listed = entry.findings.len();
            assert_eq!(listed + entry.more_findings, findings, "{case}");
            assert_eq!(
                entry.unevaluated.len() + entry.more_unevaluated,
                findings,
                "{case}"
            );
            assert!(
                listed > 0 || findings == 0,
                "{case}: the first finding is always listed"
            );
            let line = entry.to_line();
            let line = line.unwrap_or_else(|| panic!("{case}: over the bound"));
            let line = String::from_utf8(line).unwrap();
            let json: Value = serde_json::from_str(&line).unwrap();
            assert!(json["findings"].is_array());
            assert!(!line.trim_end_matches('\n').contains(is_hidden), "{case}");
        }
    }
}

#[test]
fn entries_that_do_not_fit_are_not_built() {
    let built = Cell::new(0);
    let entries = (0..10_000).inspect(|_| built.set(built.get() + 1));
    let mut free_bytes = 1000;
    assert_eq!(take_fitting(entries, &mut free_bytes, |_| 99).len(), 10);
    assert_eq!((built.get(), free_bytes), (11, 10));
    let mut free_bytes = usize::MAX;
    assert_eq!(
        take_fitting(0..10_000, &mut free_bytes, |_| 1).len(),
        MAX_LISTED
    );
}
