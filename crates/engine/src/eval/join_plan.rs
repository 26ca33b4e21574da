//! Which equality joins a program has, found before any object.
//!
//! `volume × container × mount` under `mount.name == volume.name` is a join: the mounts can be found by their name, so
//! that the work is in proportion to volumes plus mounts. A [`Lookup`] says what an index is made of, a [`Join`] how a
//! condition uses one, a [`Stage`] how a body of `deny` does. A join only says where to look: the equality is asked of
//! each element that was found, so an index may give too many elements, never too few. Nothing here sees an object.

use kubevet_ir::{
    BinderId, Clause, Comparison, CompiledControl, Condition, ConditionId, Program, TermId,
};
use std::collections::{BTreeSet, VecDeque};

/// The most ways into nested conditions that are tried to find the join of one.
const MAX_PATHS: usize = 64;
/// The most binders of a lookup.
pub(super) const MAX_CHAIN: usize = 4;

/// The number of a [`Lookup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LookupId(u32);

impl LookupId {
    /// Its place in tables over all lookups.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an index is made of: the elements of nested lists, by the value of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lookup {
    /// The binders, from the outermost to the innermost.
    pub(super) chain: Box<[Link]>,
    /// The term by whose value elements are found. Elements for which it is undefined are left out.
    pub(super) key: TermId,
    /// The binders outside the chain on which domains, filters or key depend. The index holds until one of them moves.
    pub(super) outer: Box<[BinderId]>,
}

/// One binder of a lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) binder: BinderId,
    /// What must hold for an element to be in the index.
    pub(super) filters: Box<[ConditionId]>,
}

/// How a `Condition::Any` is decided by an index.
#[derive(Debug, Clone)]
pub(super) struct Join {
    pub(super) lookup: LookupId,
    /// The term whose value the elements must have as their key.
    pub(super) probe: TermId,
    /// Conditions without a binder of the chain.
    pub(super) before: Box<[ConditionId]>,
    /// Conditions to ask of each element that was found, the equality among them.
    pub(super) rest: Box<[ConditionId]>,
}

/// What a loop goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Over {
    /// Each element of a binder's domain.
    Each(BinderId),
    /// The elements of a lookup whose key equals the term.
    Match(LookupId, TermId),
}

/// A step into a body of `deny`: a loop (none for the first stage) and what is asked inside.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) over: Option<Over>,
    pub(super) conds: Box<[ConditionId]>,
}

/// The joins of a program.
#[derive(Debug, Default)]
pub(super) struct Joins {
    lookups: Vec<Lookup>,
    any: Vec<Option<Join>>,
    stages: Vec<Vec<Vec<Stage>>>,
}

impl Joins {
    pub(super) fn new(program: &Program, compiled: &[CompiledControl]) -> Self {
        let mut joins = Self::default();
        for (_, cond) in program.conditions() {
            let join = match cond {
                Condition::Any(binder, inner) => joins.of_any(program, *binder, *inner),
                _ => None,
            };
            joins.any.push(join);
        }
        for control in compiled {
            let stages = control
                .clauses
                .iter()
                .map(|it| joins.stages_of_deny(program, it))
                .collect();
            joins.stages.push(stages);
        }
        joins
    }

    pub(super) fn count(&self) -> usize {
        self.lookups.len()
    }

    pub(super) fn lookup(&self, id: LookupId) -> Option<&Lookup> {
        self.lookups.get(id.index())
    }

    /// The join of a `Condition::Any`.
    #[inline]
    pub(super) fn any(&self, cond: ConditionId) -> Option<&Join> {
        self.any.get(cond.index())?.as_ref()
    }

    /// The stages of a body: the number of its control among the compiled ones, and its own among the control's.
    pub(super) fn stages(&self, control: usize, body: usize) -> &[Stage] {
        self.stages
            .get(control)
            .and_then(|it| it.get(body))
            .map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, lookup: Lookup) -> LookupId {
        let place = self
            .lookups
            .iter()
            .position(|it| *it == lookup)
            .unwrap_or_else(|| {
                self.lookups.push(lookup);
                self.lookups.len() - 1
            });
        LookupId(u32::try_from(place).unwrap_or(u32::MAX))
    }

