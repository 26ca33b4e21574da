//! Decisions that reach their deadline.

use super::*;
use std::cell::Cell;

/// Each binding that is left counts as not evaluated, and outcomes so far still count.
#[test]
fn bindings_left_at_the_deadline_are_unevaluated() {
    let second = Binding {
        name: "second".to_owned(),
        params: other_params(),
        ..denying(&["C-0057"])
    };
    // The deadline has passed after this number of checks.
    let decide_until = |max_checks: usize, bindings: Vec<Binding>| {
        let checks = Cell::new(0);
        let is_past_deadline = || {
            checks.set(checks.get() + 1);
            checks.get() > max_checks
        };
        let evaluate = |object: &Document, params: &Params| Ok(update_verdict(object, params));
        let scenario = create(pod(&privileged("web")));
        scenario.decide_with(&enforcement(bindings), &evaluate, &is_past_deadline)
    };
    let late = decide_until(0, vec![denying(&["C-0057"]), second.clone()]);
    assert_eq!(
        (late.outcomes.len(), late.unevaluated.len()),
        (0, 1),
        "one message for all bindings: {late:?}"
    );
    assert_eq!(late.status.map(|status| status.code), Some(503));
    let half = decide_until(2, vec![denying(&["C-0057"]), second.clone()]);
    assert_eq!(
        (half.outcomes.len(), half.unevaluated.len()),
        (1, 1),
        "{half:?}"
    );
    assert_eq!(half.status.map(|status| status.code), Some(403));
    let lenient = Binding {
        on_unevaluated: OnUnevaluated::Warn,
        ..second
    };
    assert!(decide_until(0, vec![lenient]).allowed);
}
