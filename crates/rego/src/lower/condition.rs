//! Expressions as conditions.
//!
//! A condition of the program is two-valued: an expression that is false or undefined in OPA makes
//! the condition false, since both end a body.

use super::{
    Lowered, Lowerer,
    symbol::{Env, Symbol},
};
use crate::{
    ast::{BoolOp, Expr, Span, static_path},
    refusal::Refusal,
};
use kubevet_ir::{Comparison, Condition, ConditionId, Const, Term, TermId};

impl<'a> Lowerer<'_, 'a> {
    /// Lowers an expression to the condition that it is neither false nor undefined.
    pub(super) fn condition(&mut self, expr: &'a Expr, env: &Env<'a>) -> Lowered<ConditionId> {
        match expr {
            Expr::BoolExpr {
                op, lhs, rhs, span, ..
            } => self.comparison(op, lhs, rhs, span, env),
            Expr::Membership { key: Some(key), .. } => {
                self.refuse(env.module, key.span(), Refusal::MembershipWithKey)
            }
            Expr::Membership {
                value, collection, ..
            } => self.membership(value, collection, env),
            Expr::Call {
                span, fcn, params, ..
            } => self.call_condition(span, fcn, params, env),
            _ => {
                let symbol = self.value(expr, env)?;
                // A collection is truthy even if it is empty.
                if matches!(
                    symbol,
                    Symbol::List(_)
                        | Symbol::Set(_)
                        | Symbol::Record(_)
                        | Symbol::Element(_)
                        | Symbol::Domain(_)
                        | Symbol::Contains(_)
                ) {
                    return Ok(self.program.always());
                }
                let term = self.term_of(symbol, env.module, expr.span())?;
                Ok(self.program.truthy(term))
            }
        }
    }

    fn comparison(
        &mut self,
        op: &BoolOp,
        lhs: &'a Expr,
        rhs: &'a Expr,
        span: &Span,
        env: &Env<'a>,
    ) -> Lowered<ConditionId> {
        let comparison = match op {
            BoolOp::Eq => Comparison::Equal,
            BoolOp::Ne => Comparison::NotEqual,
            BoolOp::Lt => Comparison::Less,
            BoolOp::Le => Comparison::LessOrEqual,
            BoolOp::Gt => Comparison::Greater,
            BoolOp::Ge => Comparison::GreaterOrEqual,
        };
        if let Some(cond) = self.emptiness(comparison, lhs, rhs, env)? {
            return Ok(cond);
        }
        let mut lower_operand = |operand: &'a Expr| {
            let symbol = self.value(operand, env)?;
            self.term_of(symbol, env.module, operand.span())
        };
        let (left, right) = (lower_operand(lhs), lower_operand(rhs));
        let (a, b) = (left?, right?);
        // A literal moves to the right side, so that equal comparisons are interned as one.
        let (comparison, a, b) = match self.program.term(a) {
            Term::Const(_) => (comparison.flipped(), b, a),
            _ => (comparison, a, b),
        };
        let is_ordering = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if is_ordering
            && [a, b].iter().any(|operand| {
                matches!(
                    self.program.term(*operand),
                    Term::Const(Const::EmptyList | Const::EmptyMap)
                )
            })
        {
            return self.refuse(env.module, span, Refusal::UnorderedLiteral);
        }
        Ok(self.compare(comparison, a, b))
    }

    pub(super) fn equal(&mut self, a: TermId, b: TermId) -> ConditionId {
        self.compare(Comparison::Equal, a, b)
    }

    fn compare(&mut self, comparison: Comparison, a: TermId, b: TermId) -> ConditionId {
        self.program.compare(comparison, a, b)
    }

    /// Lowers a comparison of `count(names)` with 0, where `names` are `contains` rules: it tests
    /// whether any rule adds an element, and the set itself is never built. `None` for other
    /// comparisons.
    fn emptiness(
        &mut self,
        comparison: Comparison,
        lhs: &'a Expr,
        rhs: &'a Expr,
        env: &Env<'a>,
    ) -> Lowered<Option<ConditionId>> {
        let (
            Expr::Call {
                fcn, params, span, ..
            },
            Expr::Number { span: number, .. },
        ) = (lhs, rhs)
        else {
            return Ok(None);
        };
        let ([argument], true) = (
            params.as_slice(),
            static_path(fcn).unwrap_or_default() == ["count"],
        ) else {
            return Ok(None);
        };
        if !matches!(argument.as_ref(), Expr::Var { .. } | Expr::RefDot { .. }) {
            return Ok(None);
        }
        let (Symbol::Contains(name), "0") = (self.value(argument, env)?, number.text()) else {
            return Ok(None);
        };
        let elements = self.elements_of(&name, span, env)?;
        let mut each = Vec::new();
        for (alternative, element) in elements {
            let always = match element {
                Symbol::Term(term) => self.program.defined(term),
                _ => self.program.always(),
            };
            each.push(self.fold(&alternative.steps, always));
        }
        let some = self.program.or(each);
        Ok(Some(match comparison {
            Comparison::Equal | Comparison::LessOrEqual => self.program.not(some),
            Comparison::Greater | Comparison::NotEqual => some,
            Comparison::GreaterOrEqual => self.program.always(),
            Comparison::Less => self.program.never(),
        }))
    }

    /// Lowers `value in collection`. In a literal collection it is a disjunction of comparisons.
    fn membership(
        &mut self,
        value: &'a Expr,
        collection: &'a Expr,
        env: &Env<'a>,
    ) -> Lowered<ConditionId> {
        let symbol = self.value(value, env)?;
        let value = self.term_of(symbol, env.module, value.span())?;
        match self.value(collection, env)? {
            Symbol::List(items) | Symbol::Set(items) => {
                let constants: Option<Vec<Const>> =
                    items.iter().map(|item| self.constant_of(item)).collect();
                if let Some(constants) = constants {
                    return Ok(self.one_of(value, constants));
                }
                let mut each = Vec::new();
                let mut defined = Vec::new();
                for item in items {
                    let item = self.term_of(item, env.module, collection.span())?;
                    defined.push(self.program.defined(item));
                    each.push(self.compare(Comparison::Equal, value, item));
                }
                // In OPA a literal collection with an undefined item is undefined as a whole.
                let some = self.program.or(each);
                defined.push(some);
                Ok(self.and(defined))
            }
            Symbol::Contains(name) => {
                let mut each = Vec::new();
                for (alternative, element) in self.elements_of(&name, collection.span(), env)? {
                    let element = self.term_of(element, env.module, collection.span())?;
                    let is_equal = self.compare(Comparison::Equal, value, element);
                    each.push(self.fold(&alternative.steps, is_equal));
                }
                let some = self.program.or(each);
                let defined = self.program.defined(value);
                Ok(self.and([defined, some]))
            }
            other => {
                let collection = self.term_of(other, env.module, collection.span())?;
                Ok(self
                    .program
                    .intern_condition(Condition::Member(value, collection)))
            }
        }
    }

    /// The condition that a term equals one of the literals.
    fn one_of(&mut self, value: TermId, constants: Vec<Const>) -> ConditionId {
        if let Term::Const(known) = self.program.term(value) {
            return if constants.contains(known) {
                self.program.always()
            } else {
                self.program.never()
            };
        }
        match constants.as_slice() {
            [only] => {
                let only = self.program.constant(only.clone());
                self.compare(Comparison::Equal, value, only)
            }
            [] => self.program.never(),
            _ => self.program.one_of(value, constants),
        }
    }
}
