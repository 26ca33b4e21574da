//! Lowering: a Rego rule becomes clauses of the program that mean the same as under OPA, or it is
//! refused.
//!
//! Lowering never approximates. What it cannot translate exactly is a [`Refusal`] with its
//! position and what to write instead; the rule then runs in the interpreter. All refusals of a
//! rule are collected: a statement that is refused is left out, and the names that it binds are
//! *poisoned*, so that what depends on them is not reported again.
//!
//! The algorithm is symbolic evaluation. A name stands for a [`symbol::Symbol`], which is a term of
//! the program or something that exists only here, such as a container or a literal list. Helpers
//! are inlined under a budget of nodes. A body becomes alternatives, one for each choice of
//! elements from the literal lists that it iterates.
//!
//! | file | contains |
//! |---|---|
//! | `symbol` | what names stand for, and the environment of a body |
//! | `body`, `alternative` | bodies: statements in sequence, `some`, `every`; the disjuncts of a body |
//! | `iterable` | the collections that are iterated |
//! | `negation` | `not` |
//! | `condition` | an expression as a condition |
//! | `expr` | an expression as a value: references, literals |
//! | `inline` | helpers, inlined |
//! | `library_functions` | the names of `policies/lib` with a native half |
//! | `builtin_functions`, `string_building` | the builtins of Rego; `sprintf` and `concat` |
//! | `clause` | `applies` and `deny`, with the proof that every part of a finding is defined |

mod alternative;
mod body;
mod builtin_functions;
mod clause;
mod condition;
mod expr;
mod inline;
mod iterable;
mod library_functions;
mod negation;
mod string_building;
mod symbol;

#[cfg(test)]
mod tests;

use super::{
    ast::{self, Module, Span},
    complexity::RuleTable,
    refusal::Refusal,
};
use kubevet_ir::{BinderId, CompiledControl, ConditionId, Program};
use kubevet_k8s::workload;
use kubevet_model::{Control, KindSelector, Problem, ProblemCode};
use kubevet_policy::ParamSchema;
use std::{collections::BTreeSet, sync::Arc};

/// The most calls of helpers that are inlined in one rule.
const MAX_INLINED_CALLS: usize = 4000;
/// The most terms and conditions that one rule may add to the program.
const MAX_NODES: usize = 20_000;
/// The most alternatives of one body.
const MAX_ALTERNATIVES: usize = 256;

/// A construct was refused, and the refusal recorded.
#[derive(Debug, Clone, Copy)]
struct Refused;

type Lowered<T> = Result<T, Refused>;

/// The context of one library that its rules are lowered in.
pub struct Lowering<'a> {
    /// All rules of the library, by name.
    pub rules: &'a RuleTable<'a>,
    /// The params that rules may read.
    pub params: &'a ParamSchema,
    /// True if `lib.*` is the embedded library, byte for byte. Only then do its names mean what
    /// their native halves do.
    pub own_library: bool,
}

impl<'a> Lowering<'a> {
    /// Adds a control's rule to the program.
    ///
    /// # Errors
    /// All refusals of the rule, sorted by position.
    pub fn lower(
        &self,
        program: &mut Program,
        control: &Arc<Control>,
        module: &'a Module,
    ) -> Result<CompiledControl, Vec<Problem>> {
        let (terms, conditions, _) = program.sizes();
        let only_workloads = control.kinds.iter().all(has_pod_spec);
        let (applies, clauses, refusals) =
            program.with_workload_assumption(only_workloads, |program| {
                let mut lowerer = Lowerer {
                    lowering: self,
                    control,
                    program,
                    refusals: BTreeSet::new(),
                    is_over_budget: false,
                    enclosing: Vec::new(),
                    inlined_calls: 0,
                    nodes_before: terms + conditions,
                };
                let applies = lowerer.lower_applies(module);
                let clauses = lowerer.lower_deny_rules(module, applies);
                (applies, clauses, lowerer.refusals)
            });
        if refusals.is_empty() {
            Ok(CompiledControl {
                control: Arc::clone(control),
                applies,
                clauses,
            })
        } else {
            Err(refusals.into_iter().collect())
        }
    }
}

/// True if every object of a selector has a pod spec.
fn has_pod_spec(selector: &KindSelector) -> bool {
    match selector {
        KindSelector::Workloads | KindSelector::CustomWorkload(_) => true,
        KindSelector::Kind(kind) => workload::is_workload(kind),
    }
}

/// The state of lowering one rule.
struct Lowerer<'l, 'a> {
    lowering: &'l Lowering<'a>,
    control: &'l Control,
    program: &'l mut Program,
    /// A set, since a helper that is inlined twice is reported once.
    refusals: BTreeSet<Problem>,
    /// A budget was exceeded: nothing more is lowered.
    is_over_budget: bool,
    /// The binders around the current statement, outermost first.
    enclosing: Vec<BinderId>,
    inlined_calls: usize,
    /// The terms and conditions of the program before this rule.
    nodes_before: usize,
}

impl<'a> Lowerer<'_, 'a> {
    /// Runs `lower` with more binders around the current statement.
    fn within<T>(&mut self, binders: &[BinderId], lower: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.enclosing.len();
        self.enclosing.extend_from_slice(binders);
        let lowered = lower(self);
        self.enclosing.truncate(depth);
        lowered
    }

    /// Records a refusal.
    fn refuse<T>(&mut self, module: &Module, span: &Span, refusal: Refusal) -> Lowered<T> {
        if !self.is_over_budget {
            self.refusals.insert(Problem::at(
                ProblemCode::RegoNotCompiled,
                &module.file,
                ast::position(span),
                refusal.to_string(),
            ));
        }
        Err(Refused)
    }

    /// Records that a budget is exceeded, and ends lowering.
    fn exceed_budget<T>(&mut self, module: &Module, span: &Span, refusal: Refusal) -> Lowered<T> {
        let refused = self.refuse(module, span, refusal);
        self.is_over_budget = true;
        refused
    }

    /// Charges one inlined call. Inlining is exponential in the depth of helpers that call each
    /// other twice, so calls and nodes have a budget.
    fn charge(&mut self, module: &Module, span: &Span) -> Lowered<()> {
        self.inlined_calls += 1;
        let (terms, conditions, _) = self.program.sizes();
        if self.inlined_calls > MAX_INLINED_CALLS
            || terms + conditions > self.nodes_before + MAX_NODES
        {
            return self.exceed_budget(module, span, Refusal::RuleTooLarge);
        }
        Ok(())
    }

    fn and(&mut self, conditions: impl IntoIterator<Item = ConditionId>) -> ConditionId {
        self.program.and(conditions)
    }
}

/// Collects all values, or returns a refusal if one of them is refused. The iterator is always
/// consumed to its end, so that every refusal is recorded.
fn all<T>(lowered: impl Iterator<Item = Lowered<T>>) -> Lowered<Vec<T>> {
    let mut values = Ok(Vec::new());
    for each in lowered {
        match (&mut values, each) {
            (Ok(values), Ok(value)) => values.push(value),
            (values, _) => *values = Err(Refused),
        }
    }
    values
}
