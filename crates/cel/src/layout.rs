//! Expressions as CEL text over several lines, broken and indented as a person would.
//!
//! The algorithm is Wadler's ("A prettier printer"): the tree becomes a document of strings,
//! possible line breaks and groups; a group is printed on one line if it fits, else at all of its
//! breaks. The result depends on the tree alone, and equals the form on one line after white space
//! outside of literals is removed.

use super::{
    expr::{Comprehension, Expr},
    print::Precedence,
};

/// The width of a line. An element that cannot be broken may be longer.
const MAX_COLUMNS: usize = 100;
/// One level of indentation.
const INDENT: usize = 2;

/// A string with possible line breaks.
enum Doc {
    Text(String),
    /// A line break, or a space on one line.
    Line,
    /// A line break, or nothing on one line.
    SoftLine,
    Concat(Vec<Doc>),
    /// One level more of indentation after the breaks inside.
    Nest(Box<Doc>),
    /// All breaks inside that are in no inner group, or none.
    Group(Box<Doc>),
    /// Strings with breaks between them, each taken only where the next string does not fit.
    Fill(Vec<String>),
}

impl Expr {
    /// The expression over as many lines as it needs, without a line break at its end.
    #[must_use]
    pub fn to_lines(&self) -> String {
        let doc = self.doc();
        render(&doc)
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

fn text(value: impl Into<String>) -> Doc {
    Doc::Text(value.into())
}

fn nest(docs: Vec<Doc>) -> Doc {
    Doc::Nest(Box::new(Doc::Concat(docs)))
}

fn group(docs: Vec<Doc>) -> Doc {
    Doc::Group(Box::new(Doc::Concat(docs)))
}

/// In brackets, indented where it is broken.
fn brackets(open: &str, inside: Doc, close: &str) -> Doc {
    group(vec![
        text(open),
        nest(vec![Doc::SoftLine, inside]),
        Doc::SoftLine,
        text(close),
    ])
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
            // `[0]` on a line of its own would hide what the index belongs to.
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

/// How the breaks of a document are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    OneLine,
    Broken,
}

/// A document to be printed, with its indentation in columns.
type Pending<'d> = (usize, Mode, &'d Doc);

fn render(doc: &Doc) -> String {
    let mut out = String::new();
    let mut column = 0;
    let mut pending: Vec<Pending<'_>> = vec![(0, Mode::Broken, doc)];
    while let Some((indent, mode, doc)) = pending.pop() {
        match doc {
            Doc::Text(value) => {
                out.push_str(value);
                column += value.chars().count();
            }
            Doc::Line | Doc::SoftLine if mode == Mode::Broken => {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            }
            Doc::Line => {
                out.push(' ');
                column += 1;
            }
            Doc::SoftLine => {}
            Doc::Concat(docs) => {
                pending.extend(docs.iter().rev().map(|doc| (indent, mode, doc)));
            }
            Doc::Nest(inner) => pending.push((indent + INDENT, mode, inner)),
            Doc::Group(inner) => {
                // Within a group on one line there is nothing to decide.
                let fits = mode == Mode::OneLine
                    || fits(MAX_COLUMNS.saturating_sub(column), inner, &pending);
                let mode = if fits { Mode::OneLine } else { Mode::Broken };
                pending.push((indent, mode, inner));
            }
            Doc::Fill(items) => fill(items, indent, mode, &mut column, &mut out),
        }
    }
    out
}

/// Prints strings, each after a break only where it does not fit.
fn fill(items: &[String], indent: usize, mode: Mode, column: &mut usize, out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        let width = item.chars().count();
        if index > 0 {
            if mode == Mode::Broken && *column + 1 + width > MAX_COLUMNS {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                *column = indent;
            } else {
                out.push(' ');
                *column += 1;
            }
        }
        out.push_str(item);
        *column += width;
    }
}

