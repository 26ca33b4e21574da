//! Limits: steps, time, memory, findings and the length of a message.

use super::{Rule, clause, compile, config_map, kind, map_engine, messages, object};
use crate::{ConditionCounts, EvalLimits, StepBudgetExceeded};
use kubevet_model::{EvalError, EvalRequest, EvalTier};
use kubevet_policy::Params;
use std::cell::Cell;
use std::fmt::Write as _;
use std::time::Instant;

fn big_map(entries: usize) -> String {
    let mut yaml = config_map("data:");
    for number in 0..entries {
        let _ = writeln!(yaml, "  k{number}: v{number}");
    }
    yaml
}

const LOOP: &str = "\tsome value in collections.map(object.get(input.object, [\"data\"], {}))\n\
                    \tvalue == \"x\"";

#[test]
fn object_beyond_the_step_budget_has_no_verdict() {
    let engine = map_engine(LOOP);
    let steps = Cell::new(100);
    let limits = EvalLimits {
        deadline: None,
        steps: Some(&steps),
    };
    let (request, params) = (EvalRequest::default(), Params::default());
    let document = object(&big_map(20_000));
    let result = engine.judge_with_limits(&document, &request, &params, &limits);
    assert_eq!(result, Err(StepBudgetExceeded));
}

#[test]
fn steps_are_subtracted_from_the_budget() {
    let engine = map_engine(LOOP);
    let steps = Cell::new(1_000_000);
    let limits = EvalLimits {
        deadline: None,
        steps: Some(&steps),
    };
    let (request, params) = (EvalRequest::default(), Params::default());
    let document = object(&big_map(100));
    let verdict = engine.judge_with_limits(&document, &request, &params, &limits);
    assert_eq!(verdict.unwrap().judged.len(), 1);
    let mut counts = ConditionCounts::default();
    let _ = engine.judge_observed(&document, &request, &params, &mut counts);
    assert_eq!(1_000_000 - steps.get(), counts.steps());
}

#[test]
fn passed_deadline_is_an_error_of_every_control_that_is_not_complete() {
    let engine = map_engine(LOOP);
    let limits = EvalLimits {
        deadline: Some(Instant::now()),
        steps: None,
    };
    let (request, params) = (EvalRequest::default(), Params::default());
    let document = object(&big_map(20_000));
    let verdict = engine
        .judge_with_limits(&document, &request, &params, &limits)
        .unwrap();
    assert!(verdict.judged.is_empty());
    let errors: Vec<&EvalError> = verdict.errors.iter().map(|error| &error.error).collect();
    assert_eq!(errors, [&EvalError::Deadline(EvalTier::Compiled)]);
}

#[test]
fn object_beyond_the_step_limit_is_an_error() {
    // A prefix test costs steps in proportion to the string: 300 of 750,000 are more than 200
    // million.
    let conditions = "\tsome value in collections.map(object.get(input.object, [\"data\"], {}))\n\
                      \tstartswith(input.object.long, value)";
    let engine = map_engine(conditions);
    let long = "a".repeat(12 << 20);
    let yaml = format!("{}long: {long}\n", big_map(300));
    let verdict = engine.judge(&object(&yaml), &EvalRequest::default(), &Params::default());
    let errors: Vec<&EvalError> = verdict.errors.iter().map(|error| &error.error).collect();
    let max_steps = 200_000_000;
    assert_eq!(errors, [&EvalError::StepLimit { max_steps }]);
}

#[test]
fn strings_beyond_the_memory_limit_are_an_error() {
    // Inside an `Any` the scratch buffer is not recycled: 20 strings of 1 MiB are too many.
    let helpers = "has_zz(map) if {\n\tsome value in collections.map(object.get(map, [\"data\"], {}))\n\
                   \tis_string(value)\n\tcontains(strings.lower_ascii(value), \"zz\")\n}\n";
    let engine = compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: format!(
            "{helpers}\n{}",
            clause("\tnot has_zz(input.object)", "\"found\"")
        ),
    }]);
    let mut yaml = config_map("data:");
    for number in 0..20 {
        let _ = writeln!(yaml, "  k{number}: {}", "A".repeat(1 << 20));
    }
    let verdict = engine.judge(&object(&yaml), &EvalRequest::default(), &Params::default());
    let errors: Vec<&EvalError> = verdict.errors.iter().map(|error| &error.error).collect();
    let expected = EvalError::MemoryLimit {
        tier: EvalTier::Compiled,
        max_mib: 16,
    };
    assert_eq!(errors, [&expected]);
}

#[test]
fn more_findings_than_the_limit_are_an_error() {
    let conditions = "\tsome key, value in collections.map(object.get(input.object, [\"data\"], {}))\n\
         \tvalue != \"x\"";
    let engine = compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: clause(conditions, "key"),
    }]);
    let document = object(&big_map(10_001));
    let verdict = engine.judge(&document, &EvalRequest::default(), &Params::default());
    assert_eq!(
        messages(&verdict),
        ["error: over 10000 findings in one object"]
    );
}

#[test]
fn findings_of_all_controls_over_the_limit_are_an_error_of_the_last() {
    let conditions = "\tsome key, value in collections.map(object.get(input.object, [\"data\"], {}))\n\
         \tvalue != \"x\"";
    let text = clause(conditions, "key");
    let rules: Vec<Rule<'_>> = (9001..9013)
        .map(|number| Rule {
            number,
            kinds: kind("", "ConfigMap"),
            params: &[],
            text: text.clone(),
        })
        .collect();
    let engine = compile(&rules);
    let document = object(&big_map(9_000));
    let verdict = engine.judge(&document, &EvalRequest::default(), &Params::default());
    let errors: Vec<String> = verdict
        .errors
        .iter()
        .map(|error| format!("{}: {}", error.control, error.error))
        .collect();
    assert_eq!(verdict.judged.len(), 11);
    assert_eq!(verdict.violations.len(), 99_000);
    assert_eq!(
        errors,
        ["C-9012: over 100000 findings of all controls in one object"]
    );
}

#[test]
fn long_message_is_truncated() {
    let engine = compile(&[Rule {
        number: 9001,
        kinds: kind("", "ConfigMap"),
        params: &[],
        text: clause(
            "\tis_string(input.object.a)",
            "sprintf(\"%s!\", [input.object.a])",
        ),
    }]);
    let yaml = config_map(&format!("a: {}", "ä".repeat(5000)));
    let verdict = engine.judge(&object(&yaml), &EvalRequest::default(), &Params::default());
    assert_eq!(messages(&verdict), ["ä".repeat(2048)]);
}
