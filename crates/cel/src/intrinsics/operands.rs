//! Operands of functions: one that is needed several times, and the empty string.

use crate::expr::Expr;

/// An expression over an operand that it needs several times: the operand is bound to the name
/// unless it is cheap to repeat.
pub(super) fn bound(operand: Expr, name: &str, expr: impl FnOnce(Expr) -> Expr) -> Expr {
    if operand.is_simple() {
        expr(operand)
    } else {
        operand.bind(name, expr(Expr::ident(name)))
    }
}

/// The empty string.
pub(super) fn empty() -> Expr {
    Expr::string("")
}
