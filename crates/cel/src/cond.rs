//! Conditions. What is printed is true or false on every object, never an error.

use super::{
    Refused, functions,
    printer::Printer,
    term::{Piece, Presence, last_name},
    text::Cel,
};
use kubevet_ir::{Condition, ConditionId, Const, Predicate, Term, TermId, ValueType};

impl Printer<'_> {
    /// A condition.
    pub(super) fn cond(&mut self, id: ConditionId) -> Result<Cel, Refused> {
        match self.program.condition(id).clone() {
            Condition::True => Ok(Cel::Bool(true)),
            Condition::And(conds) => self.plain(&conds),
            Condition::Or(conds) => {
                let mut printed = Vec::new();
                for cond in conds {
                    printed.push(self.cond(cond)?);
                }
                Ok(Cel::any(printed))
            }
            Condition::Not(cond) => self.not(cond),
            Condition::Defined(term) => Ok(self.term(term)?.is_there()),
            Condition::Truthy(term) => {
                let piece = self.term(term)?;
                Ok(truthy(&piece))
            }
            Condition::HasType(term, kind) => {
                let piece = self.term(term)?;
                self.is(piece, kind)
            }
            Condition::Compare(comparison, a, b) => self.compare(comparison, a, b),
            Condition::OneOf(term, values) => self.one_of(term, &values),
            Condition::Member(a, b) => self.member(a, b),
            Condition::Predicate(test, operands) => self.test(test, &operands),
            Condition::Any(binder, cond) => {
                let Some(walk) = self.enter(binder)? else {
                    return Ok(Cel::Bool(false));
                };
                let inside = self.conds(&[cond]);
                self.leave();
                Ok(walk.exists(inside?))
            }
        }
    }

    /// That a condition does not hold.
    pub(super) fn not(&mut self, cond: ConditionId) -> Result<Cel, Refused> {
        match *self.program.condition(cond) {
            Condition::Any(binder, inner) => self.none(binder, inner),
            _ => Ok(self.conds(&[cond])?.negated()),
        }
    }

    /// All of these, word for word. What another of them says already is left out.
    pub(super) fn plain(&mut self, conds: &[ConditionId]) -> Result<Cel, Refused> {
        let mut printed: Vec<(ConditionId, Cel)> = Vec::new();
        for cond in conds {
            printed.push((*cond, self.cond(*cond)?));
        }
        let mut kept = Vec::new();
        for (place, (cond, cel)) in printed.iter().enumerate() {
            let said = self.says_there(*cond, cel)?.is_some_and(|term| {
                printed.iter().enumerate().any(|(other, (cond, cel))| {
                    other != place && !matches!(cel, Cel::Bool(_)) && self.needs(*cond, term)
                })
            });
            if !said {
                kept.push(cel.clone());
            }
        }
        Ok(Cel::all(kept))
    }

    /// The term that a condition, as it was printed, only says to be there.
    fn says_there(&mut self, cond: ConditionId, cel: &Cel) -> Result<Option<TermId>, Refused> {
        let (Condition::Defined(term) | Condition::HasType(term, _) | Condition::Truthy(term)) =
            *self.program.condition(cond)
        else {
            return Ok(None);
        };
        Ok((*cel == self.term(term)?.is_there()).then_some(term))
    }

    /// Whether a condition that compares or tests holds only where a term is there.
    fn needs(&self, cond: ConditionId, term: TermId) -> bool {
        match self.program.condition(cond) {
            Condition::OneOf(it, _) => self.is_strict(*it, term),
            Condition::Compare(_, a, b) | Condition::Member(a, b) => {
                self.is_strict(*a, term) || self.is_strict(*b, term)
            }
            Condition::Predicate(_, terms) => terms.iter().any(|it| self.is_strict(*it, term)),
            Condition::And(conds) => conds.iter().any(|it| self.needs(*it, term)),
            Condition::Or(conds) => {
                !conds.is_empty() && conds.iter().all(|it| self.needs(*it, term))
            }
            Condition::Any(_, cond) => self.needs(*cond, term),
            _ => false,
        }
    }

    /// Whether a term is undefined wherever a part of it is.
    fn is_strict(&self, term: TermId, part: TermId) -> bool {
        term == part
            || match self.program.term(term) {
                Term::Coalesce(terms) => terms.iter().all(|it| self.is_strict(*it, part)),
                whole => whole.operands().iter().any(|it| self.is_strict(*it, part)),
            }
    }

    /// Whether no element makes the condition true.
    fn none(&mut self, binder: kubevet_ir::BinderId, cond: ConditionId) -> Result<Cel, Refused> {
        let Some(walk) = self.enter(binder)? else {
            return Ok(Cel::Bool(true));
        };
        let inside = self.conds(&[cond]);
        self.leave();
        Ok(walk.none(inside?))
    }

    fn is(&mut self, piece: Piece, kind: ValueType) -> Result<Cel, Refused> {
        if piece.presence == Presence::Never || !piece.may_be(kind) {
            return Ok(Cel::Bool(false));
        }
        if piece.kind() == Some(kind) {
            return Ok(piece.is_there());
        }
        // Only null or that.
        if piece.known.kind().is_some() {
            let there = piece
                .or_value(&Cel::atom("null"))
                .relation("!=", Cel::atom("null"));
            return Ok(if kind == ValueType::Null {
                Cel::all([piece.is_there(), there.negated()])
            } else {
                there
            });
        }
        self.with(&piece, |x| Ok(type_is(x, kind)))
    }

    fn one_of(&mut self, term: TermId, values: &[Const]) -> Result<Cel, Refused> {
        let piece = self.term(term)?;
        let fits: Vec<&Const> = values
            .iter()
            .filter(|it| piece.may_be(it.value_type()))
            .collect();
        let (Some(first), true) = (fits.first(), piece.presence != Presence::Never) else {
            return Ok(Cel::Bool(false));
        };
        if fits.iter().any(|it| it.value_type() != first.value_type()) {
            return Err(Refused("a set of values of several types".to_owned()));
        }
        let literals: Vec<Cel> = fits
            .iter()
            .map(|it| super::term::constant(it).cel)
            .collect();
        let set = Cel::list(&literals);
        let other = super::compare::fallback(&piece, |it| fits.iter().all(|value| *value != it));
        Ok(match (piece.presence, other) {
            (Presence::Always, _) if piece.cel.is_literal() => {
                Cel::Bool(literals.contains(&piece.cel))
            }
            (Presence::Always, _) => piece.cel.relation("in", set),
            (_, Some(other)) => piece.or_value(&other).relation("in", set),
            _ => return self.with(&piece, |x| Ok(x.clone().relation("in", set))),
        })
    }

    fn member(&mut self, of: TermId, list: TermId) -> Result<Cel, Refused> {
        let element = self.term(of)?;
        let list = self.term(list)?;
        if element.presence == Presence::Never || list.presence == Presence::Never {
            return Ok(Cel::Bool(false));
        }
        let within = self.values(&list)?;
        if within == Cel::list(&[]) {
            return Ok(Cel::Bool(false));
        }
        self.with(&element, |x| Ok(x.clone().relation("in", within)))
    }

    /// Something about the value of a piece; false where it has none.
    pub(super) fn with(
        &mut self,
        piece: &Piece,
        ask: impl FnOnce(&Cel) -> Result<Cel, Refused>,
    ) -> Result<Cel, Refused> {
        if piece.presence == Presence::Never {
            return Ok(Cel::Bool(false));
        }
        if piece.presence == Presence::Always && piece.cel.is_cheap() {
            return ask(&piece.cel);
        }
        let x = self.scope.name(last_name(&piece.cel));
        self.scope.free();
        let asked = ask(&Cel::atom(x.clone()))?;
        Ok(bound(piece, &x, asked))
    }

    fn test(&mut self, test: Predicate, operands: &[TermId]) -> Result<Cel, Refused> {
        let mut ready: Vec<Cel> = Vec::new();
        let mut open: Vec<(String, Piece)> = Vec::new();
        let mut guards: Vec<Cel> = Vec::new();
        let mut never = false;
        for operand in operands {
            let piece = self.term(*operand)?;
            let texts = functions::takes(test);
            if piece.presence == Presence::Never || !texts.iter().any(|it| piece.may_be(*it)) {
                never = true;
            }
            let proved = piece.kind().is_some_and(|it| texts.contains(&it));
            let empty_fails = matches!(test, Predicate::StartsWith | Predicate::EndsWith | Predicate::Contains)
                && ready.is_empty()
                && operands
                    .get(1)
                    .is_some_and(|it| matches!(self.program.term(*it), Term::Const(Const::String(it)) if !it.is_empty()));
            if piece.presence == Presence::Always && proved {
                ready.push(piece.cel);
            } else if piece.presence == Presence::Maybe && proved && empty_fails {
                ready.push(piece.or_value(&Cel::text("")));
            } else if piece.presence == Presence::Always && piece.cel.is_cheap() {
                guards.push(Cel::any(texts.iter().map(|it| type_is(&piece.cel, *it))));
                ready.push(piece.cel);
            } else {
                let x = self.scope.name(last_name(&piece.cel));
                let value = Cel::atom(x.clone());
                if !proved {
                    guards.push(Cel::any(texts.iter().map(|it| type_is(&value, *it))));
                }
                ready.push(value);
                open.push((x, piece));
            }
        }
        open.iter().for_each(|_| self.scope.free());
        if never {
            return Ok(Cel::Bool(false));
        }
        let mut asked = Cel::all(guards.into_iter().chain([functions::test(test, &ready)?]));
        for (x, piece) in open.iter().rev() {
            asked = bound(piece, x, asked);
        }
        Ok(asked)
    }
}

