//! `sprintf` and `concat`, as one concatenation of terms.
//!
//! An item that is no string makes the result undefined: the proof that every part of a finding is
//! defined rests on that.

use super::{
    Lowered, Lowerer,
    symbol::{Env, Symbol},
};
use crate::{
    ast::{Expr, ExprRef, Span, string_literal},
    refusal::Refusal,
};
use kubevet_ir::{Const, Domain, Intrinsic, Term, TermId, ValueType};

/// The most parts of one concatenation; 64 bytes of a literal count as one.
const MAX_CONCAT_PARTS: usize = 512;

impl<'a> Lowerer<'_, 'a> {
    /// Lowers `sprintf` with the verbs `%s` for strings, `%d` for whole numbers and `%%`. The
    /// result is undefined where an argument of `%s` is no string, so that the proof of a finding
    /// fails.
    pub(super) fn sprintf(
        &mut self,
        span: &'a Span,
        params: &'a [ExprRef],
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        let [format, list] = params else {
            return self.refuse(env.module, span, Refusal::SprintfArguments);
        };
        let (Some(format_text), Expr::Array { items, .. }) =
            (string_literal(format), list.as_ref())
        else {
            return self.refuse(env.module, span, Refusal::SprintfForm);
        };
        let symbols = self.values(items, env)?;
        let terms = self.terms(&symbols, span, env)?;
        let mut terms = terms.into_iter();
        let mut pieces = Vec::new();
        let mut rest = format_text;
        while let Some((before, after)) = rest.split_once('%') {
            pieces.push(self.program.string(before));
            rest = after.get(1..).unwrap_or_default();
            let piece = match (after.chars().next(), after.starts_with('%')) {
                (_, true) => Some(self.program.string("%")),
                (Some('s'), _) => terms.next().map(|term| {
                    let is_string = self.program.has_type(term, ValueType::String);
                    self.program.guard(is_string, term)
                }),
                (Some('d'), _) => terms.next().filter(|term| self.is_whole(*term)),
                _ => {
                    let verb = after.chars().next().map_or_else(String::new, String::from);
                    return self.refuse(env.module, format.span(), Refusal::SprintfVerb(verb));
                }
            };
            match piece {
                Some(piece) => pieces.push(piece),
                None => {
                    return self.refuse(env.module, format.span(), Refusal::SprintfValue);
                }
            }
        }
        if terms.next().is_some() {
            return self.refuse(env.module, span, Refusal::SprintfSurplus);
        }
        pieces.push(self.program.string(rest));
        self.require_few_parts(&pieces, span, env)?;
        Ok(Symbol::Term(self.program.concat(pieces)))
    }

    /// Lowers `concat(separator, [string, …])`. An item that is no string makes the result
    /// undefined, as in OPA.
    pub(super) fn concat(
        &mut self,
        span: &'a Span,
        params: &'a [ExprRef],
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        let [between, list] = params else {
            return self.refuse(env.module, span, Refusal::ConcatArguments);
        };
        let (Some(between), Expr::Array { items, .. }) = (string_literal(between), list.as_ref())
        else {
            return self.refuse(env.module, span, Refusal::ConcatForm);
        };
        let symbols = self.values(items, env)?;
        let mut terms = Vec::new();
        for term in self.terms(&symbols, span, env)? {
            let is_string = self.program.has_type(term, ValueType::String);
            terms.push(self.program.guard(is_string, term));
        }
        self.require_few_parts(&terms, span, env)?;
        Ok(self.joined(&terms, between))
    }

    /// The concatenation of terms with a literal between each two.
    pub(super) fn joined(&mut self, terms: &[TermId], between: &str) -> Symbol {
        let between = self.program.string(between);
        let mut pieces = Vec::new();
        for (index, term) in terms.iter().enumerate() {
            if index > 0 {
                pieces.push(between);
            }
            pieces.push(*term);
        }
        Symbol::Term(self.program.concat(pieces))
    }

    /// Refuses a concatenation of too many parts before it is interned: nested helpers can multiply
    /// the parts.
    fn require_few_parts(&mut self, pieces: &[TermId], span: &Span, env: &Env<'a>) -> Lowered<()> {
        // A concatenation is flattened when it is interned, so a nested one counts its parts.
        let size = |piece: &TermId| match self.program.term(*piece) {
            Term::Const(Const::String(text)) => text.len() / 64,
            Term::Concat(inner) => inner.len(),
            _ => 1,
        };
        if pieces.iter().map(size).sum::<usize>() > MAX_CONCAT_PARTS {
            return self.refuse(env.module, span, Refusal::StringTooLong);
        }
        Ok(())
    }

    /// True if a term is a whole number wherever it is defined.
    fn is_whole(&self, term: TermId) -> bool {
        match self.program.term(term) {
            Term::Const(Const::Int(_)) | Term::Count(_) | Term::Call(Intrinsic::SplitCount, _) => {
                true
            }
            Term::Key(binder) => matches!(self.program.binder(*binder).domain, Domain::List(_)),
            _ => false,
        }
    }
}
