//! Expressions as values: references, literals and calls.

use super::{
    Lowered, Lowerer, Refused, all,
    symbol::{Env, Symbol},
};
use crate::{
    ast::{Expr, ExprRef, Span, bool_literal, string_literal},
    refusal::Refusal,
};
use kubevet_ir::{BinderId, Const, Domain, Term};

impl<'a> Lowerer<'_, 'a> {
    /// Lowers an expression to its symbol.
    pub(super) fn value(&mut self, expr: &'a Expr, env: &Env<'a>) -> Lowered<Symbol> {
        let module = env.module;
        match expr {
            Expr::String { span, .. } | Expr::RawString { span, .. } => {
                match string_literal(expr) {
                    Some(text) => Ok(Symbol::Term(self.program.string(text))),
                    None => self.refuse(module, span, Refusal::UnreadableString),
                }
            }
            Expr::Number { span, .. } => self.number(span.text(), span, env),
            Expr::UnaryExpr {
                span, expr: inner, ..
            } => match inner.as_ref() {
                Expr::Number { span: number, .. } => {
                    self.number(&format!("-{}", number.text()), span, env)
                }
                _ => self.refuse(module, span, Refusal::Arithmetic),
            },
            Expr::Bool { .. } => {
                let is_true = bool_literal(expr) == Some(true);
                Ok(Symbol::Term(self.program.constant(Const::Bool(is_true))))
            }
            Expr::Null { .. } => Ok(Symbol::Term(self.program.constant(Const::Null))),
            Expr::Array { items, .. } => Ok(Symbol::List(self.values(items, env)?)),
            Expr::Set { items, .. } => Ok(Symbol::Set(self.values(items, env)?)),
            Expr::Object { fields, .. } => {
                let mut record = Vec::new();
                for (_, key, value) in fields {
                    let Some(name) = string_literal(key) else {
                        return self.refuse(module, key.span(), Refusal::ComputedKey);
                    };
                    record.push((name.to_owned(), self.value(value, env)));
                }
                // A refused field is poisoned, so that the other fields of a finding are still
                // checked.
                let poisoned = |symbol: Lowered<Symbol>| symbol.unwrap_or(Symbol::Poisoned);
                let fields = record
                    .into_iter()
                    .map(|(name, field)| (name, poisoned(field)));
                Ok(Symbol::Record(fields.collect()))
            }
            Expr::Var { span, .. } => self.name(span, env),
            Expr::RefDot { refr, field, .. } => {
                let base = self.value(refr, env)?;
                self.step(base, field.0.text(), expr.span(), env)
            }
            Expr::RefBrack { refr, index, .. } => self.bracket(refr, index, expr.span(), env),
            Expr::Call {
                span, fcn, params, ..
            } => self.call_value(span, fcn, params, env),
            Expr::BoolExpr { span, .. } | Expr::Membership { span, .. } => {
                self.refuse(module, span, Refusal::ConditionAsValue)
            }
            Expr::ArithExpr { span, .. } => self.refuse(module, span, Refusal::Arithmetic),
            Expr::BinExpr { span, .. } => self.refuse(module, span, Refusal::SetOperation),
            Expr::ArrayCompr { span, .. }
            | Expr::SetCompr { span, .. }
            | Expr::ObjectCompr { span, .. } => self.refuse(module, span, Refusal::Comprehension),
            Expr::AssignExpr { span, .. } => self.refuse(module, span, Refusal::Unification),
        }
    }

    /// Lowers expressions; all of them, even if one is refused.
    pub(super) fn values(&mut self, exprs: &'a [ExprRef], env: &Env<'a>) -> Lowered<Vec<Symbol>> {
        all(exprs.iter().map(|expr| self.value(expr, env)))
    }

    fn number(&mut self, text: &str, span: &Span, env: &Env<'a>) -> Lowered<Symbol> {
        match text.parse::<i64>() {
            Ok(number) => Ok(Symbol::Term(self.program.constant(Const::Int(number)))),
            Err(_) => self.refuse(env.module, span, Refusal::NumberRange),
        }
    }

    /// Resolves a name: locals first, then `input` and `data`, imports, rules of the module.
    fn name(&mut self, span: &'a Span, env: &Env<'a>) -> Lowered<Symbol> {
        let name = span.text();
        if let Some(symbol) = env.local(name) {
            return match symbol {
                Symbol::Poisoned => Err(Refused),
                symbol => Ok(symbol.clone()),
            };
        }
        if name == "_" {
            return self.refuse(env.module, span, Refusal::Wildcard);
        }
        if name == "input" {
            return Ok(Symbol::Input);
        }
        if name == "data" {
            return Ok(Symbol::Package(String::new()));
        }
        if let Some(path) = env.module.imports.get(name) {
            return Ok(Symbol::Package(path.clone()));
        }
        if env.module.defines(name) {
            return self.rule(&format!("{}.{name}", env.module.package), span, env);
        }
        self.refuse(env.module, span, Refusal::Unbound(name.to_owned()))
    }

    /// Lowers `base.name`.
    pub(super) fn step(
        &mut self,
        base: Symbol,
        name: &str,
        span: &'a Span,
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        let term = match base {
            Symbol::Input => {
                return match name {
                    "object" => Ok(self.intern(Term::Object)),
                    "params" => Ok(Symbol::Params),
                    "request" => Ok(Symbol::Request),
                    _ => self.refuse(env.module, span, Refusal::InputField(name.to_owned())),
                };
            }
            Symbol::Params if self.lowering.params.get(name).is_some() => {
                self.program.intern_term(Term::Param(name.into()))
            }
            Symbol::Params => {
                return self.refuse(env.module, span, Refusal::UnknownParam(name.to_owned()));
            }
            Symbol::Request if name == "operation" => self.program.intern_term(Term::Operation),
            Symbol::Request => {
                return self.refuse(env.module, span, Refusal::RequestField(name.to_owned()));
            }
            Symbol::Package(path) => {
                let full = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                };
                return self.rule(&full, span, env);
            }
            Symbol::Element(binder) => {
                let term = match name {
                    "spec" => Term::Value(binder),
                    "name" => Term::ElementName(binder),
                    "path" => Term::ElementPath(binder),
                    "list" if self.is_container(binder) => Term::ListName(binder),
                    _ => Term::Undefined,
                };
                self.program.intern_term(term)
            }
            Symbol::Record(fields) => {
                return match fields.into_iter().find(|(key, _)| key == name) {
                    Some((_, symbol)) => Ok(symbol),
                    None => Ok(Symbol::Term(self.program.undefined())),
                };
            }
            Symbol::Term(term) => self.program.field(term, name),
            other => {
                self.term_of(other, env.module, span)?;
                self.program.undefined()
            }
        };
        Ok(Symbol::Term(term))
    }

    fn is_container(&self, binder: BinderId) -> bool {
        matches!(self.program.binder(binder).domain, Domain::Containers(_))
    }

    /// Lowers `refr[index]`.
    fn bracket(
        &mut self,
        refr: &'a Expr,
        index: &'a Expr,
        span: &'a Span,
        env: &Env<'a>,
    ) -> Lowered<Symbol> {
        // `split(…)[n]` is one intrinsic, since the program has no computed lists.
        if let Expr::Call { fcn, params, .. } = refr
            && let Some(symbol) = self.split_at(fcn, params, index, env)?
        {
            return Ok(symbol);
        }
        let base = self.value(refr, env)?;
        if let Some(name) = string_literal(index) {
            return self.step(base, name, span, env);
        }
        let index = self.value(index, env)?;
        if let Some(name) = self.string_of(&index) {
            return self.step(base, &name, span, env);
        }
        match (base, self.constant_of(&index)) {
            (Symbol::List(items), Some(Const::Int(position))) => {
                match usize::try_from(position)
                    .ok()
                    .and_then(|index| items.into_iter().nth(index))
                {
                    Some(item) => Ok(item),
                    None => Ok(Symbol::Term(self.program.undefined())),
                }
            }
            (Symbol::Term(base), _) => {
                let index = self.term_of(index, env.module, span)?;
                Ok(self.intern(Term::Index(base, index)))
            }
            (other, _) => {
                self.term_of(other, env.module, span)?;
                self.refuse(env.module, span, Refusal::NotIndexable)
            }
        }
    }
}
