//! What a policy says of a rule's body: one sentence that names all the elements it was found in.

use super::{
    Refused,
    loops::Plan,
    printer::Printer,
    term::{Piece, Presence},
    text::Cel,
    types::Known,
};
use kubevet_ir::{BinderId, Clause, Const, Term, TermId};

/// The longest list of names in a sentence, in characters. A message of the API server holds 5 KiB.
const NAMES: usize = 250;

impl Printer<'_> {
    /// A list of at most one sentence.
    pub(super) fn message(&mut self, deny: &Clause) -> Result<Cel, Refused> {
        let named: Vec<BinderId> = self
            .program
            .free_binders_of_term(deny.message)
            .iter()
            .copied()
            .filter(|it| deny.binders.contains(it))
            .collect();
        let plan = Plan::naming(self.program, deny, &named);
        let pieces = match self.program.term(deny.message).clone() {
            Term::Concat(pieces) => pieces.to_vec(),
            _ => vec![deny.message],
        };
        let Some(innermost) = plan.innermost() else {
            return self.each(plan, &mut |it| it.sentence(&pieces, None));
        };
        let moving: Vec<TermId> = pieces
            .iter()
            .copied()
            .filter(|it| self.program.free_binders_of_term(*it).contains(&innermost))
            .collect();
        match (moving.as_slice(), plan.kept()) {
            ([only], 1) => {
                let only = *only;
                let names = self.each(plan, &mut |it| it.word(only))?;
                self.listed(names, ", ", |it, names| {
                    it.sentence(&pieces, Some((only, names)))
                })
            }
            ([only], _) => {
                let only = *only;
                let sentences = self.sentences(plan, &pieces, only)?;
                self.listed(sentences, "; ", |_, sentences| Ok(sentences))
            }
            (_, depth) => {
                let mut sentences = self.each(plan, &mut |it| it.sentence(&pieces, None))?;
                for _ in 1..depth {
                    sentences = Cel::atom(joined(&sentences));
                }
                self.listed(sentences, "; ", |_, sentences| Ok(sentences))
            }
        }
    }

    /// A sentence for each element of the outer loops, which lists those of the innermost.
    fn sentences(
        &mut self,
        mut plan: Plan,
        pieces: &[TermId],
        only: TermId,
    ) -> Result<Cel, Refused> {
        let outer = plan.take_outer();
        let here = self.conds(&outer)?;
        let empty = Cel::atom("[]");
        let Some((binder, mut inner)) = plan.split() else {
            return Ok(empty);
        };
        let Some(walk) = self.enter(binder)? else {
            return Ok(empty);
        };
        let printed = (|| {
            let conds = inner.take_outer();
            let holds = self.conds(&conds)?;
            if inner.kept() > 1 {
                let made = self.sentences(inner, pieces, only)?;
                return Ok((holds, made.then(".join('; ')")));
            }
            let names = self.each(inner, &mut |it| it.word(only))?;
            let made = self.listed(names, ", ", |it, names| {
                it.sentence(pieces, Some((only, names)))
            })?;
            Ok((holds, made.then(".join('')")))
        })();
        self.leave();
        let (holds, made) = printed?;
        let made = walk.map(&holds, &made).then(".filter(s, s != '')");
        Ok(Cel::choice(here, made, empty))
    }

    /// A list of what a list of texts becomes when it is joined and cut; empty where that is empty.
    fn listed(
        &mut self,
        texts: Cel,
        between: &str,
        say: impl FnOnce(&mut Self, Cel) -> Result<Cel, Refused>,
    ) -> Result<Cel, Refused> {
        let n = self.scope.name("names");
        let name = Cel::atom(n.clone());
        let long = Cel::atom(format!("{n}.size() > {NAMES}"));
        let cut = Cel::sum([
            Cel::atom(format!("{n}.substring(0, {NAMES})")),
            Cel::text("…"),
        ]);
        let sentence = say(self, Cel::choice(long, cut, name));
        self.scope.free();
        Ok(Cel::atom(format!(
            "[{}].filter({n}, {n}.size() > 0).map({n}, {n}.join('{between}')).map({n}, {})",
            texts.show(),
            sentence?.show()
        )))
    }

    /// The sentence, with one of its pieces put as this.
    fn sentence(&mut self, pieces: &[TermId], put: Option<(TermId, Cel)>) -> Result<Cel, Refused> {
        let mut texts = Vec::new();
        for piece in pieces {
            texts.push(match &put {
                Some((term, cel)) if term == piece => cel.clone(),
                _ => self.word(*piece)?,
            });
        }
        Ok(Cel::sum(texts))
    }

    /// A piece of a sentence. It is evaluated only where the body's conditions hold, under which it was proved to be there.
    fn word(&mut self, term: TermId) -> Result<Cel, Refused> {
        if let Term::Const(Const::String(text)) = self.program.term(term) {
            return Ok(Cel::text(text));
        }
        let piece = self.term(term)?;
        let value = match (piece.presence, &piece.present) {
            (Presence::Never, _) => return Ok(Cel::text("")),
            (Presence::Maybe, Some(present)) => present.clone(),
            _ => piece.or_value(&Cel::text("")),
        };
        Ok(text_of(&piece, value))
    }
}

fn text_of(piece: &Piece, value: Cel) -> Cel {
    if piece.known == Known::Text && !piece.nullable {
        value
    } else {
        Cel::atom(format!("string({})", value.show()))
    }
}

/// The lists of a list, each as one text.
fn joined(lists: &Cel) -> String {
    lists
        .then(".map(l, l.join('; ')).filter(l, l != '')")
        .show()
}
