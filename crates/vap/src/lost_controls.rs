//! Which controls an export would take from policies that exist under the same names: what is
//! enforced today must not be lost unnoticed.

use super::{
    exported_object::{ExportedObject, ids_of},
    naming::{exempt_policy_name, skipped_policy_name},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A policy that exists, and controls of it that the new policy of its name lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostControls {
    /// The name of the policy.
    pub policy: String,
    /// The ids of the controls.
    pub controls: Vec<String>,
}

impl fmt::Display for LostControls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} would lose {}",
            self.policy,
            self.controls.join(", ")
        )
    }
}

/// Returns the controls that policies would lose. `existing` has the value of
/// [`CONTROLS_ANNOTATION`](super::CONTROLS_ANNOTATION) of policies that exist, by name.
#[must_use]
pub fn lost_controls(
    existing: &BTreeMap<String, String>,
    objects: &[ExportedObject],
) -> Vec<LostControls> {
    let policies = objects.iter().filter(|object| object.is_policy());
    let twins: BTreeSet<String> = policies
        .clone()
        .flat_map(|policy| {
            [
                exempt_policy_name(&policy.name),
                skipped_policy_name(&policy.name),
            ]
        })
        .collect();
    // Twins only report. Which controls they hold follows from the policy that enforces.
    let enforcing = policies.filter(|policy| !twins.contains(&policy.name));
    enforcing
        .filter_map(|policy| {
            let before = existing.get(&policy.name)?;
            let after = policy.controls();
            let controls: Vec<String> = ids_of(before)
                .difference(&after)
                .map(|id| (*id).to_owned())
                .collect();
            (!controls.is_empty()).then(|| LostControls {
                policy: policy.name.clone(),
                controls,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CONTROLS_ANNOTATION;
    use serde_json::json;

    #[track_caller]
    fn check(before: &str, after: &str, name: &str, expected: &[&str]) {
        let policy = |name: &str, controls: &str| {
            ExportedObject::new(json!({
                "kind": "ValidatingAdmissionPolicy",
                "metadata": {"name": name, "annotations": {CONTROLS_ANNOTATION: controls}},
            }))
        };
        let existing = BTreeMap::from([(name.to_owned(), before.to_owned())]);
        let objects = [policy("a", after), policy("a-excused", after)];
        let lost: Vec<String> = lost_controls(&existing, &objects)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lost, expected);
    }

    #[test]
    fn control_that_the_new_policy_lacks_is_lost() {
        check("C-1,C-2,C-3", "C-2", "a", &["a would lose C-1, C-3"]);
        check("C-1, C-2", "C-1,C-2,C-3", "a", &[]);
        check("", "C-1", "a", &[]);
        check("C-1", "", "a", &["a would lose C-1"]);
    }

    #[test]
    fn twin_and_policy_of_another_name_lose_nothing() {
        check("C-1,C-2", "C-1", "a-excused", &[]);
        check("C-1,C-2", "C-1", "b", &[]);
    }
}
