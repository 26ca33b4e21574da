//! Bodies: statements in sequence. A body becomes its alternatives, each a sequence of conditions
//! and binders with the names that are bound at its end.
//!
//! Literal lists are not iterated at run time: each of their elements makes an alternative of the
//! body, so that a body is a disjunction of alternatives (disjunctive normal form over literals).

use super::{
    Lowered, Lowerer, MAX_ALTERNATIVES, Refused, all,
    alternative::{Alternative, Step},
    iterable::Iterable,
    symbol::{Env, Symbol},
};
use crate::{
    ast::{self, AssignOp, Expr, Literal, LiteralStmt, Query, Span},
    refusal::Refusal,
};
use kubevet_ir::{ConditionId, Domain, ValueType};

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
        Literal::SomeVars { vars, .. } => {
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
