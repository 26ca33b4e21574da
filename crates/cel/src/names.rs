//! The scope of an expression under construction: the elements that its comprehensions iterate, the
//! terms that have a name, and which names are free.

use super::{expr::Expr, typed_expr::TypedExpr};
use kubevet_ir::{BinderId, TermId};
use std::collections::BTreeMap;

/// The current element of a comprehension.
#[derive(Debug, Clone)]
pub(super) struct BoundElement {
    pub(super) binder: BinderId,
    pub(super) value: TypedExpr,
    /// The key of the entry, where a map is iterated.
    pub(super) key: Option<TypedExpr>,
    /// The name of the list that a container is in, where it is known.
    pub(super) list_name: Option<Expr>,
}

/// What is in scope, from the outermost comprehension to the innermost.
#[derive(Debug, Default)]
pub(super) struct Scope {
    elements: Vec<BoundElement>,
    terms: BTreeMap<TermId, TypedExpr>,
    names: Vec<String>,
}

impl Scope {
    /// The current element of a binder.
    pub(super) fn element(&self, binder: BinderId) -> Option<&BoundElement> {
        self.elements
            .iter()
            .rev()
            .find(|element| element.binder == binder)
    }

    /// Enters a comprehension.
    pub(super) fn push(&mut self, element: BoundElement) {
        self.elements.push(element);
    }

    /// Leaves the innermost comprehension, whose variable was the last name that was reserved.
    pub(super) fn pop(&mut self) {
        self.elements.pop();
        self.release();
    }

    /// The variable that holds a term.
    pub(super) fn named(&self, term: TermId) -> Option<&TypedExpr> {
        self.terms.get(&term)
    }

    /// True if some term has a name here that means nothing elsewhere.
    pub(super) fn has_terms(&self) -> bool {
        !self.terms.is_empty()
    }

    /// Lets a variable hold a term, until [`Scope::unbind`].
    pub(super) fn bind(&mut self, term: TermId, variable: TypedExpr) {
        self.terms.insert(term, variable);
    }

    /// Ends [`Scope::bind`].
    pub(super) fn unbind(&mut self, term: TermId) {
        self.terms.remove(&term);
    }

    /// Takes a short free name after a hint: a letter of it, else its first letter and a number. No
    /// keyword, root, function or type of CEL has such a name. It is taken until
    /// [`Scope::release`]; names are released in reverse order.
    pub(super) fn reserve(&mut self, hint: &str) -> String {
        let chars: Vec<char> = hint
            .chars()
            .filter(char::is_ascii_alphabetic)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        let first = chars.first().copied().unwrap_or('x');
        let is_free = |name: &String| !self.names.contains(name);
        let name = chars
            .iter()
            .map(char::to_string)
            .chain((2..100).map(|number| format!("{first}{number}")))
            .find(is_free)
            .unwrap_or_else(|| format!("{first}_"));
        self.names.push(name.clone());
        name
    }

    /// Takes a name after the last field of an expression, see [`Scope::reserve`].
    pub(super) fn reserve_for(&mut self, value: &Expr) -> String {
        self.reserve(value.last_field().unwrap_or("x"))
    }

    /// Frees the name that was reserved last.
    pub(super) fn release(&mut self) {
        self.names.pop();
    }

    /// A free name after a hint, for an expression in whose scope no other name is reserved.
    pub(super) fn unused(&mut self, hint: &str) -> String {
        let name = self.reserve(hint);
        self.release();
        name
    }

    /// As [`Scope::unused`], after the last field of an expression.
    pub(super) fn unused_for(&mut self, value: &Expr) -> String {
        let name = self.reserve_for(value);
        self.release();
        name
    }
}
