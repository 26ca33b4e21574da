//! Helpers, put in place of their calls. The arguments of a call must be defined, whatever the helper does with them.

use super::{
    Lowerer,
    symbol::{Scope, Symbol},
};
use crate::ast::{Expr, ExprRef, Module, Rule, RuleBody, RuleHead, Span, static_path};
use kubevet_ir::{ConditionId, Const, Term, TermId};
use kubevet_model::Problem;

/// One definition of a helper.
struct Definition<'a> {
    module: &'a Module,
    rule: &'a Rule,
    arguments: &'a [ExprRef],
    /// What the first body gives; `None` where the helper is true or not.
    value: Option<&'a Expr>,
    bodies: &'a [RuleBody],
}

impl<'a> Lowerer<'_, 'a> {
    /// A rule named without arguments.
    pub(super) fn rule(
        &mut self,
        full: &str,
        span: &'a Span,
        scope: &Scope<'a>,
    ) -> Result<Symbol, Problem> {
        if let Some(symbol) = self.library_name(full) {
            return Ok(symbol);
        }
        let definitions = self.lowering.rules.definitions(full);
        match definitions.first() {
            Some((
                _,
                Rule::Spec {
                    head: RuleHead::Set { .. },
                    ..
                },
            )) => Ok(Symbol::Partial(full.to_owned())),
            Some(_) => self.helper_value(full, &[], span, scope),
            None => Ok(Symbol::Package(full.to_owned())),
        }
    }

    pub(super) fn call_value(
        &mut self,
        span: &'a Span,
        fcn: &'a Expr,
        params: &'a [ExprRef],
        scope: &Scope<'a>,
    ) -> Result<Symbol, Problem> {
        let name = static_path(fcn).unwrap_or_default().join(".");
        let Some(full) = scope.module.target(fcn) else {
            return self.builtin_value(&name, span, params, scope);
        };
        let arguments = self.values(params, scope)?;
        if let Some(symbol) = self.library_value(&full, &arguments, span, scope)? {
            return Ok(symbol);
        }
        self.helper_value(&full, &arguments, span, scope)
    }

    pub(super) fn call_condition(
        &mut self,
        span: &'a Span,
        fcn: &'a Expr,
        params: &'a [ExprRef],
        scope: &Scope<'a>,
    ) -> Result<ConditionId, Problem> {
        // What says more as a condition than as a value.
        let cond = match scope.module.target(fcn) {
            None => {
                let name = static_path(fcn).unwrap_or_default().join(".");
                self.builtin_condition(&name, span, params, scope)?
            }
            Some(full) => {
                let arguments = self.values(params, scope)?;
                self.library_condition(&full, &arguments, span, scope)?
            }
        };
        if let Some(cond) = cond {
            return Ok(cond);
        }
        let symbol = self.call_value(span, fcn, params, scope)?;
        let term = self.term_of(symbol, scope.module, span)?;
        Ok(self.program.truthy(term))
    }

    fn definitions(
        &mut self,
        full: &str,
        span: &Span,
        scope: &Scope<'a>,
    ) -> Result<Vec<Definition<'a>>, Problem> {
        let mut found = Vec::new();
        for (module, rule) in self.lowering.rules.definitions(full) {
            let (arguments, value, bodies): (&'a [ExprRef], _, &'a [RuleBody]) = match rule {
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
                    return self.refuse(
                        module,
                        rule.span(),
                        "`default` and `contains` are not compiled for a helper that is called: write `else`",
                    );
                }
            };
            if let Some(other) = bodies.iter().skip(1).find(|it| !it.is_else) {
                return self.refuse(
                    module,
                    &other.span,
                    "bodies side by side are not compiled: write `else`, or two rules",
                );
            }
            let value = value.map(|it| it.value.as_ref());
            found.push(Definition {
                module,
                rule,
                arguments,
                value,
                bodies,
            });
        }
        if found.is_empty() {
            return self.refuse(
                scope.module,
                span,
                format!("`{full}` is no rule that can be compiled"),
            );
        }
        Ok(found)
    }

    /// A helper's value: one definition with its `else` chain; or several that say the same, such as those of a helper
    /// that is true or not.
    fn helper_value(
        &mut self,
        full: &str,
        arguments: &[Symbol],
        span: &'a Span,
        scope: &Scope<'a>,
    ) -> Result<Symbol, Problem> {
        self.spend(scope.module, span)?;
        let definitions = self.definitions(full, span, scope)?;
        let mut defined = Vec::new();
        for argument in arguments {
            if let Symbol::Term(term) = argument {
                defined.push(self.program.defined(*term));
            }
        }
        let defined = self.and(defined);
        if let [only] = definitions.as_slice() {
            return match self.chain(only, arguments, span, scope)? {
                Symbol::Term(term) => Ok(Symbol::Term(self.program.guard(defined, term))),
                other => Ok(other),
            };
        }
        let mut terms: Vec<TermId> = Vec::new();
        let mut said: Option<Const> = None;
        for definition in &definitions {
            let symbol = self.chain(definition, arguments, span, scope)?;
            let term = self.term_of(symbol, definition.module, definition.rule.span())?;
            for value in self.constants_of(term) {
                let agrees = value
                    .as_ref()
                    .is_some_and(|it| said.get_or_insert_with(|| it.clone()) == it);
                if !agrees {
                    let message = format!(
                        "`{}` has several definitions that may disagree, which is a conflict in Rego: join them with `else`",
                        full.rsplit('.').next().unwrap_or(full)
                    );
                    return self.refuse(definition.module, definition.rule.span(), message);
                }
            }
            terms.push(term);
        }
        let term = self.program.coalesce(terms);
        Ok(Symbol::Term(self.program.guard(defined, term)))
    }

    /// The values that a term can have, where they are written out.
    fn constants_of(&self, term: TermId) -> Vec<Option<Const>> {
        match self.program.term(term) {
            Term::Const(value) => vec![Some(value.clone())],
            Term::Guard(_, inner) => self.constants_of(*inner),
            Term::Coalesce(terms) => terms.iter().flat_map(|it| self.constants_of(*it)).collect(),
            Term::Undefined => Vec::new(),
            _ => vec![None],
        }
    }

    /// One definition and its `else` bodies.
    fn chain(
        &mut self,
        definition: &Definition<'a>,
        arguments: &[Symbol],
        span: &Span,
        scope: &Scope<'a>,
    ) -> Result<Symbol, Problem> {
        if definition.arguments.len() != arguments.len() {
            let message = format!(
                "it takes {} arguments and is given {}",
                definition.arguments.len(),
                arguments.len()
            );
            return self.refuse(scope.module, span, message);
        }
        let mut inner = Scope::new(definition.module);
        let mut fits = Vec::new();
        for (pattern, argument) in definition.arguments.iter().zip(arguments) {
            match pattern.as_ref() {
                Expr::Var { span, .. } => inner.bind(span.text(), argument.clone()),
                _ => {
                    let symbol = self.value(pattern, &inner)?;
                    let wanted = self.term_of(symbol, definition.module, pattern.span())?;
                    let given =
                        self.term_of(argument.clone(), definition.module, pattern.span())?;
                    fits.push(self.equal(given, wanted));
                }
            }
        }
        let fits = self.and(fits);
        if definition.bodies.is_empty() {
            return match definition.value {
                Some(value) => self.guarded(fits, value, &inner),
                None => {
                    let yes = self.program.constant(Const::Bool(true));
                    Ok(Symbol::Term(self.program.guard(fits, yes)))
                }
            };
        }
        let mut branches = Vec::new();
        for (place, body) in definition.bodies.iter().enumerate() {
            let value = if place == 0 {
                definition.value
            } else {
                body.assign.as_ref().map(|it| it.value.as_ref())
            };
            let symbol = self.branch(body, value, fits, inner.clone())?;
            // Whole collections can be given only where nothing else can.
            if let (1, false) = (definition.bodies.len(), matches!(symbol, Symbol::Term(_))) {
                return Ok(symbol);
            }
            branches.push(self.term_of(symbol, definition.module, &body.span)?);
        }
        Ok(Symbol::Term(self.program.coalesce(branches)))
    }

    fn guarded(
        &mut self,
        cond: ConditionId,
        value: &'a Expr,
        scope: &Scope<'a>,
    ) -> Result<Symbol, Problem> {
        match self.value(value, scope)? {
            Symbol::Term(term) => Ok(Symbol::Term(self.program.guard(cond, term))),
            other => Ok(other),
        }
    }

    /// One body and what it gives.
    fn branch(
        &mut self,
        body: &'a RuleBody,
        value: Option<&'a Expr>,
        fits: ConditionId,
        scope: Scope<'a>,
    ) -> Result<Symbol, Problem> {
        let module = scope.module;
        let ways = self.ways(&body.query, scope)?;
        let mut terms: Vec<(ConditionId, TermId)> = Vec::new();
        for way in &ways {
            let binders = way.binders();
            let symbol = match value {
                Some(value) => self.within(&binders, |it| it.value(value, &way.scope))?,
                None => Symbol::Term(self.program.constant(Const::Bool(true))),
            };
            let unconditional = way.steps.iter().all(|step| match step {
                super::body::Step::If(cond) => {
                    *self.program.condition(*cond) == kubevet_ir::Condition::True
                }
                super::body::Step::For(_) => false,
            });
            if !matches!(symbol, Symbol::Term(_)) && unconditional && ways.len() == 1 {
                return Ok(symbol);
            }
            let term = self.term_of(symbol, module, &body.span)?;
            if self
                .program
                .free_binders_of_term(term)
                .iter()
                .any(|it| binders.contains(it))
            {
                return self.refuse(module, &body.span, "the value hangs on what `some` finds, which may be several things, a conflict in Rego: make it a rule that contains");
            }
            let always = self.program.always();
            let holds = self.fold(&way.steps, always);
            terms.push((self.program.and([fits, holds]), term));
        }
        let mut guarded = Vec::new();
        for (cond, term) in &terms {
            if terms.iter().any(|(_, other)| other != term) {
                return self.refuse(
                    module,
                    &body.span,
                    "the value hangs on which element of a list is taken, a conflict in Rego: use `else`",
                );
            }
            guarded.push(*cond);
        }
        let Some((_, term)) = terms.first().copied() else {
            return Ok(Symbol::Term(self.program.undefined()));
        };
        let some = self.program.or(guarded);
        Ok(Symbol::Term(self.program.guard(some, term)))
    }
}