/// A question about a value under a name; false where there is no value.
fn bound(piece: &Piece, x: &str, asked: Cel) -> Cel {
    match piece.presence {
        Presence::Always => Cel::atom(format!(
            "[{}].exists({x}, {})",
            piece.cel.show(),
            asked.show()
        )),
        _ => piece
            .cel
            .then(&format!(".optMap({x}, {}).orValue(false)", asked.show())),
    }
}

fn truthy(piece: &Piece) -> Cel {
    use super::types::Known;
    match (&piece.known, piece.nullable, piece.presence) {
        (_, _, Presence::Never) => Cel::Bool(false),
        (Known::Bool, false, Presence::Always) => piece.cel.clone(),
        (Known::Bool, false, Presence::Maybe) => piece.or_value(&Cel::Bool(false)),
        _ if !piece.may_be(ValueType::Bool) => piece.is_there(),
        _ => piece
            .or_value(&Cel::Bool(false))
            .relation("!=", Cel::Bool(false)),
    }
}

/// Whether a value is of a type.
pub(super) fn type_is(value: &Cel, kind: ValueType) -> Cel {
    let is =
        |word: &str| Cel::atom(format!("type({})", value.show())).relation("==", Cel::atom(word));
    match kind {
        ValueType::Null => value.clone().relation("==", Cel::atom("null")),
        ValueType::Bool => is("bool"),
        ValueType::Number => Cel::any([is("int"), is("double")]),
        ValueType::String => is("string"),
        ValueType::List => is("list"),
        ValueType::Map => is("map"),
    }
}
