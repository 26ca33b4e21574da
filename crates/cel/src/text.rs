//! Expressions of CEL as text: operators with as few parentheses as the language allows, literals, nothing that knows
//! of Kubernetes or of programs.

use std::fmt::Write as _;

/// An expression. Constructors fold what is always true or false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cel {
    Bool(bool),
    /// What needs no parentheses anywhere: a name, a field, a call, a literal.
    Atom(String),
    /// The same, known to be a bool.
    Asked(String),
    Not(Box<Cel>),
    And(Vec<Cel>),
    Or(Vec<Cel>),
    /// `==`, `<`, `in` and the like.
    Relation(Box<Cel>, &'static str, Box<Cel>),
    Sum(Vec<Cel>),
    Choice(Box<[Cel; 3]>),
}

/// How strongly an expression holds together.
fn level(cel: &Cel) -> u8 {
    match cel {
        Cel::Choice(_) => 0,
        Cel::Or(_) => 1,
        Cel::And(_) => 2,
        Cel::Relation(..) => 3,
        Cel::Sum(_) => 4,
        Cel::Not(_) => 5,
        Cel::Bool(_) | Cel::Atom(_) | Cel::Asked(_) => 6,
    }
}

impl Cel {
    pub(super) fn atom(text: impl Into<String>) -> Self {
        Self::Atom(text.into())
    }

    /// A text literal.
    pub(super) fn text(value: &str) -> Self {
        let mut literal = String::with_capacity(value.len() + 2);
        literal.push('\'');
        for letter in value.chars() {
            match letter {
                '\'' => literal.push_str("\\'"),
                '\\' => literal.push_str("\\\\"),
                '\n' => literal.push_str("\\n"),
                '\r' => literal.push_str("\\r"),
                '\t' => literal.push_str("\\t"),
                it if it.is_control() => {
                    let _ = write!(literal, "\\u{:04x}", u32::from(it));
                }
                it => literal.push(it),
            }
        }
        literal.push('\'');
        Self::Atom(literal)
    }

    /// A list literal.
    pub(super) fn list(items: &[Self]) -> Self {
        let items: Vec<String> = items.iter().map(Self::show).collect();
        Self::Atom(format!("[{}]", items.join(", ")))
    }

