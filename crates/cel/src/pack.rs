//! Packing: several controls as one condition, true if all of them pass. What they have in common
//! is evaluated once, so it costs the API server less than their own conditions one by one.
//!
//! The bounds on the cost of regular expressions, one for each control, are one bound beside the
//! condition.

use super::{
    control::{ControlCel, as_bool},
    emitter::{EmitContext, EmitTarget, Emitter},
    expr::Expr,
    factor,
    target::ObjectSide,
    variables::SharedVariables,
};
use kubevet_ir::{Clause, CompiledControl, Program};
use kubevet_model::Kind;

/// The conditions of a pack.
pub(super) struct PackConditions {
    /// Of the controls that apply to every object.
    pub(super) together: Expr,
    /// Of the others.
    pub(super) apart: Vec<Expr>,
    /// What the regular expressions of all controls cost at most, in characters of strings times
    /// characters of patterns; `None` where none has any.
    pub(super) match_product: Option<Expr>,
}

/// The controls of a pack.
#[derive(Default)]
pub(super) struct PackCondition {
    /// The clauses of controls that apply to every object: these are factored together.
    clauses: Vec<Clause>,
    /// The conditions of the same controls one by one: the fallback where they have no common form.
    one_by_one: Vec<Expr>,
    /// The conditions of controls that do not apply to some objects, which factoring would forget.
    apart: Vec<Expr>,
    /// The controls that match regular expressions.
    matching: Vec<CompiledControl>,
}

impl PackCondition {
    pub(super) fn add(&mut self, control: &ControlCel, compiled: &CompiledControl) {
        let none_found = control.none_found.clone();
        let not_applicable =
            Expr::any([control.is_other_kind.clone(), control.lacks_params.clone()]);
        if not_applicable == Expr::Bool(false) {
            self.clauses.extend_from_slice(&compiled.clauses);
            self.one_by_one.push(none_found);
        } else {
            self.apart
                .push(as_bool(Expr::any([not_applicable, none_found])));
        }
        if control.skipped.is_some() {
            self.matching.push(compiled.clone());
        }
    }

    /// The conditions, true if the controls find nothing.
    pub(super) fn emit(
        self,
        program: &mut Program,
        emitted_for: EmitTarget<'_>,
        variables: &mut SharedVariables,
    ) -> PackConditions {
        let alternatives = factor::alternatives(program, &self.clauses);
        let kinds: Vec<&Kind> = emitted_for.target.kinds.iter().collect();
        let context = EmitContext {
            program,
            target: emitted_for.target,
            types: emitted_for.types,
            kinds: &kinds,
            side: ObjectSide::New,
            with_list_names: false,
            hoists_conditions: false,
            tests_presence_once: false,
            is_pack: true,
            pods: emitted_for.pods,
        };
        let mut emitter = Emitter::new(context, variables);
        let factored = emitter.none_of(&alternatives);
        let matching: Vec<&CompiledControl> = self.matching.iter().collect();
        let match_product = emitter.match_product_bound(&matching);
        PackConditions {
            together: Expr::all(factored.unwrap_or(self.one_by_one)),
            apart: self.apart,
            // The strings of each control can be measured, since its own bound could be emitted.
            match_product: match_product.unwrap_or_default(),
        }
    }
}
