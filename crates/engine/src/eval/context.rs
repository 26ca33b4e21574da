//! The input of an evaluation. It is only read, and shared by all parts of the evaluator.

use super::{resolved_params::ResolvedParams, side_tables::SideTables};
use kubevet_document::Document;
use kubevet_ir::{CompiledControl, Program};
use kubevet_model::Operation;
use std::time::Instant;

/// The input of an evaluation, and its limits.
#[derive(Clone, Copy)]
pub(crate) struct EvalContext<'c> {
    pub(crate) program: &'c Program,
    pub(crate) tables: &'c SideTables,
    pub(crate) controls: &'c [CompiledControl],
    pub(crate) params: &'c ResolvedParams,
    pub(crate) document: &'c Document,
    pub(crate) operation: Operation,
    /// The path of the pod spec in objects of the kind; `None` if the kind has none.
    pub(crate) pod_path: Option<&'static [&'static str]>,
    /// The steps after which the evaluation ends without a verdict.
    pub(crate) step_budget: u64,
    pub(crate) deadline: Option<Instant>,
}
