//! The shape of some functions, and the names that all of them bind.

use super::{images, quantities, strings};
use crate::expr::{Comprehension, Expr};
use std::collections::BTreeSet;

/// The names that expressions of functions bind.
const BOUND_NAMES: &[&str] = &["host", "image", "place", "spelling", "step", "tag", "text"];

fn check(found: &Expr, expected: &str) {
    assert_eq!(found.to_string(), expected);
}

#[test]
fn plain_operand_is_not_bound() {
    let name = Expr::ident("x").select("name");
    let index = Expr::ident("x").index(Expr::string("y"));
    let prefix = Expr::string("a");
    check(
        &strings::trim_prefix(name, &prefix),
        "x.name.startsWith('a') ? x.name.substring(size('a')) : x.name",
    );
    check(
        &strings::trim_prefix(index, &prefix),
        "[x['y']].map(text, text.startsWith('a') ? text.substring(size('a')) : text)[0]",
    );
}

#[test]
fn receiver_is_in_parentheses_only_where_needed() {
    let sum = Expr::ident("a").plus(Expr::ident("b"));
    check(&strings::lower_ascii(sum), "(a + b).lowerAscii()");
    check(&strings::lower_ascii(Expr::string("A")), "'a'");
    let list = Expr::List(vec![Expr::ident("a"), Expr::ident("b")]);
    check(
        &list.method("join", [Expr::string(",")]),
        "[a, b].join(',')",
    );
}

#[test]
fn cutset_is_escaped_in_a_character_class() {
    check(
        &strings::trim_right(Expr::ident("x"), "/é"),
        r"x.find(r'(?s)^.*[^/\x{e9}]')",
    );
}

#[test]
fn substring_of_everything_is_the_operand() {
    let all = strings::substring(Expr::ident("x"), 0, -1);
    assert_eq!(all, Some(Expr::ident("x")));
    assert_eq!(strings::substring(Expr::ident("x"), -1, 1), None);
}

#[test]
fn bound_names_are_listed() {
    let operand = || Expr::strings(["a"]).index(Expr::Int(0));
    let all = [
        images::registry(operand()),
        images::name(operand()),
        images::effective_tag(operand()),
        images::within(operand(), operand()),
        strings::clean_path(operand()),
        quantities::is_quantity(operand()),
    ];
    let mut found = BTreeSet::new();
    for expr in &all {
        collect_names(expr, &mut found);
    }
    let found: Vec<String> = found.into_iter().collect();
    assert_eq!(found, BOUND_NAMES);
}

fn collect_names(expr: &Expr, found: &mut BTreeSet<String>) {
    if let Expr::Comprehension(inner) = expr {
        let Comprehension { variable, .. } = inner.as_ref();
        found.insert(variable.clone());
    }
    expr.children()
        .into_iter()
        .for_each(|child| collect_names(child, found));
}
