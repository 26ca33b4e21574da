//! Collections that `some` and `every` iterate, and the elements of each.

use super::{
    Lowered, Lowerer, Refused,
    alternative::{Alternative, Step},
    symbol::{Env, Symbol},
};
use crate::{
    ast::{self, Expr, RuleHead, Span},
    refusal::Refusal,
};
use kubevet_ir::{BinderId, Const, Domain, Term, TermId};

/// A collection that `some` or `every` iterates.
pub(super) enum Iterable {
    /// A literal list or set.
    Items(Vec<Symbol>),
    /// A collection of the object, the params or the library.
    Domain(Domain),
    /// The elements of the `contains` rules of this full name.
    Contains(String),
}

impl<'a> Lowerer<'_, 'a> {
    /// Lowers a collection that is iterated.
    pub(super) fn iterable(&mut self, collection: &'a Expr, env: &Env<'a>) -> Lowered<Iterable> {
        Ok(match self.value(collection, env)? {
            Symbol::List(items) | Symbol::Set(items) => Iterable::Items(items),
            Symbol::Domain(domain) => Iterable::Domain(domain),
            Symbol::Contains(name) => Iterable::Contains(name),
            Symbol::Term(term) => Iterable::Domain(self.domain_of(term)),
            other => {
                self.term_of(other, env.module, collection.span())?;
                return self.refuse(env.module, collection.span(), Refusal::NotIterable);
            }
        })
    }

    /// The domain of a term. `collections.list(x)` is empty if `x` is not a list, and so is the domain
    /// `List(x)`: the conversion needs no node in the program.
    fn domain_of(&self, term: TermId) -> Domain {
        match self.program.term(term) {
            Term::AsList(inner) => Domain::List(self.without_fallback(*inner)),
            Term::AsMap(inner) => Domain::Map(self.without_fallback(*inner)),
            _ => Domain::Elements(term),
        }
    }

    /// A term without the literal fallback of `object.get`, which has no elements: the literals of
    /// the program are scalars and empty collections.
    fn without_fallback(&self, term: TermId) -> TermId {
        let Term::Coalesce(terms) = self.program.term(term) else {
            return term;
        };
        let is_literal = |branch: &TermId| {
            let value = match self.program.term(*branch) {
                Term::Guard(_, guarded) => *guarded,
                _ => *branch,
            };
            matches!(self.program.term(value), Term::Const(_))
        };
        match terms.as_ref() {
            [first, rest @ ..] if rest.iter().all(is_literal) => *first,
            _ => term,
        }
    }

    /// The alternatives inside the loop over a collection, each with its new binders. A literal
    /// collection makes one for each item, a domain one in all, and `contains` rules one for each
    /// of their alternatives.
    pub(super) fn enter_iterable(
        &mut self,
        (key, value): (Option<&'a str>, &'a str),
        iterable: Iterable,
        span: &'a Span,
        alternative: &Alternative<'a>,
    ) -> Lowered<Vec<(Vec<BinderId>, Alternative<'a>)>> {
        match iterable {
            Iterable::Items(items) => {
                let mut alternative = alternative.clone();
                // In OPA a literal collection with an undefined item is undefined as a whole.
                for item in &items {
                    if let Symbol::Term(term) = item {
                        let condition = self.program.defined(*term);
                        alternative.steps.push(Step::If(condition));
                    }
                }
                let entered = items.into_iter().enumerate().map(|(index, item)| {
                    let mut alternative = alternative.clone();
                    if let Some(key) = key {
                        alternative.env.bind(key, self.index_literal(index));
                    }
                    alternative.env.bind(value, item);
                    (Vec::new(), alternative)
                });
                Ok(entered.collect())
            }
            Iterable::Domain(domain) => {
                let binder = self.program.intern_binder(domain, &self.enclosing);
                let mut alternative = alternative.clone();
                alternative.steps.push(Step::For(binder));
                if let Some(key) = key {
                    let symbol = self.key_of(binder, alternative.env.module, span)?;
                    alternative.env.bind(key, symbol);
                }
                let element = self.element_of(binder);
                alternative.env.bind(value, element);
                Ok(vec![(vec![binder], alternative)])
            }
            Iterable::Contains(name) => {
                let elements = self.elements_of(&name, span, &alternative.env)?;
                let mut entered = Vec::new();
                for (inner, element) in elements {
                    let mut alternative = alternative.clone();
                    let binders = inner.binders();
                    alternative.steps.extend(inner.steps);
                    if let Symbol::Term(term) = element {
                        let condition = self.program.defined(term);
                        alternative.steps.push(Step::If(condition));
                    }
                    alternative.env.bind(value, element);
                    entered.push((binders, alternative));
                }
                Ok(entered)
            }
        }
    }

    /// The elements that the `contains` rules of a full name add, each with its alternative.
    pub(super) fn elements_of(
        &mut self,
        name: &str,
        span: &Span,
        env: &Env<'a>,
    ) -> Lowered<Vec<(Alternative<'a>, Symbol)>> {
        self.charge(env.module, span)?;
        let mut elements = Vec::new();
        let mut is_refused = false;
        for (module, rule) in self.lowering.rules.definitions(name) {
            let ast::Rule::Spec {
                head: RuleHead::Set { key: Some(key), .. },
                bodies,
                ..
            } = rule
            else {
                return self.refuse(module, rule.span(), Refusal::ElementMissing);
            };
            let alternatives = match bodies.first() {
                Some(body) => self.alternatives(&body.query, Env::new(module)),
                None => vec![Alternative::new(Env::new(module))],
            };
            for alternative in alternatives {
                let binders = alternative.binders();
                let element = self.within(&binders, |lowerer| lowerer.value(key, &alternative.env));
                is_refused |= alternative.is_incomplete || element.is_err();
                if let Ok(element) = element {
                    elements.push((alternative, element));
                }
            }
        }
        if is_refused {
            Err(Refused)
        } else {
            Ok(elements)
        }
    }

    /// The symbol of a binder's current element.
    pub(super) fn element_of(&mut self, binder: BinderId) -> Symbol {
        if self.program.binder(binder).domain.is_of_workload() {
            Symbol::Element(binder)
        } else {
            self.intern(Term::Value(binder))
        }
    }

    /// The symbol of a binder's current key or index.
    pub(super) fn key_of(
        &mut self,
        binder: BinderId,
        module: &ast::Module,
        span: &Span,
    ) -> Lowered<Symbol> {
        if self.program.binder(binder).domain.is_of_workload() {
            return self.refuse(module, span, Refusal::WorkloadKey);
        }
        Ok(self.intern(Term::Key(binder)))
    }

    pub(super) fn index_literal(&mut self, index: usize) -> Symbol {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        Symbol::Term(self.program.constant(Const::Int(index)))
    }
}
