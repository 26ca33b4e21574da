//! Symbols: the meaning of names and expressions while a rule is lowered. Containers, literal
//! collections and findings exist only as symbols: the program has only values.

use super::{Lowered, Lowerer, Refused, all};
use crate::{
    ast::{Module, Span},
    refusal::Refusal,
};
use kubevet_ir::{BinderId, Const, Domain, Term, TermId};

/// The meaning of an expression.
#[derive(Debug, Clone)]
pub(super) enum Symbol {
    /// A value of the object, the request or the params, or one made of them.
    Term(TermId),
    /// `input` itself.
    Input,
    /// `input.params`.
    Params,
    /// `input.request`.
    Request,
    /// A package or a prefix of its name, without `data.`.
    Package(String),
    /// A container or volume of `lib.workload`.
    Element(BinderId),
    /// A list of containers or volumes.
    Domain(Domain),
    /// The `contains` rules of a full name.
    Contains(String),
    /// A literal object, by key.
    Record(Vec<(String, Symbol)>),
    /// A literal list.
    List(Vec<Symbol>),
    /// A literal set.
    Set(Vec<Symbol>),
    /// A name whose statement was refused. Its use is refused without another report.
    Poisoned,
}

/// The environment of a body: its local names, and the module in which global names are resolved.
#[derive(Clone)]
pub(super) struct Env<'a> {
    pub(super) module: &'a Module,
    /// The innermost binding of a name is the last.
    locals: Vec<(String, Symbol)>,
}

impl<'a> Env<'a> {
    pub(super) fn new(module: &'a Module) -> Self {
        Self {
            module,
            locals: Vec::new(),
        }
    }

    /// Binds a local name; it shadows an earlier binding.
    pub(super) fn bind(&mut self, name: &str, symbol: Symbol) {
        self.locals.push((name.to_owned(), symbol));
    }

    pub(super) fn local(&self, name: &str) -> Option<&Symbol> {
        self.locals
            .iter()
            .rev()
            .find(|(local, _)| local == name)
            .map(|(_, symbol)| symbol)
    }
}

impl Lowerer<'_, '_> {
    /// Adds a term to the program, as a symbol.
    pub(super) fn intern(&mut self, term: Term) -> Symbol {
        Symbol::Term(self.program.intern_term(term))
    }

    /// Returns the term of a symbol; a symbol that has none is refused.
    pub(super) fn term_of(
        &mut self,
        symbol: Symbol,
        module: &Module,
        span: &Span,
    ) -> Lowered<TermId> {
        let refusal = match symbol {
            Symbol::Term(term) => return Ok(term),
            Symbol::Poisoned => return Err(Refused),
            Symbol::List(items) if items.is_empty() => {
                return Ok(self.program.constant(Const::EmptyList));
            }
            Symbol::Record(fields) if fields.is_empty() => {
                return Ok(self.program.constant(Const::EmptyMap));
            }
            Symbol::Input | Symbol::Params | Symbol::Request => Refusal::WholeInput,
            Symbol::Package(_) => Refusal::PackageAsValue,
            Symbol::Element(_) => Refusal::ElementAsValue,
            Symbol::Domain(_) | Symbol::Contains(_) => Refusal::ListAsValue,
            Symbol::Record(_) | Symbol::List(_) | Symbol::Set(_) => Refusal::LiteralAsValue,
        };
        self.refuse(module, span, refusal)
    }

    /// The terms of symbols; all of them, even if one is refused.
    pub(super) fn terms(
        &mut self,
        symbols: &[Symbol],
        span: &Span,
        env: &Env<'_>,
    ) -> Lowered<Vec<TermId>> {
        all(symbols
            .iter()
            .map(|symbol| self.term_of(symbol.clone(), env.module, span)))
    }

    /// The literal value of a symbol, if it has one.
    pub(super) fn constant_of(&self, symbol: &Symbol) -> Option<Const> {
        match symbol {
            Symbol::Term(term) => match self.program.term(*term) {
                Term::Const(value) => Some(value.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of a symbol that is a string literal.
    pub(super) fn string_of(&self, symbol: &Symbol) -> Option<String> {
        match self.constant_of(symbol) {
            Some(Const::String(string)) => Some(string.to_string()),
            _ => None,
        }
    }
}
