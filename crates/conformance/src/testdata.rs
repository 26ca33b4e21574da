//! A control's test data: what its rule finds in each object, against what the object's header says.

use kubevet_engine::{Engine, is_configured};
use kubevet_model::{ControlId, EvalRequest, Fix, FixAction};
use kubevet_policy::{Expected, Library, TestObject};
use std::collections::BTreeSet;

/// An object about which a rule and its author disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The test object's file.
    pub file: String,
    /// What differs, a line each.
    pub differences: Vec<String>,
}

/// Judges test objects of one control.
#[must_use]
pub fn check_testdata(
    engine: &Engine,
    library: &Library,
    control: &ControlId,
    objects: &[TestObject],
) -> Vec<Mismatch> {
    objects
        .iter()
        .filter_map(|object| {
            let differences = differences(engine, library, control, object);
            let file = object.file.to_string();
            (!differences.is_empty()).then_some(Mismatch { file, differences })
        })
        .collect()
}

fn differences(
    engine: &Engine,
    library: &Library,
    control: &ControlId,
    object: &TestObject,
) -> Vec<String> {
    let mut params = library.params.defaults();
    let mut lines = Vec::new();
    for (name, value) in &object.params {
        if let Err(message) = params.set_unchecked(&library.params, name, value.clone()) {
            lines.push(message);
        }
    }
    let verdict = engine.judge(&object.document, &EvalRequest::default(), &params);
    lines.extend(
        verdict
            .errors
            .iter()
            .filter(|it| it.control == *control)
            .map(|it| it.message.clone()),
    );
    let configured = library
        .control(control.as_str())
        .is_some_and(|it| is_configured(&it.control, &params));
    // A control that is not told what it needs says nothing, which is a way to pass.
    let silent = !configured && object.expected == Expected::Pass;
    if !silent && !verdict.judged.contains(control) && lines.is_empty() {
        lines.push(
            "the control does not look at this object: its kind is not among `kinds`, or a param it needs is not set"
                .to_owned(),
        );
    }
    let found: Vec<_> = verdict
        .findings
        .iter()
        .filter(|it| it.control == *control)
        .collect();
    if object.expected == Expected::Pass && !found.is_empty() {
        lines.extend(
            found
                .iter()
                .map(|it| format!("must pass, but: {}", it.message)),
        );
    }
    let paths: BTreeSet<String> = found
        .iter()
        .flat_map(|it| &it.paths)
        .map(ToString::to_string)
        .collect();
    let fixes: BTreeSet<Fix> = found.iter().flat_map(|it| &it.fixes).cloned().collect();
    lines.extend(
        object
            .paths
            .difference(&paths)
            .map(|it| format!("not found: {it}")),
    );
    lines.extend(
        paths
            .difference(&object.paths)
            .map(|it| format!("found, not expected: {it}")),
    );
    lines.extend(
        object
            .fixes
            .difference(&fixes)
            .map(|it| format!("fix not given: {}", shown(it))),
    );
    lines.extend(
        fixes
            .difference(&object.fixes)
            .map(|it| format!("fix given, not expected: {}", shown(it))),
    );
    lines
}

fn shown(fix: &Fix) -> String {
    match &fix.action {
        FixAction::Set(value) => format!("{} = {value}", fix.path),
        FixAction::Remove => format!("{} remove", fix.path),
    }
}
