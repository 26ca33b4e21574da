//! What names and expressions stand for while a rule is read. Containers, literal lists and findings exist only here:
//! the program knows values.

use super::Lowerer;
use crate::ast::{Module, Span};
use kubevet_ir::{BinderId, Const, Domain, Term, TermId};
use kubevet_model::Problem;

/// What an expression is.
#[derive(Debug, Clone)]
pub(super) enum Symbol {
    /// A value of the object, the request or the params, or made of them.
    Term(TermId),
    /// `input` itself.
    Input,
    /// `input.params`.
    Params,
    /// `input.request`.
    Request,
    /// A package, or the beginning of its name, without `data.`.
    Package(String),
    /// A container or volume of `lib.workload`.
    Element(BinderId),
    /// All containers or volumes.
    Domain(Domain),
    /// `deny contains`-like rules, by full name.
    Partial(String),
    /// A map written out.
    Record(Vec<(String, Symbol)>),
    /// A list written out.
    List(Vec<Symbol>),
    /// A set written out.
    Set(Vec<Symbol>),
}

/// The names that a body knows, and the module that it stands in.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub(super) module: &'a Module,
    locals: Vec<(String, Symbol)>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(module: &'a Module) -> Self {
        Self {
            module,
            locals: Vec::new(),
        }
    }

    pub(super) fn bind(&mut self, name: &str, symbol: Symbol) {
        self.locals.push((name.to_owned(), symbol));
    }

    pub(super) fn local(&self, name: &str) -> Option<&Symbol> {
        self.locals
            .iter()
            .rev()
            .find(|(it, _)| it == name)
            .map(|(_, symbol)| symbol)
    }
}

impl Lowerer<'_, '_> {
    /// A symbol as a term.
    pub(super) fn term_of(
        &mut self,
        symbol: Symbol,
        module: &Module,
        span: &Span,
    ) -> Result<TermId, Problem> {
        let message = match symbol {
            Symbol::Term(term) => return Ok(term),
            Symbol::List(items) if items.is_empty() => {
                return Ok(self.program.constant(Const::EmptyList));
            }
            Symbol::Record(fields) if fields.is_empty() => {
                return Ok(self.program.constant(Const::EmptyMap));
            }
            Symbol::Input | Symbol::Params | Symbol::Request => {
                "all of `input` at once is not compiled: name what you read of it"
            }
            Symbol::Package(_) => {
                "nothing of this name can be compiled: import rules of data.lib one by one"
            }
            Symbol::Element(_) => {
                "a whole container or volume of the library is not compiled as a value: name its field"
            }
            Symbol::Domain(_) | Symbol::Partial(_) => {
                "a whole list of rules is not compiled as a value: go over it with `some … in`"
            }
            Symbol::Record(_) | Symbol::List(_) | Symbol::Set(_) => {
                "a collection that is written out is not compiled as a value: compare its parts, or ask with `in`"
            }
        };
        self.refuse(module, span, message)
    }

    /// A symbol as a constant, where it is one.
    pub(super) fn constant_of(&self, symbol: &Symbol) -> Option<Const> {
        match symbol {
            Symbol::Term(term) => match self.program.term(*term) {
                Term::Const(value) => Some(value.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// A symbol as a text that is written out.
    pub(super) fn text_of(&self, symbol: &Symbol) -> Option<String> {
        match self.constant_of(symbol) {
            Some(Const::String(text)) => Some(text.to_string()),
            _ => None,
        }
    }
}
