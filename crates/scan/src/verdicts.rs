//! Compact verdicts: which controls evaluated an object, and which it fails, without its findings.
//! A cluster has few different ones, so whoever follows it keeps each once, with a count.

use super::{
    score::{self, Evidence, Results},
    scored_framework::ScoredFramework,
    tally::Tallies,
};
use kubevet_model::{
    Control, ControlId, ControlResult, FrameworkResult, Kind, ObjectResult, RuleError, Unread,
};
use kubevet_policy::Params;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The verdict on an object, without findings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectVerdict {
    /// The controls that evaluated it, by id.
    pub judged: Box<[ControlId]>,
    /// Those that it fails, by id.
    pub failed: Box<[ControlId]>,
    /// The controls that could not be evaluated.
    pub errors: Box<[RuleError]>,
}

impl ObjectVerdict {
    /// Returns the verdict of a result.
    #[must_use]
    pub fn of(result: &ObjectResult) -> Self {
        let rules = result.findings.iter().map(|located| &located.finding.rule);
        let failed: BTreeSet<&ControlId> = rules.collect();
        Self {
            judged: result.judged.clone().into(),
            failed: failed.into_iter().cloned().collect(),
            errors: result.errors.clone().into(),
        }
    }
}

/// What is scored.
#[derive(Clone, Copy)]
pub struct ScoredControls<'a> {
    /// The chosen controls, by id.
    pub controls: &'a [Arc<Control>],
    /// The frameworks.
    pub frameworks: &'a [ScoredFramework],
    /// The params of the controls.
    pub params: &'a Params,
    /// What could not be read.
    pub unread: &'a [Unread],
    /// The kinds of the objects.
    pub kinds: &'a BTreeSet<Kind>,
}

/// The results of controls and frameworks over the objects of a cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClusterScore {
    /// The results of the controls, by id.
    pub controls: Vec<ControlResult>,
    /// The results of the frameworks, in their order.
    pub frameworks: Vec<FrameworkResult>,
}

/// Scores controls and frameworks by verdicts, each with its number of objects.
#[must_use]
pub fn score_verdicts<'v>(
    scored: ScoredControls<'_>,
    verdicts: impl IntoIterator<Item = (&'v ObjectVerdict, usize)>,
) -> ClusterScore {
    let mut tallies = Tallies::default();
    for (verdict, number) in verdicts {
        let is_failing = |id: &ControlId| verdict.failed.binary_search(id).is_ok();
        tallies.add_objects(&verdict.judged, &is_failing, &verdict.errors, number);
    }
    let evidence = Evidence {
        tallies: &tallies,
        kinds: scored.kinds,
        params: scored.params,
        unread: scored.unread,
    };
    let controls = score::score_controls(scored.controls, &evidence);
    let results: BTreeMap<_, _> = controls
        .iter()
        .map(|result| (&result.control.id, result))
        .collect();
    let results: Results<'_> = results;
    let frameworks = scored.frameworks.iter();
    let frameworks = frameworks
        .map(|framework| score::score_framework(framework, &results))
        .collect();
    ClusterScore {
        controls,
        frameworks,
    }
}