    /// The shortest way from an `Any`, through those directly inside it, to an equality that is a join.
    fn of_any(&mut self, program: &Program, binder: BinderId, inner: ConditionId) -> Option<Join> {
        let mut paths = VecDeque::from([(vec![binder], conjuncts(program, inner))]);
        for _ in 0..MAX_PATHS {
            let (chain, conds) = paths.pop_front()?;
            for cond in &conds {
                if let Some((key, probe)) = equality_of_chain(program, *cond, &chain) {
                    return Some(self.join(program, &chain, &conds, key, probe));
                }
            }
            for (place, cond) in conds.iter().enumerate() {
                if let (Condition::Any(binder, inner), true) =
                    (program.condition(*cond), chain.len() < MAX_CHAIN)
                {
                    let mut conds = conds.clone();
                    conds.splice(place..=place, conjuncts(program, *inner));
                    let mut chain = chain.clone();
                    chain.push(*binder);
                    paths.push_back((chain, conds));
                }
            }
        }
        None
    }

    fn join(
        &mut self,
        program: &Program,
        chain: &[BinderId],
        conds: &[ConditionId],
        key: TermId,
        probe: TermId,
    ) -> Join {
        let in_chain = |it: &ConditionId| {
            program
                .free_binders_of_condition(*it)
                .iter()
                .any(|it| chain.contains(it))
        };
        let (conds, before): (Vec<ConditionId>, Vec<ConditionId>) =
            conds.iter().copied().partition(in_chain);
        let (lookup, rest) = lookup(program, chain, &conds, key);
        Join {
            lookup: self.add(lookup),
            probe,
            before: before.into(),
            rest: rest.into(),
        }
    }

    /// A body as loops over lists and over what joins find. The order of the loops may differ from the rule's: findings
    /// are a set.
    fn stages_of_deny(&mut self, program: &Program, deny: &Clause) -> Vec<Stage> {
        let mut body = Body {
            program,
            left: deny.binders.clone(),
            placed: Vec::new(),
            conds: deny.when.clone(),
        };
        let mut stages = vec![body.stage(None)];
        while let Some(found) = body.next_join() {
            for binder in found.first {
                stages.push(body.place(binder));
            }
            let ready: Vec<ConditionId> = body.ready(&found.chain);
            let (lookup, _) = lookup(program, &found.chain, &ready, found.key);
            let filters: BTreeSet<ConditionId> = lookup
                .chain
                .iter()
                .flat_map(|it| it.filters.iter().copied())
                .collect();
            body.conds.retain(|it| !filters.contains(it));
            body.left.retain(|it| !found.chain.contains(it));
            body.placed.extend(found.chain);
            stages.push(body.stage(Some(Over::Match(self.add(lookup), found.probe))));
        }
        for binder in body.left.clone() {
            stages.push(body.place(binder));
        }
        stages
    }
}

/// A body of `deny` of which a part has become stages.
struct Body<'p> {
    program: &'p Program,
    /// Binders that are in no stage yet.
    left: Vec<BinderId>,
    placed: Vec<BinderId>,
    /// Conditions that are in no stage yet.
    conds: Vec<ConditionId>,
}

/// A join of a body.
struct BodyJoin {
    /// Binders to go over before it, since the probe depends on them.
    first: Vec<BinderId>,
    chain: Vec<BinderId>,
    key: TermId,
    probe: TermId,
}

