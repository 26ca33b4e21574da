//! What `deny` contains. Every piece of a finding must be proved to be defined, and a text where a text belongs, under the
//! conditions of its body: in Rego an undefined piece undoes the finding, and a denial that is lost in silence is the
//! worst thing a policy can do.

use super::{
    Lowerer,
    body::{Step, Way},
    symbol::{Scope, Symbol},
};
use crate::ast::{self, Expr, Module, Rule, RuleBody, RuleHead, Span, rule_name};
use kubevet_ir::{
    BinderId, Clause, Condition, ConditionId, Const, FixTemplate, FixValue, Intrinsic, Term, TermId,
};
use kubevet_model::Problem;

/// What is known where the conditions of a body hold.
struct Facts {
    conds: Vec<ConditionId>,
    defined: Vec<TermId>,
    /// The object carries a pod spec.
    workload: bool,
}

impl<'a> Lowerer<'_, 'a> {
    /// All bodies of `deny`.
    pub(super) fn lower_deny_rules(&mut self, module: &'a Module) -> Result<Vec<Clause>, Problem> {
        let mut clauses = Vec::new();
        for rule in module
            .tree
            .policy
            .iter()
            .filter(|it| rule_name(it) == "deny")
        {
            let Rule::Spec {
                head: RuleHead::Set { key: Some(key), .. },
                bodies,
                ..
            } = rule.as_ref()
            else {
                return self.refuse(
                    module,
                    rule.span(),
                    "write `deny contains finding if { … }`",
                );
            };
            let [body] = bodies.as_slice() else {
                return self.refuse(
                    module,
                    rule.span(),
                    "write one body: `deny contains finding if { … }`",
                );
            };
            for way in self.ways(&body.query, Scope::new(module))? {
                clauses.push(self.deny(key, &way, body)?);
            }
        }
        Ok(clauses)
    }

    fn deny(
        &mut self,
        key: &'a Expr,
        way: &Way<'a>,
        body: &'a RuleBody,
    ) -> Result<Clause, Problem> {
        let binders = way.binders();
        let module = way.scope.module;
        let finding = self.within(&binders, |it| it.value(key, &way.scope))?;
        let Symbol::Record(fields) = finding else {
            return self.refuse(
                module,
                key.span(),
                "write the finding out: {\"message\": …, \"paths\": […], \"fixes\": […]}",
            );
        };
        let mut when = Vec::new();
        for step in &way.steps {
            if let Step::If(cond) = step {
                match self.program.condition(*cond) {
                    Condition::True => {}
                    Condition::And(conds) => when.extend(conds.iter().copied()),
                    _ => when.push(*cond),
                }
            }
        }
        let span = Self::written_at(key, body);
        let whole = self.and(when);
        // What is built only for the finding need not be asked.
        let asked: Vec<ConditionId> = match self.program.condition(whole) {
            Condition::True => Vec::new(),
            Condition::And(conds) => conds.to_vec(),
            _ => vec![whole],
        };
        let facts = self.facts(&asked, &binders);
        let field = |name: &str| {
            fields
                .iter()
                .find(|(it, _)| it == name)
                .map(|(_, symbol)| symbol.clone())
        };
        let Some(message) = field("message") else {
            return self.refuse(module, span, "a finding needs a `message`");
        };
        let message = self.proved_text(message, &facts, "the message", module, span)?;
        let Some(Symbol::List(paths)) = field("paths") else {
            return self.refuse(
                module,
                span,
                "a finding needs `paths`, a list that is written out",
            );
        };
        if paths.is_empty() {
            return self.refuse(module, span, "a finding needs at least one path");
        }
        let paths = paths
            .into_iter()
            .map(|it| self.proved_text(it, &facts, "a path", module, span))
            .collect::<Result<Vec<_>, _>>()?;
        let Some(Symbol::List(fixes)) = field("fixes") else {
            return self.refuse(
                module,
                span,
                "a finding needs `fixes`, a list that is written out; [] where there are none",
            );
        };
        let fixes = fixes
            .into_iter()
            .map(|it| self.fix(it, &facts, module, span))
            .collect::<Result<Vec<_>, _>>()?;
        let when = asked
            .into_iter()
            .filter(|it| !self.is_only_said(*it, &facts))
            .collect();
        Ok(Clause {
            binders,
            when,
            message,
            paths,
            fixes,
            position: ast::position(&body.span),
        })
    }

    /// Whether a condition says no more than that something is defined which the others prove already.
    fn is_only_said(&self, cond: ConditionId, facts: &Facts) -> bool {
        let Condition::Defined(term) = self.program.condition(cond) else {
            return false;
        };
        let others = Facts {
            conds: facts
                .conds
                .iter()
                .copied()
                .filter(|it| *it != cond)
                .collect(),
            defined: self.defined_by(facts.conds.iter().copied().filter(|it| *it != cond)),
            workload: facts.workload,
        };
        self.is_proved(*term, &others)
    }

    fn written_at(key: &'a Expr, body: &'a RuleBody) -> &'a Span {
        let Expr::Var { span, .. } = key else {
            return key.span();
        };
        let assigned = body.query.stmts.iter().find_map(|it| match &it.literal {
            ast::Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr { lhs, rhs, .. } if lhs.span().text() == span.text() => {
                    Some(rhs.span())
                }
                _ => None,
            },
            _ => None,
        });
        assigned.unwrap_or(span)
    }

    fn fix(
        &mut self,
        symbol: Symbol,
        facts: &Facts,
        module: &Module,
        span: &Span,
    ) -> Result<FixTemplate, Problem> {
        let Symbol::Record(fields) = symbol else {
            return self.refuse(
                module,
                span,
                "write a fix out: {\"path\": …, \"value\": …} or {\"path\": …, \"remove\": true}",
            );
        };
        let field = |name: &str| {
            fields
                .iter()
                .find(|(it, _)| it == name)
                .map(|(_, symbol)| symbol.clone())
        };
        let Some(path) = field("path") else {
            return self.refuse(module, span, "a fix needs a `path`");
        };
        let path = self.proved_text(path, facts, "the path of a fix", module, span)?;
        let value = match (field("value"), field("remove")) {
            (Some(value), None) => Some(self.fix_value(value, facts, module, span)?),
            (None, Some(remove)) if self.constant_of(&remove) == Some(Const::Bool(true)) => None,
            _ => return self.refuse(module, span, "a fix needs either `value` or `remove: true`"),
        };
        Ok(FixTemplate { path, value })
    }

    fn fix_value(
        &mut self,
        symbol: Symbol,
        facts: &Facts,
        module: &Module,
        span: &Span,
    ) -> Result<FixValue, Problem> {
        if let Some(json) = self.json_of(&symbol) {
            return Ok(FixValue::Json(json.to_string().into()));
        }
        let term = self.term_of(symbol, module, span)?;
        if !self.is_proved(term, facts) {
            return self.refuse(
                module,
                span,
                "the value of a fix may be undefined, which would undo the finding: ask for what it needs in the body",
            );
        }
        Ok(FixValue::Term(term))
    }

    /// A value that is written out, as JSON; keys in order, as Rego prints them.
    fn json_of(&self, symbol: &Symbol) -> Option<serde_json::Value> {
        match symbol {
            Symbol::Record(fields) => {
                let mut fields: Vec<_> = fields
                    .iter()
                    .map(|(name, it)| Some((name.clone(), self.json_of(it)?)))
                    .collect::<Option<_>>()?;
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Some(serde_json::Value::Object(fields.into_iter().collect()))
            }
            Symbol::List(items) => items
                .iter()
                .map(|it| self.json_of(it))
                .collect::<Option<Vec<_>>>()
                .map(Into::into),
            _ => match self.constant_of(symbol)? {
                Const::Null => Some(serde_json::Value::Null),
                Const::Bool(it) => Some(it.into()),
                Const::Int(it) => Some(it.into()),
                Const::String(it) => Some(it.as_ref().into()),
                Const::EmptyList => Some(serde_json::Value::Array(Vec::new())),
                Const::EmptyMap => Some(serde_json::Value::Object(serde_json::Map::new())),
            },
        }
    }

    fn proved_text(
        &mut self,
        symbol: Symbol,
        facts: &Facts,
        what: &str,
        module: &Module,
        span: &Span,
    ) -> Result<TermId, Problem> {
        let term = self.term_of(symbol, module, span)?;
        if self.program.is_string(term) && self.is_proved(term, facts) {
            return Ok(term);
        }
        let message = format!(
            "{what} may be undefined or no text, which would undo the finding: ask `is_string(…)` of what it says in the body, or use a helper with an `else` (made of {})",
            self.program.term_to_string(term)
        );
        self.refuse(module, span, message)
    }

    fn facts(&self, when: &[ConditionId], binders: &[BinderId]) -> Facts {
        let workload = binders
            .iter()
            .any(|it| self.program.binder(*it).domain.is_of_workload());
        Facts {
            conds: when.to_vec(),
            defined: self.defined_by(when.iter().copied()),
            workload,
        }
    }

    fn defined_by(&self, conds: impl Iterator<Item = ConditionId>) -> Vec<TermId> {
        let mut defined = Vec::new();
        for cond in conds {
            match self.program.condition(cond) {
                Condition::Or(_) | Condition::Not(_) | Condition::Any(..) => {}
                other => defined.extend(other.operands()),
            }
        }
        // What a defined term is taken from is defined.
        let mut next = 0;
        while let Some(term) = defined.get(next).copied() {
            if let Term::Field(inner, _)
            | Term::AsList(inner)
            | Term::AsMap(inner)
            | Term::Guard(_, inner) = self.program.term(term)
                && !defined.contains(inner)
            {
                defined.push(*inner);
            }
            next += 1;
        }
        defined
    }

    fn is_proved(&self, term: TermId, facts: &Facts) -> bool {
        if self.program.is_defined(term) || facts.defined.contains(&term) {
            return true;
        }
        match self.program.term(term) {
            Term::PodSpec | Term::PodSpecPath | Term::PodMetadata | Term::PodMetadataPath => {
                facts.workload
                    || facts.defined.iter().any(|it| {
                        matches!(
                            self.program.term(*it),
                            Term::PodSpec
                                | Term::PodMetadataPath
                                | Term::PodSpecPath
                                | Term::PodMetadata
                        )
                    })
            }
            Term::Guard(cond, inner) => self.holds(*cond, facts) && self.is_proved(*inner, facts),
            // One of them is: none before it is in the way.
            Term::Coalesce(terms) => terms.iter().any(|it| self.is_proved(*it, facts)),
            Term::Concat(pieces) => pieces.iter().all(|it| {
                let plain = self.program.is_string(*it)
                    || matches!(
                        self.program.term(*it),
                        Term::Key(_) | Term::Count(_) | Term::Const(_)
                    );
                plain && self.is_proved(*it, facts)
            }),
            Term::AsList(inner) | Term::AsMap(inner) => self.is_proved(*inner, facts),
            Term::Count(inner) => {
                let texts = self.program.is_string(*inner);
                let list = matches!(self.program.term(*inner), Term::AsList(_) | Term::AsMap(_));
                (texts || list) && self.is_proved(*inner, facts)
            }
            // The first element of the only param without which the control is not configured.
            Term::Index(list, at) => match (self.program.term(*list), self.program.term(*at)) {
                (Term::Param(name), Term::Const(Const::Int(0))) => {
                    self.control.requires_any_param.as_slice() == [name.to_string()]
                }
                _ => false,
            },
            Term::Call(call, parts) => {
                let known = call.is_total()
                    || (call.is_total_on_strings()
                        && parts.iter().all(|it| self.is_text_proved(*it, facts)))
                    || (self.is_cut_from_a_place(*call, parts)
                        && parts
                            .first()
                            .is_some_and(|it| self.is_text_proved(*it, facts)));
                known && parts.iter().all(|it| self.is_proved(*it, facts))
            }
            _ => false,
        }
    }

    /// `substring(…, 3, -1)`: defined for every text.
    fn is_cut_from_a_place(&self, call: Intrinsic, parts: &[TermId]) -> bool {
        let number = |it: &TermId| match self.program.term(*it) {
            Term::Const(Const::Int(number)) => Some(*number),
            _ => None,
        };
        match (call, parts) {
            (Intrinsic::Substring, [_, from, length]) => {
                number(from).is_some_and(|it| it >= 0) && number(length).is_some()
            }
            _ => false,
        }
    }

    fn is_text_proved(&self, term: TermId, facts: &Facts) -> bool {
        self.program.is_string(term)
            || facts
                .conds
                .iter()
                .any(|it| matches!(self.program.condition(*it), Condition::HasType(of, kubevet_ir::ValueType::String) if *of == term))
    }

    fn holds(&self, cond: ConditionId, facts: &Facts) -> bool {
        if facts.conds.contains(&cond) {
            return true;
        }
        match self.program.condition(cond) {
            Condition::True => true,
            Condition::And(conds) => conds.iter().all(|it| self.holds(*it, facts)),
            Condition::Or(conds) => conds.iter().any(|it| self.holds(*it, facts)),
            Condition::Defined(term) => self.is_proved(*term, facts),
            _ => false,
        }
    }
}
