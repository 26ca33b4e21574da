//! The engine as a subject, and the coverage of its conditions.

use super::{
    report::{CoverageSource, ObservedCondition},
    subject::{Subject, SubjectAnswer, SubjectError, SubjectFinding, canonical_json},
    test_case::TestCase,
};
use kubevet_document::{self as document, Document, Limits};
use kubevet_engine::{ConditionCounts, ConditionCoverage, Engine};
use kubevet_model::{ControlId, EvalRequest, FixAction, Problem, Verdict, Violation};
use kubevet_policy::Library;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// An engine as a subject. It may hold an engine for each control besides: an interpreter need not
/// evaluate all controls for a case with one.
pub struct EngineSubject {
    name: String,
    combined: Arc<Engine>,
    by_control: BTreeMap<ControlId, Engine>,
    /// The condition counts, if they are recorded.
    counts: Option<Arc<Mutex<ConditionCounts>>>,
}

/// The condition counts of an engine that is a subject.
pub struct CoverageRecorder {
    engine: Arc<Engine>,
    counts: Arc<Mutex<ConditionCounts>>,
}

impl CoverageSource for CoverageRecorder {
    fn conditions(&self, control: &ControlId) -> Vec<ObservedCondition> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let observed = |condition: ConditionCoverage| ObservedCondition {
            description: condition.condition,
            held: condition.held,
            failed: condition.failed,
        };
        self.engine
            .condition_coverage(control, &counts)
            .into_iter()
            .map(observed)
            .collect()
    }
}

impl EngineSubject {
    /// Returns the engine as it is used, with all controls in one, and records its conditions.
    ///
    /// Objects of a run are so small that joins iterate over all pairs. So each case is evaluated
    /// once more with indexes from the first element on, and both verdicts must be equal.
    #[must_use]
    pub fn combined(name: &str, engine: Arc<Engine>) -> (Self, CoverageRecorder) {
        let counts = Arc::new(Mutex::new(ConditionCounts::default()));
        let recorder = CoverageRecorder {
            engine: Arc::clone(&engine),
            counts: Arc::clone(&counts),
        };
        (
            Self {
                name: name.to_owned(),
                combined: engine,
                by_control: BTreeMap::new(),
                counts: Some(counts),
            },
            recorder,
        )
    }

    /// Compiles an engine for all controls, and one for each.
    #[must_use]
    pub fn per_control(
        name: &str,
        library: &Library,
        compile: impl Fn(&Library) -> (Engine, Vec<Problem>),
    ) -> Self {
        let compile_one = |id: &ControlId| {
            let mut reduced = library.clone();
            reduced.controls.retain(|source| source.control.id == *id);
            (id.clone(), compile(&reduced).0)
        };
        let by_control = library
            .controls
            .iter()
            .map(|source| compile_one(&source.control.id))
            .collect();
        Self {
            name: name.to_owned(),
            combined: Arc::new(compile(library).0),
            by_control,
            counts: None,
        }
    }

    fn evaluate_case(&self, case: &TestCase) -> Vec<SubjectAnswer> {
        let error_for_all = |message: &str| {
            case.controls
                .iter()
                .map(|_| SubjectAnswer::Error(message.to_owned()))
                .collect()
        };
        let file: Arc<str> = "object.json".into();
        let parsed = document::read_json(&file, case.object.as_bytes(), &Limits::default());
        let Some(document) = parsed.documents.first() else {
            let reason = parsed
                .problems
                .first()
                .map_or_else(|| "no document".to_owned(), ToString::to_string);
            return error_for_all(&reason);
        };
        let applies_to_some = |control: &ControlId| self.combined.has_applies(control);
        match self.verdict(document, case) {
            Ok(verdict) => case
                .controls
                .iter()
                .map(|control| answer_of_control(&verdict, control, applies_to_some(control)))
                .collect(),
            Err(message) => error_for_all(message),
        }
    }

    fn verdict(&self, document: &Document, case: &TestCase) -> Result<Verdict, &'static str> {
        let engine = match case.controls.as_slice() {
            [control] => self.by_control.get(control).unwrap_or(&self.combined),
            _ => &self.combined,
        };
        let request = EvalRequest {
            operation: case.operation,
        };
        let Some(counts) = &self.counts else {
            return Ok(engine.judge(document, &request, &case.params));
        };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = engine.judge_observed(document, &request, &case.params, &mut counts);
        let mut indexed = ConditionCounts::with_immediate_hash_joins();
        if engine.judge_observed(document, &request, &case.params, &mut indexed) == verdict {
            Ok(verdict)
        } else {
            Err("with indexes from the first element on, the verdict is another")
        }
    }
}

impl Subject for EngineSubject {
    fn name(&self) -> &str {
        &self.name
    }

    fn evaluate(&mut self, batch: &[TestCase]) -> Result<Vec<Vec<SubjectAnswer>>, SubjectError> {
        Ok(batch.iter().map(|case| self.evaluate_case(case)).collect())
    }
}

/// Returns the answer for a control; `has_applies` says that it need not apply to the object.
fn answer_of_control(verdict: &Verdict, control: &ControlId, has_applies: bool) -> SubjectAnswer {
    if let Some(error) = verdict
        .errors
        .iter()
        .find(|error| error.control == *control)
    {
        return SubjectAnswer::Error(error.error.to_string());
    }
    if !verdict.judged.contains(control) {
        return if has_applies {
            SubjectAnswer::NotApplicable
        } else {
            SubjectAnswer::Missing
        };
    }
    let mut findings: Vec<SubjectFinding> = verdict
        .violations
        .iter()
        .filter(|violation| violation.control == *control)
        .map(subject_finding)
        .collect();
    findings.sort();
    SubjectAnswer::Findings(findings)
}

fn subject_finding(violation: &Violation) -> SubjectFinding {
    let canonical_value = |json: &String| {
        serde_json::from_str(json).map_or_else(|_| json.clone(), |value| canonical_json(&value))
    };
    let new_value = |action: &FixAction| match action {
        FixAction::Set(json) => Some(canonical_value(json)),
        FixAction::Remove => None,
    };
    let mut fixes: Vec<_> = violation
        .fixes
        .iter()
        .map(|fix| (fix.path.to_string(), new_value(&fix.action)))
        .collect();
    fixes.sort();
    SubjectFinding {
        message: violation.message.clone(),
        paths: violation.paths.iter().map(ToString::to_string).collect(),
        fixes,
    }
}
