//! Inlining: a call of a helper becomes the helper's bodies, with its parameters bound to the
//! arguments.
//!
//! Rules are acyclic (`complexity` rejects recursion at load), so inlining terminates, and a budget
//! bounds its result. The arguments of a call must be defined even where the helper does not use
//! them: OPA evaluates them before the call.

use super::{
    Lowered, Lowerer, Refused, all,
    symbol::{Env, Symbol},
};
use crate::{
    ast::{Expr, ExprRef, Module, Rule, RuleBody, RuleHead, Span, static_path},
    refusal::Refusal,
};
use kubevet_ir::{BinderId, ConditionId, Const, Term, TermId};

/// One definition of a helper.
struct Definition<'a> {
    module: &'a Module,
    rule: &'a Rule,
    arguments: &'a [ExprRef],
    /// The value of the first body; `None` if the helper is true or undefined.
    value: Option<&'a Expr>,
    /// The first body and its `else` bodies.
    bodies: &'a [RuleBody],
}

impl<'a> Lowerer<'_, 'a> {
    /// Lowers a reference to a rule without arguments.
    pub(super) fn rule(&mut self, full: &str, span: &'a Span, env: &Env<'a>) -> Lowered<Symbol> {
        if let Some(symbol) = self.library_name(full) {
            return Ok(symbol);
        }
        match self.lowering.rules.definitions(full).first() {
            Some((
                _,
                Rule::Spec {
                    head: RuleHead::Set { .. },
                    ..
                },
            )) => Ok(Symbol::Contains(full.to_owned())),
            Some(_) => self.inline_call(full, &[], span, env),
            None => Ok(Symbol::Package(full.to_owned())),
        }
    }

    /// Lowers a call to a value.
    pub(super) fn call_value(
        &mut self,
        span: &'a Span,
        function: &'a Expr,
        params: &'a [ExprRef],
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        let name = static_path(function).unwrap_or_default().join(".");
        let Some(full) = env.module.target(function) else {
            return self.builtin_value(&name, span, params, env);
        };
        let arguments = self.values(params, env)?;
        if let Some(symbol) = self.library_value(&full, &arguments, span, env)? {
            return Ok(symbol);
        }
        self.inline_call(&full, &arguments, span, env)
    }

    /// Lowers a call to a condition. A predicate is a condition itself; any other call holds if its
    /// value is truthy.
    pub(super) fn call_condition(
        &mut self,
        span: &'a Span,
        function: &'a Expr,
        params: &'a [ExprRef],
        env: &Env<'a>,
    ) -> Lowered<ConditionId> {
        let condition = match env.module.target(function) {
            None => {
                let name = static_path(function).unwrap_or_default().join(".");
                self.builtin_condition(&name, span, params, env)?
            }
            Some(full) => {
                let arguments = self.values(params, env)?;
                self.library_condition(&full, &arguments, span, env)?
            }
        };
        if let Some(condition) = condition {
            return Ok(condition);
        }
        let symbol = self.call_value(span, function, params, env)?;
        let term = self.term_of(symbol, env.module, span)?;
        Ok(self.program.truthy(term))
    }

    /// The definitions of a helper.
    fn definitions(
        &mut self,
        full: &str,
        span: &Span,
        env: &Env<'a>,
    ) -> Lowered<Vec<Definition<'a>>> {
        let definitions = self.lowering.rules.definitions(full);
        if definitions.is_empty() {
            return self.refuse(env.module, span, Refusal::UndefinedRule(full.to_owned()));
        }
        all(definitions.iter().map(|(module, rule)| {
            let (arguments, value, bodies): (&'a [ExprRef], _, &'a [RuleBody]) = match *rule {
                Rule::Spec {
                    head: RuleHead::Func { args, assign, .. },
                    bodies,
                    ..
                } => (args, assign.as_ref(), bodies),
                Rule::Spec {
                    head: RuleHead::Compr { assign, .. },
                    bodies,
                    ..
                } => (&[], assign.as_ref(), bodies),
                Rule::Spec {
                    head: RuleHead::Set { .. },
                    ..
                }
                | Rule::Default { .. } => {
                    let refusal = Refusal::DefaultOrContainsCalled;
                    return self.refuse(module, rule.span(), refusal);
                }
            };
            if let Some(sibling) = bodies.iter().skip(1).find(|body| !body.is_else) {
                return self.refuse(module, &sibling.span, Refusal::SiblingBodies);
            }
            Ok(Definition {
                module,
                rule,
                arguments,
                value: value.map(|assigned| assigned.value.as_ref()),
                bodies,
            })
        }))
    }

    /// Inlines a call of a helper: one definition with its `else` chain, or several definitions
    /// with the same literal value, such as those of a helper that is true or undefined.
    fn inline_call(
        &mut self,
        full: &str,
        arguments: &[Symbol],
        span: &'a Span,
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        self.charge(env.module, span)?;
        let definitions = self.definitions(full, span, env)?;
        let mut each = Vec::new();
        for argument in arguments {
            if let Symbol::Term(term) = argument {
                each.push(self.program.defined(*term));
            }
        }
        let arguments_defined = self.and(each);
        if let [only] = definitions.as_slice() {
            let symbol = self.inline_else_chain(only, arguments, span, env)?;
            return Ok(self.guarded(arguments_defined, symbol));
        }
        let terms = all(definitions.iter().map(|definition| {
            let symbol = self.inline_else_chain(definition, arguments, span, env)?;
            self.term_of(symbol, definition.module, definition.rule.span())
        }))?;
        // OPA evaluates all definitions, and two different values are a conflict at run time. The
        // definitions agree for certain only if all their values are one literal.
        let mut agreed: Option<Const> = None;
        for (definition, term) in definitions.iter().zip(&terms) {
            for value in self.possible_values(*term) {
                let agrees = value
                    .is_some_and(|value| *agreed.get_or_insert_with(|| value.clone()) == value);
                if !agrees {
                    let name = full.rsplit('.').next().unwrap_or(full).to_owned();
                    let refusal = Refusal::ConflictingDefinitions(name);
                    return self.refuse(definition.module, definition.rule.span(), refusal);
                }
            }
        }
        let value = self.program.coalesce(terms);
        Ok(Symbol::Term(self.program.guard(arguments_defined, value)))
    }

    /// The values that a term can have; `None` for each that is no literal.
    fn possible_values(&self, term: TermId) -> Vec<Option<Const>> {
        match self.program.term(term) {
            Term::Const(value) => vec![Some(value.clone())],
            Term::Guard(_, inner) => self.possible_values(*inner),
            Term::Coalesce(terms) => terms
                .iter()
                .flat_map(|term| self.possible_values(*term))
                .collect(),
            Term::Undefined => Vec::new(),
            _ => vec![None],
        }
    }

    /// Inlines one definition with its `else` bodies. The value is that of the first body that
    /// holds, a coalesce of the branches.
    fn inline_else_chain(
        &mut self,
        definition: &Definition<'a>,
        arguments: &[Symbol],
        span: &Span,
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        if definition.arguments.len() != arguments.len() {
            let refusal = Refusal::ArgumentCount {
                expected: definition.arguments.len(),
                given: arguments.len(),
            };
            return self.refuse(env.module, span, refusal);
        }
        let (inner, matches) = self.bind_arguments(definition, arguments)?;
        if definition.bodies.is_empty() {
            let symbol = self.value_or_true(definition.value, &inner)?;
            return Ok(self.guarded(matches, symbol));
        }
        let mut branches = Vec::new();
        let mut is_refused = false;
        for (index, body) in definition.bodies.iter().enumerate() {
            let value = if index == 0 {
                definition.value
            } else {
                body.assign.as_ref().map(|assigned| assigned.value.as_ref())
            };
            let branch = self.inline_branch(body, value, matches, inner.clone());
            // A literal collection is no term: it can be a helper's value only without `else`.
            if let (1, Ok(symbol)) = (definition.bodies.len(), &branch)
                && !matches!(symbol, Symbol::Term(_))
            {
                return branch;
            }
            let term =
                branch.and_then(|symbol| self.term_of(symbol, definition.module, &body.span));
            match term {
                Ok(term) => branches.push(term),
                Err(Refused) => is_refused = true,
            }
        }
        if is_refused {
            return Err(Refused);
        }
        Ok(Symbol::Term(self.program.coalesce(branches)))
    }

    /// Binds the arguments of a call. Returns the environment and the condition that the arguments
    /// equal the literals among the parameters, which are patterns.
    fn bind_arguments(
        &mut self,
        definition: &Definition<'a>,
        arguments: &[Symbol],
    ) -> Lowered<(Env<'a>, ConditionId)> {
        let mut env = Env::new(definition.module);
        let mut matches = Vec::new();
        for (pattern, argument) in definition.arguments.iter().zip(arguments) {
            if let Expr::Var { span, .. } = pattern.as_ref() {
                env.bind(span.text(), argument.clone());
                continue;
            }
            let symbol = self.value(pattern, &env)?;
            let expected = self.term_of(symbol, definition.module, pattern.span())?;
            let given = self.term_of(argument.clone(), definition.module, pattern.span())?;
            matches.push(self.equal(given, expected));
        }
        let matches = self.and(matches);
        Ok((env, matches))
    }

    /// Inlines one body: its value, guarded by the disjunction of its alternatives. All
    /// alternatives must have the same value, and it must not depend on the element of a loop in
    /// the body.
    fn inline_branch(
        &mut self,
        body: &'a RuleBody,
        value: Option<&'a Expr>,
        matches: ConditionId,
        env: Env<'a>,
    ) -> Lowered<Symbol> {
        let module = env.module;
        let alternatives = self.alternatives(&body.query, env);
        let mut is_refused = false;
        let mut branches: Vec<(ConditionId, TermId)> = Vec::new();
        for alternative in &alternatives {
            let binders = alternative.binders();
            let symbol = self.within(&binders, |lowerer| {
                lowerer.value_or_true(value, &alternative.env)
            });
            if alternative.is_incomplete {
                is_refused = true;
                continue;
            }
            let Ok(symbol) = symbol else {
                is_refused = true;
                continue;
            };
            let is_literal = !matches!(symbol, Symbol::Term(_));
            if is_literal && alternatives.len() == 1 && alternative.is_unconditional(self) {
                return Ok(symbol);
            }
            let term = self.term_of(symbol, module, &body.span)?;
            if self.depends_on(term, &binders) {
                return self.refuse(module, &body.span, Refusal::ValueOfElement);
            }
            let always = self.program.always();
            let holds = self.fold(&alternative.steps, always);
            branches.push((self.program.and([matches, holds]), term));
        }
        if is_refused {
            return Err(Refused);
        }
        let Some((_, term)) = branches.first().copied() else {
            return Ok(Symbol::Term(self.program.undefined()));
        };
        if branches.iter().any(|(_, other)| *other != term) {
            return self.refuse(module, &body.span, Refusal::ValueOfAlternative);
        }
        let holds = self
            .program
            .or(branches.into_iter().map(|(holds, _)| holds));
        Ok(Symbol::Term(self.program.guard(holds, term)))
    }

    fn depends_on(&self, term: TermId, binders: &[BinderId]) -> bool {
        let free = self.program.free_binders_of_term(term);
        free.iter().any(|binder| binders.contains(binder))
    }

    /// The value of a body; `true` if it has none.
    fn value_or_true(&mut self, value: Option<&'a Expr>, env: &Env<'a>) -> Lowered<Symbol> {
        match value {
            Some(value) => self.value(value, env),
            None => Ok(Symbol::Term(self.program.constant(Const::Bool(true)))),
        }
    }

    /// Guards a symbol by a condition. Symbols other than terms are always defined, and returned
    /// unchanged.
    fn guarded(&mut self, condition: ConditionId, symbol: Symbol) -> Symbol {
        match symbol {
            Symbol::Term(term) => Symbol::Term(self.program.guard(condition, term)),
            other => other,
        }
    }
}
