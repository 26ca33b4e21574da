//! A defect: one cause, and every finding of it.

use super::{ControlId, Fingerprint, LocatedFinding, ObjectResult, Severity};
use std::{cmp::Reverse, collections::BTreeMap};

/// The findings of one object that have one cause, the most severe first. Reports show a defect once
/// and count it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect<'a> {
    /// The most severe finding, which speaks for all.
    pub first: &'a LocatedFinding,
    /// The others, the most severe first.
    pub others: Vec<&'a LocatedFinding>,
}

impl<'a> Defect<'a> {
    /// The key of the defect from run to run.
    #[must_use]
    pub fn key(&self) -> Fingerprint {
        self.first.finding.defect
    }

    /// The highest severity of its findings.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.first.finding.severity
    }

    /// The findings, the most severe first.
    pub fn findings(&self) -> impl Iterator<Item = &'a LocatedFinding> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// The controls that report it, each once, that of the most severe finding first.
    #[must_use]
    pub fn controls(&self) -> Vec<&'a ControlId> {
        let mut ids = Vec::new();
        for located in self.findings() {
            let id = &located.finding.rule;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }
}

impl ObjectResult {
    /// The defects of the object, the most severe first, then by position.
    #[must_use]
    pub fn defects(&self) -> Vec<Defect<'_>> {
        let mut by_key: BTreeMap<Fingerprint, Vec<&LocatedFinding>> = BTreeMap::new();
        for located in &self.findings {
            let group = by_key.entry(located.finding.defect).or_default();
            group.push(located);
        }
        let mut defects: Vec<Defect<'_>> = by_key.into_values().filter_map(of_findings).collect();
        defects.sort_by(|a, b| order(a.first).cmp(&order(b.first)));
        defects
    }
}

/// Returns the defect of findings with one key; `None` without findings.
fn of_findings(mut findings: Vec<&LocatedFinding>) -> Option<Defect<'_>> {
    // The sort is stable: equally severe findings stay in the order of the object.
    findings.sort_by_key(|located| Reverse(located.finding.severity));
    let (first, others) = findings.split_first()?;
    Some(Defect {
        first,
        others: others.to_vec(),
    })
}

fn order(located: &LocatedFinding) -> impl Ord {
    let finding = &located.finding;
    (
        Reverse(finding.severity),
        &located.source,
        &finding.rule,
        finding.paths(),
        &finding.message,
    )
}
