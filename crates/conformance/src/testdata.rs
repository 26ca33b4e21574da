//! A control's test data: the findings of its rule in each object, compared with the object's
//! header.

use kubevet_engine::Engine;
use kubevet_model::{ControlId, EvalRequest, Fix, FixAction, Verdict, Violation};
use kubevet_policy::{BuiltinCheck, Expected, Library, TestObject};
use kubevet_validation::{SchemaOptions, validate};
use std::collections::BTreeSet;

/// A test object for which the rule does not give the expected findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The file of the test object.
    pub file: String,
    /// The differences, a line each.
    pub differences: Vec<String>,
}

/// Evaluates the test objects of one control, and returns those with differences.
#[must_use]
pub fn check_testdata(
    engine: &Engine,
    library: &Library,
    control: &ControlId,
    objects: &[TestObject],
) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    for object in objects {
        let differences = check(engine, library, control, object);
        if !differences.is_empty() {
            mismatches.push(Mismatch {
                file: object.file.to_string(),
                differences,
            });
        }
    }
    mismatches
}

fn check(
    engine: &Engine,
    library: &Library,
    control: &ControlId,
    object: &TestObject,
) -> Vec<String> {
    let mut params = library.params.defaults();
    let mut lines = Vec::new();
    for (name, value) in &object.params {
        if let Err(error) = params.set_unchecked(&library.params, name, value.clone()) {
            lines.push(error.to_string());
        }
    }
    let verdict = match library.builtin(control.as_str()) {
        Some(builtin) => builtin_verdict(object, control, builtin.check),
        None => engine.judge(&object.document, &EvalRequest::default(), &params),
    };
    let errors = verdict.errors.iter().filter(|e| e.control == *control);
    lines.extend(errors.map(|error| error.error.to_string()));
    let is_configured = library
        .find(control.as_str())
        .is_some_and(|control| params.configures(control));
    // A control without a required param evaluates nothing, and an object may be expected to pass
    // so.
    let passes_unconfigured = !is_configured && object.expected == Expected::Pass;
    let is_judged = verdict.judged.contains(control);
    if object.is_not_applicable {
        if is_judged {
            lines.push(
                "the control applies to this object: remove `# expect: not applicable`".to_owned(),
            );
        }
    } else if !passes_unconfigured && !is_judged && lines.is_empty() {
        let remedy = match (object.expected, engine.has_applies(control)) {
            (_, false) => "",
            (Expected::Pass, true) => {
                ", or `applies` does not hold: if that is meant, write `# expect: not applicable`"
            }
            (Expected::Fail, true) => ", or `applies` does not hold",
        };
        lines.push(format!(
            "the control does not apply to this object: its kind is not among `kinds`, or a param it needs is not set{remedy}"
        ));
    }
    let findings = verdict.violations.iter().filter(|f| f.control == *control);
    let findings: Vec<&Violation> = findings.collect();
    if object.expected == Expected::Pass {
        let unexpected = findings.iter();
        lines.extend(unexpected.map(|finding| format!("must pass, but: {}", finding.message)));
    }
    lines.extend(compare(object, &findings));
    lines
}

/// Returns the verdict of a control without a rule, for the newest Kubernetes.
fn builtin_verdict(object: &TestObject, control: &ControlId, check: BuiltinCheck) -> Verdict {
    let found = validate(&object.document, &SchemaOptions::default());
    let judged = found.judged.contains(&check).then(|| control.clone());
    let findings = found.findings.into_iter();
    let findings = findings.filter(|finding| finding.check == check);
    Verdict {
        judged: judged.into_iter().collect(),
        violations: findings
            .map(|finding| finding.violation(control.clone()))
            .collect(),
        errors: Vec::new(),
    }
}

/// Compares paths and fixes, and returns a line for each difference.
fn compare(object: &TestObject, findings: &[&Violation]) -> Vec<String> {
    let paths = findings.iter().flat_map(|finding| &finding.paths);
    let paths: BTreeSet<String> = paths.map(ToString::to_string).collect();
    let fixes = findings.iter().flat_map(|finding| &finding.fixes);
    let fixes: BTreeSet<Fix> = fixes.cloned().collect();
    let mut lines = Vec::new();
    let missing = object.paths.difference(&paths);
    lines.extend(missing.map(|path| format!("not found: {path}")));
    let unexpected = paths.difference(&object.paths);
    lines.extend(unexpected.map(|path| format!("found, not expected: {path}")));
    let missing = object.fixes.difference(&fixes);
    lines.extend(missing.map(|fix| format!("fix not given: {}", format_fix(fix))));
    let unexpected = fixes.difference(&object.fixes);
    lines.extend(unexpected.map(|fix| format!("fix given, not expected: {}", format_fix(fix))));
    lines
}

/// Returns a fix as test data writes it: `PATH = VALUE` or `PATH remove`.
fn format_fix(fix: &Fix) -> String {
    match &fix.action {
        FixAction::Set(value) => format!("{} = {value}", fix.path),
        FixAction::Remove => format!("{} remove", fix.path),
    }
}
