//! What several conditions ask of one thing is worked out once: it stands under a name while they are asked, as the one
//! element of a list, since CEL has no other way to name a value within an expression.

use super::{
    Refused,
    printer::Printer,
    term::{Piece, Presence, last_name},
    text::Cel,
};
use kubevet_ir::{BinderId, Condition, ConditionId, Domain, Term, TermId};
use std::collections::BTreeMap;

/// Characters of a term that is said again sooner than given a name.
const SHORT: usize = 60;

/// How often each term is said by conditions. What is inside a term counts once, however often that is said.
#[derive(Debug, Default)]
struct Count {
    terms: BTreeMap<TermId, u32>,
    conds: BTreeMap<ConditionId, u32>,
}

/// How conditions are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    All,
    Any,
}

impl Printer<'_> {
    /// All of these conditions, with a name for each long term that they say more than once.
    pub(super) fn conds(&mut self, conds: &[ConditionId]) -> Result<Cel, Refused> {
        match conds {
            [only] => self.shared_in(*only),
            _ => self.shared(conds, Join::All),
        }
    }

    fn shared_in(&mut self, cond: ConditionId) -> Result<Cel, Refused> {
        match self.program.condition(cond).clone() {
            Condition::And(parts) => self.shared(&parts, Join::All),
            Condition::Or(parts) => self.shared(&parts, Join::Any),
            _ => self.shared(&[cond], Join::All),
        }
    }

    /// A name stands around the conditions alone that say its term.
    fn shared(&mut self, conds: &[ConditionId], join: Join) -> Result<Cel, Refused> {
        let Some((term, piece)) = self.said_again(conds)? else {
            return self.joined(conds, join);
        };
        let (with, without): (Vec<ConditionId>, Vec<ConditionId>) =
            conds.iter().partition(|it| self.says(**it, term));
        let asked = match with.as_slice() {
            [only]
                if matches!(
                    self.program.condition(*only),
                    Condition::And(_) | Condition::Or(_)
                ) =>
            {
                self.shared_in(*only)?
            }
            _ => self.under_name(term, &piece, &with, join)?,
        };
        let others = if without.is_empty() {
            None
        } else {
            Some(self.shared(&without, join)?)
        };
        let all = others.into_iter().chain([asked]);
        Ok(if join == Join::All {
            Cel::all(all)
        } else {
            Cel::any(all)
        })
    }

    fn joined(&mut self, conds: &[ConditionId], join: Join) -> Result<Cel, Refused> {
        if join == Join::All {
            return self.plain(conds);
        }
        let printed: Vec<Cel> = conds
            .iter()
            .map(|it| self.cond(*it))
            .collect::<Result<_, _>>()?;
        Ok(Cel::any(printed))
    }

    fn under_name(
        &mut self,
        term: TermId,
        piece: &Piece,
        conds: &[ConditionId],
        join: Join,
    ) -> Result<Cel, Refused> {
        let name = self.scope.name(last_name(&piece.cel));
        let value = Cel::atom(name.clone());
        let present = match piece.presence {
            Presence::Always => value.clone(),
            _ => value.then(".value()"),
        };
        let present = piece.present.is_some().then_some(present);
        self.scope.put(
            term,
            Piece {
                present,
                cel: value,
                ..piece.clone()
            },
        );
        let asked = self.shared(conds, join);
        self.scope.take(term);
        self.scope.free();
        Ok(match asked? {
            it @ Cel::Bool(_) => it,
            it => Cel::Asked(format!(
                "[{}].exists({name}, {})",
                piece.cel.show(),
                it.show()
            )),
        })
    }

    /// The first term, parts before wholes, that is worth a name.
    fn said_again(&mut self, conds: &[ConditionId]) -> Result<Option<(TermId, Piece)>, Refused> {
        let mut count = Count::default();
        conds.iter().for_each(|it| self.count_cond(*it, &mut count));
        for (term, said) in count.terms {
            let stands = |it: &BinderId| self.scope.element(*it).is_some();
            if said < 2
                || self.scope.named(term).is_some()
                || !self.program.free_binders_of_term(term).iter().all(stands)
            {
                continue;
            }
            let piece = self.term(term)?;
            if piece.presence != Presence::Never && piece.cel.show().len() > SHORT {
                return Ok(Some((term, piece)));
            }
        }
        Ok(None)
    }

    fn says(&self, cond: ConditionId, term: TermId) -> bool {
        let mut count = Count::default();
        self.count_cond(cond, &mut count);
        count.terms.contains_key(&term)
    }

    fn count_cond(&self, id: ConditionId, count: &mut Count) {
        let said = count.conds.entry(id).or_default();
        *said += 1;
        // Twice is enough to know.
        if *said > 2 {
            return;
        }
        match self.program.condition(id) {
            Condition::And(conds) | Condition::Or(conds) => {
                conds.iter().for_each(|it| self.count_cond(*it, count))
            }
            Condition::Not(cond) => self.count_cond(*cond, count),
            Condition::Any(binder, cond) => {
                if let Domain::Elements(term) | Domain::List(term) | Domain::Map(term) =
                    self.program.binder(*binder).domain
                {
                    self.count_term(term, count);
                }
                self.count_cond(*cond, count);
            }
            cond => cond
                .operands()
                .iter()
                .for_each(|it| self.count_term(*it, count)),
        }
    }

    fn count_term(&self, id: TermId, count: &mut Count) {
        let term = self.program.term(id);
        if matches!(term, Term::Call(..) | Term::Coalesce(_) | Term::Guard(..)) {
            let said = count.terms.entry(id).or_default();
            *said += 1;
            if *said > 1 {
                return;
            }
        }
        if let Term::Guard(cond, _) = term {
            self.count_cond(*cond, count);
        }
        term.operands()
            .iter()
            .for_each(|it| self.count_term(*it, count));
    }
}
