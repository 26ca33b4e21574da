//! The number of objects by their result under each control, counted object by object.

use kubevet_model::{ControlId, EvalError, ObjectResult, RuleError};
use std::collections::{BTreeMap, BTreeSet};

/// The number of objects by their result under one control.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) failed: usize,
    pub(super) passed: usize,
    /// Objects for which the rule gave an error.
    pub(super) errors: usize,
    /// The least error, so that the order of the objects does not matter.
    pub(super) least_error: Option<EvalError>,
}

/// The tallies of all controls.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<ControlId, Tally>);

impl Tallies {
    /// Counts an object.
    pub(super) fn add(&mut self, object: &ObjectResult) {
        let failing: BTreeSet<&ControlId> = object
            .findings
            .iter()
            .map(|located| &located.finding.rule)
            .collect();
        self.add_objects(
            &object.judged,
            &|id| failing.contains(id),
            &object.errors,
            1,
        );
    }

    /// Counts a number of objects with the same result.
    pub(super) fn add_objects(
        &mut self,
        judged: &[ControlId],
        is_failing: &dyn Fn(&ControlId) -> bool,
        errors: &[RuleError],
        number: usize,
    ) {
        for id in judged {
            let tally = self.of(id);
            if is_failing(id) {
                tally.failed += number;
            } else {
                tally.passed += number;
            }
        }
        for error in errors {
            let tally = self.of(&error.control);
            tally.errors += number;
            let least = tally.least_error.get_or_insert_with(|| error.error.clone());
            if error.error < *least {
                *least = error.error.clone();
            }
        }
    }

    pub(super) fn get(&self, id: &ControlId) -> Option<&Tally> {
        self.0.get(id)
    }

    fn of(&mut self, id: &ControlId) -> &mut Tally {
        // `entry` would copy the id for each object.
        if !self.0.contains_key(id) {
            self.0.insert(id.clone(), Tally::default());
        }
        self.0.entry(id.clone()).or_default()
    }
}
