//! An expression as a value: references, literals, calls.

use super::{
    Lowerer,
    symbol::{Scope, Symbol},
};
use crate::ast::{Expr, Span, string_literal};
use kubevet_ir::{Const, Term};
use kubevet_model::Problem;

impl<'a> Lowerer<'_, 'a> {
    /// What an expression stands for.
    pub(super) fn value(&mut self, expr: &'a Expr, scope: &Scope<'a>) -> Result<Symbol, Problem> {
        let module = scope.module;
        match expr {
            Expr::String { span, .. } | Expr::RawString { span, .. } => match string_literal(expr) {
                Some(text) => Ok(Symbol::Term(self.program.string(text))),
                None => self.refuse(module, span, "this text cannot be read"),
            },
            Expr::Number { span, .. } => self.number(span.text(), span, scope),
            Expr::UnaryExpr { span, expr: inner, .. } => match inner.as_ref() {
                Expr::Number { span: number, .. } => self.number(&format!("-{}", number.text()), span, scope),
                _ => self.refuse(
                    module,
                    span,
                    "arithmetic is not compiled: compare whole numbers, and quantities through lib.quantities",
                ),
            },
            Expr::Bool { value, .. } => {
                Ok(Symbol::Term(self.program.constant(Const::Bool(matches!(value, regorus::Value::Bool(true))))))
            }
            Expr::Null { .. } => Ok(Symbol::Term(self.program.constant(Const::Null))),
            Expr::Array { items, .. } => Ok(Symbol::List(self.values(items, scope)?)),
            Expr::Set { items, .. } => Ok(Symbol::Set(self.values(items, scope)?)),
            Expr::Object { fields, .. } => {
                let mut record = Vec::new();
                for (_, key, value) in fields {
                    let Some(name) = string_literal(key) else {
                        return self.refuse(module, key.span(), "the keys of a map must be written out");
                    };
                    record.push((name.to_owned(), self.value(value, scope)?));
                }
                Ok(Symbol::Record(record))
            }
            Expr::Var { span, .. } => self.name(span, scope),
            Expr::RefDot { refr, field, .. } => {
                let base = self.value(refr, scope)?;
                self.step(base, field.0.text(), expr.span(), scope)
            }
            Expr::RefBrack { refr, index, .. } => self.bracket(refr, index, expr.span(), scope),
            Expr::Call { span, fcn, params, .. } => self.call_value(span, fcn, params, scope),
            Expr::BoolExpr { span, .. } | Expr::Membership { span, .. } => {
                self.refuse(module, span, "a condition is no value (false is not undefined): give it a line of its own")
            }
            Expr::ArithExpr { span, .. } => self.refuse(
                module,
                span,
                "arithmetic is not compiled: compare whole numbers, and quantities through lib.quantities",
            ),
            Expr::BinExpr { span, .. } => {
                self.refuse(module, span, "union and intersection are not compiled: write two bodies")
            }
            Expr::ArrayCompr { span, .. } | Expr::SetCompr { span, .. } | Expr::ObjectCompr { span, .. } => self
                .refuse(
                    module,
                    span,
                    "comprehensions are not compiled: ask with `some … in`, or write rules that contain",
                ),
            Expr::AssignExpr { span, .. } => {
                self.refuse(module, span, "unification is not compiled: bind with `:=`, compare with `==`")
            }
        }
    }

    pub(super) fn values(
        &mut self,
        exprs: &'a [crate::ast::ExprRef],
        scope: &Scope<'a>,
    ) -> Result<Vec<Symbol>, Problem> {
        exprs.iter().map(|it| self.value(it, scope)).collect()
    }

    fn number(&mut self, text: &str, span: &Span, scope: &Scope<'a>) -> Result<Symbol, Problem> {
        match text.parse::<i64>() {
            Ok(number) => Ok(Symbol::Term(self.program.constant(Const::Int(number)))),
            Err(_) => self.refuse(
                scope.module,
                span,
                "only whole numbers of 64 bits are compiled",
            ),
        }
    }

    fn name(&mut self, span: &'a Span, scope: &Scope<'a>) -> Result<Symbol, Problem> {
        let name = span.text();
        if let Some(symbol) = scope.local(name) {
            return Ok(symbol.clone());
        }
        if name == "input" {
            return Ok(Symbol::Input);
        }
        if name == "data" {
            return Ok(Symbol::Package(String::new()));
        }
        if let Some(path) = scope.module.imports.get(name) {
            return Ok(Symbol::Package(path.clone()));
        }
        if scope.module.defines(name) {
            return self.rule(&format!("{}.{name}", scope.module.package), span, scope);
        }
        self.refuse(
            scope.module,
            span,
            format!("`{name}` is not bound yet: bind it above, by `:=` or `some {name} in …`"),
        )
    }

    /// `base.name`.
    pub(super) fn step(
        &mut self,
        base: Symbol,
        name: &str,
        span: &'a Span,
        scope: &Scope<'a>,
    ) -> Result<Symbol, Problem> {
        let term = match base {
            Symbol::Input => {
                return match name {
                    "object" => Ok(Symbol::Term(self.program.intern_term(Term::Object))),
                    "params" => Ok(Symbol::Params),
                    "request" => Ok(Symbol::Request),
                    _ => self.refuse(
                        scope.module,
                        span,
                        format!("`input.{name}` is not compiled: the compiler knows input.object, input.params and input.request.operation"),
                    ),
                };
            }
            Symbol::Params if self.lowering.params.get(name).is_some() => {
                self.program.intern_term(Term::Param(name.into()))
            }
            Symbol::Params => {
                return self.refuse(scope.module, span, format!("there is no param `{name}`"));
            }
            Symbol::Request if name == "operation" => self.program.intern_term(Term::Operation),
            Symbol::Request => {
                return self.refuse(
                    scope.module,
                    span,
                    format!(
                        "`input.request.{name}` is not compiled: only input.request.operation is"
                    ),
                );
            }
            Symbol::Package(path) => {
                let full = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                };
                return self.rule(&full, span, scope);
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
                return match fields.into_iter().find(|(it, _)| it == name) {
                    Some((_, symbol)) => Ok(symbol),
                    None => Ok(Symbol::Term(self.program.undefined())),
                };
            }
            Symbol::Term(term) => self.program.field(term, name),
            other => {
                self.term_of(other, scope.module, span)?;
                self.program.undefined()
            }
        };
        Ok(Symbol::Term(term))
    }

    fn is_container(&self, binder: kubevet_ir::BinderId) -> bool {
        matches!(
            self.program.binder(binder).domain,
            kubevet_ir::Domain::Containers(_)
        )
    }

    fn bracket(
        &mut self,
        refr: &'a Expr,
        index: &'a Expr,
        span: &'a Span,
        scope: &Scope<'a>,
    ) -> Result<Symbol, Problem> {
        // `split(…)[0]` is one question; a list of texts has no other use yet.
        if let Expr::Call { fcn, params, .. } = refr
            && let Some(symbol) = self.split_at(fcn, params, index, scope)?
        {
            return Ok(symbol);
        }
        let base = self.value(refr, scope)?;
        if let Some(name) = string_literal(index) {
            return self.step(base, name, span, scope);
        }
        let index = self.value(index, scope)?;
        if let Some(name) = self.text_of(&index) {
            return self.step(base, &name, span, scope);
        }
        match (base, self.constant_of(&index)) {
            (Symbol::List(items), Some(Const::Int(place))) => {
                match usize::try_from(place)
                    .ok()
                    .and_then(|it| items.into_iter().nth(it))
                {
                    Some(item) => Ok(item),
                    None => Ok(Symbol::Term(self.program.undefined())),
                }
            }
            (Symbol::Term(base), _) => {
                let index = self.term_of(index, scope.module, span)?;
                Ok(Symbol::Term(
                    self.program.intern_term(Term::Index(base, index)),
                ))
            }
            (other, _) => {
                self.term_of(other, scope.module, span)?;
                self.refuse(
                    scope.module,
                    span,
                    "this cannot be indexed: write the key out",
                )
            }
        }
    }
}
