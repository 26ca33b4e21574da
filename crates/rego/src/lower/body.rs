//! Bodies: statements in a row. A body becomes its ways: each a sequence of conditions and binders, with the names that
//! are known at its end. Lists that are written out make a way for each element.

use super::{
    Lowerer, WAYS,
    symbol::{Scope, Symbol},
};
use crate::{
    ast,
    ast::{AssignOp, Expr, Literal, LiteralStmt, Query, RuleHead, Span},
};
use kubevet_ir::{BinderId, ConditionId, Const, Domain, Term, TermId, ValueType};
use kubevet_model::Problem;

/// Why a negation is refused.
const LOST: &str = "where this is undefined, `not` is undefined too and the finding is lost: bind it by `:=` on a line of its \
                    own, or write a helper and negate that";

/// One step through a body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    If(ConditionId),
    For(BinderId),
}

/// One way through a body.
#[derive(Clone)]
pub(super) struct Way<'a> {
    pub(super) steps: Vec<Step>,
    pub(super) scope: Scope<'a>,
}

impl Way<'_> {
    /// The binders on the way.
    pub(super) fn binders(&self) -> Vec<BinderId> {
        self.steps
            .iter()
            .filter_map(|it| match it {
                Step::For(binder) => Some(*binder),
                Step::If(_) => None,
            })
            .collect()
    }
}

/// What `some` and `every` go over.
enum Over {
    /// A list that is written out.
    Items(Vec<Symbol>),
    Domain(Domain),
    /// The elements that rules of this full name contain.
    Partial(String),
}