impl Body<'_> {
    fn stage(&mut self, over: Option<Over>) -> Stage {
        let conds = self.ready(&[]);
        self.conds.retain(|it| !conds.contains(it));
        Stage {
            over,
            conds: conds.into(),
        }
    }

    fn place(&mut self, binder: BinderId) -> Stage {
        self.left.retain(|it| *it != binder);
        self.placed.push(binder);
        self.stage(Some(Over::Each(binder)))
    }

    /// The conditions that can be asked where what is placed stands, and these.
    fn ready(&self, more: &[BinderId]) -> Vec<ConditionId> {
        let stands = |it: &BinderId| !self.left.contains(it) || more.contains(it);
        self.conds
            .iter()
            .copied()
            .filter(|it| {
                self.program
                    .free_binders_of_condition(*it)
                    .iter()
                    .all(stands)
            })
            .collect()
    }

    /// The join that needs the fewest binders.
    fn next_join(&self) -> Option<BodyJoin> {
        let joins = self.conds.iter().filter_map(|it| self.join_by(*it));
        joins.min_by_key(|it| it.first.len() + it.chain.len())
    }

    fn join_by(&self, cond: ConditionId) -> Option<BodyJoin> {
        let Condition::Compare(Comparison::Equal, a, b) = self.program.condition(cond) else {
            return None;
        };
        // The side that is bound last is indexed, so that the conditions on the other decide first.
        let depth = |it: TermId| {
            let free = self.program.free_binders_of_term(it);
            self.left.iter().rposition(|it| free.contains(it))
        };
        let (key, probe) = if depth(*a) > depth(*b) {
            (*a, *b)
        } else {
            (*b, *a)
        };
        let (of_key, of_probe) = (
            self.program.free_binders_of_term(key),
            self.program.free_binders_of_term(probe),
        );
        let left = |wanted: &dyn Fn(&BinderId) -> bool| {
            self.left.iter().copied().filter(wanted).collect::<Vec<_>>()
        };
        let first = left(&|it| of_probe.contains(it));
        let chain = left(&|it| of_key.contains(it) && !of_probe.contains(it));
        let differs = of_probe.iter().any(|it| !of_key.contains(it));
        let fits = (1..=MAX_CHAIN).contains(&chain.len());
        (depth(key) > depth(probe) && differs && fits).then_some(BodyJoin {
            first,
            chain,
            key,
            probe,
        })
    }
}

/// The lookup of a chain, and which of these conditions are not among its filters.
fn lookup(
    program: &Program,
    chain: &[BinderId],
    conds: &[ConditionId],
    key: TermId,
) -> (Lookup, Vec<ConditionId>) {
    let outer = outer_of(program, chain, key);
    let mut filters = vec![Vec::new(); chain.len()];
    let mut rest = Vec::new();
    for cond in conds {
        let free = program.free_binders_of_condition(*cond);
        let is_own = free
            .iter()
            .all(|it| chain.contains(it) || outer.contains(it));
        let level = chain.iter().rposition(|it| free.contains(it));
        match level.and_then(|it| filters.get_mut(it)) {
            Some(filters) if is_own => filters.push(*cond),
            _ => rest.push(*cond),
        }
    }
    let links = chain.iter().zip(filters).map(|(binder, filters)| Link {
        binder: *binder,
        filters: filters.into(),
    });
    (
        Lookup {
            chain: links.collect(),
            key,
            outer: outer.into(),
        },
        rest,
    )
}

/// The binders outside a chain on which its domains and the key depend.
fn outer_of(program: &Program, chain: &[BinderId], key: TermId) -> Vec<BinderId> {
    let domains = chain
        .iter()
        .flat_map(|it| program.free_binders_of_domain(&program.binder(*it).domain));
    let free: BTreeSet<BinderId> = domains
        .chain(program.free_binders_of_term(key))
        .copied()
        .collect();
    free.into_iter().filter(|it| !chain.contains(it)).collect()
}

/// The sides of an equality between elements of a chain and something that moves while they do not: key and probe.
fn equality_of_chain(
    program: &Program,
    cond: ConditionId,
    chain: &[BinderId],
) -> Option<(TermId, TermId)> {
    let Condition::Compare(Comparison::Equal, a, b) = program.condition(cond) else {
        return None;
    };
    [(*a, *b), (*b, *a)].into_iter().find(|(key, probe)| {
        let outer = outer_of(program, chain, *key);
        let of_probe = program.free_binders_of_term(*probe);
        program
            .free_binders_of_term(*key)
            .iter()
            .any(|it| chain.contains(it))
            && !of_probe.iter().any(|it| chain.contains(it))
            && of_probe.iter().any(|it| !outer.contains(it))
    })
}

fn conjuncts(program: &Program, cond: ConditionId) -> Vec<ConditionId> {
    match program.condition(cond) {
        Condition::And(conds) => conds.to_vec(),
        _ => vec![cond],
    }
}
