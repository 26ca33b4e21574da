//! The syntax tree of CEL (Common Expression Language), with the constructs that policies use.
//!
//! Apart because every other file builds or rewrites this tree, and none handles CEL as a string:
//! literals are quoted and parentheses are placed by the printer alone. The tree knows neither
//! Kubernetes nor rules. Nothing here parses CEL.
//!
//! | file | is |
//! |---|---|
//! | `build` | constructors, which fold what is always true or false |
//! | `query` | what a tree says of its expression |
//! | `traverse` | the children of an expression |

mod build;
mod query;
mod traverse;

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
    /// `?key`: the key of an entry of a map whose value is an optional. Without a value there is no
    /// such entry.
    OptionalKey(Box<Expr>),
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
