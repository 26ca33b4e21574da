//! Expressions as CEL text over several lines, broken and indented as a person would.
//!
//! The tree becomes a document of the pretty printer, which places the breaks. The result depends on
//! the tree alone, and equals the form on one line after white space outside of literals is removed.

use super::{
    expr::{Comprehension, Expr},
    pretty_print::{Doc, brackets, fits_on_line, group, nest, render, text},
    print::Precedence,
};

impl Expr {
    /// The expression over as many lines as it needs, without a line break at its end.
    #[must_use]
    pub fn to_lines(&self) -> String {
        render(&self.doc())
    }

    /// A list on one line if it fits, else with each item on its own line, so that a change of
    /// an item is a change of a line; anything else as [`Expr::to_lines`].
    #[must_use]
    pub fn to_item_lines(&self) -> String {
        let Self::List(items) = self else {
            return self.to_lines();
        };
        let items = items
            .iter()
            .map(|item| Doc::Concat(vec![item.doc(), text(",")]));
        let one_line = self.to_string();
        if fits_on_line(&one_line) {
            return one_line;
        }
        let lines = items.flat_map(|item| [Doc::Line, item]);
        render(&Doc::Concat(vec![
            text("["),
            nest(lines.collect()),
            Doc::Line,
            text("]"),
        ]))
    }

    fn doc(&self) -> Doc {
        match self {
            Self::Select { .. }
            | Self::Index { .. }
            | Self::Method(..)
            | Self::Comprehension(_) => chain(self),
            Self::Call(function, arguments) => {
                Doc::Concat(vec![text(*function), enclosed("(", arguments, ")")])
            }
            Self::List(items) => enclosed("[", items, "]"),
            Self::Map(entries) if !entries.is_empty() => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Doc::Concat(vec![key.doc(), text(": "), value.doc()]))
                    .collect();
                brackets("{", separated(entries), "}")
            }
            Self::Not(operand) => {
                Doc::Concat(vec![text("!"), operand_doc(operand, Precedence::Primary)])
            }
            Self::And(operands) => infix(operands, "&&", Precedence::Relation),
            Self::Or(operands) => infix(operands, "||", Precedence::And),
            Self::Sum(operands) if operands.iter().all(Self::is_cheap) => filled_sum(operands),
            Self::Sum(operands) => infix(operands, "+", Precedence::Multiplicative),
            Self::Relation(a, relation, b) => Doc::Concat(vec![
                operand_doc(a, Precedence::Additive),
                text(format!(" {} ", relation.symbol())),
                operand_doc(b, Precedence::Additive),
            ]),
            Self::Conditional(parts) => conditional(parts),
            Self::Difference(parts) | Self::Product(parts) => {
                let (symbol, left, right) = match self {
                    Self::Product(_) => (" * ", Precedence::Multiplicative, Precedence::Unary),
                    _ => (" - ", Precedence::Additive, Precedence::Multiplicative),
                };
                let [a, b] = parts.as_ref();
                Doc::Concat(vec![
                    operand_doc(a, left),
                    text(symbol),
                    operand_doc(b, right),
                ])
            }
            leaf => text(leaf.to_string()),
        }
    }
}

/// Expressions in brackets, with commas. Literals fill the lines, all else is one a line. The only
/// element of a list is on the lines of its brackets, unless it has breaks outside of brackets.
fn enclosed(open: &str, items: &[Expr], close: &str) -> Doc {
    match items {
        [] => text(format!("{open}{close}")),
        [item] if open == "[" && !has_open_breaks(item) => {
            Doc::Concat(vec![text(open), item.doc(), text(close)])
        }
        _ if items.len() > 1 && items.iter().all(Expr::is_literal) => {
            let last = items.len() - 1;
            let with_comma = |(index, item): (usize, &Expr)| {
                format!("{item}{}", if index < last { "," } else { "" })
            };
            let items = items.iter().enumerate().map(with_comma).collect();
            brackets(open, Doc::Fill(items), close)
        }
        _ => brackets(
            open,
            separated(items.iter().map(Expr::doc).collect()),
            close,
        ),
    }
}

fn separated(items: Vec<Doc>) -> Doc {
    let mut docs = Vec::new();
    for item in items {
        if !docs.is_empty() {
            docs.extend([text(","), Doc::Line]);
        }
        docs.push(item);
    }
    Doc::Concat(docs)
}

/// An operand: in parentheses where it binds more weakly than its place asks for.
fn operand_doc(expr: &Expr, least: Precedence) -> Doc {
    if Precedence::of(expr) < least {
        brackets("(", expr.doc(), ")")
    } else {
        expr.doc()
    }
}

/// An operand whose further lines are indented, if it has breaks outside of brackets: else they
/// would look like those of the expression that it is part of.
fn hanging(expr: &Expr, least: Precedence) -> Doc {
    let doc = operand_doc(expr, least);
    if has_open_breaks(expr) && Precedence::of(expr) >= least {
        nest(vec![doc])
    } else {
        doc
    }
}

