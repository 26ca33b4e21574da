//! Literals, and the types of values.
//!
//! Both terms and conditions contain them. Nothing here refers to a program.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A literal of a rule.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Const {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A string, its escapes resolved.
    String(Arc<str>),
    /// `[]`, a fallback of `object.get`.
    EmptyList,
    /// `{}`.
    EmptyMap,
}

/// The types of values.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// `null`.
    Null,
    /// A boolean.
    Bool,
    /// A number, whole or not.
    Number,
    /// A string.
    String,
    /// A list.
    List,
    /// A map (an object of JSON).
    Map,
}

impl Const {
    /// The type of the literal.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Null => ValueType::Null,
            Self::Bool(_) => ValueType::Bool,
            Self::Int(_) => ValueType::Number,
            Self::String(_) => ValueType::String,
            Self::EmptyList => ValueType::List,
            Self::EmptyMap => ValueType::Map,
        }
    }
}
