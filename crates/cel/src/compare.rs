//! Comparisons. CEL compares values of different types for equality, as Rego does, but makes an error of their order.

use super::{
    Refused,
    cond::type_is,
    printer::Printer,
    term::{Piece, Presence},
    text::Cel,
    types::Known,
    variables::metadata_path,
};
use kubevet_ir::{Comparison, Const, Term, TermId, ValueType};
use kubevet_k8s::workload::pod_spec_path;
use kubevet_model::Kind;

/// All types in Rego's order.
const ORDER: [ValueType; 6] = [
    ValueType::Null,
    ValueType::Bool,
    ValueType::Number,
    ValueType::String,
    ValueType::List,
    ValueType::Map,
];

impl Printer<'_> {
    pub(super) fn compare(
        &mut self,
        comparison: Comparison,
        a: TermId,
        b: TermId,
    ) -> Result<Cel, Refused> {
        // What is written out stands on the right.
        if matches!(self.program.term(a), Term::Const(_))
            && !matches!(self.program.term(b), Term::Const(_))
        {
            return self.compare(comparison.flipped(), b, a);
        }
        if let Some(cel) = self.kind_compared(comparison, a, b)? {
            return Ok(cel);
        }
        let written = match self.program.term(b) {
            Term::Const(value) => Some(value.clone()),
            _ => None,
        };
        let (a, b) = (self.term(a)?, self.term(b)?);
        if a.presence == Presence::Never || b.presence == Presence::Never {
            return Ok(Cel::Bool(false));
        }
        match comparison {
            Comparison::Equal => self.equal(&a, &b, written.as_ref()),
            Comparison::NotEqual => self.unequal(&a, &b, written.as_ref()),
            _ => self.ordered(comparison, &a, &b),
        }
    }

    /// Comparisons that the kind of the object decides.
    fn kind_compared(
        &mut self,
        comparison: Comparison,
        a: TermId,
        b: TermId,
    ) -> Result<Option<Cel>, Refused> {
        let path: Option<fn(&Kind) -> Option<String>> = match self.program.term(a) {
            Term::PodSpecPath => Some(|it| pod_spec_path(it).map(|it| it.join("."))),
            Term::PodMetadataPath => Some(|it| metadata_path(it).map(|it| it.join("."))),
            _ => None,
        };
        if let (Some(path), Term::Const(Const::String(wanted))) = (path, self.program.term(b)) {
            let is = |it: &Kind| path(it).as_deref() == Some(wanted.as_ref());
            return match comparison {
                Comparison::Equal => self.is_kind(is).map(Some),
                Comparison::NotEqual => self.is_kind(|it| path(it).is_some() && !is(it)).map(Some),
                _ => Ok(None),
            };
        }
        let (Term::Field(of, name), Term::Const(Const::String(kind))) =
            (self.program.term(a), self.program.term(b))
        else {
            return Ok(None);
        };
        if name.as_ref() != "kind" || *self.program.term(*of) != Term::Object {
            return Ok(None);
        }
        let is = self.is_kind(|it| it.name == kind.as_ref())?;
        Ok(match comparison {
            Comparison::Equal => Some(is),
            Comparison::NotEqual => Some(is.negated()),
            _ => None,
        })
    }

    fn equal(&mut self, a: &Piece, b: &Piece, written: Option<&Const>) -> Result<Cel, Refused> {
        if !ORDER.iter().any(|it| a.may_be(*it) && b.may_be(*it)) {
            return Ok(Cel::Bool(false));
        }
        if let (Some(Const::Bool(wanted)), Some(ValueType::Bool)) = (written, a.kind()) {
            let value = a.or_value(&Cel::Bool(!wanted));
            return Ok(if *wanted { value } else { value.negated() });
        }
        Ok(match (a.presence, b.presence) {
            (Presence::Always, Presence::Always) => {
                if let (Cel::Atom(x), Cel::Atom(y), Some(_)) = (&a.cel, &b.cel, written)
                    && a.cel.is_literal()
                {
                    return Ok(Cel::Bool(x == y));
                }
                a.cel.clone().relation("==", b.cel.clone())
            }
            (Presence::Maybe, Presence::Always) => {
                let other = written.and_then(|value| fallback(a, |it| it != value));
                match other {
                    Some(other) => a.or_value(&other).relation("==", b.cel.clone()),
                    None => a.cel.clone().relation("==", b.optional()),
                }
            }
            (Presence::Always, _) => b.cel.clone().relation("==", a.optional()),
            _ => Cel::all([a.is_there(), a.cel.clone().relation("==", b.cel.clone())]),
        })
    }

    fn unequal(&mut self, a: &Piece, b: &Piece, written: Option<&Const>) -> Result<Cel, Refused> {
        let there = || Cel::all([a.is_there(), b.is_there()]);
        if !ORDER.iter().any(|it| a.may_be(*it) && b.may_be(*it)) {
            return Ok(there());
        }
        let differ = match (a.presence, b.presence) {
            (Presence::Always, Presence::Always) => {
                return Ok(self.equal(a, b, written)?.negated());
            }
            (Presence::Maybe, Presence::Always) if b.cel.is_cheap() || written.is_some() => {
                // Where there is none, it is equal.
                return Ok(a.or_value(&b.cel).relation("!=", b.cel.clone()));
            }
            (Presence::Maybe, Presence::Always) => a.cel.clone().relation("!=", b.optional()),
            (Presence::Always, _) => b.cel.clone().relation("!=", a.optional()),
            _ => a.cel.clone().relation("!=", b.cel.clone()),
        };
        Ok(Cel::all([there(), differ]))
    }

    fn ordered(&mut self, comparison: Comparison, a: &Piece, b: &Piece) -> Result<Cel, Refused> {
        let Some(kind) = b.kind() else {
            return Err(Refused(
                "the order of two values that are not proved to be of one type".to_owned(),
            ));
        };
        if b.presence != Presence::Always {
            let b = b.clone();
            if a.presence == Presence::Always && a.kind().is_some() {
                return self.ordered(comparison.flipped(), &b, a);
            }
            return Err(Refused(
                "the order of two values that may both be undefined".to_owned(),
            ));
        }
        if matches!(kind, ValueType::Null | ValueType::List | ValueType::Map) && a.may_be(kind) {
            return Err(Refused("the order of lists or maps".to_owned()));
        }
        let other = b.cel.clone();
        if let (Some(x), Some(y)) = (whole(a), whole(b)) {
            return Ok(Cel::Bool(match comparison {
                Comparison::Less => x < y,
                Comparison::LessOrEqual => x <= y,
                Comparison::Greater => x > y,
                _ => x >= y,
            }));
        }
        if a.kind() == Some(kind) {
            return match (a.presence, comparison) {
                (Presence::Always, _) => Ok(a.cel.clone().relation(comparison.operator(), other)),
                // Nothing is less or more than itself.
                (_, Comparison::Less | Comparison::Greater) if other.is_cheap() => {
                    Ok(a.or_value(&other).relation(comparison.operator(), other))
                }
                _ => self.with(a, |x| Ok(x.clone().relation(comparison.operator(), other))),
            };
        }
        let rank = |it: ValueType| ORDER.iter().position(|other| *other == it);
        let holds = |it: ValueType| match comparison {
            Comparison::Less | Comparison::LessOrEqual => rank(it) < rank(kind),
            _ => rank(it) > rank(kind),
        };
        let others: Vec<ValueType> = ORDER
            .into_iter()
            .filter(|it| *it != kind && holds(*it) && a.may_be(*it))
            .collect();
        let may_be_same = a.may_be(kind);
        self.with(a, |x| {
            let beside = Cel::any(others.iter().map(|it| type_is(x, *it)));
            let same = x.clone().relation(comparison.operator(), other);
            Ok(if may_be_same {
                Cel::choice(type_is(x, kind), same, beside)
            } else {
                beside
            })
        })
    }
}

/// The number that a piece writes out.
fn whole(piece: &Piece) -> Option<i64> {
    match &piece.cel {
        Cel::Atom(text) if piece.presence == Presence::Always && piece.known == Known::Int => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// A value that a piece may have, of which this holds: stands for one that is missing.
pub(super) fn fallback(piece: &Piece, fits: impl Fn(&Const) -> bool) -> Option<Cel> {
    let candidates: Vec<Const> = match &piece.known {
        Known::Text => vec![Const::String("".into())],
        Known::Bool => vec![Const::Bool(false), Const::Bool(true)],
        Known::Int | Known::Number => vec![Const::Int(0), Const::Int(-1), Const::Int(1)],
        _ if piece.is_dyn => vec![Const::Null],
        _ => vec![],
    };
    candidates
        .iter()
        .find(|it| fits(it))
        .map(|it| super::term::constant(it).cel)
}
