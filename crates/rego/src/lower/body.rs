//! Bodies: statements in sequence. A body becomes its alternatives, each a sequence of conditions
//! and binders with the names that are bound at its end.
//!
//! Literal lists are not iterated at run time: each of their elements makes an alternative of the
//! body, so that a body is a disjunction of alternatives (disjunctive normal form over literals).

use super::{
    Lowered, Lowerer, MAX_ALTERNATIVES, Refused, all,
    symbol::{Env, Symbol},
};
use crate::{
    ast,
    ast::{AssignOp, BoolOp, Expr, Literal, LiteralStmt, Query, RuleHead, Span},
    refusal::Refusal,
};
use kubevet_ir::{BinderId, ConditionId, Const, Domain, Term, TermId, ValueType};

/// One step of an alternative.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A condition.
    If(ConditionId),
    /// A loop around all later steps.
    For(BinderId),
}

/// One alternative of a body: a disjunct.
#[derive(Clone)]
pub(super) struct Alternative<'a> {
    pub(super) steps: Vec<Step>,
    pub(super) env: Env<'a>,
    /// A statement was refused and left out.
    pub(super) is_incomplete: bool,
}

impl<'a> Alternative<'a> {
    fn new(env: Env<'a>) -> Self {
        Self {
            steps: Vec::new(),
            env,
            is_incomplete: false,
        }
    }

    /// The binders of the loops, outermost first.
    pub(super) fn binders(&self) -> Vec<BinderId> {
        self.steps
            .iter()
            .filter_map(|step| match step {
                Step::For(binder) => Some(*binder),
                Step::If(_) => None,
            })
            .collect()
    }

    /// True if no step can fail.
    pub(super) fn is_unconditional(&self, lowerer: &Lowerer<'_, 'a>) -> bool {
        self.steps.iter().all(|step| match step {
            Step::If(condition) => lowerer.program.is_statically_true(*condition),
            Step::For(_) => false,
        })
    }
}

/// A collection that `some` or `every` iterates.
enum Iterable {
    /// A literal list or set.
    Items(Vec<Symbol>),
    /// A collection of the object, the params or the library.
    Domain(Domain),
    /// The elements of the `contains` rules of this full name.
    Contains(String),
}

