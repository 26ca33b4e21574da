//! What is known of the type of a term from Kubernetes' own types, so that guards are printed only where an object that
//! reaches admission could need them.

use kubevet_ir::ValueType;
use kubevet_model::Kind;
use std::sync::Arc;

/// What a value is, if it is there and not null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// Anything.
    Any,
    Null,
    Bool,
    Int,
    /// A whole number or a fraction.
    Number,
    Text,
    IntOrText,
    List(Arc<Known>),
    Map(Arc<Known>),
    /// A type with fields of its own, by name.
    Struct(Arc<str>),
    /// One of several structs: objects of different kinds.
    OneOf(Arc<[Known]>),
    /// A struct, or an empty map in its stead.
    Partial(Arc<Known>),
}

/// What a type says of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldOf {
    pub(super) known: Known,
    /// It is there in every object that reaches admission.
    pub(super) always: bool,
    /// It may be null there.
    pub(super) nullable: bool,
}

/// Kubernetes' types.
pub(super) trait Types {
    /// The objects of a kind; [`Known::Any`] for kinds that nobody describes.
    fn object(&self, kind: &Kind) -> Known;

    /// A field of a struct; `None` where it has none of that name, so that the API server drops it.
    fn field(&self, of: &str, name: &str) -> Option<FieldOf>;
}

impl Known {
    /// The one type that it has in Rego.
    pub(super) fn kind(&self) -> Option<ValueType> {
        Some(match self {
            Self::Any | Self::IntOrText => return None,
            Self::Null => ValueType::Null,
            Self::Bool => ValueType::Bool,
            Self::Int | Self::Number => ValueType::Number,
            Self::Text => ValueType::String,
            Self::List(_) => ValueType::List,
            Self::Map(_) | Self::Struct(_) | Self::OneOf(_) | Self::Partial(_) => ValueType::Map,
        })
    }

    /// Whether a value of it can have this type.
    pub(super) fn may_be(&self, kind: ValueType) -> bool {
        match self {
            Self::Any => true,
            Self::IntOrText => matches!(kind, ValueType::Number | ValueType::String),
            it => it.kind() == Some(kind),
        }
    }

    /// What is known of a field of it; `None` where it never has one.
    pub(super) fn field(&self, types: &dyn Types, name: &str) -> Option<FieldOf> {
        match self {
            Self::Any => Some(FieldOf {
                known: Self::Any,
                always: false,
                nullable: true,
            }),
            Self::Map(value) => {
                let nullable = **value == Self::Any;
                Some(FieldOf {
                    known: value.as_ref().clone(),
                    always: false,
                    nullable,
                })
            }
            Self::Struct(of) => types.field(of, name),
            Self::OneOf(each) => {
                let mut found: Option<FieldOf> = None;
                for (place, it) in each.iter().enumerate() {
                    match (it.field(types, name), &mut found) {
                        (None, Some(known)) => known.always = false,
                        (None, None) => {}
                        (Some(more), Some(known)) => known.join(more),
                        (Some(mut first), None) => {
                            first.always &= place == 0;
                            found = Some(first);
                        }
                    }
                }
                found
            }
            Self::Partial(of) => of.field(types, name).map(|it| FieldOf {
                always: false,
                ..it
            }),
            _ => None,
        }
    }

    /// What is known of the elements of a list or the values of a map.
    pub(super) fn elements(&self) -> Self {
        match self {
            Self::List(of) | Self::Map(of) => of.as_ref().clone(),
            Self::Partial(of) => of.elements(),
            _ => Self::Any,
        }
    }

    /// What is known where it is one or the other.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Int, Self::Number) | (Self::Number, Self::Int) => Self::Number,
            (a, b) if a.is_struct() && b.is_struct() => {
                let mut each = a.structs();
                each.extend(
                    b.structs()
                        .into_iter()
                        .filter(|it| !a.structs().contains(it)),
                );
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
            it => vec![it.clone()],
        }
    }
}

impl FieldOf {
    fn join(&mut self, other: Self) {
        self.known = std::mem::replace(&mut self.known, Known::Any).or(other.known);
        self.always &= other.always;
        self.nullable |= other.nullable;
    }
}
