//! `lib.strings`, `lib.files`, and Rego's builtins on strings.

use super::operands::{bound, empty};
use crate::expr::{Expr, Relation};
use std::fmt::Write as _;

/// `lib.files.clean`.
pub(crate) fn clean_path(path: Expr) -> Expr {
    bound(path, "text", |path| {
        let slash = || Expr::string("/");
        let is_absolute = path.clone().method("startsWith", [slash()]);
        let root = Expr::conditional(is_absolute, slash(), empty());
        let is_redundant = Expr::ident("step").is_in(Expr::strings(["", "."]));
        let steps = path
            .method("split", [slash()])
            .filter("step", is_redundant.negated());
        root.plus(steps.method("join", [slash()]))
    })
}

/// `lib.strings.lower_ascii`.
pub(crate) fn lower_ascii(string: Expr) -> Expr {
    match string {
        Expr::String(literal) => Expr::string(literal.to_ascii_lowercase()),
        other => other.method("lowerAscii", []),
    }
}

/// `lib.strings.contains_ignore_case`: a condition.
pub(crate) fn contains_ignore_case(string: Expr, part: Expr) -> Expr {
    lower_ascii(string).method("contains", [lower_ascii(part)])
}

/// `lib.strings.words`.
pub(crate) fn words(name: Expr) -> Expr {
    let has = |pattern: &str| Expr::ident("item").method("matches", [Expr::string(pattern)]);
    let border = || Expr::string("_");
    let word = border().plus(Expr::ident("item")).plus(border());
    let capital_or_separator = Expr::conditional(has("[A-Z]"), Expr::ident("item"), border());
    let parts = name
        .method("findAll", [Expr::string("[A-Z]?[a-z]+|[A-Z]|[^A-Za-z]+")])
        .map(
            "item",
            Expr::conditional(has("[a-z]"), word, capital_or_separator),
        );
    // A separator stands between the borders of two words: three characters, of which one is kept.
    let joined = border()
        .plus(parts.method("join", [empty()]))
        .plus(border());
    let pair = || [Expr::string("__"), border()];
    let squeezed = joined.method("replace", pair()).method("replace", pair());
    lower_ascii(squeezed)
}

/// `lib.strings.last_between`, of literals; `None` if one is empty.
pub(crate) fn last_between(string: Expr, open: &str, close: &str) -> Option<Expr> {
    if open.is_empty() || close.is_empty() {
        return None;
    }
    // Not by `split`, which skips an occurrence that overlaps the one before.
    let literal = || Expr::string(open);
    let open_chars = i64::try_from(open.chars().count()).ok()?;
    Some(bound(string, "text", |string| {
        let last = string.clone().method("lastIndexOf", [literal()]);
        let after = string
            .clone()
            .method("substring", [last.plus(Expr::Int(open_chars))]);
        let between = after
            .method("split", [Expr::string(close)])
            .index(Expr::Int(0));
        let is_there = string.method("contains", [literal()]);
        Expr::conditional(is_there, between, empty())
    }))
}

/// `lib.strings.matches_except`: a condition.
pub(crate) fn matches_except(string: Expr, pattern: Expr, exception: Expr) -> Expr {
    let is_exempt = Expr::ident("item").method("matches", [exception]);
    string
        .method("findAll", [pattern])
        .exists("item", is_exempt.negated())
}

/// `trim`, of the characters of a literal.
pub(crate) fn trim(string: Expr, cutset: &str) -> Expr {
    without(string, cutset, |other| format!("(?s){other}(.*{other})?"))
}

/// `trim_left`, of the characters of a literal.
pub(crate) fn trim_left(string: Expr, cutset: &str) -> Expr {
    without(string, cutset, |other| format!("(?s){other}.*"))
}

/// `trim_right`, of the characters of a literal.
pub(crate) fn trim_right(string: Expr, cutset: &str) -> Expr {
    without(string, cutset, |other| format!("(?s)^.*{other}"))
}

/// The part of a string that a pattern finds. The pattern is given a class of the characters
/// outside of the cutset.
fn without(string: Expr, cutset: &str, pattern: impl Fn(&str) -> String) -> Expr {
    if cutset.is_empty() {
        return string;
    }
    let mut class = "[^".to_owned();
    for c in cutset.chars() {
        if c.is_ascii_alphanumeric() || "/. :_".contains(c) {
            class.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(class, "\\x{{{:x}}}", u32::from(c));
        }
    }
    class.push(']');
    string.method("find", [Expr::pattern(pattern(&class))])
}

/// `trim_prefix`.
pub(crate) fn trim_prefix(string: Expr, prefix: &Expr) -> Expr {
    bound(string, "text", |string| {
        let has_prefix = string.clone().method("startsWith", [prefix.clone()]);
        let trimmed = string
            .clone()
            .method("substring", [Expr::call("size", prefix.clone())]);
        Expr::conditional(has_prefix, trimmed, string)
    })
}

/// `trim_suffix`.
pub(crate) fn trim_suffix(string: Expr, suffix: &Expr) -> Expr {
    bound(string, "text", |string| {
        let has_suffix = string.clone().method("endsWith", [suffix.clone()]);
        let end = Expr::call("size", string.clone()).minus(Expr::call("size", suffix.clone()));
        let trimmed = string.clone().method("substring", [Expr::Int(0), end]);
        Expr::conditional(has_suffix, trimmed, string)
    })
}

/// `trim_space`.
pub(crate) fn trim_space(string: Expr) -> Expr {
    string.method("trim", [])
}

/// `substring`, of literal numbers; a negative length means to the end. `None` for a negative
/// offset, which is undefined.
pub(crate) fn substring(string: Expr, offset: i64, length: i64) -> Option<Expr> {
    if offset < 0 {
        return None;
    }
    let end = offset.saturating_add(length);
    Some(bound(string, "text", |string| {
        let longer_than = |chars: i64| {
            Expr::call("size", string.clone()).relation(Relation::Greater, Expr::Int(chars))
        };
        let part = |numbers: &[i64]| {
            let numbers = numbers.iter().map(|number| Expr::Int(*number));
            string.clone().method("substring", numbers)
        };
        let to_end = || Expr::conditional(longer_than(offset), part(&[offset]), empty());
        match (offset, length) {
            (0, ..0) => string.clone(),
            (0, _) => Expr::conditional(longer_than(length), part(&[0, length]), string.clone()),
            (_, ..0) => to_end(),
            _ => Expr::conditional(longer_than(end), part(&[offset, end]), to_end()),
        }
    }))
}

/// `split`.
pub(crate) fn split(string: Expr, separator: Expr) -> Expr {
    string.method("split", [separator])
}

/// `replace`, of a literal. `None` for an empty one: CEL would insert `new` between all characters,
/// Rego nothing.
pub(crate) fn replace(string: Expr, old: &str, new: Expr) -> Option<Expr> {
    if old.is_empty() {
        return None;
    }
    Some(string.method("replace", [Expr::string(old), new]))
}
