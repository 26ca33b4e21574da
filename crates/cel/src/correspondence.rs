//! Correspondence: two conditions that are one, except for the terms that they test. A rule asks the
//! same of the name and value of an environment variable as of the key and value of a ConfigMap.
//!
//! Apart because it compares a program with itself and emits nothing. A correspondence is proved
//! or not claimed: the comparison ends with "no" after a bounded number of steps.

use kubevet_ir::{BinderId, Condition, ConditionId, Domain, Program, Term, TermId, ValueType};

/// Comparisons of two nodes, after which two conditions count as different.
const MAX_STEPS: usize = 20_000;

/// The terms of one body that stand where another has other terms.
#[derive(Debug, Clone)]
pub(super) struct Correspondence<'p> {
    program: &'p Program,
    /// The loops of the two bodies.
    loops: [&'p [BinderId]; 2],
    /// The loops inside both conditions, outermost first.
    inner: Vec<[BinderId; 2]>,
    /// The terms that correspond; each is in one pair.
    pairs: Vec<[TermId; 2]>,
    /// The terms of each body that are taken to be strings.
    strings: [Vec<TermId>; 2],
    steps: usize,
}

impl<'p> Correspondence<'p> {
    /// Between a body with the first loops and one with the second.
    pub(super) fn between(
        program: &'p Program,
        first: &'p [BinderId],
        second: &'p [BinderId],
    ) -> Self {
        Self {
            program,
            loops: [first, second],
            inner: Vec::new(),
            pairs: Vec::new(),
            strings: [Vec::new(), Vec::new()],
            steps: 0,
        }
    }

    /// The terms of the first and of the second body that correspond; `None` unless all that are
    /// taken to be strings are among them.
    pub(super) fn texts(&self) -> Option<[Vec<TermId>; 2]> {
        let [first, second] = &self.strings;
        let (a, b): (Vec<TermId>, Vec<TermId>) = self.pairs.iter().map(|[a, b]| (a, b)).unzip();
        let are_texts = |strings: &[TermId], texts: &[TermId]| {
            strings.iter().all(|string| texts.contains(string))
        };
        (are_texts(first, &a) && are_texts(second, &b)).then_some([a, b])
    }

    /// True if the conditions are one for these pairs and perhaps more, which are added.
    pub(super) fn adds_conditions(&mut self, a: ConditionId, b: ConditionId) -> bool {
        self.or_restores(|this| this.conditions(a, b))
    }

    /// The answer; if it is no, without the pairs that were found on the way.
    fn or_restores(&mut self, compare: impl FnOnce(&mut Self) -> bool) -> bool {
        let (pairs, loops) = (self.pairs.len(), self.inner.len());
        let [first, second] = [0, 1].map(|side| self.strings.get(side).map_or(0, Vec::len));
        let is_same = compare(self);
        self.inner.truncate(loops);
        if !is_same {
            self.pairs.truncate(pairs);
            for (strings, known) in self.strings.iter_mut().zip([first, second]) {
                strings.truncate(known);
            }
        }
        is_same
    }

    /// The tests of a condition, all of which must hold. That a term is a string is taken for
    /// granted: one body has to ask where another has the key of a map.
    fn tests(&mut self, condition: ConditionId, side: usize) -> Vec<ConditionId> {
        let program = self.program;
        let mut tests = program.conjuncts(condition);
        tests.retain(|test| {
            let (Condition::Defined(term) | Condition::HasType(term, ValueType::String)) =
                *program.condition(*test)
            else {
                return true;
            };
            let loops = self.loops.get(side).copied().unwrap_or_default();
            let is_text = matches!(
                program.term(term),
                Term::Key(_) | Term::Value(_) | Term::Field(..)
            ) && depends_on(program, term, loops);
            if let Some(strings) = self.strings.get_mut(side).filter(|_| is_text) {
                strings.push(term);
            }
            !is_text
        });
        tests
    }

    /// The conditions whose disjunction a condition is. One of them is a disjunction of its own only
    /// beside other tests.
    fn alternatives(&mut self, condition: ConditionId, side: usize) -> Vec<ConditionId> {
        let program = self.program;
        let Condition::Or(parts) = program.condition(condition) else {
            return vec![condition];
        };
        let mut all = Vec::new();
        for part in parts {
            match self.tests(*part, side).as_slice() {
                [test] if matches!(program.condition(*test), Condition::Or(_)) => {
                    all.extend(self.alternatives(*test, side));
                }
                _ => all.push(*part),
            }
        }
        all
    }

    fn conditions(&mut self, a: ConditionId, b: ConditionId) -> bool {
        let (a, b) = (self.tests(a, 0), self.tests(b, 1));
        match (a.as_slice(), b.as_slice()) {
            ([a], [b]) => self.same_conditions(*a, *b),
            _ => a.len() == b.len() && self.in_any_order(&a, &b),
        }
    }

