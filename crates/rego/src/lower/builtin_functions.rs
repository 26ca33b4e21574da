//! The builtins of Rego that have an exact translation. Any other builtin is refused.

use super::{
    Lowered, Lowerer,
    symbol::{Env, Symbol},
};
use crate::{
    ast::{Expr, ExprRef, Span, static_path},
    refusal::Refusal,
};
use kubevet_ir::{
    Condition, ConditionId, Const, Domain, Intrinsic, Predicate, Term, TermId, ValueType,
};
use kubevet_policy::ParamType;

impl<'a> Lowerer<'_, 'a> {
    /// A builtin predicate; `None` for others.
    pub(super) fn builtin_condition(
        &mut self,
        name: &str,
        span: &'a Span,
        params: &'a [ExprRef],
        env: &Env<'a>,
    ) -> Lowered<Option<ConditionId>> {
        let kind = match name {
            "is_null" => Some(ValueType::Null),
            "is_boolean" => Some(ValueType::Bool),
            "is_number" => Some(ValueType::Number),
            "is_string" => Some(ValueType::String),
            "is_array" => Some(ValueType::List),
            "is_object" => Some(ValueType::Map),
            _ => None,
        };
        let test = match name {
            "startswith" => Some(Predicate::StartsWith),
            "endswith" => Some(Predicate::EndsWith),
            "contains" => Some(Predicate::Contains),
            "regex.match" => Some(Predicate::Matches),
            _ => None,
        };
        if kind.is_none() && test.is_none() {
            return Ok(None);
        }
        let arguments = self.values(params, env)?;
        let terms = self.terms(&arguments, span, env)?;
        Ok(Some(match (kind, test, terms.as_slice()) {
            (Some(kind), _, [term]) => self.program.has_type(*term, kind),
            (_, Some(test), [a, _]) => {
                if let (Predicate::Matches, Some(pattern)) = (test, params.first()) {
                    self.pattern(*a, pattern.span(), env)?;
                }
                self.program
                    .intern_condition(Condition::Predicate(test, terms.into()))
            }
            _ => {
                return self.refuse(
                    env.module,
                    span,
                    Refusal::FunctionGiven {
                        name: name.to_owned(),
                        given: terms.len(),
                    },
                );
            }
        }))
    }

    /// Requires that a pattern is a literal or an element of a param of type `regexes`: then it is
    /// compiled once, at load, and never from a value of the object.
    pub(super) fn pattern(&mut self, term: TermId, span: &Span, env: &Env<'a>) -> Lowered<()> {
        let is_param = |list: TermId| match self.program.term(list) {
            Term::Param(name) => self
                .lowering
                .params
                .get(name)
                .is_some_and(|param| param.kind == ParamType::Regexes),
            _ => false,
        };
        let is_static = match self.program.term(term) {
            Term::Const(Const::String(text)) => {
                if let Err(reason) = kubevet_policy::vet_pattern(text) {
                    let refusal = Refusal::InvalidPattern(reason.to_string());
                    return self.refuse(env.module, span, refusal);
                }
                true
            }
            Term::Value(binder) => match self.program.binder(*binder).domain {
                Domain::Elements(list) | Domain::List(list) => is_param(list),
                _ => false,
            },
            _ => false,
        };
        if is_static {
            Ok(())
        } else {
            self.refuse(env.module, span, Refusal::ComputedPattern)
        }
    }

    /// A builtin with a value.
    pub(super) fn builtin_value(
        &mut self,
        name: &str,
        span: &'a Span,
        params: &'a [ExprRef],
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        match name {
            "object.get" => return self.object_get(span, params, env),
            "sprintf" => return self.sprintf(span, params, env),
            "concat" => return self.concat(span, params, env),
            "count" => return self.count(span, params, env),
            _ => {}
        }
        let call = match (name, params.len()) {
            ("trim", 2) => Intrinsic::Trim,
            ("trim_left", 2) => Intrinsic::TrimLeft,
            ("trim_right", 2) => Intrinsic::TrimRight,
            ("trim_prefix", 2) => Intrinsic::TrimPrefix,
            ("trim_suffix", 2) => Intrinsic::TrimSuffix,
            ("trim_space", 1) => Intrinsic::TrimSpace,
            ("substring", 3) => Intrinsic::Substring,
            ("replace", 3) => Intrinsic::Replace,
            ("split", _) => {
                return self.refuse(env.module, span, Refusal::SplitForm);
            }
            ("startswith" | "endswith" | "contains" | "regex.match", _) => {
                return self.refuse(env.module, span, Refusal::ConditionAsValue);
            }
            _ if name.starts_with("is_") => {
                return self.refuse(env.module, span, Refusal::ConditionAsValue);
            }
            _ => {
                return self.refuse(env.module, span, Refusal::Builtin(name.to_owned()));
            }
        };
        let arguments = self.values(params, env)?;
        let terms = self.terms(&arguments, span, env)?;
        // `replace` of an empty string inserts between bytes in OPA and between characters in CEL,
        // so the operand must be a literal that is not empty.
        let is_nonempty_string = |term: &TermId| {
            let term = self.program.term(*term);
            matches!(term, Term::Const(Const::String(string)) if !string.is_empty())
        };
        if call == Intrinsic::Replace {
            if !terms.get(1).is_some_and(is_nonempty_string) {
                return self.refuse(env.module, span, Refusal::ReplaceOperand);
            }
            // Nested calls that lengthen their input would lengthen it exponentially. A computed
            // operand counts as the longest.
            let length = |operand: Option<&TermId>| match operand
                .map(|operand| self.program.term(*operand))
            {
                Some(Term::Const(Const::String(text))) => text.len(),
                _ => usize::MAX,
            };
            if length(terms.get(2)) > length(terms.get(1)) {
                return self.refuse(env.module, span, Refusal::ReplaceGrows);
            }
        }
        Ok(self.intern(Term::Call(call, terms.into())))
    }

    /// Lowers `object.get(object, path, fallback)`.
    fn object_get(
        &mut self,
        span: &'a Span,
        params: &'a [ExprRef],
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        let [object, path, fallback] = params else {
            return self.refuse(env.module, span, Refusal::ObjectGetArguments);
        };
        let symbol = self.value(object, env)?;
        let object = self.term_of(symbol, env.module, object.span())?;
        let keys = match self.value(path, env)? {
            Symbol::List(keys) => keys,
            key => vec![key],
        };
        let mut found = object;
        for key in keys {
            found = match self.string_of(&key) {
                Some(name) => self.program.field(found, &name),
                None => {
                    let key = self.term_of(key, env.module, path.span())?;
                    self.program.intern_term(Term::Index(found, key))
                }
            };
        }
        let symbol = self.value(fallback, env)?;
        let fallback = self.term_of(symbol, env.module, fallback.span())?;
        // `object.get` of a value that is not an object is undefined in OPA, even with a fallback: the
        // fallback is guarded by the type.
        let is_map = self.program.has_type(object, ValueType::Map);
        let defined = self.program.defined(fallback);
        let otherwise = self.program.guard(is_map, fallback);
        let found = self.program.coalesce([found, otherwise]);
        Ok(Symbol::Term(self.program.guard(defined, found)))
    }

    /// Lowers `count`. The length of a literal is a constant.
    fn count(&mut self, span: &'a Span, params: &'a [ExprRef], env: &Env<'a>) -> Lowered<Symbol> {
        let [counted] = params else {
            return self.refuse(env.module, span, Refusal::CountArguments);
        };
        if let Expr::Call { fcn, params, .. } = counted.as_ref()
            && static_path(fcn).unwrap_or_default() == ["split"]
            && params.len() == 2
        {
            let symbols = self.values(params, env)?;
            let terms = self.terms(&symbols, span, env)?;
            return Ok(self.intern(Term::Call(Intrinsic::SplitCount, terms.into())));
        }
        let known = match self.value(counted, env)? {
            Symbol::List(items) => items.len(),
            Symbol::Record(fields) => fields.len(),
            Symbol::Set(_) => {
                return self.refuse(env.module, span, Refusal::CountOfSet);
            }
            other => {
                let term = self.term_of(other, env.module, counted.span())?;
                match self.program.term(term) {
                    Term::Const(Const::String(text)) => text.chars().count(),
                    _ => return Ok(self.intern(Term::Count(term))),
                }
            }
        };
        Ok(Symbol::Term(self.program.constant(Const::Int(
            i64::try_from(known).unwrap_or(i64::MAX),
        ))))
    }

    /// `split(string, separator)[n]` as one intrinsic, since the program has no computed lists;
    /// `None` for other calls.
    pub(super) fn split_at(
        &mut self,
        fcn: &'a Expr,
        params: &'a [ExprRef],
        index: &'a Expr,
        env: &Env<'a>,
    ) -> Lowered<Option<Symbol>> {
        if static_path(fcn).unwrap_or_default() != ["split"] || params.len() != 2 {
            return Ok(None);
        }
        let mut symbols = self.values(params, env)?;
        symbols.push(self.value(index, env)?);
        let terms = self.terms(&symbols, index.span(), env)?;
        Ok(Some(
            self.intern(Term::Call(Intrinsic::SplitAt, terms.into())),
        ))
    }
}
