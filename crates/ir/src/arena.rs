//! The arena of a program: equal things have one id. Its constructors leave out what says nothing, so that what is
//! evaluated and printed is as short as what was meant.

use super::{
    Binder, BinderId, Condition, ConditionId, Const, ContainerList, Domain, Term, TermId, ValueType,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Terms, conditions and binders of all compiled rules.
#[derive(Debug, Clone, Default)]
pub struct Program {
    terms: Vec<Term>,
    conds: Vec<Condition>,
    binders: Vec<Binder>,
    term_ids: HashMap<Term, TermId>,
    cond_ids: HashMap<Condition, ConditionId>,
    binder_ids: HashMap<Binder, BinderId>,
    /// The binders that a term or condition needs from outside, in order.
    free_terms: Vec<Box<[BinderId]>>,
    free_conds: Vec<Box<[BinderId]>>,
    /// The rule that is being added looks only at kinds that carry a pod spec.
    of_workloads: bool,
}

fn id_of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Program {
    pub fn term(&self, id: TermId) -> &Term {
        self.terms.get(id.index()).unwrap_or(&Term::Undefined)
    }

    /// The text that the term at a place of the tables is.
    pub fn string_at(&self, place: usize) -> Option<&str> {
        match self.terms.get(place)? {
            Term::Const(Const::String(text)) => Some(text),
            _ => None,
        }
    }

    pub fn condition(&self, id: ConditionId) -> &Condition {
        self.conds.get(id.index()).unwrap_or(&Condition::True)
    }

    pub fn binder(&self, id: BinderId) -> &Binder {
        const NONE: &Binder = &Binder {
            domain: Domain::Volumes,
            nesting: u32::MAX,
        };
        self.binders.get(id.index()).unwrap_or(NONE)
    }

    /// All terms.
    pub fn terms(&self) -> impl Iterator<Item = (TermId, &Term)> {
        self.terms
            .iter()
            .enumerate()
            .map(|(place, term)| (TermId(id_of(place)), term))
    }

    /// All conditions.
    pub fn conditions(&self) -> impl Iterator<Item = (ConditionId, &Condition)> {
        self.conds
            .iter()
            .enumerate()
            .map(|(place, cond)| (ConditionId(id_of(place)), cond))
    }

    /// How many terms, conditions and binders there are.
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.terms.len(), self.conds.len(), self.binders.len())
    }

    /// What is added from now on looks only at kinds that carry a pod spec, or not only.
    pub fn assume_workloads(&mut self, only: bool) {
        self.of_workloads = only;
    }

    /// The binders that a term needs.
    pub fn free_binders_of_term(&self, id: TermId) -> &[BinderId] {
        self.free_terms.get(id.index()).map_or(&[], AsRef::as_ref)
    }

    /// The binders that a condition needs, without those inside it.
    pub fn free_binders_of_condition(&self, id: ConditionId) -> &[BinderId] {
        self.free_conds.get(id.index()).map_or(&[], AsRef::as_ref)
    }

    /// The binders that a domain needs.
    pub fn free_binders_of_domain(&self, domain: &Domain) -> &[BinderId] {
        match domain {
            Domain::Containers(_) | Domain::Volumes => &[],
            Domain::Elements(term) | Domain::List(term) | Domain::Map(term) => {
                self.free_binders_of_term(*term)
            }
        }
    }

    /// The binder of a domain within these others.
    pub fn intern_binder(&mut self, domain: Domain, within: &[BinderId]) -> BinderId {
        let nesting = within
            .iter()
            .filter(|it| self.binder(**it).domain == domain)
            .count();
        let binder = Binder {
            domain,
            nesting: id_of(nesting),
        };
        if let Some(id) = self.binder_ids.get(&binder) {
            return *id;
        }
        let id = BinderId(id_of(self.binders.len()));
        self.binders.push(binder.clone());
        self.binder_ids.insert(binder, id);
        id
    }

    /// The id of a term as it is.
    pub fn intern_term(&mut self, term: Term) -> TermId {
        if let Some(id) = self.term_ids.get(&term) {
            return *id;
        }
        let id = TermId(id_of(self.terms.len()));
        let free = self.term_needs(&term);
        self.free_terms.push(free);
        self.terms.push(term.clone());
        self.term_ids.insert(term, id);
        id
    }

    /// The id of a condition as it is.
    pub fn intern_condition(&mut self, cond: Condition) -> ConditionId {
        if let Some(id) = self.cond_ids.get(&cond) {
            return *id;
        }
        let id = ConditionId(id_of(self.conds.len()));
        let free = self.cond_needs(&cond);
        self.free_conds.push(free);
        self.conds.push(cond.clone());
        self.cond_ids.insert(cond, id);
        id
    }

    fn term_needs(&self, term: &Term) -> Box<[BinderId]> {
        let mut needs = BTreeSet::new();
        match term {
            Term::Key(it)
            | Term::Value(it)
            | Term::ElementName(it)
            | Term::ElementPath(it)
            | Term::ListName(it) => {
                needs.insert(*it);
                // An element changes with what its list stands in.
                needs.extend(self.free_binders_of_domain(&self.binder(*it).domain));
            }
            Term::Guard(cond, term) => {
                needs.extend(self.free_binders_of_condition(*cond));
                needs.extend(self.free_binders_of_term(*term));
            }
            _ => term
                .parts()
                .iter()
                .for_each(|it| needs.extend(self.free_binders_of_term(*it))),
        }
        needs.into_iter().collect()
    }

    fn cond_needs(&self, cond: &Condition) -> Box<[BinderId]> {
        let mut needs = BTreeSet::new();
        match cond {
            Condition::And(conds) | Condition::Or(conds) => {
                conds
                    .iter()
                    .for_each(|it| needs.extend(self.free_binders_of_condition(*it)));
            }
            Condition::Not(cond) => needs.extend(self.free_binders_of_condition(*cond)),
            Condition::Any(binder, cond) => {
                needs.extend(self.free_binders_of_condition(*cond));
                needs.remove(binder);
                needs.extend(self.free_binders_of_domain(&self.binder(*binder).domain));
            }
            _ => cond
                .terms()
                .iter()
                .for_each(|it| needs.extend(self.free_binders_of_term(*it))),
        }
        needs.into_iter().collect()
    }

    // --- terms ---

    pub fn string(&mut self, text: &str) -> TermId {
        self.intern_term(Term::Const(Const::String(Arc::from(text))))
    }

    pub fn constant(&mut self, value: Const) -> TermId {
        self.intern_term(Term::Const(value))
    }

    pub fn undefined(&mut self) -> TermId {
        self.intern_term(Term::Undefined)
    }

    pub fn field(&mut self, of: TermId, name: &str) -> TermId {
        self.intern_term(Term::Field(of, Arc::from(name)))
    }

    pub fn guard(&mut self, cond: ConditionId, term: TermId) -> TermId {
        if *self.condition(cond) == Condition::True {
            return term;
        }
        if self.is_statically_false(cond) || *self.term(term) == Term::Undefined {
            return self.undefined();
        }
        // A term that is undefined without its parts need not ask for them.
        let asked = match self.condition(cond) {
            Condition::And(conds) => conds.to_vec(),
            _ => vec![cond],
        };
        let needed = |it: &ConditionId| !matches!(self.condition(*it), Condition::Defined(part) if self.is_strict(term, *part));
        let kept: Vec<ConditionId> = asked.iter().copied().filter(needed).collect();
        if kept.len() < asked.len() {
            let rest = self.and(kept);
            return self.guard(rest, term);
        }
        // What is guarded twice holds both.
        if let Term::Guard(inner, kept) = *self.term(term) {
            let both = self.and([cond, inner]);
            return self.intern_term(Term::Guard(both, kept));
        }
        self.intern_term(Term::Guard(cond, term))
    }

    pub fn coalesce(&mut self, terms: impl IntoIterator<Item = TermId>) -> TermId {
        let mut kept: Vec<TermId> = Vec::new();
        for term in terms {
            let inner = match self.term(term) {
                Term::Undefined => continue,
                Term::Coalesce(inner) => inner.to_vec(),
                _ => vec![term],
            };
            for term in inner {
                kept.push(term);
                // Nothing after it is ever asked.
                if self.is_defined(term) {
                    return if let [only] = kept.as_slice() {
                        *only
                    } else {
                        self.intern_term(Term::Coalesce(kept.into()))
                    };
                }
            }
        }
        match kept.as_slice() {
            [] => self.undefined(),
            [only] => *only,
            _ => self.intern_term(Term::Coalesce(kept.into())),
        }
    }

    /// Texts one after another; neighbours that are written out become one.
    pub fn concat(&mut self, pieces: impl IntoIterator<Item = TermId>) -> TermId {
        let mut kept: Vec<TermId> = Vec::new();
        for piece in pieces {
            let inner = match self.term(piece) {
                Term::Concat(inner) => inner.to_vec(),
                _ => vec![piece],
            };
            for piece in inner {
                let before = kept.last().copied();
                match (before.map(|it| self.term(it)), self.term(piece)) {
                    (_, Term::Const(Const::String(text))) if text.is_empty() => {}
                    (Some(Term::Const(Const::String(a))), Term::Const(Const::String(b))) => {
                        let joined = format!("{a}{b}");
                        kept.pop();
                        kept.push(self.string(&joined));
                    }
                    _ => kept.push(piece),
                }
            }
        }
        match kept.as_slice() {
            [] => self.string(""),
            [only] if self.is_string(*only) => *only,
            _ => self.intern_term(Term::Concat(kept.into())),
        }
    }

    /// Whether a term is undefined wherever a part of it is.
    fn is_strict(&self, term: TermId, part: TermId) -> bool {
        term == part
            || match self.term(term) {
                Term::Coalesce(terms) => terms.iter().all(|it| self.is_strict(*it, part)),
                whole => whole.parts().iter().any(|it| self.is_strict(*it, part)),
            }
    }

    /// Whether a term is defined whatever the object.
    pub fn is_defined(&self, term: TermId) -> bool {
        match self.term(term) {
            Term::Const(_)
            | Term::Object
            | Term::Operation
            | Term::Key(_)
            | Term::Value(_)
            | Term::ElementName(_)
            | Term::ElementPath(_)
            | Term::ListName(_) => true,
            Term::PodSpec | Term::PodMetadata | Term::PodSpecPath | Term::PodMetadataPath => {
                self.of_workloads
            }
            Term::Coalesce(terms) => terms.last().is_some_and(|it| self.is_defined(*it)),
            Term::AsList(term) | Term::AsMap(term) => self.is_defined(*term),
            Term::Concat(terms) => terms.iter().all(|it| {
                let plain = self.is_string(*it) || self.is_place(*it);
                plain && self.is_defined(*it)
            }),
            Term::Call(call, parts) => {
                call.is_total() && parts.iter().all(|it| self.is_defined(*it))
            }
            _ => false,
        }
    }

    /// Whether a term, where it is defined, is a text whatever the object.
    pub fn is_string(&self, term: TermId) -> bool {
        match self.term(term) {
            Term::Const(Const::String(_))
            | Term::Operation
            | Term::ElementName(_)
            | Term::ElementPath(_)
            | Term::ListName(_)
            | Term::PodSpecPath
            | Term::PodMetadataPath
            | Term::Concat(_) => true,
            Term::Key(binder) => matches!(self.binder(*binder).domain, Domain::Map(_)),
            Term::Value(binder) => match self.binder(*binder).domain {
                Domain::Elements(list) | Domain::List(list) => {
                    matches!(self.term(list), Term::Param(_))
                }
                _ => false,
            },
            Term::Index(list, _) => matches!(self.term(*list), Term::Param(_)),
            Term::Guard(cond, term) => self.is_string(*term) || self.proves_string(*cond, *term),
            Term::Coalesce(terms) => terms.iter().all(|it| self.is_string(*it)),
            Term::Call(call, _) => call.returns_string(),
            _ => false,
        }
    }

    fn proves_string(&self, cond: ConditionId, term: TermId) -> bool {
        match self.condition(cond) {
            Condition::HasType(of, ValueType::String) => *of == term,
            Condition::And(conds) => conds.iter().any(|it| self.proves_string(*it, term)),
            _ => false,
        }
    }

    /// Whether a term is the place of an element in a list.
    fn is_place(&self, term: TermId) -> bool {
        matches!(self.term(term), Term::Key(binder) if matches!(self.binder(*binder).domain, Domain::List(_)))
    }

    // --- conditions ---

    pub fn always(&mut self) -> ConditionId {
        self.intern_condition(Condition::True)
    }

    pub fn never(&mut self) -> ConditionId {
        self.intern_condition(Condition::Or([].into()))
    }

    /// Whether a condition is false whatever the object.
    pub fn is_statically_false(&self, cond: ConditionId) -> bool {
        matches!(self.condition(cond), Condition::Or(conds) if conds.is_empty())
    }

    pub fn and(&mut self, conds: impl IntoIterator<Item = ConditionId>) -> ConditionId {
        let mut kept: Vec<ConditionId> = Vec::new();
        for cond in conds {
            let inner = match self.condition(cond) {
                Condition::True => continue,
                Condition::And(inner) => inner.to_vec(),
                _ => vec![cond],
            };
            for cond in inner {
                if self.is_statically_false(cond) {
                    return cond;
                }
                if !kept.contains(&cond) {
                    kept.push(cond);
                }
            }
        }
        // A comparison or a test says that its terms are defined.
        let implied: Vec<TermId> = kept
            .iter()
            .flat_map(|it| self.proves_defined(*it))
            .collect();
        kept.retain(
            |it| !matches!(self.condition(*it), Condition::Defined(term) if implied.contains(term)),
        );
        match kept.as_slice() {
            [] => self.always(),
            [only] => *only,
            _ => self.intern_condition(Condition::And(kept.into())),
        }
    }

    /// Terms that are defined where a condition other than `Defined` holds.
    fn proves_defined(&self, cond: ConditionId) -> Vec<TermId> {
        match self.condition(cond) {
            Condition::Truthy(term) | Condition::HasType(term, _) | Condition::OneOf(term, _) => {
                vec![*term]
            }
            Condition::Compare(_, a, b) | Condition::Member(a, b) => vec![*a, *b],
            Condition::Predicate(_, terms) => terms.to_vec(),
            _ => Vec::new(),
        }
    }

    pub fn or(&mut self, conds: impl IntoIterator<Item = ConditionId>) -> ConditionId {
        let mut kept: Vec<ConditionId> = Vec::new();
        for cond in conds {
            let inner = match self.condition(cond) {
                Condition::True => return cond,
                Condition::Or(inner) => inner.to_vec(),
                _ => vec![cond],
            };
            for cond in inner {
                if !kept.contains(&cond) {
                    kept.push(cond);
                }
            }
        }
        // Several values of one term are one question.
        let mut joined: Vec<ConditionId> = Vec::new();
        for cond in kept {
            let last = joined.last().copied();
            match (last.and_then(|it| self.as_one_of(it)), self.as_one_of(cond)) {
                (Some((a, mut values)), Some((b, more))) if a == b => {
                    values.extend(more);
                    joined.pop();
                    joined.push(self.one_of(a, values));
                }
                _ => joined.push(cond),
            }
        }
        match joined.as_slice() {
            [only] => *only,
            _ => self.intern_condition(Condition::Or(joined.into())),
        }
    }

    /// That a term is one of these, in whatever order they are written.
    pub fn one_of(&mut self, term: TermId, mut values: Vec<Const>) -> ConditionId {
        values.sort();
        values.dedup();
        self.intern_condition(Condition::OneOf(term, values.into()))
    }

    fn as_one_of(&self, cond: ConditionId) -> Option<(TermId, Vec<Const>)> {
        match self.condition(cond) {
            Condition::OneOf(term, values) => Some((*term, values.to_vec())),
            Condition::Compare(super::Comparison::Equal, a, b) => match self.term(*b) {
                Term::Const(value @ Const::String(_)) => Some((*a, vec![value.clone()])),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn not(&mut self, cond: ConditionId) -> ConditionId {
        match self.condition(cond) {
            Condition::True => self.never(),
            Condition::Not(inner) => *inner,
            _ if self.is_statically_false(cond) => self.always(),
            _ => self.intern_condition(Condition::Not(cond)),
        }
    }

    pub fn any(&mut self, binder: BinderId, cond: ConditionId) -> ConditionId {
        if self.is_statically_false(cond) {
            cond
        } else {
            self.intern_condition(Condition::Any(binder, cond))
        }
    }

    pub fn defined(&mut self, term: TermId) -> ConditionId {
        if self.is_defined(term) {
            return self.always();
        }
        match self.term(term).clone() {
            Term::Undefined => self.never(),
            Term::Guard(cond, term) => {
                let inner = self.defined(term);
                self.and([cond, inner])
            }
            Term::Coalesce(terms) => {
                let last = terms.last().map(|it| self.defined(*it));
                // A branch that needs what the last one needs adds nothing.
                let needed = match last.map(|it| self.condition(it)) {
                    Some(Condition::Defined(part)) => Some(*part),
                    _ => None,
                };
                let adds = |it: &&TermId| needed.is_none_or(|part| !self.is_strict(**it, part));
                let kept: Vec<TermId> = terms
                    .iter()
                    .rev()
                    .skip(1)
                    .rev()
                    .filter(adds)
                    .copied()
                    .collect();
                let mut each: Vec<ConditionId> = kept.iter().map(|it| self.defined(*it)).collect();
                each.extend(last);
                self.or(each)
            }
            Term::AsList(term) | Term::AsMap(term) => self.defined(term),
            Term::Call(call, parts) if call.is_total() => {
                let each: Vec<ConditionId> = parts.iter().map(|it| self.defined(*it)).collect();
                self.and(each)
            }
            _ => self.intern_condition(Condition::Defined(term)),
        }
    }

    pub fn truthy(&mut self, term: TermId) -> ConditionId {
        if let Some(before) = self.before_fallback(term, |it| *it == Const::Bool(false)) {
            return self.truthy(before);
        }
        match self.term(term).clone() {
            Term::Const(Const::Bool(false)) | Term::Undefined => self.never(),
            Term::Const(_) => self.always(),
            Term::Guard(cond, term) => {
                let inner = self.truthy(term);
                self.and([cond, inner])
            }
            // Each branch is either not taken or true, so which comes first does not matter.
            Term::Coalesce(terms) if terms.iter().all(|it| self.is_true_if_defined(*it)) => {
                let each: Vec<ConditionId> = terms.iter().map(|it| self.truthy(*it)).collect();
                self.or(each)
            }
            _ if self.is_string(term) => self.defined(term),
            _ => self.intern_condition(Condition::Truthy(term)),
        }
    }

    /// The branches before the last one, where that is a constant which makes the condition false that is asked.
    fn before_fallback(&mut self, term: TermId, fails: impl Fn(&Const) -> bool) -> Option<TermId> {
        let Term::Coalesce(terms) = self.term(term) else {
            return None;
        };
        let (last, before) = terms.split_last()?;
        if !matches!(self.term(*last), Term::Const(value) if fails(value)) {
            return None;
        }
        let before = before.to_vec();
        Some(self.coalesce(before))
    }

    fn is_true_if_defined(&self, term: TermId) -> bool {
        match self.term(term) {
            Term::Const(value) => *value != Const::Bool(false),
            Term::Guard(_, term) => self.is_true_if_defined(*term),
            _ => self.is_string(term),
        }
    }

    pub fn has_type(&mut self, term: TermId, wanted: ValueType) -> ConditionId {
        if let Some(before) = self.before_fallback(term, |it| it.kind() != wanted) {
            return self.has_type(before, wanted);
        }
        let known = match self.term(term) {
            Term::Const(value) => Some(value.kind()),
            Term::AsList(inner) if self.is_defined(*inner) => Some(ValueType::List),
            Term::AsMap(inner) if self.is_defined(*inner) => Some(ValueType::Map),
            Term::Value(binder) if self.binder(*binder).domain.is_of_workload() => {
                Some(ValueType::Map)
            }
            // Nothing else is judged.
            Term::Object => Some(ValueType::Map),
            Term::PodSpec | Term::PodMetadata if wanted == ValueType::Map => {
                return self.defined(term);
            }
            Term::Guard(cond, inner) => {
                let (cond, inner) = (*cond, *inner);
                let inner = self.has_type(inner, wanted);
                return self.and([cond, inner]);
            }
            _ if self.is_string(term) => {
                return if wanted == ValueType::String {
                    self.defined(term)
                } else {
                    self.never()
                };
            }
            _ => None,
        };
        match known {
            Some(known) if known == wanted => self.always(),
            Some(_) => self.never(),
            None => self.intern_condition(Condition::HasType(term, wanted)),
        }
    }
}

impl Term {
    /// The terms that it is made of, where it has no condition.
    pub fn parts(&self) -> Vec<TermId> {
        match self {
            Self::Field(it, _)
            | Self::Count(it)
            | Self::AsList(it)
            | Self::AsMap(it)
            | Self::Guard(_, it) => vec![*it],
            Self::Index(a, b) => vec![*a, *b],
            Self::Coalesce(parts) | Self::Concat(parts) | Self::Call(_, parts) => parts.to_vec(),
            _ => Vec::new(),
        }
    }
}

impl Condition {
    /// The terms that it asks about itself.
    pub fn terms(&self) -> Vec<TermId> {
        match self {
            Self::Defined(it) | Self::Truthy(it) | Self::HasType(it, _) | Self::OneOf(it, _) => {
                vec![*it]
            }
            Self::Compare(_, a, b) | Self::Member(a, b) => vec![*a, *b],
            Self::Predicate(_, terms) => terms.to_vec(),
            Self::True | Self::And(_) | Self::Or(_) | Self::Not(_) | Self::Any(..) => Vec::new(),
        }
    }
}

impl Const {
    pub fn kind(&self) -> ValueType {
        match self {
            Self::Null => ValueType::Null,
            Self::Bool(_) => ValueType::Bool,
            Self::Int(_) => ValueType::Number,
            Self::String(_) => ValueType::String,
            Self::EmptyList => ValueType::List,
            Self::EmptyMap => ValueType::Map,
        }
    }
}

impl Domain {
    /// Whether its elements are containers or volumes, which are maps always.
    pub fn is_of_workload(&self) -> bool {
        matches!(self, Self::Containers(_) | Self::Volumes)
    }
}

impl ContainerList {
    /// The fields of the pod spec in which they are, in order.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::All => &["containers", "initContainers", "ephemeralContainers"],
            Self::Resource | Self::Probe => &["containers", "initContainers"],
        }
    }
}

impl super::Intrinsic {
    /// Whether it has a value for every value of its arguments.
    pub fn is_total(self) -> bool {
        matches!(
            self,
            Self::ImageRegistry
                | Self::ImageRepository
                | Self::ImageName
                | Self::ImageTag
                | Self::ImageDigest
                | Self::ImageEffectiveTag
                | Self::CleanPath
                | Self::ConnectionTarget
                | Self::ConnectionCommand
                | Self::ConnectionPorts
        )
    }

    /// Whether it has a value wherever its arguments are texts.
    pub fn is_total_on_strings(self) -> bool {
        matches!(
            self,
            Self::LowerAscii
                | Self::Trim
                | Self::TrimLeft
                | Self::TrimRight
                | Self::TrimPrefix
                | Self::TrimSuffix
                | Self::TrimSpace
                | Self::Replace
        )
    }

    fn returns_string(self) -> bool {
        self != Self::SplitCount
    }
}
