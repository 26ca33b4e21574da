//! Evaluates what depends on params alone. It reads nothing of the object, so the evaluator gets an
//! empty one.

use super::{
    context::EvalContext, evaluator::Evaluator, observer::NoObserver,
    resolved_params::ResolvedParams, scratch::Scratch, side_tables::SideTables,
};
use kubevet_document::{Limits, read_json};
use kubevet_ir::Program;
use kubevet_model::Operation;
use std::sync::Arc;

/// Calls `evaluate` with an evaluator over these params and an empty object.
pub(super) fn with_params_evaluator<T>(
    program: &Program,
    tables: &SideTables,
    params: &ResolvedParams,
    evaluate: impl FnOnce(&mut Evaluator<'_, NoObserver>) -> T,
) -> Option<T> {
    let file: Arc<str> = Arc::from("");
    let document = read_json(&file, b"{}", &Limits::default())
        .documents
        .pop()?;
    let context = EvalContext {
        program,
        tables,
        controls: &[],
        params,
        document: &document,
        operation: Operation::default(),
        pod_path: None,
        step_budget: u64::MAX,
        deadline: None,
    };
    let mut scratch = Scratch::default();
    let mut evaluator = Evaluator::new(context, &mut scratch, NoObserver);
    Some(evaluate(&mut evaluator))
}
