//! The names of `policies/lib` with a native half, as intrinsics. Every other function of a library is
//! inlined like a helper.
//!
//! They are recognized only if `policies/lib` is the embedded library: the native half must mean
//! what the Rego of the same name says.

use super::{
    Lowered, Lowerer,
    symbol::{Env, Symbol},
};
use crate::{ast::Span, refusal::Refusal};
use kubevet_ir::{Condition, ConditionId, ContainerList, Domain, Intrinsic, Predicate, Term};

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
        Some(self.intern(term))
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
        let intrinsic = match full {
            "lib.strings.lower_ascii" => Some(Intrinsic::LowerAscii),
            "lib.strings.words" => Some(Intrinsic::Words),
            "lib.strings.join" => Some(Intrinsic::Join),
            "lib.strings.last_between" => Some(Intrinsic::LastBetween),
            "lib.images.registry" => Some(Intrinsic::ImageRegistry),
            "lib.images.repository" => Some(Intrinsic::ImageRepository),
            "lib.images.name" => Some(Intrinsic::ImageName),
            "lib.images.tag" => Some(Intrinsic::ImageTag),
            "lib.images.digest" => Some(Intrinsic::ImageDigest),
            "lib.images.effective_tag" => Some(Intrinsic::ImageEffectiveTag),
            "lib.files.clean" => Some(Intrinsic::CleanPath),
            "lib.workload.pod_at"
            | "lib.fields.entry"
            | "lib.collections.list"
            | "lib.collections.map" => None,
            _ => return Ok(None),
        };
        let terms = self.terms(arguments, span, env)?;
        let term = match (full, intrinsic, terms.as_slice()) {
            (_, Some(intrinsic @ Intrinsic::Join), [_, _])
            | (_, Some(intrinsic @ Intrinsic::LastBetween), [_, _, _]) => {
                Term::Call(intrinsic, terms.into())
            }
            (_, Some(Intrinsic::Join | Intrinsic::LastBetween), _) => {
                return self.refuse(
                    env.module,
                    span,
                    Refusal::FunctionGiven {
                        name: full.to_owned(),
                        given: arguments.len(),
                    },
                );
            }
            (_, Some(intrinsic), [_]) => Term::Call(intrinsic, terms.into()),
            ("lib.workload.pod_at", None, [field]) => {
                let path = self.program.intern_term(Term::PodSpecPath);
                return Ok(Some(self.joined(&[path, *field], ".")));
            }
            ("lib.fields.entry", None, [parent, key]) => {
                let (open, close) = (self.program.string("["), self.program.string("]"));
                let path = self.program.concat([*parent, open, *key, close]);
                return Ok(Some(Symbol::Term(path)));
            }
            ("lib.collections.list", None, [term]) => Term::AsList(*term),
            ("lib.collections.map", None, [term]) => Term::AsMap(*term),
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
        Ok(Some(self.intern(term)))
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
        let (predicate, expected) = match full {
            "lib.strings.contains_ignore_case" => (Predicate::ContainsIgnoreCase, 2),
            "lib.strings.matches_except" => (Predicate::MatchesExcept, 3),
            "lib.images.within" => (Predicate::ImageWithin, 2),
            "lib.quantities.is_quantity" => (Predicate::IsQuantity, 1),
            "lib.quantities.less" => (Predicate::QuantityLess, 2),
            "lib.quantities.is_positive" => (Predicate::QuantityPositive, 1),
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
        for pattern in terms.iter().take(predicate.patterns()) {
            self.pattern(*pattern, span, env)?;
        }
        Ok(Some(self.program.intern_condition(Condition::Predicate(
            predicate,
            terms.into(),
        ))))
    }
}
