//! The recursion depth of the interpreter on one rule, as a fold over the syntax tree.
//!
//! Rules that it calls are not followed: the search over the call graph adds them up.

use crate::ast::{Expr, ExprRef, Literal, Query, Rule, head_value};

/// The recursion depth of evaluating a rule, without the rules that it calls.
pub(super) fn rule_depth(rule: &Rule) -> usize {
    match rule {
        Rule::Spec { head, bodies, .. } => {
            let head = head_value(head).map_or(0, |value| depth(value));
            let bodies = bodies.iter().map(|body| {
                query_depth(&body.query)
                    .max(body.assign.as_ref().map_or(0, |value| depth(&value.value)))
            });
            2 + bodies.max().unwrap_or(0).max(head)
        }
        Rule::Default { value, .. } => 1 + depth(value),
    }
}

/// The recursion depth of a query. Each statement counts: the interpreter evaluates the later
/// statements inside the loop of an earlier one. `not` opens no loop.
fn query_depth(query: &Query) -> usize {
    let loops = query
        .stmts
        .iter()
        .filter(|statement| !matches!(statement.literal, Literal::NotExpr { .. }))
        .count();
    let inner = query
        .stmts
        .iter()
        .map(|statement| match &statement.literal {
            Literal::SomeVars { .. } => 0,
            Literal::SomeIn { collection, .. } => depth(collection),
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => depth(expr),
            Literal::Every { domain, query, .. } => depth(domain).max(query_depth(query)),
        });
    loops + inner.max().unwrap_or(0)
}

/// The recursion depth of evaluating an expression.
fn depth(expr: &Expr) -> usize {
    let all = |items: &[ExprRef]| items.iter().map(|item| depth(item)).max().unwrap_or(0);
    1 + match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => all(items),
        Expr::Object { fields, .. } => fields
            .iter()
            .map(|(_, k, v)| depth(k).max(depth(v)))
            .max()
            .unwrap_or(0),
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            depth(term) + query_depth(query)
        }
        Expr::ObjectCompr {
            key, value, query, ..
        } => depth(key).max(depth(value)) + query_depth(query),
        Expr::Call { params, .. } => all(params),
        Expr::UnaryExpr { expr, .. } => depth(expr),
        Expr::RefDot { refr, .. } => depth(refr),
        Expr::RefBrack { refr, index, .. } => depth(refr).max(depth(index)),
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => depth(lhs).max(depth(rhs)),
        Expr::Membership {
            value, collection, ..
        } => depth(value).max(depth(collection)),
        _ => 0,
    }
}
