//! `First`: the first of several terms that has a value.

use super::{
    Refused,
    printer::Printer,
    term::{Piece, Presence},
    text::Cel,
    types::Known,
};
use kubevet_ir::{Term, TermId};

impl Printer<'_> {
    pub(super) fn first(&mut self, terms: &[TermId]) -> Result<Piece, Refused> {
        let mut found = Piece::never();
        for term in terms.iter().rev() {
            found = self.before(*term, found)?;
        }
        Ok(found)
    }

    /// A term, or what comes after it.
    fn before(&mut self, term: TermId, after: Piece) -> Result<Piece, Refused> {
        if let Term::Guard(cond, inner) = *self.program.term(term) {
            let piece = self.term(inner)?;
            let guard = self.cond(cond)?;
            if guard != piece.is_there() {
                let kept = self.under(cond, inner, piece)?;
                if kept.presence == Presence::Always {
                    return Ok(branch(guard, kept, after));
                }
            }
        }
        let piece = self.term(term)?;
        Ok(match (piece.presence, after.presence) {
            (Presence::Always, _) | (_, Presence::Never) => piece,
            (Presence::Never, _) => after,
            (Presence::Maybe, Presence::Maybe) => {
                let cel = piece.cel.then(&format!(".or({})", after.cel.show()));
                joined(cel, Presence::Maybe, piece, after)
            }
            (Presence::Maybe, Presence::Always) => {
                let cel = piece.or_value(&after.cel);
                joined(cel, Presence::Always, piece, after)
            }
        })
    }
}

fn branch(guard: Cel, kept: Piece, after: Piece) -> Piece {
    match guard {
        Cel::Bool(true) => return kept,
        Cel::Bool(false) => return after,
        _ => {}
    }
    if after.presence == Presence::Always {
        let same = kept.known == after.known || kept.is_dyn || after.is_dyn;
        let as_is = |it: &Piece| {
            if same {
                it.cel.clone()
            } else {
                Cel::atom(format!("dyn({})", it.cel.show()))
            }
        };
        let cel = Cel::choice(guard, as_is(&kept), as_is(&after));
        return joined(cel, Presence::Always, kept, after);
    }
    let cel = Cel::choice(guard, kept.optional(), after.cel.clone());
    joined(cel, Presence::Maybe, kept, after)
}

fn joined(cel: Cel, presence: Presence, a: Piece, b: Piece) -> Piece {
    let known = match (a.known, b.known) {
        // An empty list or map that is fallen back to says nothing of elements.
        (Known::List(of), Known::List(_)) if b.cel == Cel::atom("[]") => Known::List(of),
        (Known::Map(of), Known::Map(_)) if b.cel == Cel::atom("{}") => Known::Map(of),
        (Known::Struct(of), Known::Map(_)) if b.cel == Cel::atom("{}") => Known::Struct(of),
        (of @ Known::OneOf(_), Known::Map(_)) if b.cel == Cel::atom("{}") => of,
        (a, b) => a.or(b),
    };
    let nullable = a.nullable || b.nullable || known == Known::Any;
    // Of a struct that may be missing nothing is sure.
    let known = match (&known, presence) {
        (Known::Struct(_) | Known::OneOf(_), Presence::Always) if b.cel == Cel::atom("{}") => {
            Known::Partial(std::sync::Arc::new(known))
        }
        _ => known,
    };
    Piece {
        present: (presence == Presence::Always).then(|| cel.clone()),
        cel,
        presence,
        known,
        nullable,
        is_dyn: a.is_dyn,
    }
}
