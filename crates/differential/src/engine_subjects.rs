//! The engine as a voice, and what it saw of its conditions.

use super::{
    report::{Condition, Coverage},
    subject::{Answer, Found, Question, Voice, VoiceError, canonical},
};
use kubevet_document::{self as document, Limits};
use kubevet_engine::{ConditionCounts, ConditionCoverage, Engine};
use kubevet_model::{ControlId, EvalRequest, FixAction, Problem, Verdict, Violation};
use kubevet_policy::Library;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// An engine, or one for each control besides: an interpreter that is asked about one control need not ask all.
pub struct EngineVoice {
    name: String,
    whole: Arc<Engine>,
    alone: BTreeMap<ControlId, Engine>,
    seen: Option<Arc<Mutex<ConditionCounts>>>,
}

/// What an engine that is a voice saw of its conditions.
pub struct Watcher {
    engine: Arc<Engine>,
    seen: Arc<Mutex<ConditionCounts>>,
}

impl Coverage for Watcher {
    fn conditions(&self, control: &ControlId) -> Vec<Condition> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let condition = |it: ConditionCoverage| Condition {
            what: it.condition,
            held: it.held,
            failed: it.failed,
        };
        self.engine
            .condition_coverage(control, &seen)
            .into_iter()
            .map(condition)
            .collect()
    }
}

impl EngineVoice {
    /// The engine as it is in use: all controls together. Its conditions are counted. Joins go over all pairs in objects
    /// as small as the proof's, so each is judged once more with indexes; both must say the same.
    #[must_use]
    pub fn together(name: &str, engine: Arc<Engine>) -> (Self, Watcher) {
        let seen = Arc::new(Mutex::new(ConditionCounts::default()));
        let watcher = Watcher {
            engine: Arc::clone(&engine),
            seen: Arc::clone(&seen),
        };
        (
            Self {
                name: name.to_owned(),
                whole: engine,
                alone: BTreeMap::new(),
                seen: Some(seen),
            },
            watcher,
        )
    }

    /// An engine for all controls, and one for each.
    #[must_use]
    pub fn apart(
        name: &str,
        library: &Library,
        compile: impl Fn(&Library) -> (Engine, Vec<Problem>),
    ) -> Self {
        let one = |control: &ControlId| {
            let mut alone = library.clone();
            alone.controls.retain(|it| it.control.id == *control);
            (control.clone(), compile(&alone).0)
        };
        let alone = library
            .controls
            .iter()
            .map(|it| one(&it.control.id))
            .collect();
        Self {
            name: name.to_owned(),
            whole: Arc::new(compile(library).0),
            alone,
            seen: None,
        }
    }
}

impl Voice for EngineVoice {
    fn name(&self) -> &str {
        &self.name
    }

    fn ask(&mut self, batch: &[Question]) -> Result<Vec<Vec<Answer>>, VoiceError> {
        Ok(batch.iter().map(|it| self.answer(it)).collect())
    }
}

impl EngineVoice {
    fn answer(&self, question: &Question) -> Vec<Answer> {
        let file: Arc<str> = "object.json".into();
        let reading = document::read_json(&file, question.object.as_bytes(), &Limits::default());
        let Some(document) = reading.documents.first() else {
            let why = reading
                .problems
                .first()
                .map_or_else(|| "no document".to_owned(), ToString::to_string);
            return question
                .controls
                .iter()
                .map(|_| Answer::Error(why.clone()))
                .collect();
        };
        let engine = match question.controls.as_slice() {
            [one] => self.alone.get(one).unwrap_or(&self.whole),
            _ => &self.whole,
        };
        let request = EvalRequest {
            operation: question.operation,
        };
        let verdict = match &self.seen {
            None => engine.judge(document, &request, &question.params),
            Some(seen) => {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                let verdict =
                    engine.judge_observed(document, &request, &question.params, &mut seen);
                let mut indexes = ConditionCounts::with_immediate_hash_joins();
                if engine.judge_observed(document, &request, &question.params, &mut indexes)
                    != verdict
                {
                    let why = "with indexes from the first element on, the verdict is another";
                    return question
                        .controls
                        .iter()
                        .map(|_| Answer::Error(why.to_owned()))
                        .collect();
                }
                verdict
            }
        };
        question
            .controls
            .iter()
            .map(|it| of_verdict(&verdict, it))
            .collect()
    }
}

fn of_verdict(verdict: &Verdict, control: &ControlId) -> Answer {
    if let Some(error) = verdict.errors.iter().find(|it| it.control == *control) {
        return Answer::Error(error.error.to_string());
    }
    if !verdict.judged.contains(control) {
        return Answer::Silent;
    }
    let mut found: Vec<Found> = verdict
        .violations
        .iter()
        .filter(|it| it.control == *control)
        .map(of_finding)
        .collect();
    found.sort();
    Answer::Findings(found)
}

fn of_finding(finding: &Violation) -> Found {
    let value = |text: &String| {
        serde_json::from_str(text).map_or_else(|_| text.clone(), |it| canonical(&it))
    };
    let fix = |action: &FixAction| match action {
        FixAction::Set(text) => Some(value(text)),
        FixAction::Remove => None,
    };
    let mut fixes: Vec<_> = finding
        .fixes
        .iter()
        .map(|it| (it.path.to_string(), fix(&it.action)))
        .collect();
    fixes.sort();
    Found {
        message: finding.message.clone(),
        paths: finding.paths.iter().map(ToString::to_string).collect(),
        fixes,
    }
}
