//! Conditions: what is always true or false.

use super::{BinderId, ConditionId, Const, NodeId, TermId, ValueType};
use serde::{Deserialize, Serialize};

/// A condition. It is total: an undefined operand makes it false, never an error.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Always true.
    True,
    /// True if all are; evaluated from left to right.
    And(Box<[ConditionId]>),
    /// True if at least one is. The empty disjunction is how a program writes false.
    Or(Box<[ConditionId]>),
    /// The negation.
    Not(ConditionId),
    /// The term has a value, `null` and `false` included.
    Defined(TermId),
    /// The term has a value other than `false`.
    Truthy(TermId),
    /// The term has a value of this type.
    HasType(TermId, ValueType),
    /// A comparison, false if an operand is undefined. Values of different types are unequal, and
    /// ordered as in Rego: null, booleans, numbers, strings, lists, maps.
    Compare(Comparison, TermId, TermId),
    /// The term equals one of these literals, which are sorted.
    OneOf(TermId, Box<[Const]>),
    /// The first is an element of a list, or a *value* of a map (CEL's `in` looks for keys); false
    /// for other types.
    Member(TermId, TermId),
    /// A predicate, false if an argument is undefined or of a wrong type, unless the predicate says
    /// otherwise.
    Predicate(Predicate, Box<[TermId]>),
    /// Some element of the binder's domain makes the condition true. `every` is
    /// `Not(Any(b, Not(c)))` beside a condition that the domain is a collection.
    Any(BinderId, ConditionId),
}

/// The comparison operators.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// Functions that are true or false. The names of `lib.*` are those of `policies/lib`.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Predicate {
    /// `startswith(string, prefix)`.
    StartsWith,
    /// `endswith(string, suffix)`.
    EndsWith,
    /// `contains(string, substring)`.
    Contains,
    /// `lib.strings.contains_ignore_case(string, substring)`.
    ContainsIgnoreCase,
    /// `regex.match(pattern, string)`; the pattern is a literal or an element of a param.
    Matches,
    /// `lib.strings.matches_except(pattern, exception, string)`; both patterns are literals.
    MatchesExcept,
    /// `lib.images.within(image, registry_or_repository)`.
    ImageWithin,
    /// `lib.quantities.is_quantity(value)`, of a string or a number.
    IsQuantity,
    /// `lib.quantities.less(a, b)`.
    QuantityLess,
    /// `lib.quantities.is_positive(value)`.
    QuantityPositive,
}

impl Condition {
    /// The terms that it tests directly, from left to right; none for conditions made of others.
    #[must_use]
    pub fn operands(&self) -> Vec<TermId> {
        match self {
            Self::Defined(operand)
            | Self::Truthy(operand)
            | Self::HasType(operand, _)
            | Self::OneOf(operand, _) => vec![*operand],
            Self::Compare(_, left, right) | Self::Member(left, right) => vec![*left, *right],
            Self::Predicate(_, operands) => operands.to_vec(),
            Self::True | Self::And(_) | Self::Or(_) | Self::Not(_) | Self::Any(..) => Vec::new(),
        }
    }

    /// Calls `visit` for each direct child, in the order of evaluation; for `Any` its binder, then
    /// its body.
    pub fn for_each_child(&self, mut visit: impl FnMut(NodeId)) {
        match self {
            Self::And(conditions) | Self::Or(conditions) => conditions
                .iter()
                .for_each(|condition| visit(NodeId::Condition(*condition))),
            Self::Not(condition) => visit(NodeId::Condition(*condition)),
            Self::Any(binder, body) => {
                visit(NodeId::Binder(*binder));
                visit(NodeId::Condition(*body));
            }
            other => other
                .operands()
                .into_iter()
                .for_each(|operand| visit(NodeId::Term(operand))),
        }
    }
}

impl Predicate {
    /// The number of its operands that are patterns: they come first.
    #[must_use]
    pub fn patterns(self) -> usize {
        match self {
            Self::Matches => 1,
            Self::MatchesExcept => 2,
            _ => 0,
        }
    }
}

impl Comparison {
    /// The comparison with the same result when the operands are exchanged: `<` becomes `>`.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }

    /// The operator in Rego and CEL.
    #[must_use]
    pub fn operator(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}
