//! What is known statically of the type of a term, from Kubernetes' own types. Guards are emitted
//! only where an object that reaches admission could need them.

use kubevet_ir::ValueType;
use kubevet_model::Kind;
use std::sync::Arc;

/// The type of a value that is present and not null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StaticType {
    /// Any type.
    Any,
    Null,
    Bool,
    Int,
    /// An integer or a fraction.
    Number,
    String,
    IntOrString,
    List(Arc<StaticType>),
    Map(Arc<StaticType>),
    /// A type with fields of its own, by name.
    Struct(Arc<str>),
    /// One of several structs: objects of different kinds.
    OneOf(Arc<[StaticType]>),
    /// A struct, or an empty map instead of it.
    Partial(Arc<StaticType>),
}

/// What a type says of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StaticField {
    pub(super) static_type: StaticType,
    /// True if the field is present in every object that reaches admission.
    pub(super) always: bool,
    /// True if it may be null there.
    pub(super) nullable: bool,
}

/// The types of Kubernetes. A trait, so that tests have small types of their own.
pub(super) trait TypeSource {
    /// The type of the objects of a kind; [`StaticType::Any`] for kinds without a description.
    fn object(&self, kind: &Kind) -> StaticType;

    /// A field of a struct; `None` where it has none of that name, so that the API server drops it.
    fn field(&self, of: &str, name: &str) -> Option<StaticField>;
}

impl StaticType {
    /// The only type that it is in Rego; `None` where there are several.
    pub(super) fn value_type(&self) -> Option<ValueType> {
        Some(match self {
            Self::Any | Self::IntOrString => return None,
            Self::Null => ValueType::Null,
            Self::Bool => ValueType::Bool,
            Self::Int | Self::Number => ValueType::Number,
            Self::String => ValueType::String,
            Self::List(_) => ValueType::List,
            Self::Map(_) | Self::Struct(_) | Self::OneOf(_) | Self::Partial(_) => ValueType::Map,
        })
    }

    /// True if a value of it can have this type.
    pub(super) fn may_be(&self, wanted: ValueType) -> bool {
        match self {
            Self::Any => true,
            Self::IntOrString => matches!(wanted, ValueType::Number | ValueType::String),
            other => other.value_type() == Some(wanted),
        }
    }

    /// A field of it; `None` where it never has one of that name.
    pub(super) fn field(&self, types: &dyn TypeSource, name: &str) -> Option<StaticField> {
        match self {
            Self::Any => Some(StaticField {
                static_type: Self::Any,
                always: false,
                nullable: true,
            }),
            Self::Map(value) => Some(StaticField {
                static_type: value.as_ref().clone(),
                always: false,
                nullable: **value == Self::Any,
            }),
            Self::Struct(of) => types.field(of, name),
            Self::OneOf(each) => field_of_any(each, types, name),
            Self::Partial(of) => of.field(types, name).map(|field| StaticField {
                always: false,
                ..field
            }),
            _ => None,
        }
    }

    /// True if a value of this type can be of a struct that has no field of this name, while other
    /// structs that it can be of have one.
    pub(super) fn may_lack_field(&self, types: &dyn TypeSource, name: &str) -> bool {
        match self {
            Self::OneOf(each) => each.iter().any(|of| of.field(types, name).is_none()),
            Self::Partial(of) => of.may_lack_field(types, name),
            _ => false,
        }
    }

    /// The type of the elements of a list or of the values of a map.
    pub(super) fn elements(&self) -> Self {
        match self {
            Self::List(of) | Self::Map(of) => of.as_ref().clone(),
            Self::Partial(of) => of.elements(),
            _ => Self::Any,
        }
    }

    /// The type of a value that has one type or the other.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Int, Self::Number) | (Self::Number, Self::Int) => Self::Number,
            (a, b) if a.is_struct() && b.is_struct() => {
                let mut each = a.structs();
                for of in b.structs() {
                    if !each.contains(&of) {
                        each.push(of);
                    }
                }
                Self::OneOf(each.into())
            }
            _ => Self::Any,
        }
    }

    fn is_struct(&self) -> bool {
        matches!(self, Self::Struct(_) | Self::OneOf(_))
    }

    fn structs(&self) -> Vec<Self> {
        match self {
            Self::OneOf(each) => each.to_vec(),
            other => vec![other.clone()],
        }
    }
}

/// A field of a value that is one of several structs: always present only where each of them has it
/// always.
fn field_of_any(each: &[StaticType], types: &dyn TypeSource, name: &str) -> Option<StaticField> {
    let mut found: Option<StaticField> = None;
    for (index, of) in each.iter().enumerate() {
        match (of.field(types, name), &mut found) {
            (None, Some(field)) => field.always = false,
            (None, None) => {}
            (Some(other), Some(field)) => field.join(other),
            (Some(mut first), None) => {
                // The structs before it lack the field.
                first.always &= index == 0;
                found = Some(first);
            }
        }
    }
    found
}

impl StaticField {
    fn join(&mut self, other: Self) {
        let before = std::mem::replace(&mut self.static_type, StaticType::Any);
        self.static_type = before.or(other.static_type);
        self.always &= other.always;
        self.nullable |= other.nullable;
    }
}
