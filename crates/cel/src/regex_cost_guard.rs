//! The guard of the cost of regular expressions. The API server estimates a match as the length of
//! the string times that of the pattern, and gives up over its limit. A control that matches
//! therefore skips objects over a bound of ours, and the policy says so.
//!
//! The guard is itself a CEL expression: the sum, over all strings that are matched, of the length
//! of the string times the lengths of the patterns that it is matched with.

use super::{
    emitter::Emitter,
    expr::Expr,
    target::ParamsFrom,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{
    BinderId, CompiledControl, Condition, ConditionId, Const, Descent, Domain, Intrinsic, Program,
    Term, TermId, Visitor, Walk,
};
use kubevet_policy::ParamValue;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Characters of strings times characters of patterns. The API server counts a fortieth of it, of
/// which it allows 1,000,000.
const MAX_MATCH_PRODUCT: i64 = 24_000_000;
/// The cost of matching one string, however short, in characters: the API server counts one more
/// character, and rounds up to ten.
const MATCH_OVERHEAD_CHARS: i64 = 12;

/// `lib.strings.words` has at most this many characters for each of its operand, and one more.
const WORDS_FACTOR: i64 = 2;

/// Objects that a policy skips, since evaluating them could exceed the API server's cost limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSkip {
    /// A bool: true if the object is too large. Such an object passes.
    pub condition: Expr,
    /// The message for it.
    pub message: String,
    /// The number that is too large.
    pub product: Expr,
}

impl CostSkip {
    /// The same for the sum of a product over several pods.
    pub(super) fn over(self, product: Expr) -> Self {
        Self {
            condition: is_too_large(&product),
            product,
            ..self
        }
    }
}

fn is_too_large(product: &Expr) -> Expr {
    product.clone().exceeds(Expr::Int(MAX_MATCH_PRODUCT))
}

/// The patterns that one string is matched with.
#[derive(Default)]
struct Patterns {
    /// The literals.
    literals: BTreeSet<TermId>,
    /// The params whose items are patterns.
    params: BTreeSet<Arc<str>>,
}

/// A string of the object that bounds the length of a string that is matched.
#[derive(Clone, Copy)]
struct MeasuredString {
    string: TermId,
    /// The maximum length in characters that counts.
    max_chars: Option<i64>,
    /// The matched string has at most this many characters for each of the measured one.
    factor: i64,
}

/// What the conditions of a control match.
struct Matches<'p> {
    program: &'p Program,
    strings: BTreeMap<TermId, Patterns>,
}

impl<'p> Matches<'p> {
    fn of(program: &'p Program, control: &CompiledControl) -> Self {
        let mut matches = Self {
            program,
            strings: BTreeMap::new(),
        };
        let mut walk = Walk::once(program);
        for condition in control.clauses.iter().flat_map(|clause| &clause.when) {
            walk.condition(*condition, &mut matches);
        }
        matches
    }

    fn add(&mut self, pattern: TermId, string: TermId) {
        let found = self.strings.entry(string).or_default();
        match self.program.term(pattern) {
            Term::Const(_) => {
                found.literals.insert(pattern);
            }
            Term::Value(binder) => {
                if let Domain::Elements(list) | Domain::List(list) =
                    self.program.binder(*binder).domain
                    && let Term::Param(name) = self.program.term(list)
                {
                    found.params.insert(Arc::clone(name));
                }
            }
            _ => {}
        }
    }
}

