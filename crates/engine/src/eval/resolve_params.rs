//! Resolves params for a program: what depends on them alone is evaluated here, once for all objects.

use super::{
    evaluator::Evaluator, observer::NoObserver, params_evaluator::with_params_evaluator,
    resolved_params::ResolvedParams, side_tables::SideTables, string_sets::resolve_string_sets,
};
use kubevet_ir::{Clause, CompiledControl, Program};
use kubevet_policy::Params;

/// Returns the params as the evaluator reads them.
pub(crate) fn resolve_params(
    params: &Params,
    program: &Program,
    tables: &SideTables,
    controls: &[CompiledControl],
) -> ResolvedParams {
    let mut resolved = ResolvedParams::new(params, tables, controls);
    resolved.string_sets = resolve_string_sets(program, tables, &resolved);
    resolved.impossible_clauses = impossible_clauses(program, tables, controls, &resolved);
    resolved
}

/// Decides for each clause whether its control is not configured or a condition on params fails.
fn impossible_clauses(
    program: &Program,
    tables: &SideTables,
    controls: &[CompiledControl],
    params: &ResolvedParams,
) -> Vec<bool> {
    let of_controls = |evaluator: &mut Evaluator<'_, NoObserver>| {
        let mut impossible = Vec::new();
        for (index, control) in controls.iter().enumerate() {
            let is_impossible = |clause: &Clause| {
                let mut conditions = clause.when.iter();
                !params.is_configured(index)
                    || conditions.any(|condition| {
                        tables.depends_on_params(*condition) && !evaluator.holds(*condition)
                    })
            };
            impossible.extend(control.clauses.iter().map(is_impossible));
        }
        impossible
    };
    with_params_evaluator(program, tables, params, of_controls).unwrap_or_default()
}
