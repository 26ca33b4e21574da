//! `deny`: its bodies become clauses. `applies` becomes a condition of each.
//!
//! Every part of a finding must be proved to be defined, and a string where one is needed, under
//! the conditions of its body. In Rego an undefined part makes the whole finding undefined, and a
//! denial that is lost in silence is the worst defect of a policy.

use super::{
    Lowered, Lowerer, all,
    alternative::{Alternative, Step},
    symbol::{Env, Symbol},
};
use crate::{
    ast::{self, Expr, Module, Rule, RuleBody, RuleHead, Span, assigned_value, rule_name},
    refusal::Refusal,
};
use kubevet_ir::{
    Assumptions, BinderId, Clause, Condition, ConditionId, Const, FixTemplate, FixValue, TermId,
};

/// The context in which the parts of a finding are lowered: the span of their refusals, and the
/// facts that the conditions of the body establish.
struct Finding<'f> {
    module: &'f Module,
    span: &'f Span,
    assumptions: Assumptions,
    /// False if a statement of the body was refused: then the conditions are incomplete, and a
    /// missing proof would only repeat that refusal.
    requires_proof: bool,
}

impl<'a> Lowerer<'_, 'a> {
    /// Lowers `applies`; `None` if there is no such rule, it always holds, or it was refused.
    pub(super) fn lower_applies(&mut self, module: &'a Module) -> Option<ConditionId> {
        let mut rules = module.tree.policy.iter();
        let rule = rules.find(|rule| rule_name(rule) == "applies")?;
        let full = format!("{}.applies", module.package);
        let symbol = self.rule(&full, rule.span(), &Env::new(module)).ok()?;
        let term = self.term_of(symbol, module, rule.span()).ok()?;
        let applies = self.program.truthy(term);
        (applies != self.program.always()).then_some(applies)
    }

    /// Lowers every `deny` rule of a module. Each clause holds only where `applies` does. The
    /// clauses are complete only if nothing was refused.
    pub(super) fn lower_deny_rules(
        &mut self,
        module: &'a Module,
        applies: Option<ConditionId>,
    ) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for rule in &module.tree.policy {
            if rule_name(rule) == "deny" {
                // A refusal is recorded; the other rules are lowered all the same.
                if let Ok(lowered) = self.lower_deny_rule(module, rule, applies) {
                    clauses.extend(lowered);
                }
            }
        }
        clauses
    }

    fn lower_deny_rule(
        &mut self,
        module: &'a Module,
        rule: &'a Rule,
        applies: Option<ConditionId>,
    ) -> Lowered<Vec<Clause>> {
        let Rule::Spec {
            head: RuleHead::Set { key: Some(key), .. },
            bodies,
            ..
        } = rule
        else {
            return self.refuse(module, rule.span(), Refusal::DenyForm);
        };
        let [body] = bodies.as_slice() else {
            return self.refuse(module, rule.span(), Refusal::DenyBodies);
        };
        let alternatives = self.alternatives(&body.query, Env::new(module));
        all(alternatives
            .iter()
            .map(|alternative| self.lower_clause(key, alternative, body, applies)))
    }

    /// Lowers one alternative of a body with the finding of the rule's head.
    fn lower_clause(
        &mut self,
        key: &'a Expr,
        alternative: &Alternative<'a>,
        body: &'a RuleBody,
        applies: Option<ConditionId>,
    ) -> Lowered<Clause> {
        let module = alternative.env.module;
        let binders = alternative.binders();
        let finding = self.within(&binders, |lowerer| lowerer.value(key, &alternative.env))?;
        let fields = match finding {
            Symbol::Record(fields) => fields,
            Symbol::Poisoned => return Err(super::Refused),
            _ => return self.refuse(module, key.span(), Refusal::FindingForm),
        };
        let field = |name: &str| {
            let field = fields.iter().find(|(field, _)| field == name);
            field.map(|(_, symbol)| symbol.clone())
        };
        let conditions = self.conditions_of(alternative, applies);
        let finding = Finding {
            module,
            span: finding_span(key, body),
            assumptions: self.assume(&conditions, &binders),
            requires_proof: !alternative.is_incomplete,
        };
        // All parts are lowered before any result is tested, so that all refusals are recorded.
        let message = self.lower_message(field("message"), &finding);
        let paths = self.lower_paths(field("paths"), &finding);
        let fixes = self.lower_fixes(field("fixes"), &finding);
        let when = conditions
            .iter()
            .copied()
            .filter(|condition| !self.is_redundant_definedness(*condition, &conditions, &binders))
            .collect();
        Ok(Clause {
            binders,
            when,
            message: message?,
            paths: paths?,
            fixes: fixes?,
            position: ast::position(&body.span),
        })
    }

    /// `applies` and the conditions of an alternative, simplified together as one conjunction.
    fn conditions_of(
        &mut self,
        alternative: &Alternative<'a>,
        applies: Option<ConditionId>,
    ) -> Vec<ConditionId> {
        let steps = alternative.steps.iter();
        let of_steps = steps.filter_map(|step| match step {
            Step::If(condition) => Some(*condition),
            Step::For(_) => None,
        });
        let each: Vec<ConditionId> = applies.into_iter().chain(of_steps).collect();
        let whole = self.and(each);
        self.program.conjuncts(whole)
    }

    fn assume(&self, conditions: &[ConditionId], binders: &[BinderId]) -> Assumptions {
        // A control that requires exactly one param runs only if that param has a value.
        let configured_param = match self.control.requires_any_param.as_slice() {
            [only] => Some(only.as_str()),
            _ => None,
        };
        Assumptions::new(self.program, conditions, binders, configured_param)
    }

    /// True if a condition only tests that a term is defined, and the other conditions already
    /// prove it.
    fn is_redundant_definedness(
        &self,
        condition: ConditionId,
        conditions: &[ConditionId],
        binders: &[BinderId],
    ) -> bool {
        let Condition::Defined(term) = self.program.condition(condition) else {
            return false;
        };
        let others: Vec<ConditionId> = conditions
            .iter()
            .copied()
            .filter(|other| *other != condition)
            .collect();
        let assumptions = self.assume(&others, binders);
        assumptions.is_defined(self.program, *term)
    }

    fn lower_message(&mut self, message: Option<Symbol>, finding: &Finding<'_>) -> Lowered<TermId> {
        match message {
            Some(message) => self.proved_string(message, "the message", finding),
            None => self.refuse(finding.module, finding.span, Refusal::MessageMissing),
        }
    }

    fn lower_paths(
        &mut self,
        paths: Option<Symbol>,
        finding: &Finding<'_>,
    ) -> Lowered<Vec<TermId>> {
        let refusal = match paths {
            Some(Symbol::Poisoned) => return Err(super::Refused),
            Some(Symbol::List(paths)) if !paths.is_empty() => {
                let paths = paths.into_iter();
                return all(paths.map(|path| self.proved_string(path, "a path", finding)));
            }
            Some(Symbol::List(_)) => Refusal::PathsEmpty,
            _ => Refusal::PathsMissing,
        };
        self.refuse(finding.module, finding.span, refusal)
    }

    fn lower_fixes(
        &mut self,
        fixes: Option<Symbol>,
        finding: &Finding<'_>,
    ) -> Lowered<Vec<FixTemplate>> {
        match fixes {
            Some(Symbol::Poisoned) => Err(super::Refused),
            Some(Symbol::List(fixes)) => {
                all(fixes.into_iter().map(|fix| self.lower_fix(fix, finding)))
            }
            _ => self.refuse(finding.module, finding.span, Refusal::FixesMissing),
        }
    }

    fn lower_fix(&mut self, fix: Symbol, finding: &Finding<'_>) -> Lowered<FixTemplate> {
        let (module, span) = (finding.module, finding.span);
        let fields = match fix {
            Symbol::Record(fields) => fields,
            Symbol::Poisoned => return Err(super::Refused),
            _ => return self.refuse(module, span, Refusal::FixForm),
        };
        let field = |name: &str| {
            let field = fields.iter().find(|(field, _)| field == name);
            field.map(|(_, symbol)| symbol.clone())
        };
        let Some(path) = field("path") else {
            return self.refuse(module, span, Refusal::FixPathMissing);
        };
        let path = self.proved_string(path, "the path of a fix", finding);
        let value = match (field("value"), field("remove")) {
            (Some(value), None) => Some(self.lower_fix_value(value, finding)?),
            (None, Some(remove)) if self.constant_of(&remove) == Some(Const::Bool(true)) => None,
            _ => return self.refuse(module, span, Refusal::FixAction),
        };
        Ok(FixTemplate { path: path?, value })
    }

    fn lower_fix_value(&mut self, value: Symbol, finding: &Finding<'_>) -> Lowered<FixValue> {
        if let Some(json) = self.json_of(&value) {
            return Ok(FixValue::Json(json.to_string().into()));
        }
        let term = self.term_of(value, finding.module, finding.span)?;
        if finding.requires_proof && !finding.assumptions.is_defined(self.program, term) {
            return self.refuse(finding.module, finding.span, Refusal::FixMaybeUndefined);
        }
        Ok(FixValue::Term(term))
    }

    /// A literal as JSON, its keys sorted as OPA prints them; `None` for a computed value.
    fn json_of(&self, symbol: &Symbol) -> Option<serde_json::Value> {
        use serde_json::Value;
        match symbol {
            Symbol::Record(fields) => {
                let mut fields: Vec<(String, Value)> = fields
                    .iter()
                    .map(|(name, value)| Some((name.clone(), self.json_of(value)?)))
                    .collect::<Option<_>>()?;
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Some(Value::Object(fields.into_iter().collect()))
            }
            Symbol::List(items) => items
                .iter()
                .map(|item| self.json_of(item))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            _ => Some(match self.constant_of(symbol)? {
                Const::Null => Value::Null,
                Const::Bool(value) => value.into(),
                Const::Int(value) => value.into(),
                Const::String(value) => value.as_ref().into(),
                Const::EmptyList => Value::Array(Vec::new()),
                Const::EmptyMap => Value::Object(serde_json::Map::new()),
            }),
        }
    }

    /// A part of a finding as a term that is proved to be a defined string.
    fn proved_string(
        &mut self,
        symbol: Symbol,
        part: &'static str,
        finding: &Finding<'_>,
    ) -> Lowered<TermId> {
        let term = self.term_of(symbol, finding.module, finding.span)?;
        // The type must follow from the term alone: the evaluator formats it without the
        // conditions.
        let is_proved =
            self.program.is_string(term) && finding.assumptions.is_defined(self.program, term);
        if is_proved || !finding.requires_proof {
            return Ok(term);
        }
        let term = self.program.term_to_string(term);
        let refusal = Refusal::MaybeUndefined { part, term };
        self.refuse(finding.module, finding.span, refusal)
    }
}

/// The span of the finding: of its literal, if the head names a local that is assigned one.
fn finding_span<'a>(key: &'a Expr, body: &'a RuleBody) -> &'a Span {
    let Expr::Var { span: name, .. } = key else {
        return key.span();
    };
    assigned_value(&body.query, name.text()).map_or(name, Expr::span)
}
