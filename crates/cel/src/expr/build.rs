//! Constructors of the syntax tree. They fold what is always true or false, so that a tree never
//! holds `true && x`.

use super::{Comprehension, Expr, Macro, Relation};

impl From<bool> for Expr {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// Leaves.
impl Expr {
    /// A name.
    #[must_use]
    pub fn ident(name: impl Into<String>) -> Self {
        Self::Ident(name.into())
    }

    /// `variables.NAME`.
    #[must_use]
    pub fn variable(name: impl Into<String>) -> Self {
        Self::Variable(name.into())
    }

    /// A string literal.
    #[must_use]
    pub fn string(value: impl Into<String>) -> Self {
        Self::String(value.into())
    }

    /// A regular expression as a literal.
    #[must_use]
    pub fn pattern(value: impl Into<String>) -> Self {
        Self::RawString(value.into())
    }

    /// An integer literal of a count; the largest integer where it does not fit.
    #[must_use]
    pub fn count(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// A list of string literals.
    #[must_use]
    pub fn strings<'t>(values: impl IntoIterator<Item = &'t str>) -> Self {
        Self::List(values.into_iter().map(Self::string).collect())
    }

    /// `[]`.
    #[must_use]
    pub fn empty_list() -> Self {
        Self::List(Vec::new())
    }

    /// `{}`.
    #[must_use]
    pub fn empty_map() -> Self {
        Self::Map(Vec::new())
    }

    /// `optional.none()`.
    #[must_use]
    pub fn optional_none() -> Self {
        Self::ident("optional").method("none", [])
    }

    /// `optional.of(value)`.
    #[must_use]
    pub fn optional_of(value: Self) -> Self {
        Self::ident("optional").method("of", [value])
    }
}

/// Postfix expressions and calls.
impl Expr {
    /// `self.field`; for a name that is no identifier `self['field']`.
    #[must_use]
    pub fn select(self, field: &str) -> Self {
        self.member(field, false)
    }

    /// `self.?field`; for a name that is no identifier `self[?'field']`.
    #[must_use]
    pub fn opt_select(self, field: &str) -> Self {
        self.member(field, true)
    }

    fn member(self, field: &str, optional: bool) -> Self {
        if !is_identifier(field) {
            return self.element(Self::string(field), optional);
        }
        let select = |operand: Self| Self::Select {
            operand: Box::new(operand),
            field: field.to_owned(),
            optional,
        };
        if optional {
            self.then(|_| true, select)
        } else {
            select(self)
        }
    }

    /// `self[index]`.
    #[must_use]
    pub fn index(self, index: Self) -> Self {
        self.element(index, false)
    }

    /// `self[?index]`.
    #[must_use]
    pub fn opt_index(self, index: Self) -> Self {
        self.element(index, true)
    }

    fn element(self, index: Self, optional: bool) -> Self {
        if !optional {
            return Self::Index {
                operand: Box::new(self),
                index: Box::new(index),
                optional,
            };
        }
        let is_free = |variable: &str| !index.reads(variable);
        self.then(is_free, |operand| Self::Index {
            operand: Box::new(operand),
            index: Box::new(index.clone()),
            optional,
        })
    }

    /// A field or element of an optional. The selection goes into the body of a macro: CEL's parser
    /// writes the range of `optMap` twice, so a chain of them doubles with each, and a nest of them does
    /// not. `is_allowed` says whether it can stand where a variable of that name is bound.
    fn then(self, is_allowed: impl Fn(&str) -> bool, selection: impl FnOnce(Self) -> Self) -> Self {
        match self {
            Self::Comprehension(inner)
                if matches!(inner.operation, Macro::OptMap | Macro::OptFlatMap)
                    && is_allowed(&inner.variable) =>
            {
                let Comprehension {
                    range,
                    operation,
                    variable,
                    body,
                    ..
                } = *inner;
                let body = if operation == Macro::OptFlatMap {
                    body.then(is_allowed, selection)
                } else {
                    selection(body)
                };
                range.comprehension(Macro::OptFlatMap, &variable, None, body)
            }
            other => selection(other),
        }
    }

    /// True if the expression has the name in it.
    fn reads(&self, name: &str) -> bool {
        self.contains(&|part| matches!(part, Self::Ident(other) if other == name))
    }

    /// `function(argument)`.
    #[must_use]
    pub fn call(function: &'static str, argument: Self) -> Self {
        Self::Call(function, vec![argument])
    }

    /// `self.method(arguments)`.
    #[must_use]
    pub fn method(self, method: &'static str, arguments: impl IntoIterator<Item = Self>) -> Self {
        Self::Method(Box::new(self), method, arguments.into_iter().collect())
    }

