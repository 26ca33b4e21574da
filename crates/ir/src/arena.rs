//! The arena of a program, with hash consing: structurally equal nodes get one id.
//!
//! Sharing is what makes a library cheap to evaluate. A condition that two controls contain has
//! one id, so that its result can be memoized once for both. The arena only stores and finds;
//! `simplify` decides what is stored, and `facts` what is known of it.

use super::{Binder, BinderId, Condition, ConditionId, Const, Domain, NodeId, Term, TermId};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

/// The terms, conditions and binders of all compiled rules.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Program {
    terms: Vec<Term>,
    conditions: Vec<Condition>,
    binders: Vec<Binder>,
    #[serde(skip)]
    ids: NodeIds,
    /// The free binders of each term, sorted. Index by [`TermId::index`].
    free_in_terms: Vec<Box<[BinderId]>>,
    /// The free binders of each condition, sorted. Index by [`ConditionId::index`].
    free_in_conditions: Vec<Box<[BinderId]>>,
    /// True while a rule is added whose kinds all have a pod spec.
    #[serde(skip)]
    only_workloads: bool,
}

/// The id of every node, to find equal ones. A program that was decoded has none until a node is
/// added: evaluation never looks for equal nodes.
#[derive(Debug, Clone, Default)]
struct NodeIds {
    terms: HashMap<Term, TermId>,
    conditions: HashMap<Condition, ConditionId>,
    binders: HashMap<Binder, BinderId>,
}

/// The binder of a foreign id: it iterates nothing.
const NO_BINDER: &Binder = &Binder {
    domain: Domain::List(TermId::NONE),
    nesting: u32::MAX,
};

/// The condition of a foreign id: false.
static FALSE: LazyLock<Condition> = LazyLock::new(|| Condition::Or(Box::default()));

impl Program {
    /// The term of an id; undefined for an id of another program, which is a defect.
    #[must_use]
    #[inline]
    pub fn term(&self, id: TermId) -> &Term {
        let term = self.terms.get(id.index());
        debug_assert!(term.is_some(), "{id:?} is of another program");
        term.unwrap_or(&Term::Undefined)
    }

    /// The condition of an id; false for an id of another program, which is a defect.
    #[must_use]
    #[inline]
    pub fn condition(&self, id: ConditionId) -> &Condition {
        let condition = self.conditions.get(id.index());
        debug_assert!(condition.is_some(), "{id:?} is of another program");
        condition.unwrap_or_else(|| &FALSE)
    }

    /// The binder of an id; one without elements for an id of another program, which is a defect.
    #[must_use]
    #[inline]
    pub fn binder(&self, id: BinderId) -> &Binder {
        let binder = self.binders.get(id.index());
        debug_assert!(binder.is_some(), "{id:?} is of another program");
        binder.unwrap_or(NO_BINDER)
    }

    /// The string literal at an index of the terms; `None` if another term is there.
    #[must_use]
    pub fn string_at(&self, index: usize) -> Option<&str> {
        match self.terms.get(index)? {
            Term::Const(Const::String(string)) => Some(string),
            _ => None,
        }
    }

    /// All terms, operands before the terms that use them.
    pub fn terms(&self) -> impl Iterator<Item = (TermId, &Term)> {
        let terms = self.terms.iter().enumerate();
        terms.map(|(index, term)| (TermId::at(index), term))
    }

    /// All conditions, operands before the conditions that use them.
    pub fn conditions(&self) -> impl Iterator<Item = (ConditionId, &Condition)> {
        let conditions = self.conditions.iter().enumerate();
        conditions.map(|(index, condition)| (ConditionId::at(index), condition))
    }

