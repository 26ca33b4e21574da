//! An expression with what is known statically of its value: whether there is one, and of which
//! type.

use super::{expr::Expr, types::StaticType};
use kubevet_ir::{Const, ValueType};
use std::sync::Arc;

/// Whether a term has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// For no object.
    Never,
    /// For some objects: the expression is an optional of CEL.
    Maybe,
    /// For every object: the expression is the value itself.
    Always,
}

/// A term of the program as an expression of CEL.
#[derive(Debug, Clone)]
pub(super) struct TypedExpr {
    pub(super) cel: Expr,
    pub(super) presence: Presence,
    /// The type of the value where it is present and not null.
    pub(super) static_type: StaticType,
    /// True if the value may be null.
    pub(super) nullable: bool,
    /// The bare value, which may be evaluated only where there is one.
    pub(super) present: Option<Expr>,
    /// True if CEL's type checker knows the value as `dyn` only.
    pub(super) is_dyn: bool,
}

impl TypedExpr {
    pub(super) fn always(cel: Expr, static_type: StaticType) -> Self {
        Self {
            present: Some(cel.clone()),
            cel,
            presence: Presence::Always,
            nullable: static_type == StaticType::Any,
            static_type,
            is_dyn: false,
        }
    }

    /// As [`TypedExpr::always`], for a value of the object, which the type checker knows as `dyn`.
    pub(super) fn of_object(cel: Expr, static_type: StaticType) -> Self {
        Self {
            is_dyn: true,
            ..Self::always(cel, static_type)
        }
    }

    pub(super) fn maybe(cel: Expr, static_type: StaticType) -> Self {
        Self {
            cel,
            presence: Presence::Maybe,
            nullable: static_type == StaticType::Any,
            static_type,
            present: None,
            is_dyn: false,
        }
    }

    pub(super) fn never() -> Self {
        Self {
            presence: Presence::Never,
            ..Self::maybe(Expr::optional_none(), StaticType::Any)
        }
    }

    /// The value of a constant.
    pub(super) fn constant(value: &Const) -> Self {
        let any = || Arc::new(StaticType::Any);
        match value {
            Const::Null => Self::always(Expr::Null, StaticType::Null),
            Const::Bool(value) => Self::always(Expr::Bool(*value), StaticType::Bool),
            Const::Int(value) => Self::always(Expr::Int(*value), StaticType::Int),
            Const::String(value) => Self::always(Expr::string(&**value), StaticType::String),
            Const::EmptyList => Self::always(Expr::empty_list(), StaticType::List(any())),
            Const::EmptyMap => Self::always(Expr::empty_map(), StaticType::Map(any())),
        }
    }

    /// The only type that the value can have in Rego; `None` where there are several.
    pub(super) fn value_type(&self) -> Option<ValueType> {
        if self.nullable && self.static_type != StaticType::Null {
            None
        } else {
            self.static_type.value_type()
        }
    }

    /// True if the value can have this type.
    pub(super) fn may_be(&self, wanted: ValueType) -> bool {
        self.static_type.may_be(wanted) || (self.nullable && wanted == ValueType::Null)
    }

    /// The same value, hidden from CEL's type checker.
    pub(super) fn dynamic(self) -> Self {
        Self {
            cel: self.cel.dynamic(),
            present: self.present.map(Expr::dynamic),
            is_dyn: true,
            ..self
        }
    }

    /// The expression as an optional.
    pub(super) fn optional(&self) -> Expr {
        match self.presence {
            Presence::Always => Expr::optional_of(self.cel.clone()),
            Presence::Maybe | Presence::Never => self.cel.clone(),
        }
    }

    /// The value, or another where there is none.
    pub(super) fn or_value(&self, other: &Expr) -> Expr {
        match self.presence {
            Presence::Always => self.cel.clone(),
            Presence::Maybe => self.cel.clone().or_value(other.clone()),
            Presence::Never => other.clone(),
        }
    }

    /// A bool: true if there is a value.
    pub(super) fn presence_test(&self) -> Expr {
        match (self.presence, &self.cel) {
            (Presence::Always, _) => Expr::Bool(true),
            (Presence::Never, _) => Expr::Bool(false),
            // `has()` is shorter, but fails where the operand itself is absent.
            (
                Presence::Maybe,
                Expr::Select {
                    operand,
                    field,
                    optional: true,
                },
            ) if operand.is_simple() => Expr::Has {
                operand: operand.clone(),
                field: field.clone(),
            },
            (Presence::Maybe, cel) => cel.clone().has_value(),
        }
    }

    /// The value where a condition holds.
    pub(super) fn only_where(self, condition: Expr) -> Self {
        match condition {
            Expr::Bool(true) => self,
            Expr::Bool(false) => Self::never(),
            _ => Self {
                cel: Expr::conditional(condition, self.optional(), Expr::optional_none()),
                presence: match self.presence {
                    Presence::Never => Presence::Never,
                    Presence::Maybe | Presence::Always => Presence::Maybe,
                },
                ..self
            },
        }
    }

    /// A constant of this type that satisfies the test: the `orValue(…)` with which an absent value
    /// gives the wanted result of a comparison.
    pub(super) fn default_where(&self, fits: impl Fn(&Const) -> bool) -> Option<Expr> {
        let candidates = match &self.static_type {
            StaticType::String => vec![Const::String("".into())],
            StaticType::Bool => vec![Const::Bool(false), Const::Bool(true)],
            StaticType::Int | StaticType::Number => {
                vec![Const::Int(0), Const::Int(-1), Const::Int(1)]
            }
            _ if self.is_dyn => vec![Const::Null],
            _ => vec![],
        };
        candidates
            .iter()
            .find(|value| fits(value))
            .map(|value| Self::constant(value).cel)
    }

    /// The integer literal that this is.
    pub(super) fn literal_int(&self) -> Option<i64> {
        match (&self.cel, self.presence) {
            (Expr::Int(value), Presence::Always) => Some(*value),
            _ => None,
        }
    }
}
