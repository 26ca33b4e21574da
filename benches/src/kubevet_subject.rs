//! kubevet as the webhook and the scan call it, with the compiled engine or with the interpreter.

use crate::subject::{Batch, Object, Subject, time_each};
use kubevet_document::{Document, Limits, read_json};
use kubevet_engine::Engine;
use kubevet_model::{ControlId, EvalRequest, Verdict};
use kubevet_policy::{Library, Params};
use std::{collections::BTreeSet, sync::Arc};

/// An engine of kubevet, with the inputs of an evaluation other than the object.
pub struct KubevetSubject {
    name: &'static str,
    engine: Arc<Engine>,
    part: Part,
    params: Params,
    request: EvalRequest,
    limits: Limits,
    file: Arc<str>,
}

/// The part of an evaluation that is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Bytes to verdict.
    Whole,
    /// Bytes to document.
    Read,
    /// Document to verdict.
    Evaluate,
}

impl KubevetSubject {
    pub fn new(name: &'static str, engine: &Arc<Engine>, library: &Library, part: Part) -> Self {
        Self {
            name,
            engine: Arc::clone(engine),
            part,
            params: library.params.defaults(),
            request: EvalRequest::default(),
            limits: Limits::default(),
            file: Arc::from("object"),
        }
    }

    pub fn read(&self, bytes: &[u8]) -> Option<Document> {
        read_json(&self.file, bytes, &self.limits).documents.pop()
    }

    pub fn evaluate(&self, document: &Document) -> Verdict {
        self.engine.judge(document, &self.request, &self.params)
    }

    /// Runs the part that begins at the bytes. Returns the number of failing controls, or for
    /// [`Part::Read`] 1 if the bytes cannot be read.
    pub fn once(&self, bytes: &[u8]) -> usize {
        match self.part {
            Part::Read => usize::from(self.read(bytes).is_none()),
            _ => self.failing(bytes),
        }
    }

    /// The number of controls that find something or end in an error, which is never a pass.
    pub fn failing(&self, bytes: &[u8]) -> usize {
        self.read(bytes)
            .map_or(0, |document| failing_controls(&self.evaluate(&document)))
    }

    /// The controls that are evaluated for an object.
    pub fn evaluated_controls(&self, bytes: &[u8]) -> Vec<ControlId> {
        self.read(bytes)
            .map(|document| self.evaluate(&document).judged.to_vec())
            .unwrap_or_default()
    }
}

fn failing_controls(verdict: &Verdict) -> usize {
    if verdict.violations.is_empty() && verdict.errors.is_empty() {
        return 0;
    }
    let violated = verdict
        .violations
        .iter()
        .map(|violation| violation.control.to_string());
    let errored = verdict.errors.iter().map(|error| error.control.to_string());
    violated.chain(errored).collect::<BTreeSet<_>>().len()
}

impl Subject for KubevetSubject {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn run_batch(&mut self, object: &Object, count: u64) -> Result<Batch, String> {
        let document = self
            .read(&object.bytes)
            .ok_or("the object cannot be read")?;
        let verdict = self.evaluate(&document);
        let mut batch = match self.part {
            Part::Evaluate => time_each(count, || failing_controls(&self.evaluate(&document))),
            _ => time_each(count, || self.once(&object.bytes)),
        };
        batch.failing = failing_controls(&verdict);
        if self.part == Part::Whole {
            batch.remarks = format!(" of {} that look at it", verdict.judged.len());
        }
        Ok(batch)
    }
}