    /// The numbers of terms, conditions and binders.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.terms.len(), self.conditions.len(), self.binders.len())
    }

    /// Builds nodes for a rule whose kinds all have a pod spec, or do not all. Under the
    /// assumption, constructors treat the pod spec as defined.
    pub fn with_workload_assumption<T>(
        &mut self,
        only_workloads: bool,
        build: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = std::mem::replace(&mut self.only_workloads, only_workloads);
        let built = build(self);
        self.only_workloads = before;
        built
    }

    /// True while nodes are built for a rule whose kinds all have a pod spec.
    pub(crate) fn assumes_workloads(&self) -> bool {
        self.only_workloads
    }

    /// The free binders of a term: those that must be bound around it. Sorted.
    #[must_use]
    pub fn free_binders_of_term(&self, id: TermId) -> &[BinderId] {
        self.free_in_terms
            .get(id.index())
            .map_or(&[], AsRef::as_ref)
    }

    /// The free binders of a condition, without those that it binds itself. Sorted.
    #[must_use]
    pub fn free_binders_of_condition(&self, id: ConditionId) -> &[BinderId] {
        self.free_in_conditions
            .get(id.index())
            .map_or(&[], AsRef::as_ref)
    }

    /// The free binders of a domain. Sorted.
    #[must_use]
    pub fn free_binders_of_domain(&self, domain: &Domain) -> &[BinderId] {
        domain
            .collection()
            .map_or(&[], |collection| self.free_binders_of_term(collection))
    }

    /// The binder of a domain inside these enclosing binders.
    pub fn intern_binder(&mut self, domain: Domain, enclosing: &[BinderId]) -> BinderId {
        // A binder is told from an enclosing one with the same domain by its nesting.
        let nesting = enclosing
            .iter()
            .filter(|outer| self.binder(**outer).domain == domain)
            .count();
        let binder = Binder {
            domain,
            nesting: u32::try_from(nesting).unwrap_or(u32::MAX),
        };
        self.index_nodes();
        if let Some(id) = self.ids.binders.get(&binder) {
            return *id;
        }
        let id = BinderId::at(self.binders.len());
        self.binders.push(binder.clone());
        self.ids.binders.insert(binder, id);
        id
    }

    /// The id of a term, without simplification.
    pub fn intern_term(&mut self, term: Term) -> TermId {
        self.index_nodes();
        if let Some(id) = self.ids.terms.get(&term) {
            return *id;
        }
        let id = TermId::at(self.terms.len());
        let mut free = BTreeSet::new();
        term.for_each_child(|child| self.add_free_binders(child, &mut free));
        self.free_in_terms.push(free.into_iter().collect());
        self.terms.push(term.clone());
        self.ids.terms.insert(term, id);
        id
    }

    /// The id of a condition, without simplification.
    pub fn intern_condition(&mut self, condition: Condition) -> ConditionId {
        self.index_nodes();
        if let Some(id) = self.ids.conditions.get(&condition) {
            return *id;
        }
        let id = ConditionId::at(self.conditions.len());
        let mut free = BTreeSet::new();
        if let Condition::Any(binder, body) = condition {
            free.extend(self.free_binders_of_condition(body));
            // The binder is bound here. Its domain is evaluated outside, and may need another
            // element of the same binder only through a nested one, which has another id.
            free.remove(&binder);
            free.extend(self.free_binders_of_domain(&self.binder(binder).domain));
        } else {
            condition.for_each_child(|child| self.add_free_binders(child, &mut free));
        }
        self.free_in_conditions.push(free.into_iter().collect());
        self.conditions.push(condition.clone());
        self.ids.conditions.insert(condition, id);
        id
    }

    /// Indexes the nodes of a program that was decoded.
    fn index_nodes(&mut self) {
        let is_indexed = self.ids.terms.len() == self.terms.len()
            && self.ids.conditions.len() == self.conditions.len()
            && self.ids.binders.len() == self.binders.len();
        if is_indexed {
            return;
        }
        let terms = self.terms.iter().enumerate();
        self.ids.terms = terms
            .map(|(index, term)| (term.clone(), TermId::at(index)))
            .collect();
        let conditions = self.conditions.iter().enumerate();
        self.ids.conditions = conditions
            .map(|(index, condition)| (condition.clone(), ConditionId::at(index)))
            .collect();
        let binders = self.binders.iter().enumerate();
        self.ids.binders = binders
            .map(|(index, binder)| (binder.clone(), BinderId::at(index)))
            .collect();
    }

    fn add_free_binders(&self, child: NodeId, free: &mut BTreeSet<BinderId>) {
        match child {
            NodeId::Term(term) => free.extend(self.free_binders_of_term(term)),
            NodeId::Condition(condition) => free.extend(self.free_binders_of_condition(condition)),
            NodeId::Binder(binder) => {
                free.insert(binder);
                // An element changes with the binders that its domain depends on.
                free.extend(self.free_binders_of_domain(&self.binder(binder).domain));
            }
        }
    }
}