    /// A list of text literals.
    pub(super) fn texts<'t>(values: impl IntoIterator<Item = &'t str>) -> Self {
        Self::list(&values.into_iter().map(Self::text).collect::<Vec<_>>())
    }

    /// Whether it is a name or a row of fields, so that saying it twice costs nothing.
    pub(super) fn is_simple(&self) -> bool {
        matches!(self, Self::Atom(text) if text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '.'))
    }

    /// Whether it is one literal text or number.
    pub(super) fn is_literal(&self) -> bool {
        let Self::Atom(text) = self else { return false };
        match text.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')) {
            Some(inside) => !inside.replace("\\\\", "").replace("\\'", "").contains('\''),
            None => text.chars().all(|it| it.is_ascii_digit()),
        }
    }

    pub(super) fn is_cheap(&self) -> bool {
        self.is_simple() || self.is_literal()
    }

    /// `!it`, or the contrary where that reads better.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Bool(it) => Self::Bool(!it),
            Self::Not(it) => *it,
            Self::Relation(a, "==", b) => Self::Relation(a, "!=", b),
            Self::Relation(a, "!=", b) => Self::Relation(a, "==", b),
            it => Self::Not(Box::new(it)),
        }
    }

    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Bool(true) => {}
                Self::Bool(false) => return part,
                Self::And(inner) => kept.extend(inner),
                it => kept.push(it),
            }
        }
        dedup(&mut kept);
        match (kept.pop(), kept.is_empty()) {
            (None, _) => Self::Bool(true),
            (Some(only), true) => only,
            (Some(last), false) => {
                kept.push(last);
                Self::And(kept)
            }
        }
    }

    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Bool(false) => {}
                Self::Bool(true) => return part,
                Self::Or(inner) => kept.extend(inner),
                it => kept.push(it),
            }
        }
        dedup(&mut kept);
        match (kept.pop(), kept.is_empty()) {
            (None, _) => Self::Bool(false),
            (Some(only), true) => only,
            (Some(last), false) => {
                kept.push(last);
                Self::Or(kept)
            }
        }
    }

    pub(super) fn relation(self, sign: &'static str, other: Self) -> Self {
        Self::Relation(Box::new(self), sign, Box::new(other))
    }

    pub(super) fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Sum(inner) => kept.extend(inner),
                it => kept.push(it),
            }
        }
        match (kept.pop(), kept.is_empty()) {
            (None, _) => Self::text(""),
            (Some(only), true) => only,
            (Some(last), false) => {
                kept.push(last);
                Self::Sum(kept)
            }
        }
    }

    /// `condition ? then : otherwise`.
    pub(super) fn choice(condition: Self, then: Self, otherwise: Self) -> Self {
        match condition {
            Self::Bool(true) => then,
            Self::Bool(false) => otherwise,
            _ if then == otherwise => then,
            _ => Self::Choice(Box::new([condition, then, otherwise])),
        }
    }

    /// Something right behind it: `.name`, `.?name`, `.call(…)`, `[…]`.
    pub(super) fn then(&self, more: &str) -> Self {
        Self::Atom(format!("{}{more}", self.within(6)))
    }

    /// The text, in parentheses where it stands beside something that holds together more strongly.
    fn within(&self, outer: u8) -> String {
        let text = self.show();
        if level(self) < outer {
            format!("({text})")
        } else {
            text
        }
    }

    fn joined(parts: &[Self], sign: &str, outer: u8) -> String {
        parts
            .iter()
            .map(|it| it.within(outer))
            .collect::<Vec<_>>()
            .join(sign)
    }

    /// The text.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Bool(it) => it.to_string(),
            Self::Atom(text) | Self::Asked(text) => text.clone(),
            Self::Not(it) => format!("!{}", it.within(6)),
            Self::And(parts) => Self::joined(parts, " && ", 3),
            Self::Or(parts) => Self::joined(parts, " || ", 2),
            Self::Relation(a, sign, b) => format!("{} {sign} {}", a.within(4), b.within(4)),
            Self::Sum(parts) => Self::joined(parts, " + ", 5),
            Self::Choice(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                format!(
                    "{} ? {} : {}",
                    condition.within(1),
                    then.within(1),
                    otherwise.show()
                )
            }
        }
    }

    /// Whether the type checker knows that it is a bool. What it only knows as `dyn` is no validation.
    pub(super) fn is_bool(&self) -> bool {
        match self {
            Self::Bool(_)
            | Self::Asked(_)
            | Self::Not(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Relation(..) => true,
            Self::Atom(text) => text.ends_with(".hasValue()"),
            Self::Choice(parts) => {
                matches!(parts.as_ref(), [_, a, b] if a.is_bool() && b.is_bool())
            }
            Self::Sum(_) => false,
        }
    }
}

fn dedup(parts: &mut Vec<Cel>) {
    let mut seen: Vec<Cel> = Vec::with_capacity(parts.len());
    for part in parts.drain(..) {
        if !seen.contains(&part) {
            seen.push(part);
        }
    }
    *parts = seen;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cel: Cel, expected: &str) {
        assert_eq!(cel.show(), expected);
    }

    #[test]
    fn parentheses_stand_only_where_precedence_asks_for_them() {
        let a = || Cel::atom("a");
        let b = || Cel::atom("b");
        check(Cel::all([a(), Cel::any([a(), b()])]), "a && (a || b)");
        check(Cel::any([Cel::all([a(), b()]), b()]), "a && b || b");
        check(Cel::all([a(), b()]).negated(), "!(a && b)");
        check(a().relation("==", b()).negated(), "a != b");
        check(
            Cel::choice(a(), b(), Cel::choice(b(), a(), b())),
            "a ? b : b ? a : b",
        );
        check(
            Cel::choice(Cel::choice(a(), b(), a()), b(), a()),
            "(a ? b : a) ? b : a",
        );
        check(
            Cel::choice(a(), b(), a()).then(".size()"),
            "(a ? b : a).size()",
        );
        check(
            Cel::sum([a(), Cel::choice(a(), b(), b().then(".c"))]),
            "a + (a ? b : b.c)",
        );
    }

    #[test]
    fn what_is_always_so_is_left_out() {
        check(
            Cel::all([Cel::Bool(true), Cel::atom("a"), Cel::atom("a")]),
            "a",
        );
        check(Cel::any([Cel::Bool(true), Cel::atom("a")]), "true");
        check(
            Cel::choice(Cel::Bool(false), Cel::atom("a"), Cel::atom("b")),
            "b",
        );
    }

    #[test]
    fn texts_are_quoted() {
        check(Cel::text("it's \\ \n\u{1}é"), r"'it\'s \\ \n\u0001é'");
    }
}
