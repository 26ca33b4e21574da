//! An expression as a condition: true, or not.

use super::{
    Lowerer,
    symbol::{Scope, Symbol},
};
use crate::ast::{BoolOp, Expr, Span, static_path};
use kubevet_ir::{Comparison, Condition, ConditionId, Const, Term, TermId};
use kubevet_model::Problem;

impl<'a> Lowerer<'_, 'a> {
    /// A statement that is no binding.
    pub(super) fn condition(
        &mut self,
        expr: &'a Expr,
        scope: &Scope<'a>,
    ) -> Result<ConditionId, Problem> {
        match expr {
            Expr::BoolExpr {
                op, lhs, rhs, span, ..
            } => self.comparison(op, lhs, rhs, span, scope),
            Expr::Membership { key: Some(key), .. } => self.refuse(
                scope.module,
                key.span(),
                "`k, v in …` as a condition is not compiled: bind them with `some`",
            ),
            Expr::Membership {
                value, collection, ..
            } => self.membership(value, collection, scope),
            Expr::Call {
                span, fcn, params, ..
            } => self.call_condition(span, fcn, params, scope),
            _ => {
                let symbol = self.value(expr, scope)?;
                // Collections are true, empty or not.
                if matches!(
                    symbol,
                    Symbol::List(_)
                        | Symbol::Set(_)
                        | Symbol::Record(_)
                        | Symbol::Element(_)
                        | Symbol::Domain(_)
                        | Symbol::Partial(_)
                ) {
                    return Ok(self.program.always());
                }
                let term = self.term_of(symbol, scope.module, expr.span())?;
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
        scope: &Scope<'a>,
    ) -> Result<ConditionId, Problem> {
        let comparison = match op {
            BoolOp::Eq => Comparison::Equal,
            BoolOp::Ne => Comparison::NotEqual,
            BoolOp::Lt => Comparison::Less,
            BoolOp::Le => Comparison::LessOrEqual,
            BoolOp::Gt => Comparison::Greater,
            BoolOp::Ge => Comparison::GreaterOrEqual,
        };
        if let Some(cond) = self.emptiness(comparison, lhs, rhs, scope)? {
            return Ok(cond);
        }
        let mut side = |it: &'a Expr| {
            let symbol = self.value(it, scope)?;
            self.term_of(symbol, scope.module, it.span())
        };
        let (a, b) = (side(lhs)?, side(rhs)?);
        // The constant stands on the right.
        let (comparison, a, b) = match self.program.term(a) {
            Term::Const(_) => (comparison.flipped(), b, a),
            _ => (comparison, a, b),
        };
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if ordered
            && [a, b].iter().any(|it| {
                matches!(
                    self.program.term(*it),
                    Term::Const(Const::EmptyList | Const::EmptyMap)
                )
            })
        {
            return self.refuse(
                scope.module,
                span,
                "lists and maps are not ordered: compare what is in them",
            );
        }
        Ok(self.compare(comparison, a, b))
    }

    pub(super) fn equal(&mut self, a: TermId, b: TermId) -> ConditionId {
        self.compare(Comparison::Equal, a, b)
    }

    fn compare(&mut self, comparison: Comparison, a: TermId, b: TermId) -> ConditionId {
        self.program.compare(comparison, a, b)
    }

    /// `count(names) == 0` of rules that contain: whether there is one.
    fn emptiness(
        &mut self,
        comparison: Comparison,
        lhs: &'a Expr,
        rhs: &'a Expr,
        scope: &Scope<'a>,
    ) -> Result<Option<ConditionId>, Problem> {
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
        let (Symbol::Partial(name), "0") = (self.value(argument, scope)?, number.text()) else {
            return Ok(None);
        };
        let elements = self.elements_of(&name, span, scope)?;
        let mut each = Vec::new();
        for (way, element) in elements {
            let always = match element {
                Symbol::Term(term) => self.program.defined(term),
                _ => self.program.always(),
            };
            each.push(self.fold(&way.steps, always));
        }
        let some = self.program.or(each);
        Ok(Some(match comparison {
            Comparison::Equal | Comparison::LessOrEqual => self.program.not(some),
            Comparison::Greater | Comparison::NotEqual => some,
            Comparison::GreaterOrEqual => self.program.always(),
            Comparison::Less => self.program.never(),
        }))
    }

    fn membership(
        &mut self,
        value: &'a Expr,
        collection: &'a Expr,
        scope: &Scope<'a>,
    ) -> Result<ConditionId, Problem> {
        let symbol = self.value(value, scope)?;
        let value = self.term_of(symbol, scope.module, value.span())?;
        match self.value(collection, scope)? {
            Symbol::List(items) | Symbol::Set(items) => {
                let constants: Option<Vec<Const>> =
                    items.iter().map(|it| self.constant_of(it)).collect();
                if let Some(constants) = constants {
                    return Ok(self.one_of(value, constants));
                }
                let mut each = Vec::new();
                let mut defined = Vec::new();
                for item in items {
                    let item = self.term_of(item, scope.module, collection.span())?;
                    defined.push(self.program.defined(item));
                    each.push(self.compare(Comparison::Equal, value, item));
                }
                // A collection with an undefined part is undefined as a whole.
                let some = self.program.or(each);
                defined.push(some);
                Ok(self.and(defined))
            }
            Symbol::Partial(name) => {
                let mut each = Vec::new();
                for (way, element) in self.elements_of(&name, collection.span(), scope)? {
                    let element = self.term_of(element, scope.module, collection.span())?;
                    let is_it = self.compare(Comparison::Equal, value, element);
                    each.push(self.fold(&way.steps, is_it));
                }
                let some = self.program.or(each);
                let defined = self.program.defined(value);
                Ok(self.and([defined, some]))
            }
            other => {
                let collection = self.term_of(other, scope.module, collection.span())?;
                Ok(self
                    .program
                    .intern_condition(Condition::Member(value, collection)))
            }
        }
    }

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