impl<'a> Lowerer<'_, 'a> {
    /// The ways through a body.
    pub(super) fn ways(
        &mut self,
        query: &'a Query,
        scope: Scope<'a>,
    ) -> Result<Vec<Way<'a>>, Problem> {
        let statements: Vec<&'a LiteralStmt> = query.stmts.iter().collect();
        let mut ways = Vec::new();
        self.walk(
            &statements,
            Way {
                steps: Vec::new(),
                scope,
            },
            &mut ways,
        )?;
        Ok(ways)
    }

    fn walk(
        &mut self,
        statements: &[&'a LiteralStmt],
        mut way: Way<'a>,
        ways: &mut Vec<Way<'a>>,
    ) -> Result<(), Problem> {
        let Some((statement, rest)) = statements.split_first() else {
            ways.push(way);
            return Ok(());
        };
        if let Some(modifier) = statement.with_mods.first() {
            return self.refuse(
                way.scope.module,
                modifier.refr.span(),
                "`with` is not compiled: pass what changes as an argument",
            );
        }
        match &statement.literal {
            Literal::SomeVars { .. } => {
                return self.refuse(
                    way.scope.module,
                    &statement.span,
                    "`some x` alone is not compiled: write `some x in …`",
                );
            }
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                return self.some(key.as_deref(), value, collection, rest, way, ways);
            }
            Literal::Every {
                key,
                value,
                domain,
                query,
                ..
            } => {
                let cond = self.every(key.as_ref(), value, domain, query, &way.scope)?;
                way.steps.push(Step::If(cond));
            }
            Literal::NotExpr { expr, .. } => {
                let cond = self.negation(expr, &way.scope)?;
                way.steps.push(Step::If(cond));
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr {
                    op: AssignOp::ColEq,
                    lhs,
                    rhs,
                    ..
                } => self.assign(lhs, rhs, &mut way)?,
                _ => {
                    let cond = self.condition(expr, &way.scope)?;
                    way.steps.push(Step::If(cond));
                }
            },
        }
        self.walk(rest, way, ways)
    }

    fn assign(&mut self, lhs: &'a Expr, rhs: &'a Expr, way: &mut Way<'a>) -> Result<(), Problem> {
        let Expr::Var { span, .. } = lhs else {
            return self.refuse(
                way.scope.module,
                lhs.span(),
                "only one name can be bound by `:=`: bind the parts one by one",
            );
        };
        let symbol = self.value(rhs, &way.scope)?;
        if let Symbol::Term(term) = symbol {
            let cond = self.program.defined(term);
            way.steps.push(Step::If(cond));
        }
        if span.text() != "_" {
            way.scope.bind(span.text(), symbol);
        }
        Ok(())
    }

    fn some(
        &mut self,
        key: Option<&'a Expr>,
        value: &'a Expr,
        collection: &'a Expr,
        rest: &[&'a LiteralStmt],
        way: Way<'a>,
        ways: &mut Vec<Way<'a>>,
    ) -> Result<(), Problem> {
        for pattern in key.iter().chain([&value]) {
            if !matches!(pattern, Expr::Var { .. }) {
                return self.refuse(
                    way.scope.module,
                    pattern.span(),
                    "`some` binds plain names: compare them on a line of their own",
                );
            }
        }
        let key = key.map(|it| it.span().text());
        let value = value.span().text();
        match self.over(collection, &way.scope)? {
            Over::Items(items) => {
                let module = way.scope.module;
                // A list with an undefined part is undefined as a whole.
                let mut way = way;
                for item in &items {
                    if let Symbol::Term(term) = item {
                        let cond = self.program.defined(*term);
                        way.steps.push(Step::If(cond));
                    }
                }
                for (place, item) in items.into_iter().enumerate() {
                    let mut way = way.clone();
                    if let Some(key) = key {
                        let place = self
                            .program
                            .constant(Const::Int(i64::try_from(place).unwrap_or(i64::MAX)));
                        way.scope.bind(key, Symbol::Term(place));
                    }
                    way.scope.bind(value, item);
                    self.walk(rest, way, ways)?;
                    if ways.len() > WAYS {
                        return self.refuse(
                            module,
                            collection.span(),
                            "too many literal lists inside one another: give one of them to a helper",
                        );
                    }
                }
                Ok(())
            }
            Over::Domain(domain) => {
                let binder = self.program.intern_binder(domain, &self.active);
                let mut way = way;
                way.steps.push(Step::For(binder));
                if let Some(key) = key {
                    let symbol = self.key_of(binder, way.scope.module, collection.span())?;
                    way.scope.bind(key, symbol);
                }
                let element = self.element_of(binder);
                way.scope.bind(value, element);
                self.within(&[binder], |it| it.walk(rest, way, ways))
            }
            Over::Partial(name) => {
                for (inner, element) in self.elements_of(&name, collection.span(), &way.scope)? {
                    let binders = inner.binders();
                    let mut way = way.clone();
                    way.steps.extend(inner.steps);
                    if let Symbol::Term(term) = element {
                        let cond = self.program.defined(term);
                        way.steps.push(Step::If(cond));
                    }
                    way.scope.bind(value, element);
                    self.within(&binders, |it| it.walk(rest, way, ways))?;
                }
                Ok(())
            }
        }
    }

    fn every(
        &mut self,
        key: Option<&Span>,
        value: &Span,
        domain: &'a Expr,
        query: &'a Query,
        scope: &Scope<'a>,
    ) -> Result<ConditionId, Problem> {
        match self.over(domain, scope)? {
            Over::Items(items) => {
                let mut conds = Vec::new();
                for (place, item) in items.into_iter().enumerate() {
                    let mut scope = scope.clone();
                    if let Some(key) = key {
                        let place = self.program.constant(Const::Int(i64::try_from(place).unwrap_or(i64::MAX)));
                        scope.bind(key.text(), Symbol::Term(place));
                    }
                    scope.bind(value.text(), item);
                    conds.push(self.body(query, scope)?);
                }
                Ok(self.and(conds))
            }
            Over::Domain(over) => {
                let is_one = self.is_collection(domain, &over, scope)?;
                let binder = self.program.intern_binder(over, &self.active);
                let mut scope = scope.clone();
                if let Some(key) = key {
                    let symbol = self.key_of(binder, scope.module, domain.span())?;
                    scope.bind(key.text(), symbol);
                }
                let element = self.element_of(binder);
                scope.bind(value.text(), element);
                let holds = self.within(&[binder], |it| it.body(query, scope))?;
                let fails = self.program.not(holds);
                let some_fails = self.program.any(binder, fails);
                let none_fails = self.program.not(some_fails);
                Ok(self.and([is_one, none_fails]))
            }
            Over::Partial(_) => self.refuse(
                scope.module,
                domain.span(),
                "`every` over rules that contain is not compiled: negate a helper that finds one that does not",
            ),
        }
    }

    /// `every` asks for a collection: over nothing, null or a text it is undefined.
    fn is_collection(
        &mut self,
        domain: &'a Expr,
        over: &Domain,
        scope: &Scope<'a>,
    ) -> Result<ConditionId, Problem> {
        Ok(match over {
            Domain::Containers(_) | Domain::Volumes => self.program.always(),
            Domain::Elements(term) => {
                let list = self.program.has_type(*term, ValueType::List);
                let map = self.program.has_type(*term, ValueType::Map);
                self.program.or([list, map])
            }
            Domain::List(_) | Domain::Map(_) => {
                let symbol = self.value(domain, scope)?;
                let term = self.term_of(symbol, scope.module, domain.span())?;
                self.program.defined(term)
            }
        })
    }

    /// A body as one condition: some way through it holds.
    pub(super) fn body(
        &mut self,
        query: &'a Query,
        scope: Scope<'a>,
    ) -> Result<ConditionId, Problem> {
        let ways = self.ways(query, scope)?;
        let always = self.program.always();
        let each: Vec<ConditionId> = ways
            .iter()
            .map(|way| self.fold(&way.steps, always))
            .collect();
        Ok(self.program.or(each))
    }

    /// The steps as one condition, with another at their end.
    pub(super) fn fold(&mut self, steps: &[Step], end: ConditionId) -> ConditionId {
        let mut cond = end;
        for step in steps.iter().rev() {
            cond = match step {
                Step::If(before) => self.program.and([*before, cond]),
                Step::For(binder) => self.program.any(*binder, cond),
            };
        }
        cond
    }

    fn element_of(&mut self, binder: BinderId) -> Symbol {
        if self.program.binder(binder).domain.is_of_workload() {
            Symbol::Element(binder)
        } else {
            Symbol::Term(self.program.intern_term(Term::Value(binder)))
        }
    }

    fn key_of(
        &mut self,
        binder: BinderId,
        module: &super::Module,
        span: &Span,
    ) -> Result<Symbol, Problem> {
        if self.program.binder(binder).domain.is_of_workload() {
            return self.refuse(
                module,
                span,
                "the place in the library's list means nothing: leave the first name out",
            );
        }
        Ok(Symbol::Term(self.program.intern_term(Term::Key(binder))))
    }

    fn over(&mut self, collection: &'a Expr, scope: &Scope<'a>) -> Result<Over, Problem> {
        Ok(match self.value(collection, scope)? {
            Symbol::List(items) | Symbol::Set(items) => Over::Items(items),
            Symbol::Domain(domain) => Over::Domain(domain),
            Symbol::Partial(name) => Over::Partial(name),
            Symbol::Term(term) => Over::Domain(self.domain_of(term)),
            other => {
                self.term_of(other, scope.module, collection.span())?;
                return self.refuse(
                    scope.module,
                    collection.span(),
                    "this is nothing to go over",
                );
            }
        })
    }

    fn domain_of(&self, term: TermId) -> Domain {
        match self.program.term(term) {
            Term::AsList(inner) => Domain::List(self.without_fallback(*inner)),
            Term::AsMap(inner) => Domain::Map(self.without_fallback(*inner)),
            _ => Domain::Elements(term),
        }
    }

    /// What `object.get` falls back to has no elements, so nobody goes over it.
    fn without_fallback(&self, term: TermId) -> TermId {
        let Term::Coalesce(terms) = self.program.term(term) else {
            return term;
        };
        let is_empty = |it: &TermId| {
            let at = match self.program.term(*it) {
                Term::Guard(_, inner) => *inner,
                _ => *it,
            };
            matches!(self.program.term(at), Term::Const(_))
        };
        match terms.as_ref() {
            [first, rest @ ..] if rest.iter().all(is_empty) => *first,
            _ => term,
        }
    }

    /// What rules of a name contain: the ways to each element, and the element.
    pub(super) fn elements_of(
        &mut self,
        name: &str,
        span: &Span,
        scope: &Scope<'a>,
    ) -> Result<Vec<(Way<'a>, Symbol)>, Problem> {
        self.spend(scope.module, span)?;
        let mut found = Vec::new();
        for (module, rule) in self.lowering.rules.definitions(name) {
            let super::ast::Rule::Spec {
                head: RuleHead::Set { key: Some(key), .. },
                bodies,
                ..
            } = rule
            else {
                return self.refuse(
                    module,
                    rule.span(),
                    "a rule that contains must say what: write `name contains x if …`",
                );
            };
            let ways = match bodies.first() {
                Some(body) => self.ways(&body.query, Scope::new(module))?,
                None => vec![Way {
                    steps: Vec::new(),
                    scope: Scope::new(module),
                }],
            };
            for way in ways {
                let binders = way.binders();
                let element = self.within(&binders, |it| it.value(key, &way.scope))?;
                found.push((way, element));
            }
        }
        Ok(found)
    }

    /// `not`. OPA evaluates the arguments of a negated call before the `not`, so that an undefined one undoes the body:
    /// only what is surely defined may stand there.
    fn negation(&mut self, expr: &'a Expr, scope: &Scope<'a>) -> Result<ConditionId, Problem> {
        match expr {
            Expr::Var { .. } => {}
            Expr::RefDot { .. } | Expr::RefBrack { .. } => self.surely_defined(expr, scope)?,
            Expr::BoolExpr {
                op: super::ast::BoolOp::Eq,
                lhs,
                rhs,
                ..
            } => {
                self.surely_defined(lhs, scope)?;
                self.surely_defined(rhs, scope)?;
            }
            Expr::Call { params, .. } => {
                for param in params {
                    let is_local = matches!(param.as_ref(), Expr::Var { span, .. } if scope.local(span.text()).is_some());
                    if let (Symbol::Term(term), false) = (self.value(param, scope)?, is_local)
                        && !self.program.is_defined(term)
                    {
                        return self.refuse(scope.module, param.span(), LOST);
                    }
                }
            }
            other => {
                return self.refuse(
                    scope.module,
                    other.span(),
                    "`not` may stand before a reference, `==` or a helper: write a helper and negate that",
                );
            }
        }
        let cond = self.condition(expr, scope)?;
        Ok(self.program.not(cond))
    }

    /// A call beneath a `not` is evaluated before it: what it gives must be defined.
    fn surely_defined(&mut self, expr: &'a Expr, scope: &Scope<'a>) -> Result<(), Problem> {
        let mut calls: Vec<&'a Expr> = Vec::new();
        ast::walk(expr, &mut |it| {
            if matches!(it, Expr::Call { .. }) {
                calls.push(it);
            }
        });
        for call in calls {
            if let Symbol::Term(term) = self.value(call, scope)?
                && !self.program.is_defined(term)
            {
                return self.refuse(scope.module, call.span(), LOST);
            }
        }
        Ok(())
    }
}