    /// `self.orValue(other)`, of an optional.
    #[must_use]
    pub fn or_value(self, other: Self) -> Self {
        self.method("orValue", [other])
    }

    /// `self.hasValue()`, of an optional.
    #[must_use]
    pub fn has_value(self) -> Self {
        self.method("hasValue", [])
    }

    /// `self.size()`.
    #[must_use]
    pub fn size(self) -> Self {
        self.method("size", [])
    }

    /// `type(self) == name`.
    #[must_use]
    pub fn is_type(self, name: &str) -> Self {
        Self::call("type", self).equals(Self::ident(name))
    }

    /// `dyn(self)`: the type checker takes it for any type. CEL's lists hold one type of element,
    /// so what is put beside other types in a list is wrapped.
    #[must_use]
    pub fn dynamic(self) -> Self {
        Self::call("dyn", self)
    }
}

/// Macros.
impl Expr {
    /// `self.exists(variable, body)`.
    #[must_use]
    pub fn exists(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::Exists, variable, None, body)
    }

    /// `self.all(variable, body)`.
    #[must_use]
    pub fn for_all(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::All, variable, None, body)
    }

    /// `self.filter(variable, body)`.
    #[must_use]
    pub fn filter(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::Filter, variable, None, body)
    }

    /// `self.map(variable, body)`.
    #[must_use]
    pub fn map(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::Map, variable, None, body)
    }

    /// `self.map(variable, filter, body)`; without a filter where that is always true.
    #[must_use]
    pub fn filter_map(self, variable: &str, filter: Self, body: Self) -> Self {
        let filter = (filter != Self::Bool(true)).then_some(filter);
        self.comprehension(Macro::Map, variable, filter, body)
    }

    /// `self.optMap(variable, body)`.
    #[must_use]
    pub fn opt_map(self, variable: &str, body: Self) -> Self {
        self.opt_macro(Macro::OptMap, variable, body)
    }

    /// `self.optFlatMap(variable, body)`.
    #[must_use]
    pub fn opt_flat_map(self, variable: &str, body: Self) -> Self {
        self.opt_macro(Macro::OptFlatMap, variable, body)
    }

    /// `optMap` or `optFlatMap`, inside the body of an `optFlatMap`, as selections are.
    fn opt_macro(self, operation: Macro, variable: &str, body: Self) -> Self {
        match self {
            Self::Comprehension(inner)
                if inner.operation == Macro::OptFlatMap
                    && (inner.variable == variable || !body.reads(&inner.variable)) =>
            {
                let outer = *inner;
                let nested = outer.body.opt_macro(operation, variable, body);
                outer
                    .range
                    .comprehension(Macro::OptFlatMap, &outer.variable, None, nested)
            }
            other => other.comprehension(operation, variable, None, body),
        }
    }

    /// `[self].map(variable, body)[0]`: the body with a name for this value. CEL has no `let`, so a
    /// value is named as the only element of a list.
    #[must_use]
    pub fn bind(self, variable: &str, body: Self) -> Self {
        self.single_element_list()
            .map(variable, body)
            .index(Self::Int(0))
    }

    /// `[self].exists(variable, condition)`: as [`Expr::bind`], for a condition.
    #[must_use]
    pub fn bind_condition(self, variable: &str, condition: Self) -> Self {
        self.single_element_list().exists(variable, condition)
    }

    /// A list of this value alone. What [`Expr::bind`] made was one before its index.
    fn single_element_list(self) -> Self {
        if let Self::Index {
            operand,
            index,
            optional: false,
        } = &self
            && **index == Self::Int(0)
            && let Self::Comprehension(inner) = operand.as_ref()
            && inner.operation == Macro::Map
            && inner.filter.is_none()
            && matches!(&inner.range, Self::List(items) if items.len() == 1)
        {
            return operand.as_ref().clone();
        }
        Self::List(vec![self])
    }

    fn comprehension(
        self,
        operation: Macro,
        variable: &str,
        filter: Option<Self>,
        body: Self,
    ) -> Self {
        Self::Comprehension(Box::new(Comprehension {
            range: self,
            operation,
            variable: variable.to_owned(),
            filter,
            body,
        }))
    }
}