    fn same_conditions(&mut self, a: ConditionId, b: ConditionId) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return false;
        }
        match (self.program.condition(a), self.program.condition(b)) {
            (Condition::True, Condition::True) => true,
            (Condition::Or(_), Condition::Or(_)) => {
                let (a, b) = (self.alternatives(a, 0), self.alternatives(b, 1));
                a.len() == b.len() && self.in_any_order(&a, &b)
            }
            (Condition::Not(a), Condition::Not(b)) => self.conditions(*a, *b),
            (Condition::Defined(a), Condition::Defined(b))
            | (Condition::Truthy(a), Condition::Truthy(b)) => self.terms(*a, *b),
            (Condition::HasType(a, type_a), Condition::HasType(b, type_b)) => {
                type_a == type_b && self.terms(*a, *b)
            }
            (Condition::Compare(how_a, a, c), Condition::Compare(how_b, b, d)) => {
                how_a == how_b && self.terms(*a, *b) && self.terms(*c, *d)
            }
            (Condition::OneOf(a, values_a), Condition::OneOf(b, values_b)) => {
                values_a == values_b && self.terms(*a, *b)
            }
            (Condition::Member(a, c), Condition::Member(b, d)) => {
                self.terms(*a, *b) && self.terms(*c, *d)
            }
            (Condition::Predicate(what_a, a), Condition::Predicate(what_b, b)) => {
                what_a == what_b && self.all_terms(a, b)
            }
            (Condition::Any(loop_a, a), Condition::Any(loop_b, b)) => {
                self.domains(*loop_a, *loop_b) && {
                    self.inner.push([*loop_a, *loop_b]);
                    let is_same = self.conditions(*a, *b);
                    self.inner.pop();
                    is_same
                }
            }
            _ => false,
        }
    }

    /// The operands of a conjunction or disjunction, each of which has one of its own in the other.
    fn in_any_order(&mut self, a: &[ConditionId], b: &[ConditionId]) -> bool {
        let Some((first, others)) = a.split_first() else {
            return true;
        };
        (0..b.len()).any(|index| {
            self.or_restores(|this| {
                let mut rest = b.to_vec();
                let candidate = rest.remove(index);
                this.conditions(*first, candidate) && this.in_any_order(others, &rest)
            })
        })
    }

    fn domains(&mut self, a: BinderId, b: BinderId) -> bool {
        let program = self.program;
        match (&program.binder(a).domain, &program.binder(b).domain) {
            (Domain::Elements(a), Domain::Elements(b))
            | (Domain::List(a), Domain::List(b))
            | (Domain::Map(a), Domain::Map(b)) => self.terms(*a, *b),
            (a, b) => a == b,
        }
    }

    fn all_terms(&mut self, a: &[TermId], b: &[TermId]) -> bool {
        let mut both = a.iter().zip(b);
        a.len() == b.len() && both.all(|(a, b)| self.terms(*a, *b))
    }

    /// Parts first, so that the terms of a pair are as short as can be.
    fn terms(&mut self, a: TermId, b: TermId) -> bool {
        self.steps += 1;
        self.steps <= MAX_STEPS
            && (self.or_restores(|this| this.same_terms(a, b)) || self.is_pair(a, b))
    }

    fn same_terms(&mut self, a: TermId, b: TermId) -> bool {
        let program = self.program;
        match (program.term(a), program.term(b)) {
            (Term::Key(a), Term::Key(b))
            | (Term::Value(a), Term::Value(b))
            | (Term::ElementName(a), Term::ElementName(b)) => self.inner.contains(&[*a, *b]),
            (Term::Field(a, name_a), Term::Field(b, name_b)) => {
                name_a == name_b && self.terms(*a, *b)
            }
            (Term::Count(a), Term::Count(b))
            | (Term::AsList(a), Term::AsList(b))
            | (Term::AsMap(a), Term::AsMap(b)) => self.terms(*a, *b),
            (Term::Index(a, c), Term::Index(b, d)) => self.terms(*a, *b) && self.terms(*c, *d),
            (Term::Guard(a, c), Term::Guard(b, d)) => self.conditions(*a, *b) && self.terms(*c, *d),
            (Term::Coalesce(a), Term::Coalesce(b)) | (Term::Concat(a), Term::Concat(b)) => {
                self.all_terms(a, b)
            }
            (Term::Call(what_a, a), Term::Call(what_b, b)) => {
                what_a == what_b && self.all_terms(a, b)
            }
            (one, other) => one == other && program.free_binders_of_term(a).is_empty(),
        }
    }

    /// True if the terms are a pair, or become one: each depends on the loops of its body alone.
    fn is_pair(&mut self, a: TermId, b: TermId) -> bool {
        if let Some(known) = self.pairs.iter().find(|[x, y]| *x == a || *y == b) {
            return *known == [a, b];
        }
        let program = self.program;
        let [of_a, of_b] = self.loops;
        let can_be = depends_on(program, a, of_a) && depends_on(program, b, of_b);
        if can_be {
            self.pairs.push([a, b]);
        }
        can_be
    }
}

/// True if a term depends on some of these loops, and on no other.
fn depends_on(program: &Program, term: TermId, loops: &[BinderId]) -> bool {
    let free = program.free_binders_of_term(term);
    !free.is_empty() && free.iter().all(|binder| loops.contains(binder))
}
