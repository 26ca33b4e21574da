//! The bound on what patterns are matched against. The API server counts a match by the letters of the text times those
//! of the pattern, and gives up over a limit; an object over our bound is not judged instead, and the policy says so.

use super::{
    Refused,
    printer::Printer,
    sheet::{ParamsFrom, Unjudged},
    text::Cel,
};
use kubevet_ir::{
    BinderId, CompiledControl, Condition, ConditionId, Const, Domain, Predicate, Term, TermId,
};
use kubevet_policy::ParamValue;
use std::sync::Arc;

/// Letters of texts times letters of patterns. The API server counts a fortieth of it, of which it allows 1,000,000.
const MOST: usize = 16_000_000;
/// What an element costs however short its text, in letters.
const ELEMENT: usize = 40;

/// What is matched against what.
#[derive(Default)]
struct Matches {
    texts: Vec<TermId>,
    /// Letters of the patterns that are written out.
    written: usize,
    params: Vec<Arc<str>>,
}

impl Printer<'_> {
    /// Whether the object is too large for the patterns of a control.
    pub(super) fn bound(
        &mut self,
        compiled: &CompiledControl,
    ) -> Result<Option<Unjudged>, Refused> {
        let mut found = Matches::default();
        for cond in compiled.clauses.iter().flat_map(|it| &it.when) {
            self.matches_in(*cond, &mut found);
        }
        if found.texts.is_empty() {
            return Ok(None);
        }
        let mut sizes = Vec::new();
        for text in &found.texts {
            let mut binders = Vec::new();
            self.loops_of(*text, &mut binders);
            sizes.extend(self.total(&binders, *text)?);
        }
        if sizes.is_empty() {
            return Ok(None);
        }
        let size = Cel::sum(sizes);
        let mut patterns = Vec::new();
        for name in &found.params {
            match (self.param_value(name), &self.target.params) {
                (Some(ParamValue::List(list)), ParamsFrom::Written(_)) => {
                    found.written += list.iter().map(|it| it.chars().count()).sum::<usize>();
                }
                (Some(ParamValue::String(text)), ParamsFrom::Written(_)) => {
                    found.written += text.chars().count()
                }
                (Some(value), ParamsFrom::Resource(_)) => {
                    let is_list = matches!(value, ParamValue::List(_));
                    let (definitions, variables) = self.split();
                    if let Some(param) = definitions.param(variables, name) {
                        let each = if is_list {
                            ".map(p, p.size()).sum()"
                        } else {
                            ".size()"
                        };
                        patterns.push(param.then(each));
                    }
                }
                (None, _) => {}
            }
        }
        patterns.push(Cel::atom(found.written.max(1).to_string()));
        let product = Cel::atom(format!(
            "({}) * ({})",
            size.show(),
            Cel::sum(patterns).show()
        ));
        Ok(Some(Unjudged {
            condition: product.relation(">", Cel::atom(MOST.to_string())).show(),
            message: format!(
                "{}: this object is too large for the policy to search it",
                compiled.control.id
            ),
        }))
    }

    fn matches_in(&self, cond: ConditionId, found: &mut Matches) {
        match self.program.condition(cond) {
            Condition::And(conds) | Condition::Or(conds) => {
                conds.iter().for_each(|it| self.matches_in(*it, found))
            }
            Condition::Not(cond) | Condition::Any(_, cond) => self.matches_in(*cond, found),
            Condition::Predicate(Predicate::Matches, operands) => {
                let [pattern, text] = operands.as_ref() else {
                    return;
                };
                if !found.texts.contains(text) {
                    found.texts.push(*text);
                }
                match self.program.term(*pattern) {
                    Term::Const(Const::String(pattern)) => found.written += pattern.chars().count(),
                    Term::Value(binder) => {
                        if let Domain::Elements(list) | Domain::List(list) =
                            self.program.binder(*binder).domain
                            && let Term::Param(name) = self.program.term(list)
                            && !found.params.contains(name)
                        {
                            found.params.push(Arc::clone(name));
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// The loops that a text stands in, outermost first.
    fn loops_of(&self, text: TermId, found: &mut Vec<BinderId>) {
        for binder in self.program.free_binders_of_term(text) {
            let domain = &self.program.binder(*binder).domain;
            if let Domain::Elements(of) | Domain::List(of) | Domain::Map(of) = domain {
                self.loops_of(*of, found);
            }
            if !found.contains(binder) {
                found.push(*binder);
            }
        }
    }

    /// The letters of a text in all elements; `None` where there are none.
    fn total(&mut self, binders: &[BinderId], text: TermId) -> Result<Option<Cel>, Refused> {
        let Some((binder, rest)) = binders.split_first() else {
            let piece = self.term(text)?;
            let x = self.scope.name("text");
            self.scope.free();
            let size = format!(
                ".optMap({x}, type({x}) == string ? {x}.size() + {ELEMENT} : 0).orValue(0)"
            );
            return Ok(Some(piece.optional().then(&size)));
        };
        let Some(walk) = self.enter(*binder)? else {
            return Ok(None);
        };
        let inside = self.total(rest, text);
        self.leave();
        Ok(inside?.map(|it| walk.map(&Cel::Bool(true), &it).then(".sum()")))
    }
}
