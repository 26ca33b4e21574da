//! The elements that stand while something is printed, and their names.

use super::{term::Piece, text::Cel};
use kubevet_ir::{BinderId, TermId};
use std::collections::BTreeMap;

/// Words that CEL keeps for itself, or that would hide a variable of a policy.
const TAKEN: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "null",
    "package",
    "namespace",
    "return",
    "true",
    "var",
    "void",
    "while",
    "object",
    "oldObject",
    "params",
    "request",
    "variables",
    "authorizer",
    "type",
    "list",
    "map",
    "size",
    "string",
    "int",
    "double",
    "bool",
    "dyn",
    "quantity",
];

/// An element under its name.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) binder: BinderId,
    pub(super) value: Piece,
    /// The key of a map.
    pub(super) key: Option<Piece>,
    /// The list that a container is in.
    pub(super) list: Option<Cel>,
}

/// Elements from the outermost to the innermost.
#[derive(Debug, Default)]
pub(super) struct Scope {
    elements: Vec<Standing>,
    terms: BTreeMap<TermId, Piece>,
    names: Vec<String>,
}

impl Scope {
    pub(super) fn element(&self, binder: BinderId) -> Option<&Standing> {
        self.elements.iter().rev().find(|it| it.binder == binder)
    }

    pub(super) fn push(&mut self, element: Standing) {
        self.elements.push(element);
    }

    pub(super) fn pop(&mut self) {
        self.elements.pop();
    }

    /// A term that stands under a name.
    pub(super) fn named(&self, term: TermId) -> Option<&Piece> {
        self.terms.get(&term)
    }

    /// Puts a term under a name, until [`Scope::take`].
    pub(super) fn put(&mut self, term: TermId, named: Piece) {
        self.terms.insert(term, named);
    }

    pub(super) fn take(&mut self, term: TermId) {
        self.terms.remove(&term);
    }

    /// A short name for an element of what is called so; it stands until [`Scope::free`].
    pub(super) fn name(&mut self, of: &str) -> String {
        let letters: Vec<char> = of
            .chars()
            .filter(char::is_ascii_alphabetic)
            .map(|it| it.to_ascii_lowercase())
            .collect();
        let first = letters.first().copied().unwrap_or('x');
        let single = letters.iter().map(ToString::to_string);
        let numbered = (2..100).map(|it| format!("{first}{it}"));
        let free = |it: &String| !self.names.contains(it) && !TAKEN.contains(&it.as_str());
        let name = single
            .chain(numbered)
            .find(free)
            .unwrap_or_else(|| format!("{first}_"));
        self.names.push(name.clone());
        name
    }

    pub(super) fn free(&mut self) {
        self.names.pop();
    }
}
