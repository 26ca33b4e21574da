//! Negation, with the proof that OPA and the lowered condition agree on undefined operands.

use super::{
    Lowered, Lowerer,
    symbol::{Env, Symbol},
};
use crate::{
    ast::{self, BoolOp, Expr},
    refusal::Refusal,
};
use kubevet_ir::ConditionId;

impl<'a> Lowerer<'_, 'a> {
    /// Lowers `not expr`. OPA evaluates the arguments of a negated call before the `not`: an
    /// undefined argument makes the whole body undefined, and not the negation true. The lowered
    /// negation would be true, so the arguments must be defined for every object.
    pub(super) fn lower_negation(&mut self, expr: &'a Expr, env: &Env<'a>) -> Lowered<ConditionId> {
        match expr {
            Expr::Var { .. } => {}
            Expr::RefDot { .. } | Expr::RefBrack { .. } => self.require_defined_calls(expr, env)?,
            Expr::BoolExpr {
                op: BoolOp::Eq,
                lhs,
                rhs,
                ..
            } => {
                let left = self.require_defined_calls(lhs, env);
                self.require_defined_calls(rhs, env).and(left)?;
            }
            Expr::Call { params, .. } => {
                for param in params {
                    // A local is defined: its assignment added that condition to an earlier step.
                    let is_local = matches!(param.as_ref(),
                        Expr::Var { span, .. } if env.local(span.text()).is_some());
                    if let (Symbol::Term(term), false) = (self.value(param, env)?, is_local)
                        && !self.program.is_defined(term)
                    {
                        return self.refuse(env.module, param.span(), Refusal::UndefinedUnderNot);
                    }
                }
            }
            other => return self.refuse(env.module, other.span(), Refusal::NegationForm),
        }
        let condition = self.condition(expr, env)?;
        Ok(self.program.not(condition))
    }

    /// Requires that every call inside a negated reference or comparison is defined.
    fn require_defined_calls(&mut self, expr: &'a Expr, env: &Env<'a>) -> Lowered<()> {
        let mut calls: Vec<&'a Expr> = Vec::new();
        ast::walk(expr, &mut |inner| {
            if matches!(inner, Expr::Call { .. }) {
                calls.push(inner);
            }
        });
        for call in calls {
            if let Symbol::Term(term) = self.value(call, env)?
                && !self.program.is_defined(term)
            {
                return self.refuse(env.module, call.span(), Refusal::UndefinedUnderNot);
            }
        }
        Ok(())
    }
}
