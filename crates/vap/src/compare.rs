//! Which verdicts on objects an upgrade changes: the same objects, judged before and after.

use kubevet_document::Document;
use kubevet_engine::Engine;
use kubevet_model::{ControlId, EvalRequest, ObjectId, Verdict};
use kubevet_policy::Params;
use std::{collections::BTreeSet, fmt};

/// A library that is compiled, and what its controls are told.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The engine.
    pub engine: &'a Engine,
    /// The params.
    pub params: &'a Params,
}

/// What a control said of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It was not asked.
    Nothing,
    /// It found nothing.
    Pass,
    /// It found this, first of all.
    Fail(String),
    /// It could not say.
    Error(String),
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Nothing => "not asked",
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Error(_) => "error",
        })
    }
}

impl Said {
    /// The words with it.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Fail(words) | Self::Error(words) => words,
            Self::Nothing | Self::Pass => "",
        }
    }

    fn is_quiet(&self) -> bool {
        matches!(self, Self::Nothing | Self::Pass)
    }
}

/// A verdict that is another afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub object: ObjectId,
    /// The file that it stands in, and the line.
    pub source: String,
    /// The control.
    pub control: ControlId,
    /// What it said before.
    pub before: Said,
    /// What it says then.
    pub after: Said,
}

/// Judges the objects by both sides. That a control was not asked and finds nothing now, or the other way, is no change.
#[must_use]
pub fn compare(old: Side<'_>, new: Side<'_>, objects: &[Document]) -> Vec<Change> {
    let mut changes = Vec::new();
    for object in objects {
        let judge = |side: Side<'_>| {
            side.engine
                .judge(object, &EvalRequest::default(), side.params)
        };
        let (before, after) = (judge(old), judge(new));
        let controls: BTreeSet<&ControlId> =
            [&before, &after].into_iter().flat_map(asked).collect();
        for control in controls {
            let (was, is) = (said(&before, control), said(&after, control));
            let same = match (&was, &is) {
                (was, is) if was.is_quiet() && is.is_quiet() => true,
                (was, is) => was.to_string() == is.to_string(),
            };
            if !same {
                changes.push(Change {
                    object: object.id(),
                    source: format!("{}:{}", object.file(), object.root().position().line),
                    control: control.clone(),
                    before: was,
                    after: is,
                });
            }
        }
    }
    changes
}

fn asked(verdict: &Verdict) -> impl Iterator<Item = &ControlId> {
    verdict
        .judged
        .iter()
        .chain(verdict.errors.iter().map(|it| &it.control))
}

fn said(verdict: &Verdict, control: &ControlId) -> Said {
    if let Some(error) = verdict.errors.iter().find(|it| it.control == *control) {
        return Said::Error(error.error.to_string());
    }
    match verdict.violations.iter().find(|it| it.control == *control) {
        Some(finding) => Said::Fail(finding.message.clone()),
        None if verdict.judged.contains(control) => Said::Pass,
        None => Said::Nothing,
    }
}
