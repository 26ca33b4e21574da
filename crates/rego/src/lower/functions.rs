//! Functions with a translation of their own: the names of `policies/lib` with a native half, and
//! the builtins of Rego. Every other function of a library is inlined like a helper.

use super::{
    Lowered, Lowerer, all,
    symbol::{Env, Symbol},
};
use crate::{
    ast::{Expr, ExprRef, Span, static_path, string_literal},
    refusal::Refusal,
};
use kubevet_ir::{
    Condition, ConditionId, Const, ContainerList, Domain, Intrinsic, Predicate, Term, TermId,
    ValueType,
};
use kubevet_policy::ParamType;

/// The most parts of one concatenation; 64 bytes of a literal count as one.
const MAX_CONCAT_PARTS: usize = 512;

impl<'a> Lowerer<'_, 'a> {
    /// The symbol of a rule of the library without arguments that has a native half; `None` for
    /// others.
    pub(super) fn library_name(&mut self, full: &str) -> Option<Symbol> {
        if !self.lowering.own_library {
            return None;
        }
        let term = match full {
            "lib.workload.containers" => {
                return Some(Symbol::Domain(Domain::Containers(ContainerList::All)));
            }
            "lib.workload.resource_containers" => {
                return Some(Symbol::Domain(Domain::Containers(ContainerList::Resource)));
            }
            "lib.workload.probe_containers" => {
                return Some(Symbol::Domain(Domain::Containers(ContainerList::Probe)));
            }
            "lib.workload.volumes" => return Some(Symbol::Domain(Domain::Volumes)),
            "lib.workload.pod_spec" => Term::PodSpec,
            "lib.workload.pod_spec_path" => Term::PodSpecPath,
            "lib.workload.pod_metadata" => Term::PodMetadata,
            "lib.workload.pod_metadata_path" => Term::PodMetadataPath,
            "lib.connections.target" => Term::Call(Intrinsic::ConnectionTarget, [].into()),
            "lib.connections.command" => Term::Call(Intrinsic::ConnectionCommand, [].into()),
            "lib.connections.ports" => Term::Call(Intrinsic::ConnectionPorts, [].into()),
            _ => return None,
        };
        Some(Symbol::Term(self.program.intern_term(term)))
    }

    /// A function of the library with a native half and a value; `None` for others.
    pub(super) fn library_value(
        &mut self,
        full: &str,
        arguments: &[Symbol],
        span: &Span,
        env: &Env<'a>,
    ) -> Lowered<Option<Symbol>> {
        if !self.lowering.own_library {
            return Ok(None);
        }
        if let ("lib.workload.at", [Symbol::Element(binder), field]) = (full, arguments) {
            let path = self.program.intern_term(Term::ElementPath(*binder));
            let field = self.term_of(field.clone(), env.module, span)?;
            return Ok(Some(self.joined(&[path, field], ".")));
        }
        let calls: &[(&str, Intrinsic)] = &[
            ("lib.strings.lower_ascii", Intrinsic::LowerAscii),
            ("lib.images.registry", Intrinsic::ImageRegistry),
            ("lib.images.repository", Intrinsic::ImageRepository),
            ("lib.images.name", Intrinsic::ImageName),
            ("lib.images.tag", Intrinsic::ImageTag),
            ("lib.images.digest", Intrinsic::ImageDigest),
            ("lib.images.effective_tag", Intrinsic::ImageEffectiveTag),
            ("lib.files.clean", Intrinsic::CleanPath),
        ];
        let known = calls
            .iter()
            .find(|(name, _)| *name == full)
            .map(|(_, call)| *call);
        let others = [
            "lib.workload.pod_at",
            "lib.fields.entry",
            "lib.collections.list",
            "lib.collections.map",
        ];
        if known.is_none() && !others.contains(&full) {
            return Ok(None);
        }
        let terms = self.terms(arguments, span, env)?;
        let term = match (known, terms.as_slice()) {
            (Some(call), [_]) => Term::Call(call, terms.into()),
            (None, [field]) if full == "lib.workload.pod_at" => {
                let path = self.program.intern_term(Term::PodSpecPath);
                return Ok(Some(self.joined(&[path, *field], ".")));
            }
            (None, [parent, key]) if full == "lib.fields.entry" => {
                let (open, close) = (self.program.string("["), self.program.string("]"));
                return Ok(Some(Symbol::Term(
                    self.program.concat([*parent, open, *key, close]),
                )));
            }
            (None, [term]) if full == "lib.collections.list" => Term::AsList(*term),
            (None, [term]) if full == "lib.collections.map" => Term::AsMap(*term),
            _ => {
                return self.refuse(
                    env.module,
                    span,
                    Refusal::FunctionGiven {
                        name: full.to_owned(),
                        given: arguments.len(),
                    },
                );
            }
        };
        Ok(Some(Symbol::Term(self.program.intern_term(term))))
    }

    /// A predicate of the library with a native half; `None` for others.
    pub(super) fn library_condition(
        &mut self,
        full: &str,
        arguments: &[Symbol],
        span: &Span,
        env: &Env<'a>,
    ) -> Lowered<Option<ConditionId>> {
        if !self.lowering.own_library {
            return Ok(None);
        }
        let test = match full {
            "lib.strings.contains_ignore_case" => Predicate::ContainsIgnoreCase,
            "lib.images.within" => Predicate::ImageWithin,
            "lib.quantities.is_quantity" => Predicate::IsQuantity,
            "lib.quantities.less" => Predicate::QuantityLess,
            "lib.quantities.is_positive" => Predicate::QuantityPositive,
            "lib.collections.is_empty" => {
                let [Symbol::Term(term)] = arguments else {
                    return Ok(None);
                };
                let defined = self.program.defined(*term);
                let binder = self
                    .program
                    .intern_binder(Domain::List(*term), &self.enclosing);
                let always = self.program.always();
                let some = self.program.any(binder, always);
                let none = self.program.not(some);
                return Ok(Some(self.and([defined, none])));
            }
            _ => return Ok(None),
        };
        let terms = self.terms(arguments, span, env)?;
        let expected = if matches!(test, Predicate::IsQuantity | Predicate::QuantityPositive) {
            1
        } else {
            2
        };
        if terms.len() != expected {
            return self.refuse(
                env.module,
                span,
                Refusal::FunctionTakes {
                    name: full.to_owned(),
                    expected,
                },
            );
        }
        Ok(Some(self.program.intern_condition(Condition::Predicate(
            test,
            terms.into(),
        ))))
    }

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
                if test == Predicate::Matches {
                    self.pattern(*a, params, env)?;
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
    fn pattern(&mut self, term: TermId, params: &'a [ExprRef], env: &Env<'a>) -> Lowered<()> {
        let is_param = |list: TermId| match self.program.term(list) {
            Term::Param(name) => self
                .lowering
                .params
                .get(name)
                .is_some_and(|param| param.kind == ParamType::Regexes),
            _ => false,
        };
        let span = params.first().map(|param| param.span());
        let is_static = match self.program.term(term) {
            Term::Const(Const::String(text)) => match kubevet_policy::vet_pattern(text) {
                Ok(()) => true,
                Err(reason) => match span {
                    Some(span) => {
                        return self.refuse(
                            env.module,
                            span,
                            Refusal::InvalidPattern(reason.to_string()),
                        );
                    }
                    None => false,
                },
            },
            Term::Value(binder) => match self.program.binder(*binder).domain {
                Domain::Elements(list) | Domain::List(list) => is_param(list),
                _ => false,
            },
            _ => false,
        };
        match (is_static, span) {
            (false, Some(span)) => self.refuse(env.module, span, Refusal::ComputedPattern),
            _ => Ok(()),
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
        Ok(Symbol::Term(
            self.program.intern_term(Term::Call(call, terms.into())),
        ))
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
        // `object.get` of a value that is no object is undefined in OPA, even with a fallback: the
        // fallback is guarded by the type.
        let is_map = self.program.has_type(object, ValueType::Map);
        let defined = self.program.defined(fallback);
        let otherwise = self.program.guard(is_map, fallback);
        let found = self.program.coalesce([found, otherwise]);
        Ok(Symbol::Term(self.program.guard(defined, found)))
    }

    /// Lowers `sprintf` with the verbs `%s` for strings, `%d` for whole numbers and `%%`. The
    /// result is undefined where an argument of `%s` is no string, so that the proof of a finding
    /// fails.
    fn sprintf(&mut self, span: &'a Span, params: &'a [ExprRef], env: &Env<'a>) -> Lowered<Symbol> {
        let [format, list] = params else {
            return self.refuse(env.module, span, Refusal::SprintfArguments);
        };
        let (Some(format_text), Expr::Array { items, .. }) =
            (string_literal(format), list.as_ref())
        else {
            return self.refuse(env.module, span, Refusal::SprintfForm);
        };
        let symbols = self.values(items, env)?;
        let terms = self.terms(&symbols, span, env)?;
        let mut terms = terms.into_iter();
        let mut pieces = Vec::new();
        let mut rest = format_text;
        while let Some((before, after)) = rest.split_once('%') {
            pieces.push(self.program.string(before));
            rest = after.get(1..).unwrap_or_default();
            let piece = match (after.chars().next(), after.starts_with('%')) {
                (_, true) => Some(self.program.string("%")),
                (Some('s'), _) => terms.next().map(|term| {
                    let is_string = self.program.has_type(term, ValueType::String);
                    self.program.guard(is_string, term)
                }),
                (Some('d'), _) => terms.next().filter(|term| self.is_whole(*term)),
                _ => {
                    let verb = after.chars().next().map_or_else(String::new, String::from);
                    return self.refuse(env.module, format.span(), Refusal::SprintfVerb(verb));
                }
            };
            match piece {
                Some(piece) => pieces.push(piece),
                None => {
                    return self.refuse(env.module, format.span(), Refusal::SprintfValue);
                }
            }
        }
        if terms.next().is_some() {
            return self.refuse(env.module, span, Refusal::SprintfSurplus);
        }
        pieces.push(self.program.string(rest));
        self.bounded(&pieces, span, env)?;
        Ok(Symbol::Term(self.program.concat(pieces)))
    }

    /// Refuses a concatenation of too many parts before it is interned: nested helpers can multiply
    /// the parts.
    fn bounded(&mut self, pieces: &[TermId], span: &Span, env: &Env<'a>) -> Lowered<()> {
        // A concatenation is flattened when it is interned, so a nested one counts its parts.
        let size = |piece: &TermId| match self.program.term(*piece) {
            Term::Const(Const::String(text)) => text.len() / 64,
            Term::Concat(inner) => inner.len(),
            _ => 1,
        };
        if pieces.iter().map(size).sum::<usize>() > MAX_CONCAT_PARTS {
            return self.refuse(env.module, span, Refusal::StringTooLong);
        }
        Ok(())
    }

    /// True if a term is a whole number wherever it is defined.
    fn is_whole(&self, term: TermId) -> bool {
        match self.program.term(term) {
            Term::Const(Const::Int(_)) | Term::Count(_) | Term::Call(Intrinsic::SplitCount, _) => {
                true
            }
            Term::Key(binder) => matches!(self.program.binder(*binder).domain, Domain::List(_)),
            _ => false,
        }
    }

    /// Lowers `concat(separator, [string, …])`. An item that is no string makes the result
    /// undefined, as in OPA.
    fn concat(&mut self, span: &'a Span, params: &'a [ExprRef], env: &Env<'a>) -> Lowered<Symbol> {
        let [between, list] = params else {
            return self.refuse(env.module, span, Refusal::ConcatArguments);
        };
        let (Some(between), Expr::Array { items, .. }) = (string_literal(between), list.as_ref())
        else {
            return self.refuse(env.module, span, Refusal::ConcatForm);
        };
        let symbols = self.values(items, env)?;
        let mut terms = Vec::new();
        for term in self.terms(&symbols, span, env)? {
            let is_string = self.program.has_type(term, ValueType::String);
            terms.push(self.program.guard(is_string, term));
        }
        self.bounded(&terms, span, env)?;
        Ok(self.joined(&terms, between))
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
            return Ok(Symbol::Term(
                self.program
                    .intern_term(Term::Call(Intrinsic::SplitCount, terms.into())),
            ));
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
                    _ => return Ok(Symbol::Term(self.program.intern_term(Term::Count(term)))),
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
        Ok(Some(Symbol::Term(self.program.intern_term(Term::Call(
            Intrinsic::SplitAt,
            terms.into(),
        )))))
    }

    /// The concatenation of terms with a literal between each two.
    fn joined(&mut self, terms: &[TermId], between: &str) -> Symbol {
        let between = self.program.string(between);
        let mut pieces = Vec::new();
        for (index, term) in terms.iter().enumerate() {
            if index > 0 {
                pieces.push(between);
            }
            pieces.push(*term);
        }
        Symbol::Term(self.program.concat(pieces))
    }

    fn terms(&mut self, symbols: &[Symbol], span: &Span, env: &Env<'a>) -> Lowered<Vec<TermId>> {
        all(symbols
            .iter()
            .map(|symbol| self.term_of(symbol.clone(), env.module, span)))
    }
}
