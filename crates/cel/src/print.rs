//! Expressions as CEL text on one line: operators with as few parentheses as precedence allows, and
//! the one place that writes literals.

use super::expr::{Comprehension, Expr, Macro, Relation};
use std::fmt::{self, Display, Formatter, Write};

/// How strongly an expression binds, by CEL's grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precedence {
    Conditional,
    Or,
    And,
    Relation,
    Additive,
    Multiplicative,
    Unary,
    Primary,
}

impl Precedence {
    pub(super) fn of(expr: &Expr) -> Self {
        match expr {
            Expr::Conditional(_) => Self::Conditional,
            Expr::Or(_) => Self::Or,
            Expr::And(_) => Self::And,
            Expr::Relation(..) => Self::Relation,
            Expr::Sum(_) | Expr::Difference(_) => Self::Additive,
            Expr::Product(_) => Self::Multiplicative,
            Expr::Not(_) | Expr::Int(..0) => Self::Unary,
            _ => Self::Primary,
        }
    }
}

impl Relation {
    /// The operator as it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }
}

impl Macro {
    /// The name of the macro.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::Filter => "filter",
            Self::Map => "map",
            Self::OptMap => "optMap",
            Self::OptFlatMap => "optFlatMap",
        }
    }
}

/// A string literal in single quotes.
fn quoted(value: &str) -> String {
    let mut literal = String::with_capacity(value.len() + 2);
    literal.push('\'');
    for c in value.chars() {
        match c {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// An operand: in parentheses where it binds more weakly than its place asks for.
struct Operand<'e>(&'e Expr, Precedence);

impl Display for Operand<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if Precedence::of(self.0) < self.1 {
            write!(out, "({})", self.0)
        } else {
            self.0.fmt(out)
        }
    }
}

fn separated(
    out: &mut Formatter<'_>,
    operands: &[Expr],
    separator: &str,
    least: Precedence,
) -> fmt::Result {
    for (index, operand) in operands.iter().enumerate() {
        if index > 0 {
            out.write_str(separator)?;
        }
        Operand(operand, least).fmt(out)?;
    }
    Ok(())
}

impl Display for Expr {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        use Precedence as P;
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(value) => value.fmt(out),
            Self::Int(value) => value.fmt(out),
            Self::String(value) => out.write_str(&quoted(value)),
            Self::RawString(value) => write!(out, "r'{value}'"),
            Self::Ident(name) => out.write_str(name),
            Self::Variable(name) => write!(out, "variables.{name}"),
            Self::Select {
                operand,
                field,
                optional,
            } => {
                let dot = if *optional { ".?" } else { "." };
                write!(out, "{}{dot}{field}", Operand(operand, P::Primary))
            }
            Self::Index {
                operand,
                index,
                optional,
            } => {
                let open = if *optional { "[?" } else { "[" };
                write!(out, "{}{open}{index}]", Operand(operand, P::Primary))
            }
            Self::OptionalKey(key) => write!(out, "?{key}"),
            Self::Has { operand, field } => {
                write!(out, "has({}.{field})", Operand(operand, P::Primary))
            }
            Self::Call(function, arguments) => {
                write!(out, "{function}(")?;
                separated(out, arguments, ", ", P::Conditional)?;
                out.write_char(')')
            }
            Self::Method(receiver, method, arguments) => {
                write!(out, "{}.{method}(", Operand(receiver, P::Primary))?;
                separated(out, arguments, ", ", P::Conditional)?;
                out.write_char(')')
            }
            Self::Comprehension(inner) => inner.fmt(out),
            Self::List(items) => {
                out.write_char('[')?;
                separated(out, items, ", ", P::Conditional)?;
                out.write_char(']')
            }
            Self::Map(entries) => {
                out.write_char('{')?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let separator = if index > 0 { ", " } else { "" };
                    write!(out, "{separator}{key}: {value}")?;
                }
                out.write_char('}')
            }
            Self::Not(operand) => write!(out, "!{}", Operand(operand, P::Primary)),
            Self::And(operands) => separated(out, operands, " && ", P::Relation),
            Self::Or(operands) => separated(out, operands, " || ", P::And),
            Self::Relation(a, relation, b) => {
                let (a, b) = (Operand(a, P::Additive), Operand(b, P::Additive));
                write!(out, "{a} {} {b}", relation.symbol())
            }
            Self::Sum(operands) => separated(out, operands, " + ", P::Multiplicative),
            Self::Difference(parts) => {
                let [a, b] = parts.as_ref();
                write!(
                    out,
                    "{} - {}",
                    Operand(a, P::Additive),
                    Operand(b, P::Multiplicative)
                )
            }
            Self::Product(parts) => {
                let [a, b] = parts.as_ref();
                write!(
                    out,
                    "{} * {}",
                    Operand(a, P::Multiplicative),
                    Operand(b, P::Unary)
                )
            }
            Self::Conditional(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                write!(
                    out,
                    "{} ? {} : {otherwise}",
                    Operand(condition, P::Or),
                    Operand(then, P::Or)
                )
            }
        }
    }
}

