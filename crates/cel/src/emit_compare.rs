//! Emission of comparisons. CEL, like Rego, compares values of different types for equality; for
//! their order it ends in an error, where Rego has an order of types.

use super::{
    emit_condition::type_test,
    emitter::Emitter,
    expr::{Expr, Relation},
    pod_paths::path_by_kind,
    typed_expr::{Presence, TypedExpr},
    unsupported::Unsupported,
};
use kubevet_ir::{Comparison, Const, Term, TermId, ValueType};
use kubevet_model::Kind;

/// All types in Rego's order.
const TYPE_ORDER: [ValueType; 6] = [
    ValueType::Null,
    ValueType::Bool,
    ValueType::Number,
    ValueType::String,
    ValueType::List,
    ValueType::Map,
];

impl Emitter<'_, '_> {
    pub(super) fn compare(
        &mut self,
        comparison: Comparison,
        a: TermId,
        b: TermId,
    ) -> Result<Expr, Unsupported> {
        let program = self.context.program;
        let is_constant = |term: TermId| matches!(program.term(term), Term::Const(_));
        // A constant is the right operand.
        if is_constant(a) && !is_constant(b) {
            return self.compare(comparison.flipped(), b, a);
        }
        if let Some(cel) = self.compare_kind(comparison, a, b)? {
            return Ok(cel);
        }
        let literal = match program.term(b) {
            Term::Const(value) => Some(value),
            _ => None,
        };
        let (a, b) = (self.term(a)?, self.term(b)?);
        if a.presence == Presence::Never || b.presence == Presence::Never {
            return Ok(Expr::Bool(false));
        }
        match comparison {
            Comparison::Equal => Ok(equal(&a, &b, literal)),
            Comparison::NotEqual => Ok(unequal(&a, &b, literal)),
            _ => self.ordered(comparison, &a, &b),
        }
    }

    /// A comparison that the kind of the object decides.
    fn compare_kind(
        &mut self,
        comparison: Comparison,
        a: TermId,
        b: TermId,
    ) -> Result<Option<Expr>, Unsupported> {
        let program = self.context.program;
        let Term::Const(Const::String(wanted)) = program.term(b) else {
            return Ok(None);
        };
        if let Term::Field(of, name) = program.term(a)
            && name.as_ref() == "kind"
            && *program.term(*of) == Term::Object
        {
            let is = self.context.is_kind(|kind| kind.name == wanted.as_ref())?;
            return Ok(match comparison {
                Comparison::Equal => Some(is),
                Comparison::NotEqual => Some(is.negated()),
                _ => None,
            });
        }
        let Some(path) = path_by_kind(program.term(a)) else {
            return Ok(None);
        };
        let is = |kind: &Kind| path(kind).as_deref() == Some(wanted.as_ref());
        match comparison {
            Comparison::Equal => self.context.is_kind(is).map(Some),
            Comparison::NotEqual => self
                .context
                .is_kind(|kind| path(kind).is_some() && !is(kind))
                .map(Some),
            _ => Ok(None),
        }
    }

