//! How often a decision calls the engine.

use super::*;
use std::cell::Cell;

#[test]
fn object_is_evaluated_once_per_distinct_params() {
    let calls = Cell::new(0);
    let evaluate = |object: &Document, params: &Params| {
        calls.set(calls.get() + 1);
        Ok(update_verdict(object, params))
    };
    let count = |bindings: Vec<Binding>, containers: &str| {
        calls.set(0);
        let object = pod(containers);
        let scenario = update(object.clone(), object);
        scenario.decide_with(&enforcement(bindings), &evaluate, &|| false);
        calls.get()
    };
    let same = || denying(&["C-0057"]);
    let other = Binding {
        params: other_params(),
        ..denying(&["C-0057"])
    };
    assert_eq!(
        count(vec![same(), same()], "{name: web}"),
        1,
        "the old object is not evaluated if the new one has no finding"
    );
    assert_eq!(count(vec![same(), same()], &privileged("web")), 2);
    assert_eq!(count(vec![same(), other], &privileged("web")), 4);
}
