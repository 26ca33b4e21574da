//! The messages of a policy: for each clause one sentence that names all elements in which it was
//! found.

use super::{
    comprehension::LoopNest,
    emitter::Emitter,
    expr::Expr,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{BinderId, Clause, Const, Program, Term, TermId};

/// Characters of the list of names in a sentence. The API server allows 5 KiB for a message.
const MAX_NAMES_CHARS: i64 = 250;

impl Emitter<'_, '_> {
    /// A list of at most one sentence for each clause.
    pub(super) fn messages(&mut self, clauses: &[Clause]) -> Result<Expr, Unsupported> {
        let sentences: Result<Vec<Expr>, _> =
            clauses.iter().map(|clause| self.message(clause)).collect();
        Ok(on_one_line(Expr::concatenation(sentences?)))
    }

    /// A list of at most one sentence.
    fn message(&mut self, clause: &Clause) -> Result<Expr, Unsupported> {
        let program = self.context.program;
        let named: Vec<BinderId> = program
            .free_binders_of_term(clause.message)
            .iter()
            .copied()
            .filter(|binder| clause.binders.contains(binder))
            .collect();
        let nest = LoopNest::naming(program, clause, &named);
        let parts = message_parts(program, clause.message);
        let Some(innermost) = nest.innermost_named() else {
            return self.each_finding(nest, &mut |emitter| emitter.sentence(&parts, None));
        };
        // The parts that differ between the elements of the innermost loop.
        let varying: Vec<TermId> = parts
            .iter()
            .copied()
            .filter(|part| program.free_binders_of_term(*part).contains(&innermost))
            .collect();
        match (varying.as_slice(), nest.named()) {
            // 'x: a, b, c'
            ([only], 1) => {
                let only = *only;
                let names = self.each_finding(nest, &mut |emitter| emitter.part(only))?;
                self.joined_and_cut(names, ", ", |emitter, names| {
                    emitter.sentence(&parts, Some((only, names)))
                })
            }
            // 'x of a: b, c; x of d: e'
            ([only], _) => {
                let sentences = self.sentences(nest, &parts, *only)?;
                self.joined_and_cut(sentences, "; ", |_, sentences| Ok(sentences))
            }
            // 'x of a in b; x of c in d'
            (_, depth) => {
                let mut sentences =
                    self.each_finding(nest, &mut |emitter| emitter.sentence(&parts, None))?;
                for _ in 1..depth {
                    sentences = flattened(sentences);
                }
                self.joined_and_cut(sentences, "; ", |_, sentences| Ok(sentences))
            }
        }
    }

    /// A sentence for each element of the outer loops, which lists the elements of the innermost.
    fn sentences(
        &mut self,
        mut nest: LoopNest,
        parts: &[TermId],
        varying: TermId,
    ) -> Result<Expr, Unsupported> {
        let outer = nest.take_outer_conditions();
        let condition = self.conditions(&outer)?;
        let Some((binder, inner)) = nest.split() else {
            return Ok(Expr::empty_list());
        };
        let Some(iteration) = self.enter(binder)? else {
            return Ok(Expr::empty_list());
        };
        let element = self.sentence_of_element(inner, parts, varying);
        self.leave();
        let (filter, sentence) = element?;
        let sentences = non_empty(iteration.map(filter, sentence), "s");
        Ok(Expr::conditional(condition, sentences, Expr::empty_list()))
    }

    /// Inside a loop: which elements count, and the sentence for each.
    fn sentence_of_element(
        &mut self,
        mut inner: LoopNest,
        parts: &[TermId],
        varying: TermId,
    ) -> Result<(Expr, Expr), Unsupported> {
        let outer = inner.take_outer_conditions();
        let filter = self.conditions(&outer)?;
        if inner.named() > 1 {
            let sentences = self.sentences(inner, parts, varying)?;
            return Ok((filter, joined(sentences, "; ")));
        }
        let names = self.each_finding(inner, &mut |emitter| emitter.part(varying))?;
        let sentences = self.joined_and_cut(names, ", ", |emitter, names| {
            emitter.sentence(parts, Some((varying, names)))
        })?;
        // At most one, so joining takes it out of its list.
        Ok((filter, joined(sentences, "")))
    }

    /// A list of what `emit` makes of the strings of a list when they are joined and cut; empty
    /// where that list is.
    fn joined_and_cut(
        &mut self,
        strings: Expr,
        separator: &str,
        emit: impl FnOnce(&mut Self, Expr) -> Result<Expr, Unsupported>,
    ) -> Result<Expr, Unsupported> {
        let name = self.scope.reserve("names");
        let names = Expr::ident(&name);
        let limit = Expr::Int(MAX_NAMES_CHARS);
        let cut = names
            .clone()
            .method("substring", [Expr::Int(0), limit.clone()])
            .plus(Expr::string("…"));
        let is_long = names.clone().size().exceeds(limit);
        let result = emit(self, Expr::conditional(is_long, cut, names.clone()));
        self.scope.release();
        // Within a list of one, so that an empty list gives an empty list.
        Ok(Expr::List(vec![strings])
            .filter(&name, names.clone().size().exceeds(Expr::Int(0)))
            .map(&name, joined(names, separator))
            .map(&name, result?))
    }

    /// The sentence, with an expression instead of one of its parts.
    pub(super) fn sentence(
        &mut self,
        parts: &[TermId],
        replaced: Option<(TermId, Expr)>,
    ) -> Result<Expr, Unsupported> {
        let mut strings = Vec::new();
        for part in parts {
            strings.push(match &replaced {
                Some((term, cel)) if term == part => cel.clone(),
                _ => self.part(*part)?,
            });
        }
        Ok(Expr::sum(strings))
    }

    /// A part of a sentence. It is evaluated only where the clause's conditions hold, under which
    /// it was proved to be defined.
    pub(super) fn part(&mut self, term: TermId) -> Result<Expr, Unsupported> {
        if let Term::Const(Const::String(string)) = self.context.program.term(term) {
            return Ok(Expr::string(string.as_ref()));
        }
        let value = self.term(term)?;
        let cel = match (value.presence, &value.present) {
            (Presence::Never, _) => return Ok(Expr::string("")),
            (Presence::Maybe, Some(present)) => present.clone(),
            _ => value.or_value(&Expr::string("")),
        };
        Ok(as_string(&value, cel))
    }
}

/// The strings that a message is made of, one after another.
pub(super) fn message_parts(program: &Program, message: TermId) -> Vec<TermId> {
    match program.term(message) {
        Term::Concat(parts) => parts.to_vec(),
        _ => vec![message],
    }
}

/// Strings of one line each: the API server drops a message of several lines, and a name can hold
/// anything at admission.
fn on_one_line(strings: Expr) -> Expr {
    if strings == Expr::empty_list() {
        return strings;
    }
    let replaced = Expr::ident("m").method("replace", [Expr::string("\n"), Expr::string(" ")]);
    strings.map("m", replaced)
}

fn as_string(value: &TypedExpr, cel: Expr) -> Expr {
    if value.static_type == StaticType::String && !value.nullable {
        cel
    } else {
        Expr::call("string", cel)
    }
}

pub(super) fn joined(strings: Expr, separator: &str) -> Expr {
    strings.method("join", [Expr::string(separator)])
}

fn non_empty(strings: Expr, variable: &str) -> Expr {
    let is_empty = Expr::ident(variable).equals(Expr::string(""));
    strings.filter(variable, is_empty.negated())
}

/// The lists of a list, each as one string.
pub(super) fn flattened(lists: Expr) -> Expr {
    non_empty(lists.map("l", joined(Expr::ident("l"), "; ")), "l")
}