/// True for an expression that is broken outside of brackets.
fn has_open_breaks(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::And(_) | Expr::Or(_) | Expr::Sum(_) | Expr::Conditional(_)
    )
}

/// Operands with an operator between them, which begins the line.
fn infix(operands: &[Expr], symbol: &str, least: Precedence) -> Doc {
    let mut docs = Vec::new();
    for operand in operands {
        if !docs.is_empty() {
            docs.extend([Doc::Line, text(format!("{symbol} "))]);
        }
        docs.push(hanging(operand, least));
    }
    group(docs)
}

/// A sum of literals and names fills the lines, as a sentence does.
fn filled_sum(operands: &[Expr]) -> Doc {
    let text = |(index, operand): (usize, &Expr)| match index {
        0 => operand.to_string(),
        _ => format!("+ {operand}"),
    };
    group(vec![Doc::Fill(
        operands.iter().enumerate().map(text).collect(),
    )])
}

/// `condition ? then : otherwise`; a chain of conditionals as one arm a line.
fn conditional(parts: &[Expr; 3]) -> Doc {
    let [condition, then, otherwise] = parts;
    let condition = operand_doc(condition, Precedence::Or);
    let then = Doc::Concat(vec![text("? "), hanging(then, Precedence::Or)]);
    if !matches!(otherwise, Expr::Conditional(_)) {
        let otherwise = hanging(otherwise, Precedence::Conditional);
        let branches = nest(vec![Doc::Line, then, Doc::Line, text(": "), otherwise]);
        return group(vec![condition, branches]);
    }
    let mut arms = vec![group(vec![condition, nest(vec![Doc::Line, then])])];
    let mut next = otherwise;
    while let Expr::Conditional(parts) = next {
        let [condition, then, otherwise] = parts.as_ref();
        let then = hanging(then, Precedence::Or);
        arms.push(Doc::Line);
        arms.push(group(vec![
            text(": "),
            hanging(condition, Precedence::Or),
            nest(vec![Doc::Line, text("? "), then]),
        ]));
        next = otherwise;
    }
    arms.extend([
        Doc::Line,
        text(": "),
        hanging(next, Precedence::Conditional),
    ]);
    group(arms)
}

/// An expression with what follows it: fields, indices, calls. Several macros in a row are one a
/// line; the arguments of a single one are indented below it.
fn chain(expr: &Expr) -> Doc {
    // From the last link to the first.
    let mut links = Vec::new();
    let mut root = expr;
    while let Some(inner) = operand_of(root) {
        links.push(root);
        root = inner;
    }
    let is_macro = |link: &&&Expr| matches!(link, Expr::Comprehension(_));
    let one_a_line = links.iter().filter(is_macro).count() > 1;
    let mut docs = Vec::new();
    let mut after_macro = false;
    for link in links.iter().rev() {
        after_macro |= matches!(link, Expr::Comprehension(_));
        let is_call = matches!(link, Expr::Comprehension(_) | Expr::Method(..));
        if one_a_line && after_macro && is_call {
            docs.push(Doc::SoftLine);
        }
        docs.push(link_doc(link));
    }
    group(vec![
        operand_doc(root, Precedence::Primary),
        nest_if(one_a_line, docs),
    ])
}

fn nest_if(nested: bool, docs: Vec<Doc>) -> Doc {
    if nested {
        nest(docs)
    } else {
        Doc::Concat(docs)
    }
}

/// What a link of a chain follows; `None` for all other expressions.
fn operand_of(link: &Expr) -> Option<&Expr> {
    match link {
        Expr::Select { operand, .. } | Expr::Index { operand, .. } => Some(operand),
        Expr::Method(receiver, ..) => Some(receiver),
        Expr::Comprehension(inner) => Some(&inner.range),
        _ => None,
    }
}

/// A link of a chain without what it follows.
fn link_doc(link: &Expr) -> Doc {
    match link {
        Expr::Select {
            field, optional, ..
        } => text(format!("{}{field}", if *optional { ".?" } else { "." })),
        Expr::Index {
            index, optional, ..
        } => {
            let open = if *optional { "[?" } else { "[" };
            // `[0]` on its own line would hide what the index belongs to.
            if index.is_literal() {
                text(format!("{open}{index}]"))
            } else {
                brackets(open, index.doc(), "]")
            }
        }
        Expr::Method(_, method, arguments) => Doc::Concat(vec![
            text(format!(".{method}")),
            enclosed("(", arguments, ")"),
        ]),
        Expr::Comprehension(inner) => comprehension(inner),
        other => other.doc(),
    }
}

/// The variable is on the line of the macro.
fn comprehension(inner: &Comprehension) -> Doc {
    let mut arguments: Vec<Doc> = inner.filter.iter().map(Expr::doc).collect();
    arguments.push(inner.body.doc());
    group(vec![
        text(format!(".{}({},", inner.operation.name(), inner.variable)),
        nest(vec![Doc::Line, separated(arguments)]),
        Doc::SoftLine,
        text(")"),
    ])
}

#[cfg(test)]
mod tests;
