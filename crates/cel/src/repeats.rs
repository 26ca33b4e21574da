//! Repeats: what the expressions of a readable policy have in common, and depends on no loop, becomes
//! a variable with a name.
//!
//! Apart because it works on expressions that are complete: `cse` names what one condition repeats,
//! in its loops. The API server evaluates a variable where it is first used, and remembers it, so that
//! neither a value nor an error changes.

use super::{
    expr::{Expr, Macro},
    variables::PolicyVariable,
};
use std::collections::{BTreeMap, BTreeSet};

/// A variable must shorten the policy by so many characters.
const MIN_SAVED_CHARS: usize = 10;
/// What a variable adds besides its name and its expression, in YAML.
const VARIABLE_CHARS: usize = 45;
/// Variables that are added at most.
const MAX_VARIABLES: usize = 20;
/// What expressions begin with that depends on no loop.
const ROOTS: &[&str] = &[
    "object",
    "oldObject",
    "request",
    "params",
    "namespaceObject",
];

/// Names what the expressions repeat: those of the variables, and `others`.
pub(super) fn name_repeats(variables: &mut Vec<PolicyVariable>, others: &mut [&mut Expr]) {
    for _ in 0..MAX_VARIABLES {
        let expressions = variables.iter().map(|variable| &variable.expression);
        let repeated = longest_repeat(expressions.chain(others.iter().map(|other| &**other)));
        let Some(repeated) = repeated else {
            return;
        };
        let name = free_name(&repeated, variables);
        let is_used =
            |variable: &PolicyVariable| variable.expression.contains(&|part| *part == repeated);
        // Before its first use: what it reads is there already.
        let place = variables.iter().position(is_used);
        let place = place.unwrap_or(variables.len());
        let replace = |expr: &mut Expr| {
            expr.rewrite(&mut |part| {
                if *part == repeated {
                    *part = Expr::variable(&name);
                }
            });
        };
        for variable in variables.iter_mut() {
            replace(&mut variable.expression);
        }
        for other in others.iter_mut() {
            replace(other);
        }
        let variable = PolicyVariable {
            name: name.clone(),
            expression: repeated,
        };
        variables.insert(place, variable);
    }
}

/// The expression whose name saves most; `None` if none is worth it.
fn longest_repeat<'e>(expressions: impl Iterator<Item = &'e Expr>) -> Option<Expr> {
    let mut uses: BTreeMap<String, (usize, &Expr)> = BTreeMap::new();
    for expression in expressions {
        count_parts(expression, &mut uses);
    }
    let saved = |text: &str, count: usize, part: &Expr| {
        let name = "variables.".len() + base_name(part).len();
        let before = count * text.len();
        let after = count * name + text.len() + name + VARIABLE_CHARS;
        before.checked_sub(after + MIN_SAVED_CHARS)
    };
    let best = uses
        .iter()
        .filter_map(|(text, (count, part))| Some((saved(text, *count, part)?, text, *part)));
    best.max_by_key(|(saved, text, _)| (*saved, text.len()))
        .map(|(.., part)| part.clone())
}

/// Counts the parts of an expression that may be variables. Whole expressions are none: a variable
/// for a variable says nothing.
fn count_parts<'e>(expr: &'e Expr, uses: &mut BTreeMap<String, (usize, &'e Expr)>) {
    let mut pending = expr.children();
    while let Some(part) = pending.pop() {
        if part.is_value() && is_closed(part, &mut Vec::new()) && !is_constant(part) {
            uses.entry(part.to_string()).or_insert((0, part)).0 += 1;
        }
        pending.extend(part.children());
    }
}

/// True if an expression depends on no loop around it.
fn is_closed<'e>(expr: &'e Expr, bound: &mut Vec<&'e str>) -> bool {
    match expr {
        Expr::Ident(name) => {
            ROOTS.contains(&name.as_str()) || is_bound(bound, name) || is_type(name)
        }
        Expr::Comprehension(inner) => {
            if !is_closed(&inner.range, bound) {
                return false;
            }
            bound.push(&inner.variable);
            let is_closed = inner.filter.iter().all(|filter| is_closed(filter, bound))
                && is_closed(&inner.body, bound);
            bound.pop();
            is_closed
        }
        other => other
            .children()
            .into_iter()
            .all(|child| is_closed(child, bound)),
    }
}

fn is_bound(bound: &[&str], name: &str) -> bool {
    bound.contains(&name)
}

/// True for the names of types, and for that of the functions of optionals.
fn is_type(name: &str) -> bool {
    [
        "optional",
        "list",
        "map",
        "string",
        "bool",
        "int",
        "double",
        "null_type",
    ]
    .contains(&name)
}

/// True if an expression reads nothing of the request.
fn is_constant(expr: &Expr) -> bool {
    !expr.contains(&|part| match part {
        Expr::Variable(_) => true,
        Expr::Ident(name) => ROOTS.contains(&name.as_str()),
        _ => false,
    })
}

