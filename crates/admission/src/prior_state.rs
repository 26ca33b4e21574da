//! The findings of the object before an UPDATE.
//!
//! The old object is evaluated under the same params as the new one, at most once, and only if the
//! new object has a finding.

use super::{
    EvaluationResult,
    finding_key::{FindingKeyHasher, FindingKeys},
};
use kubevet_document::Document;
use kubevet_model::{EvalError, Violation};

/// The presence of a finding in the old object.
pub(super) enum PriorState {
    Present,
    Absent,
    /// It cannot be determined: the old object, or the control for it, could not be evaluated.
    Unknown(EvalError),
}

/// The findings of the old object under one set of params.
pub(super) struct PriorFindings {
    keys: FindingKeys,
    result: EvaluationResult,
}

impl PriorFindings {
    /// Keeps the result of evaluating `old_object`. `key_hasher` is that of the new object.
    pub(super) fn new<'d>(
        key_hasher: &FindingKeyHasher<'d>,
        old_object: &'d Document,
        result: EvaluationResult,
    ) -> Self {
        let findings = result
            .as_ref()
            .map(|verdict| verdict.violations.as_slice())
            .unwrap_or_default();
        let keys = FindingKeys::new(&key_hasher.for_document(old_object), findings);
        Self { keys, result }
    }

    /// Looks up a finding of the new object among them. `key_hasher` is that of the new
    /// object.
    pub(super) fn state_of(
        &self,
        key_hasher: &FindingKeyHasher<'_>,
        finding: &Violation,
    ) -> PriorState {
        if self.keys.contains(key_hasher, finding) {
            return PriorState::Present;
        }
        match &self.result {
            Err(error) => PriorState::Unknown(error.clone()),
            Ok(verdict) => {
                let mut errors = verdict.errors.iter();
                match errors.find(|error| error.control == finding.control) {
                    Some(error) => PriorState::Unknown(error.error.clone()),
                    None => PriorState::Absent,
                }
            }
        }
    }
}