/// Operators.
impl Expr {
    /// `!self`, or the opposite relation where there is one.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Bool(value) => Self::Bool(!value),
            Self::Not(operand) => *operand,
            Self::Relation(a, Relation::Equal, b) => Self::Relation(a, Relation::NotEqual, b),
            Self::Relation(a, Relation::NotEqual, b) => Self::Relation(a, Relation::Equal, b),
            other => Self::Not(Box::new(other)),
        }
    }

    /// The conjunction: flattened, without repeated operands, folded where an operand is a literal.
    #[must_use]
    pub fn all(operands: impl IntoIterator<Item = Self>) -> Self {
        Self::fold(operands, true)
    }

    /// The disjunction: flattened, without repeated operands, folded where an operand is a literal.
    #[must_use]
    pub fn any(operands: impl IntoIterator<Item = Self>) -> Self {
        Self::fold(operands, false)
    }

    /// `neutral` is the operand that changes nothing: true for a conjunction, false for a
    /// disjunction.
    fn fold(operands: impl IntoIterator<Item = Self>, neutral: bool) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for operand in operands {
            let parts = match operand {
                Self::Bool(value) if value == neutral => continue,
                Self::Bool(_) => return operand,
                Self::And(parts) if neutral => parts,
                Self::Or(parts) if !neutral => parts,
                other => vec![other],
            };
            for part in parts {
                if !kept.contains(&part) {
                    kept.push(part);
                }
            }
        }
        if kept.len() < 2 {
            return kept.pop().unwrap_or(Self::Bool(neutral));
        }
        if neutral {
            Self::And(kept)
        } else {
            Self::Or(kept)
        }
    }

    /// The disjunction, in which neighbours that begin with one condition have it in common:
    /// `a && b || a && c` is `a && (b || c)`.
    #[must_use]
    pub fn any_factored(operands: impl IntoIterator<Item = Self>) -> Self {
        let mut groups: Vec<(Option<Self>, Vec<Self>)> = Vec::new();
        for operand in operands {
            let (first, rest) = match operand {
                Self::And(conjuncts) => {
                    let mut conjuncts = conjuncts.into_iter();
                    (conjuncts.next(), Self::all(conjuncts))
                }
                other => (None, other),
            };
            match groups.last_mut() {
                Some((common, rests)) if first.is_some() && *common == first => rests.push(rest),
                _ => groups.push((first, vec![rest])),
            }
        }
        Self::any(groups.into_iter().map(|(first, rests)| {
            let rest = Self::any(rests);
            match first {
                Some(first) => Self::all([first, rest]),
                None => rest,
            }
        }))
    }

    /// `self RELATION other`.
    #[must_use]
    pub fn relation(self, relation: Relation, other: Self) -> Self {
        Self::Relation(Box::new(self), relation, Box::new(other))
    }

    /// `self == other`.
    #[must_use]
    pub fn equals(self, other: Self) -> Self {
        self.relation(Relation::Equal, other)
    }

    /// `self != other`.
    #[must_use]
    pub fn differs_from(self, other: Self) -> Self {
        self.relation(Relation::NotEqual, other)
    }

    /// `self > other`.
    #[must_use]
    pub fn exceeds(self, other: Self) -> Self {
        self.relation(Relation::Greater, other)
    }

    /// `self in list`.
    #[must_use]
    pub fn is_in(self, list: Self) -> Self {
        self.relation(Relation::In, list)
    }

    /// The sum of numbers, or strings or lists one after another; the empty string where there are
    /// none.
    #[must_use]
    pub fn sum(operands: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for operand in operands {
            match operand {
                Self::Sum(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        if kept.len() < 2 {
            kept.pop().unwrap_or_else(|| Self::string(""))
        } else {
            Self::Sum(kept)
        }
    }

    /// The lists one after another.
    #[must_use]
    pub fn concatenation(mut lists: Vec<Self>) -> Self {
        lists.retain(|list| *list != Self::empty_list());
        if lists.is_empty() {
            Self::empty_list()
        } else {
            Self::sum(lists)
        }
    }

    /// `self + other`.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self::sum([self, other])
    }

    /// `self - other`.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self::Difference(Box::new([self, other]))
    }

    /// `self * other`.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self::Product(Box::new([self, other]))
    }

    /// `condition ? then : otherwise`, folded where the condition is a literal or both branches are
    /// equal.
    #[must_use]
    pub fn conditional(condition: Self, then: Self, otherwise: Self) -> Self {
        match condition {
            Self::Bool(true) => then,
            Self::Bool(false) => otherwise,
            _ if then == otherwise => then,
            _ => Self::Conditional(Box::new([condition, then, otherwise])),
        }
    }
}

/// True if the name may follow a dot.
fn is_identifier(name: &str) -> bool {
    let starts = |first: char| first.is_ascii_alphabetic() || first == '_';
    let continues = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(starts) && name.chars().all(continues) && !KEYWORDS.contains(&name)
}

/// Identifiers that CEL's grammar takes for something else.
const KEYWORDS: &[&str] = &["true", "false", "null", "in"];
