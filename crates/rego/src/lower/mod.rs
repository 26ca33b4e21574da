//! Rego → program: a rule in the profile becomes conditions that mean the same as under OPA, or is refused.
//!
//! It never approximates. What it cannot say exactly is a [`Problem`] with its place, the construct and what to write
//! instead; the rule then runs in the reference tier.
//!
//! | file | is |
//! |---|---|
//! | `symbol` | what names stand for while a rule is read: terms, containers, literal lists, packages |
//! | `query` | bodies: statements in a row, `some`, `every`, `not` |
//! | `condition` | an expression as a condition |
//! | `value` | an expression as a value: references, literals |
//! | `call` | helpers, put in place of their calls |
//! | `library` | the names of `policies/lib` and of builtins |
//! | `finding` | what `deny` contains, with the proof that every piece of it is defined |

mod body;
mod clause;
mod condition;
mod expr;
mod functions;
mod inline;
mod symbol;

#[cfg(test)]
mod tests;

use super::{
    ast::{self, Module, Span},
    complexity::RuleTable,
};
use kubevet_ir::{BinderId, CompiledControl, ConditionId, Program};
use kubevet_k8s::workload;
use kubevet_model::{Control, KindSelector, Problem, ProblemCode};
use kubevet_policy::ParamSchema;
use std::sync::Arc;

/// Calls of helpers that may be put in place in one rule.
const CALLS: usize = 4000;
/// Terms and conditions that one rule may add to the program.
const NODES: usize = 20_000;
/// Ways through the literal lists of one body.
const WAYS: usize = 256;

/// What the rules of one library may use.
pub struct Lowering<'a> {
    pub rules: &'a RuleTable<'a>,
    pub params: &'a ParamSchema,
    /// Whether `lib.*` is ours, word for word: only then do its names mean what is built in.
    pub own_library: bool,
}

impl<'a> Lowering<'a> {
    /// Adds a control's rule to the program.
    ///
    /// # Errors
    /// The first construct that cannot be compiled.
    pub fn lower(
        &self,
        program: &mut Program,
        control: &Arc<Control>,
        module: &'a Module,
    ) -> Result<CompiledControl, Problem> {
        let (terms, conds, _) = program.sizes();
        let only_workloads = control.kinds.iter().all(carries_pod_spec);
        let clauses = program.with_workload_assumption(only_workloads, |program| {
            let mut lowerer = Lowerer {
                lowering: self,
                control,
                program,
                active: Vec::new(),
                calls: 0,
                nodes_before: terms + conds,
            };
            lowerer.lower_deny_rules(module)
        })?;
        Ok(CompiledControl {
            control: Arc::clone(control),
            clauses,
        })
    }
}

/// Whether every object that a selector takes carries a pod spec.
fn carries_pod_spec(kinds: &KindSelector) -> bool {
    match kinds {
        KindSelector::Workloads => true,
        KindSelector::Kind(kind) => workload::is_workload(kind),
    }
}

/// One rule on its way.
struct Lowerer<'l, 'a> {
    lowering: &'l Lowering<'a>,
    control: &'l Control,
    program: &'l mut Program,
    /// The binders around the place that is being read, outermost first.
    active: Vec<BinderId>,
    calls: usize,
    nodes_before: usize,
}

impl<'a> Lowerer<'_, 'a> {
    /// Does something inside more binders.
    fn within<T>(&mut self, binders: &[BinderId], work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.active.len();
        self.active.extend_from_slice(binders);
        let done = work(self);
        self.active.truncate(before);
        done
    }

    fn refuse<T>(
        &self,
        module: &Module,
        span: &Span,
        message: impl Into<String>,
    ) -> Result<T, Problem> {
        Err(Problem::at(
            ProblemCode::RegoNotCompiled,
            &module.file,
            ast::position(span),
            message,
        ))
    }

    /// Counts a helper put in place; a rule that grows without bound is refused.
    fn spend(&mut self, module: &Module, span: &Span) -> Result<(), Problem> {
        self.calls += 1;
        let (terms, conds, _) = self.program.sizes();
        if self.calls > CALLS || terms + conds > self.nodes_before + NODES {
            return self.refuse(
                module,
                span,
                "the rule becomes too large when its helpers are put in place: split it",
            );
        }
        Ok(())
    }

    fn and(&mut self, conds: impl IntoIterator<Item = ConditionId>) -> ConditionId {
        self.program.and(conds)
    }
}