impl Display for Comprehension {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let range = Operand(&self.range, Precedence::Primary);
        let (name, variable, body) = (self.operation.name(), &self.variable, &self.body);
        match &self.filter {
            None => write!(out, "{range}.{name}({variable}, {body})"),
            Some(filter) => write!(out, "{range}.{name}({variable}, {filter}, {body})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a() -> Expr {
        Expr::ident("a")
    }

    fn b() -> Expr {
        Expr::ident("b")
    }

    #[track_caller]
    fn check(expr: &Expr, expected: &str) {
        assert_eq!(expr.to_string(), expected);
    }

    #[test]
    fn operand_that_binds_more_weakly_is_in_parentheses() {
        check(&Expr::all([a(), Expr::any([a(), b()])]), "a && (a || b)");
        check(&Expr::any([Expr::all([a(), b()]), b()]), "a && b || b");
        let and = |other: Expr| Expr::all([a(), other]);
        check(
            &Expr::any_factored([and(b()), and(Expr::ident("c")), b(), and(b())]),
            "a && (b || c) || b || a && b",
        );
        check(&Expr::all([a(), b()]).negated(), "!(a && b)");
        check(&a().equals(b()).negated(), "a != b");
        check(&a().plus(b()).times(b()), "(a + b) * b");
        check(&a().minus(b().minus(a())), "a - (b - a)");
        check(&a().minus(b()).minus(a()), "a - b - a");
        check(&a().equals(a().equals(b())), "a == (a == b)");
        check(&Expr::Int(-1).size(), "(-1).size()");
        let otherwise = Expr::conditional(b(), a(), b());
        check(&Expr::conditional(a(), b(), otherwise), "a ? b : b ? a : b");
        let condition = Expr::conditional(a(), b(), a());
        check(
            &Expr::conditional(condition.clone(), b(), a()),
            "(a ? b : a) ? b : a",
        );
        check(&condition.size(), "(a ? b : a).size()");
        let field = Expr::conditional(a(), b(), b().select("c"));
        check(&Expr::sum([a(), field]), "a + (a ? b : b.c)");
    }

    #[test]
    fn literal_operand_is_folded() {
        check(&Expr::all([Expr::Bool(true), a(), a()]), "a");
        check(&Expr::any([Expr::Bool(true), a()]), "true");
        check(&Expr::conditional(Expr::Bool(false), a(), b()), "b");
    }

    #[test]
    fn string_literal_is_escaped() {
        check(&Expr::string("it's \\ \n\u{1}é"), r"'it\'s \\ \n\u0001é'");
        check(&Expr::string("a'b\\c\n\u{7f}é"), r"'a\'b\\c\n\u007fé'");
    }

    #[test]
    fn field_that_is_no_identifier_is_an_index() {
        check(&a().select("b-c"), "a['b-c']");
        check(&a().opt_select("in"), "a[?'in']");
        check(&a().opt_select("b"), "a.?b");
    }
}
