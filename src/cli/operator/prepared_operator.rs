//! An operator that can be started: its flags are checked, and its library is loaded.
//!
//! It reaches no cluster and no store, so that a mistake in a flag is known before anything runs.

use super::{library, operator_flags::OperatorSettings, store_flags::StorePlace};
use crate::cli::file_fingerprint;
use kubevet_model::{Problem, ResultKind};
use kubevet_operator::{EvaluationPolicy, Schedule};
use std::sync::Arc;

/// What an operator starts with.
pub(super) struct PreparedOperator {
    pub(super) settings: Arc<OperatorSettings>,
    pub(super) policy: EvaluationPolicy,
    /// That of the files of the library before they were read.
    pub(super) fingerprint: u64,
    pub(super) schedule: Schedule,
    pub(super) place: StorePlace,
    pub(super) kinds: Vec<ResultKind>,
}

impl PreparedOperator {
    /// Checks the flags and loads the library. Returns the problems of the library, too: if there are
    /// any, the operator must not be started.
    ///
    /// # Errors
    /// A flag cannot be used, or a control or a framework is unknown.
    pub(super) fn new(settings: Arc<OperatorSettings>) -> anyhow::Result<(Self, Vec<Problem>)> {
        let schedule = settings.flags.schedule()?;
        let place = settings.flags.store.place()?;
        let kinds = settings.flags.result_kinds()?;
        // Files that change while they are read are read once more.
        let fingerprint = file_fingerprint::of_metadata(settings.library.paths());
        let (policy, problems) = library::load(&settings)?;
        let prepared = Self {
            settings,
            policy,
            fingerprint,
            schedule,
            place,
            kinds,
        };
        Ok((prepared, problems))
    }
}