/// Visits the conditions, without the guards inside their terms.
impl Visitor for Matches<'_> {
    fn enter_condition(&mut self, condition: ConditionId, _scope: &[BinderId]) -> Descent {
        if let Condition::Predicate(predicate, operands) = self.program.condition(condition)
            && let Some((patterns, [string])) = operands.split_at_checked(predicate.patterns())
        {
            for pattern in patterns {
                self.add(*pattern, *string);
            }
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
        let mut products = Vec::new();
        for (string, patterns) in &matches.strings {
            let measured = self.measured_string(*string);
            let mut binders = Vec::new();
            self.enclosing_loops(measured.string, &mut binders);
            if let Some(size) = self.total_size(&binders, measured)? {
                products.push(size.times(Expr::sum(self.pattern_sizes(patterns))));
            }
        }
        if products.is_empty() {
            return Ok(None);
        }
        let product = Expr::sum(products);
        Ok(Some(CostSkip {
            condition: is_too_large(&product),
            product,
            message: format!(
                "{}: this object is too large for the policy to search it",
                compiled.control.id
            ),
        }))
    }

    /// The characters of patterns: those of params that are read, and those of literals.
    fn pattern_sizes(&mut self, patterns: &Patterns) -> Vec<Expr> {
        let literal = |pattern: &TermId| match self.context.program.term(*pattern) {
            Term::Const(Const::String(pattern)) => pattern.chars().count(),
            _ => 0,
        };
        let mut literal_chars: usize = patterns.literals.iter().map(literal).sum();
        let mut sizes = Vec::new();
        let target = self.context.target;
        for name in &patterns.params {
            match (target.params.value(name), target.params) {
                (Some(ParamValue::List(list)), ParamsFrom::Written(_)) => {
                    literal_chars += list.iter().map(|item| item.chars().count()).sum::<usize>();
                }
                (Some(ParamValue::String(text)), ParamsFrom::Written(_)) => {
                    literal_chars += text.chars().count();
                }
                (Some(value), ParamsFrom::Variables(_) | ParamsFrom::Resource(_)) => {
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

    /// The string by whose length that of a matched string is bounded.
    fn measured_string(&self, matched: TermId) -> MeasuredString {
        let program = self.context.program;
        let mut measured = MeasuredString {
            string: matched,
            max_chars: None,
            factor: 1,
        };
        while let Term::Call(function, operands) = program.term(measured.string) {
            let Some(operand) = operands.first() else {
                break;
            };
            match (function, operands.get(2).map(|third| program.term(*third))) {
                (Intrinsic::LowerAscii, _) => {}
                // Each letter can become a word with two borders, of which neighbours share one.
                (Intrinsic::Words, _) => measured.factor *= WORDS_FACTOR,
                (Intrinsic::Replace, Some(Term::Const(Const::String(_)))) => {}
                (Intrinsic::Substring, Some(Term::Const(Const::Int(max)))) if *max >= 0 => {
                    measured.max_chars.get_or_insert(*max);
                }
                _ => break,
            }
            measured.string = *operand;
        }
        measured
    }

    /// The characters of a string over all elements of its loops; `None` where there is no element.
    fn total_size(
        &mut self,
        binders: &[BinderId],
        measured: MeasuredString,
    ) -> Result<Option<Expr>, Unsupported> {
        let Some((binder, inner)) = binders.split_first() else {
            let value = self.term(measured.string)?;
            return Ok(Some(self.size_or_zero(&value, measured)));
        };
        let Some(iteration) = self.enter(*binder)? else {
            return Ok(None);
        };
        let inside = self.total_size(inner, measured);
        self.leave();
        Ok(inside?.map(|size| iteration.map(Expr::Bool(true), size).method("sum", [])))
    }

    fn size_or_zero(&mut self, value: &TypedExpr, measured: MeasuredString) -> Expr {
        let is_string = value.static_type == StaticType::String && !value.nullable;
        if is_string && value.presence == Presence::Always && value.cel.is_cheap() {
            return string_size(&value.cel, measured);
        }
        let name = self.scope.unused("text");
        let variable = Expr::ident(&name);
        let mut size = string_size(&variable, measured);
        if !is_string {
            size = Expr::conditional(variable.is_type("string"), size, Expr::Int(0));
        }
        value.optional().opt_map(&name, size).or_value(Expr::Int(0))
    }
}

/// The characters of a string that count.
fn string_size(string: &Expr, measured: MeasuredString) -> Expr {
    let mut size = string.clone().size();
    if let Some(max) = measured.max_chars {
        let is_longer = size.clone().exceeds(Expr::Int(max));
        size = Expr::conditional(is_longer, Expr::Int(max), size);
    }
    if measured.factor > 1 {
        size = size.times(Expr::Int(measured.factor));
    }
    size.plus(Expr::Int(MATCH_OVERHEAD_CHARS))
}
