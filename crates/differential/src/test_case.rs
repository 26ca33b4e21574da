//! One object, and the controls that are evaluated for it.

use kubevet_model::{ControlId, Operation};
use kubevet_policy::Params;
use std::sync::Arc;

/// One object, and the controls that are evaluated for it.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// The object as JSON.
    pub object: Arc<str>,
    /// The index of `params` in the run's table, for subjects that prepare something for each.
    pub params_index: usize,
    /// The params.
    pub params: Params,
    /// The operation of the admission request.
    pub operation: Operation,
    /// The controls: each selects the object's kind, and has the params that it needs.
    pub controls: Vec<ControlId>,
}
