//! The verdicts that an upgrade of the library changes: the same objects, evaluated before and
//! after.

use kubevet_document::Document;
use kubevet_engine::Engine;
use kubevet_model::{ControlId, EvalRequest, ObjectId, Verdict};
use kubevet_policy::Params;
use std::{collections::BTreeSet, fmt};

/// One side of a diff: a compiled library and its params.
#[derive(Clone, Copy)]
pub struct DiffSide<'a> {
    /// The compiled library.
    pub engine: &'a Engine,
    /// The params of all controls.
    pub params: &'a Params,
}

/// The outcome of a control for an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlOutcome {
    /// The control does not apply to the object.
    Nothing,
    /// It found nothing.
    Pass,
    /// The message of its first finding.
    Fail(String),
    /// The reason why it could not be evaluated.
    Error(String),
}

impl fmt::Display for ControlOutcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Nothing => "not asked",
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Error(_) => "error",
        })
    }
}

impl ControlOutcome {
    /// The message of a finding or an error; empty for all else.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Fail(message) | Self::Error(message) => message,
            Self::Nothing | Self::Pass => "",
        }
    }

    fn is_quiet(&self) -> bool {
        matches!(self, Self::Nothing | Self::Pass)
    }

    /// True if the outcomes differ for a user: which finding comes first is no difference, nor
    /// whether a control that finds nothing applies.
    fn differs_from(&self, other: &Self) -> bool {
        let both_quiet = self.is_quiet() && other.is_quiet();
        !both_quiet && std::mem::discriminant(self) != std::mem::discriminant(other)
    }
}

/// A verdict that an upgrade changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictChange {
    /// The object.
    pub object: ObjectId,
    /// The file and the line of the object: `web.yaml:3`.
    pub source: String,
    /// The control.
    pub control: ControlId,
    /// The outcome before.
    pub before: ControlOutcome,
    /// The outcome after.
    pub after: ControlOutcome,
}

/// Evaluates the objects by both sides.
#[must_use]
pub fn diff_verdicts(
    old: DiffSide<'_>,
    new: DiffSide<'_>,
    objects: &[Document],
) -> Vec<VerdictChange> {
    let mut changes = Vec::new();
    for object in objects {
        let evaluate = |side: DiffSide<'_>| {
            side.engine
                .judge(object, &EvalRequest::default(), side.params)
        };
        let verdicts = [evaluate(old), evaluate(new)];
        let controls: BTreeSet<&ControlId> = verdicts.iter().flat_map(evaluated).collect();
        for control in controls {
            let [before, after] = verdicts.each_ref().map(|verdict| outcome(verdict, control));
            if before.differs_from(&after) {
                changes.push(VerdictChange {
                    object: object.id(),
                    source: format!("{}:{}", object.file(), object.root().position().line),
                    control: control.clone(),
                    before,
                    after,
                });
            }
        }
    }
    changes
}

fn evaluated(verdict: &Verdict) -> impl Iterator<Item = &ControlId> {
    let with_errors = verdict.errors.iter().map(|error| &error.control);
    verdict.judged.iter().chain(with_errors)
}

fn outcome(verdict: &Verdict, control: &ControlId) -> ControlOutcome {
    if let Some(error) = verdict
        .errors
        .iter()
        .find(|error| error.control == *control)
    {
        return ControlOutcome::Error(error.error.to_string());
    }
    let finding = verdict
        .violations
        .iter()
        .find(|finding| finding.control == *control);
    match finding {
        Some(finding) => ControlOutcome::Fail(finding.message.clone()),
        None if verdict.judged.contains(control) => ControlOutcome::Pass,
        None => ControlOutcome::Nothing,
    }
}