impl<'a> Lowerer<'_, 'a> {
    /// The alternatives of a body. Those with refused statements are marked.
    pub(super) fn alternatives(&mut self, query: &'a Query, env: Env<'a>) -> Vec<Alternative<'a>> {
        let statements: Vec<&'a LiteralStmt> = query.stmts.iter().collect();
        let mut alternatives = Vec::new();
        self.lower_statements(&statements, Alternative::new(env), &mut alternatives);
        alternatives
    }

    /// Lowers statements in sequence, in continuation-passing style: the later statements of a body
    /// are inside the loop of an earlier one, so `some … in` lowers the remaining statements
    /// itself, once for each alternative.
    fn lower_statements(
        &mut self,
        statements: &[&'a LiteralStmt],
        mut alternative: Alternative<'a>,
        done: &mut Vec<Alternative<'a>>,
    ) {
        if self.is_over_budget {
            return;
        }
        let Some((statement, rest)) = statements.split_first() else {
            done.push(alternative);
            return;
        };
        if let Literal::SomeIn { .. } = &statement.literal
            && statement.with_mods.is_empty()
        {
            return self.lower_some_in(statement, rest, alternative, done);
        }
        if self.lower_statement(statement, &mut alternative).is_err() {
            // The remaining statements are lowered all the same, to report their refusals too.
            alternative.is_incomplete = true;
            poison_bound_names(statement, &mut alternative.env);
        }
        self.lower_statements(rest, alternative, done);
    }

    /// Lowers a statement other than `some … in`.
    fn lower_statement(
        &mut self,
        statement: &'a LiteralStmt,
        alternative: &mut Alternative<'a>,
    ) -> Lowered<()> {
        let module = alternative.env.module;
        if let Some(modifier) = statement.with_mods.first() {
            return self.refuse(module, modifier.refr.span(), Refusal::With);
        }
        let condition = match &statement.literal {
            Literal::SomeVars { .. } | Literal::SomeIn { .. } => {
                return self.refuse(module, &statement.span, Refusal::SomeWithoutIn);
            }
            Literal::Every {
                key,
                value,
                domain,
                query,
                ..
            } => self.lower_every(key.as_ref(), value, domain, query, &alternative.env)?,
            Literal::NotExpr { expr, .. } => self.lower_negation(expr, &alternative.env)?,
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr {
                    op: AssignOp::ColEq,
                    lhs,
                    rhs,
                    ..
                } => return self.lower_assignment(lhs, rhs, alternative),
                _ => self.condition(expr, &alternative.env)?,
            },
        };
        alternative.steps.push(Step::If(condition));
        Ok(())
    }

    /// Lowers `name := value`. If the value is undefined, so is the statement, and the body with
    /// it: definedness becomes a condition.
    fn lower_assignment(
        &mut self,
        lhs: &'a Expr,
        rhs: &'a Expr,
        alternative: &mut Alternative<'a>,
    ) -> Lowered<()> {
        let symbol = self.value(rhs, &alternative.env);
        let Expr::Var { span, .. } = lhs else {
            let module = alternative.env.module;
            return self.refuse(module, lhs.span(), Refusal::AssignPattern);
        };
        let symbol = symbol?;
        if let Symbol::Term(term) = symbol {
            let condition = self.program.defined(term);
            alternative.steps.push(Step::If(condition));
        }
        if span.text() != "_" {
            alternative.env.bind(span.text(), symbol);
        }
        Ok(())
    }

    /// Lowers `some key, value in collection`, with the remaining statements inside.
    fn lower_some_in(
        &mut self,
        statement: &'a LiteralStmt,
        rest: &[&'a LiteralStmt],
        mut alternative: Alternative<'a>,
        done: &mut Vec<Alternative<'a>>,
    ) {
        let Literal::SomeIn {
            key,
            value,
            collection,
            ..
        } = &statement.literal
        else {
            return;
        };
        let names = self.names_of_some(key.as_deref(), value, alternative.env.module);
        let iterable = self.iterable(collection, &alternative.env);
        // Both are lowered before either is tested, so that both are reported.
        let lowered = match (names, iterable) {
            (Ok(names), Ok(iterable)) => {
                self.enter_iterable(names, iterable, collection.span(), &alternative)
            }
            _ => Err(Refused),
        };
        let Ok(entered) = lowered else {
            alternative.is_incomplete = true;
            poison_bound_names(statement, &mut alternative.env);
            return self.lower_statements(rest, alternative, done);
        };
        for (binders, alternative) in entered {
            let module = alternative.env.module;
            self.within(&binders, |lowerer| {
                lowerer.lower_statements(rest, alternative, done);
            });
            // Nested loops over literals multiply, so the limit is tested after each element.
            if done.len() > MAX_ALTERNATIVES {
                let span = collection.span();
                let _: Lowered<()> = self.exceed_budget(module, span, Refusal::TooManyAlternatives);
                return;
            }
        }
    }

    /// The names of the key and the value that `some` binds.
    fn names_of_some(
        &mut self,
        key: Option<&'a Expr>,
        value: &'a Expr,
        module: &ast::Module,
    ) -> Lowered<(Option<&'a str>, &'a str)> {
        for pattern in key.into_iter().chain([value]) {
            if !matches!(pattern, Expr::Var { .. }) {
                return self.refuse(module, pattern.span(), Refusal::SomePattern);
            }
        }
        Ok((key.map(|key| key.span().text()), value.span().text()))
    }

    /// The alternatives inside the loop over a collection, each with its new binders. A literal
    /// collection makes one for each item, a domain one in all, and `contains` rules one for each
    /// of their alternatives.
    fn enter_iterable(
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

    fn index_literal(&mut self, index: usize) -> Symbol {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        Symbol::Term(self.program.constant(Const::Int(index)))
    }

    /// Lowers `every key, value in domain { query }`.
    fn lower_every(
        &mut self,
        key: Option<&Span>,
        value: &Span,
        domain: &'a Expr,
        query: &'a Query,
        env: &Env<'a>,
    ) -> Lowered<ConditionId> {
        match self.iterable(domain, env)? {
            // Over a literal collection `every` is a conjunction.
            Iterable::Items(items) => {
                let each = all(items.into_iter().enumerate().map(|(index, item)| {
                    let mut env = env.clone();
                    if let Some(key) = key {
                        env.bind(key.text(), self.index_literal(index));
                    }
                    env.bind(value.text(), item);
                    self.body(query, env)
                }))?;
                Ok(self.and(each))
            }
            // The program has no universal quantifier: `every` is `not any not` (De Morgan), and
            // the domain must be a collection.
            Iterable::Domain(iterated) => {
                let is_collection = self.is_collection(domain, &iterated, env)?;
                let binder = self.program.intern_binder(iterated, &self.enclosing);
                let mut env = env.clone();
                if let Some(key) = key {
                    let symbol = self.key_of(binder, env.module, domain.span())?;
                    env.bind(key.text(), symbol);
                }
                let element = self.element_of(binder);
                env.bind(value.text(), element);
                let holds = self.within(&[binder], |lowerer| lowerer.body(query, env))?;
                let fails = self.program.not(holds);
                let some_fails = self.program.any(binder, fails);
                let none_fails = self.program.not(some_fails);
                Ok(self.and([is_collection, none_fails]))
            }
            Iterable::Contains(_) => {
                self.refuse(env.module, domain.span(), Refusal::EveryOfContains)
            }
        }
    }

    /// The condition that the domain of `every` is a collection. Over an undefined value, `null` or
    /// a string, `every` is undefined in OPA and not true.
    fn is_collection(
        &mut self,
        expr: &'a Expr,
        domain: &Domain,
        env: &Env<'a>,
    ) -> Lowered<ConditionId> {
        Ok(match domain {
            Domain::Containers(_) | Domain::Volumes => self.program.always(),
            Domain::Elements(term) => {
                let is_list = self.program.has_type(*term, ValueType::List);
                let is_map = self.program.has_type(*term, ValueType::Map);
                self.program.or([is_list, is_map])
            }
            // `domain_of` dropped the conversion `collections.list(…)`, which turns a value of
            // another type into an empty list. Definedness must be that of the converted term, so
            // the expression is lowered again.
            Domain::List(_) | Domain::Map(_) => {
                let symbol = self.value(expr, env)?;
                let term = self.term_of(symbol, env.module, expr.span())?;
                self.program.defined(term)
            }
        })
    }

    /// Lowers a body to one condition: the disjunction of its alternatives.
    pub(super) fn body(&mut self, query: &'a Query, env: Env<'a>) -> Lowered<ConditionId> {
        let alternatives = self.alternatives(query, env);
        if alternatives
            .iter()
            .any(|alternative| alternative.is_incomplete)
        {
            return Err(Refused);
        }
        let always = self.program.always();
        let each: Vec<ConditionId> = alternatives
            .iter()
            .map(|alternative| self.fold(&alternative.steps, always))
            .collect();
        Ok(self.program.or(each))
    }

    /// Folds steps into one condition, from the right: `[If(a), For(x), If(b)]` becomes
    /// `a and any x (b and innermost)`.
    pub(super) fn fold(&mut self, steps: &[Step], innermost: ConditionId) -> ConditionId {
        let mut folded = innermost;
        for step in steps.iter().rev() {
            folded = match step {
                Step::If(condition) => self.program.and([*condition, folded]),
                Step::For(binder) => self.program.any(*binder, folded),
            };
        }
        folded
    }

    /// The symbol of a binder's current element.
    fn element_of(&mut self, binder: BinderId) -> Symbol {
        if self.program.binder(binder).domain.is_of_workload() {
            Symbol::Element(binder)
        } else {
            Symbol::Term(self.program.intern_term(Term::Value(binder)))
        }
    }

    /// The symbol of a binder's current key or index.
    fn key_of(&mut self, binder: BinderId, module: &ast::Module, span: &Span) -> Lowered<Symbol> {
        if self.program.binder(binder).domain.is_of_workload() {
            return self.refuse(module, span, Refusal::WorkloadKey);
        }
        Ok(Symbol::Term(self.program.intern_term(Term::Key(binder))))
    }

    /// Lowers a collection that is iterated.
    fn iterable(&mut self, collection: &'a Expr, env: &Env<'a>) -> Lowered<Iterable> {
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

    /// The domain of a term. `collections.list(x)` is empty if `x` is no list, and so is the domain
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

    /// Lowers `not expr`. OPA evaluates the arguments of a negated call before the `not`: an
    /// undefined argument makes the whole body undefined, and not the negation true. The lowered
    /// negation would be true, so the arguments must be defined for every object.
    fn lower_negation(&mut self, expr: &'a Expr, env: &Env<'a>) -> Lowered<ConditionId> {
        match expr {
            Expr::Var { .. } => {}
            Expr::RefDot { .. } | Expr::RefBrack { .. } => self.require_defined_calls(expr, env)?,
            Expr::BoolExpr {
                op: BoolOp::Eq,
                lhs,
                rhs,
                ..
            } => {
                let left = self.require_defined_calls(lhs, env);
                self.require_defined_calls(rhs, env).and(left)?;
            }
            Expr::Call { params, .. } => {
                for param in params {
                    // A local is defined: its assignment added that condition to an earlier step.
                    let is_local = matches!(param.as_ref(),
                        Expr::Var { span, .. } if env.local(span.text()).is_some());
                    if let (Symbol::Term(term), false) = (self.value(param, env)?, is_local)
                        && !self.program.is_defined(term)
                    {
                        return self.refuse(env.module, param.span(), Refusal::UndefinedUnderNot);
                    }
                }
            }
            other => return self.refuse(env.module, other.span(), Refusal::NegationForm),
        }
        let condition = self.condition(expr, env)?;
        Ok(self.program.not(condition))
    }

    /// Requires that every call inside a negated reference or comparison is defined.
    fn require_defined_calls(&mut self, expr: &'a Expr, env: &Env<'a>) -> Lowered<()> {
        let mut calls: Vec<&'a Expr> = Vec::new();
        ast::walk(expr, &mut |inner| {
            if matches!(inner, Expr::Call { .. }) {
                calls.push(inner);
            }
        });
        for call in calls {
            if let Symbol::Term(term) = self.value(call, env)?
                && !self.program.is_defined(term)
            {
                return self.refuse(env.module, call.span(), Refusal::UndefinedUnderNot);
            }
        }
        Ok(())
    }
}

/// Binds the names of a refused statement to [`Symbol::Poisoned`], so that their uses are not
/// reported as unbound.
fn poison_bound_names(statement: &LiteralStmt, env: &mut Env<'_>) {
    let mut poison = |expr: &Expr| {
        ast::walk(expr, &mut |inner| {
            if let Expr::Var { span, .. } = inner {
                env.bind(span.text(), Symbol::Poisoned);
            }
        });
    };
    match &statement.literal {
        Literal::SomeIn { key, value, .. } => {
            key.iter().for_each(|key| poison(key));
            poison(value);
        }
        Literal::SomeVars { span, vars, .. } => {
            let _ = span;
            for name in vars {
                env.bind(name.text(), Symbol::Poisoned);
            }
        }
        Literal::Expr { expr, .. } => {
            if let Expr::AssignExpr { lhs, .. } = expr.as_ref() {
                poison(lhs);
            }
        }
        Literal::Every { .. } | Literal::NotExpr { .. } => {}
    }
}