/// A name that no variable has: the base, or the base with a number.
fn free_name(expr: &Expr, variables: &[PolicyVariable]) -> String {
    let base = base_name(expr);
    let taken: BTreeSet<&str> = variables
        .iter()
        .map(|variable| variable.name.as_str())
        .collect();
    let numbered = (2..).map(|number| format!("{base}{number}"));
    let mut names = std::iter::once(base.clone()).chain(numbered);
    names
        .find(|name| !taken.contains(name.as_str()))
        .unwrap_or(base)
}

/// Words that the API server accepts as no name of a variable.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Fields that say little without the field that they are in.
const VAGUE_FIELDS: &[&str] = &["key", "name", "operator", "type", "value"];

/// What an expression is called: after the first row of fields that it reads, of a pod `pod…`; a
/// bool `…Condition`.
fn base_name(expr: &Expr) -> String {
    let mut fields = Vec::new();
    let root = first_path(expr).and_then(|path| fields_of(path, &mut fields));
    let mut name = match fields.as_slice() {
        [] => {
            let root = root.unwrap_or("shared");
            root.trim_end_matches(|last: char| last.is_ascii_digit())
                .to_owned()
        }
        [last, within, ..] if VAGUE_FIELDS.contains(last) => {
            format!("{within}{}", capitalized(last))
        }
        [last, ..] => (*last).to_owned(),
    };
    if root == Some("podSpec") && !fields.is_empty() {
        name = format!("pod{}", capitalized(&name));
    }
    if expr.is_bool() {
        name.push_str("Condition");
    } else if RESERVED.contains(&name.as_str()) {
        name.push_str("Value");
    }
    name
}

/// The first row of fields of an expression, or the first variable.
fn first_path(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Select { .. } | Expr::Has { .. } | Expr::Variable(_) => Some(expr),
        other => other.children().into_iter().find_map(first_path),
    }
}

/// The fields of a row, the last one first, and the name that it begins with.
fn fields_of<'e>(expr: &'e Expr, fields: &mut Vec<&'e str>) -> Option<&'e str> {
    match expr {
        Expr::Ident(name) | Expr::Variable(name) => Some(name),
        Expr::Select { operand, field, .. } | Expr::Has { operand, field } => {
            fields.push(field);
            fields_of(operand, fields)
        }
        other => other
            .children()
            .first()
            .and_then(|first| fields_of(first, fields)),
    }
}

fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

impl Expr {
    /// True if the expression gives a value by its shape, and no optional.
    pub(super) fn is_value(&self) -> bool {
        match self {
            // `optional.of(…)` and `optional.none()`.
            Self::Method(receiver, ..) => **receiver != Self::ident("optional"),
            Self::Sum(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Not(_)
            | Self::Relation(..)
            | Self::Has { .. }
            | Self::String(_) => true,
            Self::Comprehension(inner) => {
                !matches!(inner.operation, Macro::OptMap | Macro::OptFlatMap)
            }
            Self::Conditional(parts) => {
                let [_, then, otherwise] = parts.as_ref();
                then.is_value() && otherwise.is_value()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expr: &Expr, count: usize, expected: &[&str]) {
        let mut variables = Vec::new();
        let mut others: Vec<Expr> = (0..count)
            .map(|number| expr.clone().equals(Expr::count(number)))
            .collect();
        name_repeats(&mut variables, &mut others.iter_mut().collect::<Vec<_>>());
        let names: Vec<&str> = variables.iter().map(|variable| &*variable.name).collect();
        assert_eq!(names, expected, "{expr}");
        let read = Expr::variable(expected.first().copied().unwrap_or_default());
        let is_read = |other: &Expr| other.contains(&|part| *part == read);
        assert_eq!(others.iter().all(is_read), !expected.is_empty(), "{expr}");
    }

    #[test]
    fn repeat_is_named_after_what_it_reads() {
        let pod = || Expr::variable("podSpec");
        let user = pod().opt_select("securityContext").opt_select("runAsUser");
        check(&user.clone().or_value(Expr::Int(-1)), 5, &["podRunAsUser"]);
        check(&user.clone().or_value(Expr::Int(-1)), 2, &[]);
        // An optional is no value of a variable.
        check(&user, 5, &[]);
        let system = pod().opt_select("os").opt_select("name");
        check(&system.or_value(Expr::string("")), 9, &["podOsName"]);
        let metadata = Expr::ident("object").select("metadata");
        let namespace = metadata
            .opt_select("namespace")
            .or_value(Expr::string("default"));
        check(&namespace, 9, &["namespaceValue"]);
        // What depends on a loop.
        let in_loop = Expr::ident("c")
            .opt_select("securityContext")
            .opt_select("runAsUser");
        check(&in_loop.or_value(Expr::Int(-1)), 9, &[]);
    }
}
