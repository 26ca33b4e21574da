//! Emission of `Coalesce`: the first of several terms that has a value.

use super::{
    emitter::Emitter,
    expr::Expr,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{Term, TermId};
use std::sync::Arc;

impl Emitter<'_, '_> {
    pub(super) fn coalesce(&mut self, terms: &[TermId]) -> Result<TypedExpr, Unsupported> {
        // From the last, which has no fallback, to the first.
        let mut found = TypedExpr::never();
        for term in terms.iter().rev() {
            found = self.with_fallback(*term, found)?;
        }
        Ok(found)
    }

    /// A term, or the fallback where it has no value.
    fn with_fallback(
        &mut self,
        term: TermId,
        fallback: TypedExpr,
    ) -> Result<TypedExpr, Unsupported> {
        if let Term::Guard(condition, inner) = *self.context.program.term(term) {
            let value = self.term(inner)?;
            let guard = self.condition(condition)?;
            if guard != value.presence_test() {
                let value = self.under(condition, inner, value);
                // `guard ? value : fallback` needs no optional.
                if value.presence == Presence::Always {
                    return Ok(branch(guard, value, fallback));
                }
            }
        }
        let value = self.term(term)?;
        Ok(match (value.presence, fallback.presence) {
            (Presence::Always, _) | (_, Presence::Never) => value,
            (Presence::Never, _) => fallback,
            (Presence::Maybe, Presence::Maybe) => {
                let cel = value.cel.clone().method("or", [fallback.cel.clone()]);
                joined(cel, Presence::Maybe, value, fallback)
            }
            (Presence::Maybe, Presence::Always) => {
                let cel = value.or_value(&fallback.cel);
                joined(cel, Presence::Always, value, fallback)
            }
        })
    }
}

fn branch(guard: Expr, value: TypedExpr, fallback: TypedExpr) -> TypedExpr {
    match guard {
        Expr::Bool(true) => return value,
        Expr::Bool(false) => return fallback,
        _ => {}
    }
    if fallback.presence == Presence::Always {
        // Both branches of a conditional must have one type for the type checker.
        let one_type = value.static_type == fallback.static_type || value.is_dyn || fallback.is_dyn;
        let checked = |of: &TypedExpr| {
            if one_type {
                of.cel.clone()
            } else {
                of.cel.clone().dynamic()
            }
        };
        let cel = Expr::conditional(guard, checked(&value), checked(&fallback));
        return joined(cel, Presence::Always, value, fallback);
    }
    let cel = Expr::conditional(guard, value.optional(), fallback.cel.clone());
    joined(cel, Presence::Maybe, value, fallback)
}

/// An expression that gives the value or the fallback.
fn joined(cel: Expr, presence: Presence, value: TypedExpr, fallback: TypedExpr) -> TypedExpr {
    let is_empty_list = fallback.cel == Expr::empty_list();
    let is_empty_map = fallback.cel == Expr::empty_map();
    // An empty list or map as fallback says nothing of elements.
    let static_type = match (value.static_type, fallback.static_type) {
        (StaticType::List(of), StaticType::List(_)) if is_empty_list => StaticType::List(of),
        (StaticType::Map(of), StaticType::Map(_)) if is_empty_map => StaticType::Map(of),
        (StaticType::Struct(of), StaticType::Map(_)) if is_empty_map => StaticType::Struct(of),
        (of @ StaticType::OneOf(_), StaticType::Map(_)) if is_empty_map => of,
        (a, b) => a.or(b),
    };
    let nullable = value.nullable || fallback.nullable || static_type == StaticType::Any;
    // Where the struct is an empty map instead, it has no field for certain.
    let static_type = match (&static_type, presence) {
        (StaticType::Struct(_) | StaticType::OneOf(_), Presence::Always) if is_empty_map => {
            StaticType::Partial(Arc::new(static_type))
        }
        _ => static_type,
    };
    TypedExpr {
        present: (presence == Presence::Always).then(|| cel.clone()),
        cel,
        presence,
        static_type,
        nullable,
        is_dyn: value.is_dyn,
    }
}
