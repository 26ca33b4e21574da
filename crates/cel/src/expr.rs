//! The syntax tree of CEL (Common Expression Language), with the constructs that policies use.
//!
//! Apart because every other file builds or rewrites this tree, and none handles CEL as a string:
//! literals are quoted and parentheses are placed by the printer alone. The tree knows neither
//! Kubernetes nor rules. Nothing here parses CEL.
//!
//! Constructors fold what is always true or false, so that a tree never holds `true && x`.

/// An expression of CEL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer literal.
    Int(i64),
    /// A string literal.
    String(String),
    /// A string literal without escapes, `r'…'`: regular expressions, none of which holds a quote.
    RawString(String),
    /// A name: a root such as `object`, a type such as `map`, or the variable of a comprehension.
    Ident(String),
    /// A policy's variable: `variables.NAME`.
    Variable(String),
    /// A field: `operand.field`, or `operand.?field`, which is an optional.
    Select {
        /// The map or object.
        operand: Box<Expr>,
        /// The name of the field, an identifier.
        field: String,
        /// True for `.?`.
        optional: bool,
    },
    /// An element: `operand[index]`, or `operand[?index]`, which is an optional.
    Index {
        /// The list or map.
        operand: Box<Expr>,
        /// The number or key.
        index: Box<Expr>,
        /// True for `[?`.
        optional: bool,
    },
    /// `has(operand.field)`: true if the field is present.
    Has {
        /// The map or object.
        operand: Box<Expr>,
        /// The name of the field, an identifier.
        field: String,
    },
    /// `function(arguments)`.
    Call(&'static str, Vec<Expr>),
    /// `receiver.method(arguments)`.
    Method(Box<Expr>, &'static str, Vec<Expr>),
    /// A macro that binds a variable.
    Comprehension(Box<Comprehension>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{key: value}`.
    Map(Vec<(Expr, Expr)>),
    /// `!operand`.
    Not(Box<Expr>),
    /// `a && b && c`; at least two operands, none of which is an `And`.
    And(Vec<Expr>),
    /// `a || b || c`; at least two operands, none of which is an `Or`.
    Or(Vec<Expr>),
    /// `a == b` and the like.
    Relation(Box<Expr>, Relation, Box<Expr>),
    /// `a + b + c`; at least two operands, none of which is a `Sum`.
    Sum(Vec<Expr>),
    /// `a - b`.
    Difference(Box<[Expr; 2]>),
    /// `a * b`.
    Product(Box<[Expr; 2]>),
    /// `condition ? then : otherwise`.
    Conditional(Box<[Expr; 3]>),
}

/// An operator that compares two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `in`: an element of a list, or a key of a map.
    In,
}

/// A macro that binds a variable: `range.exists(variable, body)`, or with a filter
/// `range.map(variable, filter, body)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comprehension {
    /// What is iterated, or the optional of `optMap` and `optFlatMap`.
    pub range: Expr,
    /// Which macro.
    pub operation: Macro,
    /// The name that the body gives to an element.
    pub variable: String,
    /// The condition of a `map` of three arguments.
    pub filter: Option<Expr>,
    /// What is evaluated for each element.
    pub body: Expr,
}

/// The macros that bind a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Macro {
    /// `all`.
    All,
    /// `exists`.
    Exists,
    /// `filter`.
    Filter,
    /// `map`.
    Map,
    /// `optMap`: the body gives a value.
    OptMap,
    /// `optFlatMap`: the body gives an optional.
    OptFlatMap,
}

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
        let operand = Box::new(self);
        if is_identifier(field) {
            let field = field.to_owned();
            Self::Select {
                operand,
                field,
                optional,
            }
        } else {
            let index = Box::new(Self::string(field));
            Self::Index {
                operand,
                index,
                optional,
            }
        }
    }

    /// `self[index]`.
    #[must_use]
    pub fn index(self, index: Self) -> Self {
        Self::Index {
            operand: Box::new(self),
            index: Box::new(index),
            optional: false,
        }
    }

    /// `self[?index]`.
    #[must_use]
    pub fn opt_index(self, index: Self) -> Self {
        Self::Index {
            operand: Box::new(self),
            index: Box::new(index),
            optional: true,
        }
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

    /// `self.operation(variable, body)`.
    #[must_use]
    pub fn comprehension(self, operation: Macro, variable: &str, body: Self) -> Self {
        Self::Comprehension(Box::new(Comprehension {
            range: self,
            operation,
            variable: variable.to_owned(),
            filter: None,
            body,
        }))
    }

    /// `self.exists(variable, body)`.
    #[must_use]
    pub fn exists(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::Exists, variable, body)
    }

    /// `self.all(variable, body)`.
    #[must_use]
    pub fn for_all(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::All, variable, body)
    }

    /// `self.filter(variable, body)`.
    #[must_use]
    pub fn filter(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::Filter, variable, body)
    }

    /// `self.map(variable, body)`.
    #[must_use]
    pub fn map(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::Map, variable, body)
    }

    /// `self.map(variable, filter, body)`; without a filter where that is always true.
    #[must_use]
    pub fn filter_map(self, variable: &str, filter: Self, body: Self) -> Self {
        Self::Comprehension(Box::new(Comprehension {
            range: self,
            operation: Macro::Map,
            variable: variable.to_owned(),
            filter: (filter != Self::Bool(true)).then_some(filter),
            body,
        }))
    }

    /// `self.optMap(variable, body)`.
    #[must_use]
    pub fn opt_map(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::OptMap, variable, body)
    }

    /// `self.optFlatMap(variable, body)`.
    #[must_use]
    pub fn opt_flat_map(self, variable: &str, body: Self) -> Self {
        self.comprehension(Macro::OptFlatMap, variable, body)
    }

    /// `[self].map(variable, body)[0]`: the body with a name for this value. CEL has no `let`, so a
    /// value is named as the only element of a list.
    #[must_use]
    pub fn bind(self, variable: &str, body: Self) -> Self {
        Self::List(vec![self])
            .map(variable, body)
            .index(Self::Int(0))
    }

    /// `[self].exists(variable, condition)`: as [`Expr::bind`], for a condition.
    #[must_use]
    pub fn bind_condition(self, variable: &str, condition: Self) -> Self {
        Self::List(vec![self]).exists(variable, condition)
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

/// Questions about a tree.
impl Expr {
    /// True for a name, a row of plain fields, and an integer: repeating it costs nothing.
    #[must_use]
    pub fn is_simple(&self) -> bool {
        match self {
            Self::Ident(_) | Self::Variable(_) | Self::Int(0..) | Self::Null => true,
            Self::Select {
                operand,
                optional: false,
                ..
            } => operand.is_simple(),
            _ => false,
        }
    }

    /// True for one string or number.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self, Self::String(_) | Self::Int(_))
    }

    /// True if repeating the expression costs nothing.
    #[must_use]
    pub fn is_cheap(&self) -> bool {
        self.is_simple() || self.is_literal()
    }

    /// True if CEL's type checker knows that the value is a bool. A validation whose type is only
    /// known as `dyn` is rejected by the API server.
    #[must_use]
    pub fn is_bool(&self) -> bool {
        match self {
            Self::Bool(_)
            | Self::Not(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Relation(..)
            | Self::Has { .. }
            | Self::Method(_, "hasValue", _) => true,
            Self::Comprehension(inner) => matches!(inner.operation, Macro::All | Macro::Exists),
            Self::Conditional(parts) => {
                matches!(parts.as_ref(), [_, then, otherwise] if then.is_bool() && otherwise.is_bool())
            }
            _ => false,
        }
    }

    /// The last field that is selected before the first call or index, such as `image` of
    /// `c.?image.optMap(…)`. What the expression gives is named after it. `None` where it begins
    /// with neither a name nor a variable.
    #[must_use]
    pub fn last_field(&self) -> Option<&str> {
        // From the outside in, so a call discards what was found outside of it.
        let mut found = None;
        let mut expr = self;
        loop {
            expr = match expr {
                Self::Ident(name) | Self::Variable(name) => return found.or(Some(name)),
                Self::Select { operand, field, .. } => {
                    found = found.or(Some(field));
                    operand
                }
                Self::Index { operand, .. } => {
                    found = None;
                    operand
                }
                Self::Method(receiver, ..) => {
                    found = None;
                    receiver
                }
                Self::Comprehension(inner) => {
                    found = None;
                    &inner.range
                }
                _ => return None,
            };
        }
    }

    /// True if this expression or one inside it satisfies the test.
    pub fn contains(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        test(self) || self.children().iter().any(|child| child.contains(test))
    }

    /// The expressions directly inside, in the order in which they are printed.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::String(_)
            | Self::RawString(_)
            | Self::Ident(_)
            | Self::Variable(_) => Vec::new(),
            Self::Select { operand, .. } | Self::Has { operand, .. } => vec![operand],
            Self::Index { operand, index, .. } => vec![operand, index],
            Self::Call(_, parts)
            | Self::List(parts)
            | Self::And(parts)
            | Self::Or(parts)
            | Self::Sum(parts) => parts.iter().collect(),
            Self::Method(receiver, _, arguments) => {
                std::iter::once(&**receiver).chain(arguments).collect()
            }
            Self::Comprehension(inner) => {
                [Some(&inner.range), inner.filter.as_ref(), Some(&inner.body)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Self::Map(entries) => entries
                .iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
            Self::Not(operand) => vec![operand],
            Self::Relation(a, _, b) => vec![a, b],
            Self::Difference(parts) | Self::Product(parts) => parts.iter().collect(),
            Self::Conditional(parts) => parts.iter().collect(),
        }
    }

    /// Calls `change` with this expression, and then with each that is inside the result.
    pub fn rewrite(&mut self, change: &mut dyn FnMut(&mut Self)) {
        change(self);
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::String(_)
            | Self::RawString(_)
            | Self::Ident(_)
            | Self::Variable(_) => {}
            Self::Select { operand, .. } | Self::Has { operand, .. } => operand.rewrite(change),
            Self::Index { operand, index, .. } => {
                operand.rewrite(change);
                index.rewrite(change);
            }
            Self::Call(_, parts)
            | Self::List(parts)
            | Self::And(parts)
            | Self::Or(parts)
            | Self::Sum(parts) => parts.iter_mut().for_each(|part| part.rewrite(change)),
            Self::Method(receiver, _, arguments) => {
                receiver.rewrite(change);
                arguments.iter_mut().for_each(|part| part.rewrite(change));
            }
            Self::Comprehension(inner) => {
                inner.range.rewrite(change);
                if let Some(filter) = &mut inner.filter {
                    filter.rewrite(change);
                }
                inner.body.rewrite(change);
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    key.rewrite(change);
                    value.rewrite(change);
                }
            }
            Self::Not(operand) => operand.rewrite(change),
            Self::Relation(a, _, b) => {
                a.rewrite(change);
                b.rewrite(change);
            }
            Self::Difference(parts) | Self::Product(parts) => {
                parts.iter_mut().for_each(|part| part.rewrite(change));
            }
            Self::Conditional(parts) => parts.iter_mut().for_each(|part| part.rewrite(change)),
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
