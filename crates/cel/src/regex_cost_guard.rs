//! The guard of the cost of regular expressions. The API server estimates a match as the length of
//! the string times that of the pattern, and gives up over its limit. A control that matches
//! therefore skips objects over a bound of ours, and the policy says so.
//!
//! The guard is itself a CEL expression: the sum of the lengths of all strings that are matched,
//! times the sum of the lengths of all patterns.

use super::{
    emitter::Emitter, expr::Expr, target::ParamsFrom, typed_expr::TypedExpr,
    unsupported::Unsupported,
};
use kubevet_ir::{
    BinderId, CompiledControl, Condition, ConditionId, Const, Descent, Domain, Predicate, Program,
    Term, TermId, Visitor, Walk,
};
use kubevet_policy::ParamValue;
use std::sync::Arc;

/// Characters of strings times characters of patterns. The API server counts a fortieth of it, of
/// which it allows 1,000,000.
const MAX_MATCH_PRODUCT: i64 = 16_000_000;
/// The cost of matching one string, however short, in characters.
const MATCH_OVERHEAD_CHARS: i64 = 40;

/// Objects that a policy skips, since evaluating them could exceed the API server's cost limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSkip {
    /// A bool: true if the object is too large. Such an object passes.
    pub condition: Expr,
    /// The message for it.
    pub message: String,
}

/// What the conditions of a control match.
struct Matches<'p> {
    program: &'p Program,
    strings: Vec<TermId>,
    /// Characters of the patterns that are literals, at each use.
    literal_chars: usize,
    /// The params whose items are patterns.
    params: Vec<Arc<str>>,
}

impl<'p> Matches<'p> {
    fn of(program: &'p Program, control: &CompiledControl) -> Self {
        let mut matches = Self {
            program,
            strings: Vec::new(),
            literal_chars: 0,
            params: Vec::new(),
        };
        let mut walk = Walk::every_use(program);
        for condition in control.clauses.iter().flat_map(|clause| &clause.when) {
            walk.condition(*condition, &mut matches);
        }
        matches
    }

    fn add(&mut self, pattern: TermId, string: TermId) {
        if !self.strings.contains(&string) {
            self.strings.push(string);
        }
        match self.program.term(pattern) {
            Term::Const(Const::String(pattern)) => self.literal_chars += pattern.chars().count(),
            Term::Value(binder) => {
                if let Domain::Elements(list) | Domain::List(list) =
                    self.program.binder(*binder).domain
                    && let Term::Param(name) = self.program.term(list)
                    && !self.params.contains(name)
                {
                    self.params.push(Arc::clone(name));
                }
            }
            _ => {}
        }
    }
}

/// Visits the conditions, without the guards inside their terms.
impl Visitor for Matches<'_> {
    fn enter_condition(&mut self, condition: ConditionId, _scope: &[BinderId]) -> Descent {
        if let Condition::Predicate(Predicate::Matches, operands) =
            self.program.condition(condition)
            && let [pattern, string] = operands.as_ref()
        {
            self.add(*pattern, *string);
        }
        Descent::Children
    }

    fn enter_term(&mut self, _term: TermId, _scope: &[BinderId]) -> Descent {
        Descent::Skip
    }
}

impl Emitter<'_, '_> {
    /// When an object is too large for the patterns of a control; `None` where the control matches
    /// nothing.
    pub(super) fn regex_cost_guard(
        &mut self,
        compiled: &CompiledControl,
    ) -> Result<Option<CostSkip>, Unsupported> {
        let matches = Matches::of(self.context.program, compiled);
        let mut sizes = Vec::new();
        for string in &matches.strings {
            let mut binders = Vec::new();
            self.enclosing_loops(*string, &mut binders);
            sizes.extend(self.total_size(&binders, *string)?);
        }
        if sizes.is_empty() {
            return Ok(None);
        }
        let string_chars = Expr::sum(sizes);
        let pattern_chars = Expr::sum(self.pattern_sizes(&matches));
        let product = string_chars.times(pattern_chars);
        Ok(Some(CostSkip {
            condition: product.exceeds(Expr::Int(MAX_MATCH_PRODUCT)),
            message: format!(
                "{}: this object is too large for the policy to search it",
                compiled.control.id
            ),
        }))
    }

    /// The characters of all patterns: those of params that are read, and those of literals.
    fn pattern_sizes(&mut self, matches: &Matches<'_>) -> Vec<Expr> {
        let mut literal_chars = matches.literal_chars;
        let mut sizes = Vec::new();
        let target = self.context.target;
        for name in &matches.params {
            match (target.params.value(name), target.params) {
                (Some(ParamValue::List(list)), ParamsFrom::Written(_)) => {
                    literal_chars += list.iter().map(|item| item.chars().count()).sum::<usize>();
                }
                (Some(ParamValue::String(text)), ParamsFrom::Written(_)) => {
                    literal_chars += text.chars().count();
                }
                (Some(value), ParamsFrom::Resource(_)) => {
                    let definitions = self.context.definitions();
                    let Some(param) = definitions.param(self.variables, name) else {
                        continue;
                    };
                    sizes.push(match value {
                        ParamValue::List(_) => {
                            param.map("p", Expr::ident("p").size()).method("sum", [])
                        }
                        ParamValue::String(_) => param.size(),
                    });
                }
                (None, _) => {}
            }
        }
        sizes.push(Expr::count(literal_chars.max(1)));
        sizes
    }

    /// The loops that a term depends on, outermost first.
    fn enclosing_loops(&self, term: TermId, found: &mut Vec<BinderId>) {
        let program = self.context.program;
        for binder in program.free_binders_of_term(term) {
            if let Some(collection) = program.binder(*binder).domain.collection() {
                self.enclosing_loops(collection, found);
            }
            if !found.contains(binder) {
                found.push(*binder);
            }
        }
    }

    /// The characters of a string over all elements of its loops; `None` where there is no element.
    fn total_size(
        &mut self,
        binders: &[BinderId],
        string: TermId,
    ) -> Result<Option<Expr>, Unsupported> {
        let Some((binder, inner)) = binders.split_first() else {
            let value = self.term(string)?;
            return Ok(Some(self.size_or_zero(&value)));
        };
        let Some(iteration) = self.enter(*binder)? else {
            return Ok(None);
        };
        let inside = self.total_size(inner, string);
        self.leave();
        Ok(inside?.map(|size| iteration.map(Expr::Bool(true), size).method("sum", [])))
    }

    fn size_or_zero(&mut self, value: &TypedExpr) -> Expr {
        let name = self.scope.unused("text");
        let variable = Expr::ident(&name);
        let size = variable
            .clone()
            .size()
            .plus(Expr::Int(MATCH_OVERHEAD_CHARS));
        let size = Expr::conditional(variable.is_type("string"), size, Expr::Int(0));
        value.optional().opt_map(&name, size).or_value(Expr::Int(0))
    }
}
