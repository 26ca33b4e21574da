//! Emission of conditions. The result is true or false for every object, never an error.

use super::{
    emitter::Emitter,
    expr::Expr,
    intrinsics::{self, predicate_types},
    iteration::Iteration,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{
    BinderId, Condition, ConditionId, Const, Intrinsic, Predicate, Term, TermId, ValueType,
};

/// With more values, the prefix is cut off: the list would have each value twice.
const MAX_PREFIXED_VALUES: usize = 8;

impl Emitter<'_, '_> {
    /// A condition.
    pub(super) fn condition(&mut self, id: ConditionId) -> Result<Expr, Unsupported> {
        let is_group = matches!(
            self.context.program.condition(id),
            Condition::And(_) | Condition::Or(_)
        );
        // In a pack, a name that does not pay for a whole group may pay inside of it.
        let condition = if self.context.is_pack && is_group {
            self.conditions(&[id])?
        } else {
            self.own_condition(id)?
        };
        let condition = self.filtered_by_image(id, condition)?;
        Ok(self.shared_condition(id, condition))
    }

    /// A condition as its own expression, without a variable for it.
    fn own_condition(&mut self, id: ConditionId) -> Result<Expr, Unsupported> {
        match self.context.program.condition(id).clone() {
            Condition::True => Ok(Expr::Bool(true)),
            Condition::And(conditions) => self.conjunction(&conditions),
            Condition::Or(conditions) => {
                let emitted: Result<Vec<Expr>, _> = conditions
                    .iter()
                    .map(|condition| self.condition(*condition))
                    .collect();
                Ok(Expr::any_factored(emitted?))
            }
            Condition::Not(condition) => self.not(condition),
            Condition::Defined(term) => self.is_defined(term),
            Condition::Truthy(term) => Ok(truthy(&self.term(term)?)),
            Condition::HasType(term, wanted) => {
                let value = self.term(term)?;
                self.has_type(&value, wanted)
            }
            Condition::Compare(comparison, a, b) => self.compare(comparison, a, b),
            Condition::OneOf(term, values) => self.one_of(term, &values),
            Condition::Member(a, b) => self.member(a, b),
            Condition::Predicate(predicate, operands) => self.predicate(predicate, &operands),
            Condition::Any(binder, condition) => {
                let Some(iteration) = self.enter(binder)? else {
                    return Ok(Expr::Bool(false));
                };
                let inside = self.inside_loop(binder, iteration, condition);
                self.leave();
                let (iteration, inside) = inside?;
                Ok(iteration.exists(inside))
            }
        }
    }

    /// That a term has a value. The path of an element always has one, but cannot be printed.
    fn is_defined(&mut self, term: TermId) -> Result<Expr, Unsupported> {
        let program = self.context.program;
        let Term::Concat(parts) = program.term(term) else {
            return Ok(self.term(term)?.presence_test());
        };
        let is_path = |part: &TermId| matches!(program.term(*part), Term::ElementPath(_));
        if !parts.iter().any(is_path) {
            return Ok(self.term(term)?.presence_test());
        }
        let mut tests = Vec::new();
        for part in parts.iter().filter(|part| !is_path(part)) {
            let part = self.term(*part)?;
            if !matches!(part.static_type, StaticType::String | StaticType::Int) || part.nullable {
                return Err(Unsupported(
                    "a path is built from what is not proved to be a text".to_owned(),
                ));
            }
            tests.push(part.presence_test());
        }
        Ok(Expr::all(tests))
    }

    /// The negation of a condition.
    pub(super) fn not(&mut self, condition: ConditionId) -> Result<Expr, Unsupported> {
        match *self.context.program.condition(condition) {
            Condition::Any(binder, inner) => self.none(binder, inner),
            _ => Ok(self.conditions(&[condition])?.negated()),
        }
    }

    /// For each condition, a bool: true if it does not hold.
    pub(super) fn none_of(&mut self, conditions: &[ConditionId]) -> Result<Vec<Expr>, Unsupported> {
        conditions
            .iter()
            .map(|condition| self.not(*condition))
            .collect()
    }

    /// A bool: true if no element satisfies the condition.
    fn none(&mut self, binder: BinderId, condition: ConditionId) -> Result<Expr, Unsupported> {
        let Some(iteration) = self.enter(binder)? else {
            return Ok(Expr::Bool(true));
        };
        let inside = self.inside_loop(binder, iteration, condition);
        self.leave();
        let (iteration, inside) = inside?;
        Ok(iteration.none(inside))
    }

    /// A loop, and the condition on its elements.
    fn inside_loop(
        &mut self,
        binder: BinderId,
        iteration: Iteration,
        condition: ConditionId,
    ) -> Result<(Iteration, Expr), Unsupported> {
        let mut conditions = match self.context.program.condition(condition) {
            Condition::And(parts) => parts.to_vec(),
            _ => vec![condition],
        };
        let iteration = self.shared_filter(binder, iteration, &mut conditions)?;
        Ok((iteration, self.conditions(&conditions)?))
    }

    /// The conjunction of conditions, without common subexpressions. A presence test is left out if
    /// another condition implies it.
    pub(super) fn conjunction(&mut self, conditions: &[ConditionId]) -> Result<Expr, Unsupported> {
        let mut emitted: Vec<(ConditionId, Expr)> = Vec::new();
        for condition in conditions {
            emitted.push((*condition, self.condition(*condition)?));
        }
        let mut kept = Vec::new();
        for (index, (condition, cel)) in emitted.iter().enumerate() {
            let is_implied = self.presence_tested(*condition, cel)?.is_some_and(|term| {
                emitted.iter().enumerate().any(|(other, (condition, cel))| {
                    // What was folded to a literal implies nothing.
                    other != index
                        && !matches!(cel, Expr::Bool(_))
                        && self.implies_defined(*condition, term)
                })
            });
            if !is_implied {
                kept.push(cel.clone());
            }
        }
        Ok(Expr::all(kept))
    }

    /// The term for which a condition, as it was emitted, tests nothing but presence.
    fn presence_tested(
        &mut self,
        condition: ConditionId,
        cel: &Expr,
    ) -> Result<Option<TermId>, Unsupported> {
        let (Condition::Defined(term) | Condition::HasType(term, _) | Condition::Truthy(term)) =
            *self.context.program.condition(condition)
        else {
            return Ok(None);
        };
        // What was folded to a literal tests nothing.
        if matches!(cel, Expr::Bool(_)) {
            return Ok(None);
        }
        Ok((*cel == self.term(term)?.presence_test()).then_some(term))
    }

    /// True if a comparison or predicate holds only where a term is defined.
    ///
    /// This is not [`Program::proves_defined`](kubevet_ir::Program::proves_defined), in which
    /// presence tests count: two of them would imply each other here, and both would be left out.
    /// It also looks for the term inside disjunctions, loops and all operands, since nothing is
    /// evaluated under the answer: a test is left out of a conjunction that is false without it.
    fn implies_defined(&self, condition: ConditionId, term: TermId) -> bool {
        let program = self.context.program;
        match program.condition(condition) {
            Condition::Defined(_)
            | Condition::Truthy(_)
            | Condition::HasType(..)
            | Condition::True
            | Condition::Not(_) => false,
            Condition::And(parts) => parts.iter().any(|part| self.implies_defined(*part, term)),
            Condition::Or(parts) => {
                !parts.is_empty() && parts.iter().all(|part| self.implies_defined(*part, term))
            }
            Condition::Any(_, inner) => self.implies_defined(*inner, term),
            test => {
                let operands = test.operands();
                operands
                    .iter()
                    .any(|operand| program.is_strict(*operand, term))
            }
        }
    }

    fn has_type(&mut self, value: &TypedExpr, wanted: ValueType) -> Result<Expr, Unsupported> {
        if value.presence == Presence::Never || !value.may_be(wanted) {
            return Ok(Expr::Bool(false));
        }
        if value.value_type() == Some(wanted) {
            return Ok(value.presence_test());
        }
        // The value is null or of one other type.
        if value.static_type.value_type().is_some() {
            let is_not_null = value.or_value(&Expr::Null).differs_from(Expr::Null);
            return Ok(if wanted == ValueType::Null {
                Expr::all([value.presence_test(), is_not_null.negated()])
            } else {
                is_not_null
            });
        }
        self.with_value(value, |bound| Ok(type_test(bound, wanted)))
    }

    fn one_of(&mut self, term: TermId, values: &[Const]) -> Result<Expr, Unsupported> {
        if let Some((whole, values)) = self.with_prefix(term, values) {
            return self.one_of(whole, &values);
        }
        let value = self.term(term)?;
        let candidates: Vec<&Const> = values
            .iter()
            .filter(|candidate| value.may_be(candidate.value_type()))
            .collect();
        let (Some(first), true) = (candidates.first(), value.presence != Presence::Never) else {
            return Ok(Expr::Bool(false));
        };
        // CEL's lists hold one type.
        if candidates
            .iter()
            .any(|candidate| candidate.value_type() != first.value_type())
        {
            return Err(Unsupported("a set of values of several types".to_owned()));
        }
        let literals: Vec<Expr> = candidates
            .iter()
            .map(|candidate| TypedExpr::constant(candidate).cel)
            .collect();
        if value.presence == Presence::Always && value.cel.is_literal() {
            return Ok(Expr::Bool(literals.contains(&value.cel)));
        }
        let set = Expr::List(literals);
        if value.presence == Presence::Always {
            return Ok(value.cel.is_in(set));
        }
        let other =
            value.default_where(|default| candidates.iter().all(|candidate| *candidate != default));
        match other {
            Some(other) => Ok(value.or_value(&other).is_in(set)),
            None => self.with_value(&value, |bound| Ok(bound.clone().is_in(set))),
        }
    }

    /// For a string without a prefix that is one of few values: the string with it, and the values
    /// that it then has. `trim_prefix(x, 'p') in ['a']` is `x in ['a', 'pa']`.
    fn with_prefix(&self, term: TermId, values: &[Const]) -> Option<(TermId, Vec<Const>)> {
        let program = self.context.program;
        let Term::Call(Intrinsic::TrimPrefix, operands) = program.term(term) else {
            return None;
        };
        let [whole, prefix] = operands.as_ref() else {
            return None;
        };
        let Term::Const(Const::String(prefix)) = program.term(*prefix) else {
            return None;
        };
        if values.len() > MAX_PREFIXED_VALUES || self.scope.named(term).is_some() {
            return None;
        }
        let mut whole_values = Vec::new();
        for value in values {
            let Const::String(value) = value else {
                return None;
            };
            if !value.starts_with(prefix.as_ref()) {
                whole_values.push(Const::String(value.clone()));
            }
            whole_values.push(Const::String(format!("{prefix}{value}").into()));
        }
        Some((*whole, whole_values))
    }

    fn member(&mut self, element: TermId, list: TermId) -> Result<Expr, Unsupported> {
        let element = self.term(element)?;
        let list = self.term(list)?;
        if element.presence == Presence::Never || list.presence == Presence::Never {
            return Ok(Expr::Bool(false));
        }
        let values = self.values(&list)?;
        if values == Expr::empty_list() {
            return Ok(Expr::Bool(false));
        }
        self.with_value(&element, |bound| Ok(bound.clone().is_in(values)))
    }

    /// A condition about the value of an expression, which it names unless repeating it is cheap;
    /// false where there is no value.
    pub(super) fn with_value(
        &mut self,
        value: &TypedExpr,
        condition: impl FnOnce(&Expr) -> Result<Expr, Unsupported>,
    ) -> Result<Expr, Unsupported> {
        if value.presence == Presence::Never {
            return Ok(Expr::Bool(false));
        }
        if value.presence == Presence::Always && value.cel.is_cheap() {
            return condition(&value.cel);
        }
        let name = self.scope.unused_for(&value.cel);
        let condition = condition(&Expr::ident(&name))?;
        Ok(bound(value, &name, condition))
    }

    fn predicate(
        &mut self,
        predicate: Predicate,
        operands: &[TermId],
    ) -> Result<Expr, Unsupported> {
        let types = predicate_types(predicate);
        let mut ready: Vec<Expr> = Vec::new();
        let mut open: Vec<(String, TypedExpr)> = Vec::new();
        let mut guards: Vec<Expr> = Vec::new();
        let mut is_never = false;
        for operand in operands {
            let value = self.term(*operand)?;
            if value.presence == Presence::Never
                || !types.iter().any(|wanted| value.may_be(*wanted))
            {
                is_never = true;
            }
            let has_type = value
                .value_type()
                .is_some_and(|value_type| types.contains(&value_type));
            if value.presence == Presence::Always && has_type {
                ready.push(value.cel);
            } else if value.presence == Presence::Maybe
                && has_type
                && ready.is_empty()
                && self.fails_for_empty_string(predicate, operands)
            {
                ready.push(value.or_value(&Expr::string("")));
            } else if value.presence == Presence::Always && value.cel.is_cheap() {
                guards.push(type_tests(&value.cel, types));
                ready.push(value.cel);
            } else {
                let name = self.scope.reserve_for(&value.cel);
                let variable = Expr::ident(&name);
                if !has_type {
                    guards.push(type_tests(&variable, types));
                }
                ready.push(variable);
                open.push((name, value));
            }
        }
        open.iter().for_each(|_| self.scope.release());
        if is_never {
            return Ok(Expr::Bool(false));
        }
        guards.push(intrinsics::predicate(predicate, &ready)?);
        let mut condition = Expr::all(guards);
        for (name, value) in open.iter().rev() {
            condition = bound(value, name, condition);
        }
        Ok(condition)
    }

    /// True if the predicate is false for an empty first operand, so that `orValue('')` can stand
    /// for an absent one.
    fn fails_for_empty_string(&self, predicate: Predicate, operands: &[TermId]) -> bool {
        let is_search = matches!(
            predicate,
            Predicate::StartsWith | Predicate::EndsWith | Predicate::Contains
        );
        let searched = operands.get(1).map(|term| self.context.program.term(*term));
        is_search && matches!(searched, Some(Term::Const(Const::String(part))) if !part.is_empty())
    }
}

/// A condition over a value under a name; false where there is no value.
fn bound(value: &TypedExpr, name: &str, condition: Expr) -> Expr {
    match value.presence {
        Presence::Always => value.cel.clone().bind_condition(name, condition),
        Presence::Maybe | Presence::Never => value
            .cel
            .clone()
            .opt_map(name, condition)
            .or_value(Expr::Bool(false)),
    }
}

fn truthy(value: &TypedExpr) -> Expr {
    let no = Expr::Bool(false);
    match (&value.static_type, value.nullable, value.presence) {
        (_, _, Presence::Never) => no,
        (StaticType::Bool, false, _) => value.or_value(&no),
        _ if !value.may_be(ValueType::Bool) => value.presence_test(),
        _ => value.or_value(&no).differs_from(no),
    }
}

fn type_tests(value: &Expr, types: &[ValueType]) -> Expr {
    Expr::any(types.iter().map(|wanted| type_test(value, *wanted)))
}

/// A bool: true if a value has the type.
pub(super) fn type_test(value: &Expr, wanted: ValueType) -> Expr {
    let is = |name: &str| value.clone().is_type(name);
    match wanted {
        ValueType::Null => value.clone().equals(Expr::Null),
        ValueType::Bool => is("bool"),
        ValueType::Number => Expr::any([is("int"), is("double")]),
        ValueType::String => is("string"),
        ValueType::List => is("list"),
        ValueType::Map => is("map"),
    }
}
