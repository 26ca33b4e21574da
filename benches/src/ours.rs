//! kubevet as it is called by webhook and scan, and its reference tier.

use crate::contestant::{Contestant, Object, Turn, timed};
use kubevet::{
    document::{Document, Limits, read_json},
    engine::Engine,
    model::{ControlId, EvalRequest, Verdict},
    policy::{Library, Params},
};
use std::{collections::BTreeSet, sync::Arc};

/// One of our engines, with what a judgement needs besides the object.
pub struct Ours {
    name: &'static str,
    engine: Arc<Engine>,
    part: Part,
    params: Params,
    request: EvalRequest,
    limits: Limits,
    file: Arc<str>,
}

/// What is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Bytes to verdict.
    Whole,
    /// Bytes to document.
    Read,
    /// Document to verdict.
    Judge,
}

impl Ours {
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

    pub fn judge(&self, document: &Document) -> Verdict {
        self.engine.judge(document, &self.request, &self.params)
    }

    /// How many controls found something from bytes on. A rule's error counts too: it is never a pass.
    pub fn once(&self, bytes: &[u8]) -> usize {
        match self.part {
            Part::Read => usize::from(self.read(bytes).is_none()),
            _ => self.failing(bytes),
        }
    }

    /// How many controls find something.
    pub fn failing(&self, bytes: &[u8]) -> usize {
        self.read(bytes).map_or(0, |it| failing(&self.judge(&it)))
    }

    /// The controls that look at an object.
    pub fn looking(&self, bytes: &[u8]) -> Vec<ControlId> {
        self.read(bytes)
            .map(|it| self.judge(&it).judged.to_vec())
            .unwrap_or_default()
    }
}

fn failing(verdict: &Verdict) -> usize {
    if verdict.violations.is_empty() && verdict.errors.is_empty() {
        return 0;
    }
    let found = verdict.violations.iter().map(|it| it.control.to_string());
    found
        .chain(verdict.errors.iter().map(|it| it.control.to_string()))
        .collect::<BTreeSet<_>>()
        .len()
}

impl Contestant for Ours {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn turn(&mut self, object: &Object, count: u64) -> Result<Turn, String> {
        let document = self
            .read(&object.bytes)
            .ok_or("the object cannot be read")?;
        let verdict = self.judge(&document);
        let mut turn = match self.part {
            Part::Judge => timed(count, || failing(&self.judge(&document))),
            _ => timed(count, || self.once(&object.bytes)),
        };
        turn.failing = failing(&verdict);
        if self.part == Part::Whole {
            turn.remarks = format!(" of {} that look at it", verdict.judged.len());
        }
        Ok(turn)
    }
}
