//! Packing: several controls as one condition, true if all of them pass. What they have in common
//! is evaluated once, so it costs the API server less than their own conditions one by one.

use super::{
    control::ControlCel,
    emitter::{EmitContext, EmitTarget, Emitter},
    expr::Expr,
    factor,
    target::ObjectSide,
    unsupported::Unsupported,
    variables::SharedVariables,
};
use kubevet_ir::{Clause, Program};
use kubevet_model::Kind;

/// The controls of a pack.
#[derive(Default)]
pub(super) struct PackCondition {
    /// The clauses of controls that apply to every object: these are factored together.
    clauses: Vec<Clause>,
    /// The conditions of the same controls one by one: the fallback where they have no common form.
    one_by_one: Vec<Expr>,
    /// The conditions of controls that do not apply to some objects, which factoring would forget.
    apart: Vec<Expr>,
}

impl PackCondition {
    pub(super) fn add(&mut self, control: &ControlCel, clauses: &[Clause]) {
        let passes = control.passes.clone();
        if control.not_applicable == Expr::Bool(false) {
            self.clauses.extend_from_slice(clauses);
            self.one_by_one.push(passes);
        } else {
            self.apart.push(passes);
        }
    }

    /// The conditions: of the controls that apply to every object, and of the others.
    pub(super) fn emit(
        self,
        program: &mut Program,
        emitted_for: EmitTarget<'_>,
        variables: &mut SharedVariables,
    ) -> (Expr, Vec<Expr>) {
        let factored = none_found(program, &self.clauses, emitted_for, variables);
        (Expr::all(factored.unwrap_or(self.one_by_one)), self.apart)
    }
}

/// For each alternative of the factored clauses, a condition that it finds nothing.
fn none_found(
    program: &mut Program,
    clauses: &[Clause],
    EmitTarget {
        target,
        types,
        pods,
    }: EmitTarget<'_>,
    variables: &mut SharedVariables,
) -> Result<Vec<Expr>, Unsupported> {
    let alternatives = factor::alternatives(program, clauses);
    let kinds: Vec<&Kind> = target.kinds.iter().collect();
    let context = EmitContext {
        program,
        target,
        types,
        kinds: &kinds,
        side: ObjectSide::New,
        with_list_names: false,
        hoists_conditions: false,
        pods,
    };
    Emitter::new(context, variables).none_of(&alternatives)
}
