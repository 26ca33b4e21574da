//! The copies of a value that a rule can make, as an abstract interpretation of its statements.
//!
//! Rules that it calls are not followed: their results are given.

use crate::{
    ast::{ArithOp, Expr, Literal, Module, Query, Rule, arguments, head_value, static_path, walk},
    builtins,
};
use std::collections::BTreeMap;

/// The most copies of a value that an expression may hold. Copies share memory, but comparing or
/// printing them takes time for each.
pub(super) const MAX_COPIES: u64 = 10_000;
/// The factor by which a product is larger than its operands together.
const PRODUCT_WEIGHT: u64 = 4;

/// Computes an upper bound of the copies of its inputs that the value of an expression can hold.
/// For example, `[x, x]` holds two copies of `x`.
pub(super) struct SizeEstimator<'a> {
    pub(super) module: &'a Module,
    /// Full name → copies in the value of the rule.
    pub(super) called: &'a BTreeMap<String, u64>,
}

impl SizeEstimator<'_> {
    pub(super) fn of_rule(&self, rule: &Rule) -> u64 {
        let mut locals: BTreeMap<&str, u64> = arguments(rule)
            .iter()
            .map(|argument| (argument.span().text(), 1))
            .collect();
        let mut most = 1;
        if let Rule::Spec { head, bodies, .. } = rule {
            for body in bodies {
                self.of_query(&body.query, &mut locals);
                most = most.max(
                    body.assign
                        .as_ref()
                        .map_or(1, |assigned| self.of(&assigned.value, &mut locals)),
                );
            }
            most = most.max(head_value(head).map_or(1, |value| self.of(value, &mut locals)));
        }
        most.max(locals.values().copied().max().unwrap_or(1))
    }

    fn of_query<'q>(&self, query: &'q Query, locals: &mut BTreeMap<&'q str, u64>) {
        // A fixpoint iteration: Rego orders statements by their dependencies, so a later one may
        // bind a name that an earlier one reads. A chain of n statements needs n passes.
        for _ in 0..query.stmts.len().min(64) {
            let before = locals.clone();
            for statement in &query.stmts {
                match &statement.literal {
                    Literal::Expr { expr, .. } => {
                        if let Expr::AssignExpr { lhs, rhs, .. } = expr.as_ref() {
                            let copies = self.of(rhs, locals);
                            let mut names = Vec::new();
                            walk(lhs, &mut |inner| {
                                if let Expr::Var { span, .. } = inner {
                                    names.push(span.text());
                                }
                            });
                            for name in names {
                                let entry = locals.entry(name).or_insert(1);
                                *entry = copies.max(*entry);
                            }
                        } else {
                            self.of(expr, locals);
                        }
                    }
                    Literal::SomeIn {
                        key,
                        value,
                        collection,
                        ..
                    } => {
                        let copies = self.of(collection, locals);
                        for name in [key.as_ref(), Some(value)].into_iter().flatten() {
                            locals.insert(name.span().text(), copies);
                        }
                    }
                    Literal::Every {
                        value,
                        domain,
                        query,
                        ..
                    } => {
                        let copies = self.of(domain, locals);
                        locals.insert(value.text(), copies);
                        self.of_query(query, locals);
                    }
                    Literal::NotExpr { .. } | Literal::SomeVars { .. } => {}
                }
            }
            if *locals == before {
                break;
            }
        }
    }

    fn of<'q>(&self, expr: &'q Expr, locals: &mut BTreeMap<&'q str, u64>) -> u64 {
        let copies = match expr {
            Expr::Array { items, .. } | Expr::Set { items, .. } => items
                .iter()
                .map(|item| self.of(item, locals))
                .fold(0, u64::saturating_add)
                .max(1),
            Expr::Object { fields, .. } => fields
                .iter()
                .map(|(_, _, value)| self.of(value, locals))
                .fold(0, u64::saturating_add)
                .max(1),
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.of_query(query, locals);
                self.of(term, locals)
            }
            Expr::ObjectCompr { value, query, .. } => {
                self.of_query(query, locals);
                self.of(value, locals)
            }
            Expr::Call { fcn, params, .. } => {
                // A rule multiplies the copies in its largest argument by its own. A builtin that
                // keeps its arguments adds them up. Any other result is a scalar.
                let held: Vec<u64> = params
                    .iter()
                    .map(|param| self.of(param, locals).max(1))
                    .collect();
                match self
                    .module
                    .target(fcn)
                    .and_then(|target| self.called.get(&target).copied())
                {
                    Some(factor) => held
                        .iter()
                        .copied()
                        .max()
                        .unwrap_or(1)
                        .saturating_mul(factor),
                    None if static_path(fcn)
                        .is_some_and(|path| builtins::holds_arguments(&path.join("."))) =>
                    {
                        held.iter().copied().fold(0, u64::saturating_add)
                    }
                    None => 1,
                }
            }
            // A literal is no copy of an input.
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => 0,
            Expr::Var { span, .. } => locals
                .get(span.text())
                .copied()
                .unwrap_or_else(|| self.named(expr)),
            Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => {
                self.of(refr, locals).max(self.named(expr))
            }
            // A product has the digits of both factors, and multiplication is expensive.
            Expr::ArithExpr {
                op: ArithOp::Mul,
                lhs,
                rhs,
                ..
            } => self
                .of(lhs, locals)
                .saturating_add(self.of(rhs, locals))
                .saturating_mul(PRODUCT_WEIGHT),
            Expr::BinExpr { lhs, rhs, .. } | Expr::ArithExpr { lhs, rhs, .. } => {
                self.of(lhs, locals).saturating_add(self.of(rhs, locals))
            }
            _ => 1,
        };
        // The cap lets the fixpoint iteration end early once the limit is exceeded for certain.
        copies.min(MAX_COPIES.saturating_mul(MAX_COPIES))
    }

    /// The copies in the value of the rule that a reference names; 1 for other references.
    fn named(&self, expr: &Expr) -> u64 {
        self.module
            .target(expr)
            .and_then(|target| self.called.get(&target).copied())
            .unwrap_or(1)
    }
}