    fn ordered(
        &mut self,
        comparison: Comparison,
        a: &TypedExpr,
        b: &TypedExpr,
    ) -> Result<Expr, Unsupported> {
        let Some(of_b) = b.value_type() else {
            return Err(Unsupported(
                "the order of two values that are not proved to be of one type".to_owned(),
            ));
        };
        if b.presence != Presence::Always {
            if a.presence == Presence::Always && a.value_type().is_some() {
                return self.ordered(comparison.flipped(), b, a);
            }
            return Err(Unsupported(
                "the order of two values that may both be undefined".to_owned(),
            ));
        }
        if matches!(of_b, ValueType::Null | ValueType::List | ValueType::Map) && a.may_be(of_b) {
            return Err(Unsupported("the order of lists or maps".to_owned()));
        }
        if let (Some(x), Some(y)) = (a.literal_int(), b.literal_int()) {
            return Ok(Expr::Bool(match comparison {
                Comparison::Less => x < y,
                Comparison::LessOrEqual => x <= y,
                Comparison::Greater => x > y,
                _ => x >= y,
            }));
        }
        let relation = relation(comparison);
        let right = b.cel.clone();
        if a.value_type() == Some(of_b) {
            return match (a.presence, comparison) {
                (Presence::Always, _) => Ok(a.cel.clone().relation(relation, right)),
                // Nothing is less or greater than itself, so the right operand is the default for
                // an absent left one.
                (_, Comparison::Less | Comparison::Greater) if right.is_cheap() => {
                    Ok(a.or_value(&right).relation(relation, right))
                }
                _ => self.with_value(a, |bound| Ok(bound.clone().relation(relation, right))),
            };
        }
        let rank = |of: ValueType| TYPE_ORDER.iter().position(|other| *other == of);
        let is_decided_by_type = |of: ValueType| match comparison {
            Comparison::Less | Comparison::LessOrEqual => rank(of) < rank(of_b),
            _ => rank(of) > rank(of_b),
        };
        let other_types: Vec<ValueType> = TYPE_ORDER
            .into_iter()
            .filter(|of| *of != of_b && is_decided_by_type(*of) && a.may_be(*of))
            .collect();
        let may_be_same = a.may_be(of_b);
        self.with_value(a, |bound| {
            let by_type = Expr::any(other_types.iter().map(|of| type_test(bound, *of)));
            let by_value = bound.clone().relation(relation, right);
            Ok(if may_be_same {
                Expr::conditional(type_test(bound, of_b), by_value, by_type)
            } else {
                by_type
            })
        })
    }
}

fn have_common_type(a: &TypedExpr, b: &TypedExpr) -> bool {
    TYPE_ORDER.iter().any(|of| a.may_be(*of) && b.may_be(*of))
}

/// `literal` is the value of `b` where it is a constant.
fn equal(a: &TypedExpr, b: &TypedExpr, literal: Option<&Const>) -> Expr {
    if !have_common_type(a, b) {
        return Expr::Bool(false);
    }
    if let (Some(Const::Bool(wanted)), Some(ValueType::Bool)) = (literal, a.value_type()) {
        let value = a.or_value(&Expr::Bool(!wanted));
        return if *wanted { value } else { value.negated() };
    }
    match (a.presence, b.presence) {
        (Presence::Always, Presence::Always) if literal.is_some() && a.cel.is_literal() => {
            Expr::Bool(a.cel == b.cel)
        }
        (Presence::Always, Presence::Always) => a.cel.clone().equals(b.cel.clone()),
        (Presence::Maybe, Presence::Always) => {
            let other = literal.and_then(|literal| a.default_where(|value| value != literal));
            match other {
                Some(other) => a.or_value(&other).equals(b.cel.clone()),
                // Two optionals are equal if their values are.
                None => a.cel.clone().equals(b.optional()),
            }
        }
        (Presence::Always, _) => b.cel.clone().equals(a.optional()),
        _ => Expr::all([a.presence_test(), a.cel.clone().equals(b.cel.clone())]),
    }
}

/// `literal` is the value of `b` where it is a constant.
fn unequal(a: &TypedExpr, b: &TypedExpr, literal: Option<&Const>) -> Expr {
    let both_present = || Expr::all([a.presence_test(), b.presence_test()]);
    if !have_common_type(a, b) {
        return both_present();
    }
    let differ = match (a.presence, b.presence) {
        (Presence::Always, Presence::Always) => return equal(a, b, literal).negated(),
        (Presence::Maybe, Presence::Always) if b.cel.is_cheap() || literal.is_some() => {
            // An absent value counts as equal.
            return a.or_value(&b.cel).differs_from(b.cel.clone());
        }
        (Presence::Maybe, Presence::Always) => a.cel.clone().differs_from(b.optional()),
        (Presence::Always, _) => b.cel.clone().differs_from(a.optional()),
        _ => a.cel.clone().differs_from(b.cel.clone()),
    };
    Expr::all([both_present(), differ])
}

fn relation(comparison: Comparison) -> Relation {
    match comparison {
        Comparison::Equal => Relation::Equal,
        Comparison::NotEqual => Relation::NotEqual,
        Comparison::Less => Relation::Less,
        Comparison::LessOrEqual => Relation::LessOrEqual,
        Comparison::Greater => Relation::Greater,
        Comparison::GreaterOrEqual => Relation::GreaterOrEqual,
    }
}