/// True if a group fits on the line, together with what follows it up to the next break.
fn fits(width: usize, group: &Doc, following: &[Pending<'_>]) -> bool {
    let mut left = width;
    let mut following = following.iter().rev();
    let mut pending: Vec<(Mode, &Doc)> = vec![(Mode::OneLine, group)];
    loop {
        let Some((mode, doc)) = pending.pop() else {
            let Some((_, mode, doc)) = following.next() else {
                return true;
            };
            pending.push((*mode, doc));
            continue;
        };
        let taken = match doc {
            Doc::Text(value) => value.chars().count(),
            Doc::Line | Doc::SoftLine if mode == Mode::Broken => return true,
            Doc::Line => 1,
            Doc::SoftLine => 0,
            Doc::Concat(docs) => {
                pending.extend(docs.iter().rev().map(|doc| (mode, doc)));
                0
            }
            Doc::Nest(inner) | Doc::Group(inner) => {
                pending.push((mode, inner));
                0
            }
            Doc::Fill(items) => {
                let chars: usize = items.iter().map(|item| item.chars().count() + 1).sum();
                chars.saturating_sub(1)
            }
        };
        let Some(rest) = left.checked_sub(taken) else {
            return false;
        };
        left = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Expr {
        Expr::ident(name)
    }

    fn long(letter: char) -> Expr {
        name(&letter.to_string().repeat(60))
    }

    #[track_caller]
    fn check(expr: &Expr, expected: &[&str]) {
        let lines = expr.to_lines();
        let replaced = "abcdefg".chars().fold(lines, |lines, letter| {
            lines.replace(
                &letter.to_string().repeat(60),
                &letter.to_string().to_uppercase(),
            )
        });
        assert_eq!(replaced.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn short_expression_is_on_one_line() {
        check(&Expr::all([name("x"), name("y")]), &["x && y"]);
        check(
            &Expr::conditional(name("x"), name("y"), name("z")),
            &["x ? y : z"],
        );
    }

    #[test]
    fn operator_begins_the_line() {
        let both = Expr::all([long('b'), long('c')]);
        check(
            &Expr::any([long('a'), both.clone()]),
            &["A", "|| B", "  && C"],
        );
        check(
            &Expr::all([long('a'), Expr::any([long('b'), long('c')])]),
            &["A", "&& (", "  B", "  || C", ")"],
        );
        check(&both.negated(), &["!(", "  B", "  && C", ")"]);
    }

    #[test]
    fn body_of_a_macro_is_indented() {
        let body = Expr::all([long('a'), long('b')]);
        check(
            &name("x").exists("y", body.clone()),
            &["x.exists(y,", "  A", "  && B", ")"],
        );
        check(
            &name("x").opt_map("y", body).or_value(Expr::Bool(false)),
            &["x.optMap(y,", "  A", "  && B", ").orValue(false)"],
        );
    }

    #[test]
    fn literal_index_stays_with_the_list() {
        let body = Expr::all([long('a'), long('b')]);
        let mapped = Expr::List(vec![name("x")]).map("y", body);
        check(
            &mapped.index(Expr::count(0)),
            &["[x].map(y,", "  A", "  && B", ")[0]"],
        );
    }

    #[test]
    fn macros_in_a_row_are_one_a_line() {
        let chain = name("x").filter("y", long('a')).map("z", long('b'));
        check(
            &chain.method("join", [Expr::string(",")]),
            &["x", "  .filter(y, A)", "  .map(z, B)", "  .join(',')"],
        );
    }

    #[test]
    fn branches_are_below_their_condition() {
        check(
            &Expr::conditional(long('a'), long('b'), name("x")),
            &["A", "  ? B", "  : x"],
        );
        let otherwise = Expr::conditional(long('c'), name("x"), name("y"));
        check(
            &Expr::conditional(name("w"), long('a'), otherwise),
            &["w ? A", ": C ? x", ": y"],
        );
    }

    #[test]
    fn literals_fill_the_lines() {
        let literals = ["a", "b", "c", "d"].map(|letter| letter.repeat(40));
        let list = Expr::strings(literals.iter().map(String::as_str));
        let lines = list.to_lines();
        assert_eq!(
            lines.lines().map(str::len).collect::<Vec<_>>(),
            [1, 89, 88, 1],
            "{lines}"
        );
    }

    #[test]
    fn only_element_of_a_list_is_not_indented() {
        let both = Expr::all([long('a'), long('b')]);
        check(
            &Expr::List(vec![name("x").map("y", both.clone())]),
            &["[x.map(y,", "  A", "  && B", ")]"],
        );
        check(&Expr::List(vec![both]), &["[", "  A", "  && B", "]"]);
        check(
            &Expr::List(vec![long('a'), long('b')]),
            &["[", "  A,", "  B", "]"],
        );
    }

    /// A small generator of pseudorandom numbers, so that each run tests the same trees.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) % limit
        }

        fn expr(&mut self, depth: u64) -> Expr {
            if depth == 0 {
                return match self.below(5) {
                    0 => Expr::string("it's  a text "),
                    1 => Expr::pattern(r"^a b\.c$"),
                    2 => Expr::Int(7),
                    3 => Expr::variable("containers"),
                    _ => name("object").select("spec").opt_select("hostPID"),
                };
            }
            let a = self.expr(depth - 1);
            let b = self.expr(depth - 1);
            match self.below(15) {
                0 => Expr::And(vec![a, b]),
                1 => Expr::Or(vec![a, b]),
                2 => Expr::sum([a, b]),
                3 => a.minus(b),
                4 => a.times(b),
                5 => a.equals(b),
                6 => Expr::Not(Box::new(a)),
                7 => Expr::Conditional(Box::new([a, b, self.expr(depth - 1)])),
                8 => a.exists("x", b),
                9 => a.filter_map("x", b, self.expr(depth - 1)),
                10 => a.method("replace", [b, Expr::string(" ")]),
                11 => Expr::List(vec![a, b]),
                12 => Expr::Map(vec![(a, b)]),
                13 => Expr::List(vec![a]),
                _ => a.opt_index(b),
            }
        }
    }

    /// The text without white space outside of literals.
    fn squeezed(text: &str) -> String {
        let mut out = String::new();
        let mut in_literal = false;
        let mut is_raw = false;
        let mut is_escaped = false;
        for c in text.chars() {
            if in_literal {
                in_literal = c != '\'' || is_escaped;
                is_escaped = c == '\\' && !is_escaped && !is_raw;
            } else if c == '\'' {
                in_literal = true;
                is_raw = out.ends_with('r');
            } else if c.is_whitespace() {
                continue;
            }
            out.push(c);
        }
        out
    }

    #[test]
    fn lines_equal_the_form_on_one_line() {
        let mut random = Random(1);
        for round in 0..500 {
            let expr = random.expr(round % 6);
            let (one, lines) = (expr.to_string(), expr.to_lines());
            assert_eq!(squeezed(&lines), squeezed(&one), "{lines}");
            assert_eq!(lines, expr.to_lines());
            assert!(
                lines
                    .lines()
                    .all(|line| !line.ends_with(' ') && !line.is_empty()),
                "{lines}"
            );
        }
    }
}
