//! One control as a policy that people read: a check for each body of its rule, each with a message
//! of its own.
//!
//! `bundle` emits what the API server evaluates fastest. Here an expression is as short as it can
//! be: nothing is factored over several bodies, nothing is said about the old object, and no message
//! is cut, since the API server itself replaces one that is too long. The verdict is the same.

use super::{
    comprehension::LoopNest,
    control::{applicable_kinds, as_bool, is_never_empty},
    custom_pods::CustomPods,
    definitions::TOO_LARGE,
    emitter::{EmitContext, Emitter},
    entries::Entries,
    expr::Expr,
    factor,
    message::{flattened, joined, message_parts},
    narrow::Narrowing,
    pod_nest::PodNest,
    regex_cost_guard::CostSkip,
    repeats::name_repeats,
    roll::roll,
    schema_types::{CustomPodTypes, KubernetesTypes},
    specialize::prune_by_constant_params,
    target::{CelTarget, ObjectSide, ParamsFrom},
    unsupported::Unsupported,
    variables::{PolicyVariable, SharedVariables},
};
use kubevet_ir::{
    BinderId, Clause, CompiledControl, CompiledLibrary, ConditionId, Const, Program, Term, TermId,
};
use kubevet_k8s::schema::Schema;
use kubevet_model::{Control, ControlId};
use std::{mem, slice, sync::Arc};

/// A longer condition, in characters, is a variable: the message would repeat it.
const MAX_REPEATED_CHARS: usize = 160;

/// A control as a policy that people read.
#[derive(Debug, Clone)]
pub struct ReadableControl {
    /// The control.
    pub control: Arc<Control>,
    /// The variables that the expressions use; each uses only those before it.
    pub variables: Vec<PolicyVariable>,
    /// The checks, in the order of the rule; the control passes if all of them do.
    pub checks: Vec<ReadableCheck>,
    /// True if an expression reads `params`.
    pub reads_params: bool,
    /// The objects that are not checked for their cost: they pass.
    pub skipped: Option<CostSkip>,
}

/// A check: one body of the rule.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadableCheck {
    /// A bool: true if the body finds nothing. Its evaluation ends in an error for no object that
    /// reaches admission.
    pub passes: Expr,
    /// A string that names all elements in which the body finds something; a literal where it names
    /// none. Meaningful only where `passes` is false.
    pub message: Expr,
}

/// Emits a control of the library for kinds to all of which it applies.
///
/// # Errors
/// The reason why it cannot be emitted.
pub fn emit_readable(
    library: &CompiledLibrary,
    id: &ControlId,
    target: &CelTarget<'_>,
) -> Result<ReadableControl, String> {
    let mut not_compiled = library.not_compiled.iter();
    if let Some((_, reason)) = not_compiled.find(|(other, _)| other == id) {
        return Err(reason.clone());
    }
    let mut compiled = library.controls.iter();
    let compiled = compiled
        .find(|compiled| compiled.control.id == *id)
        .ok_or_else(|| "there is no such control".to_owned())?;
    emit_compiled(&library.program, compiled, target).map_err(|reason| reason.0)
}

fn emit_compiled(
    program: &Program,
    compiled: &CompiledControl,
    target: &CelTarget<'_>,
) -> Result<ReadableControl, Unsupported> {
    let types = &KubernetesTypes {
        schema: Schema::embedded(),
        min_kube: target.min_kube,
    };
    if let Some(pods) = CustomPods::of(target.custom) {
        return emit_pods(program, compiled, target, *types, pods);
    }
    let control = &compiled.control;
    let (kinds, is_other_kind) = applicable_kinds(control, target)?;
    let pruned = prune_by_constant_params(program, compiled, target);
    // A policy without a check is not valid.
    let compiled = if pruned.clauses.is_empty() {
        compiled
    } else {
        &pruned
    };
    // Factoring interns new conditions.
    let mut program = program.clone();
    let entries = Entries::of(&mut program, &compiled.clauses);
    let narrowing = match entries {
        Some(_) => None,
        None => Narrowing::of(&program, &compiled.clauses),
    };
    let mut bodies = Vec::new();
    for clause in &compiled.clauses {
        let narrowing = narrowing.as_ref();
        let rest = narrowing.and_then(|narrowing| narrowing.rest(&program, clause));
        let is_narrowed = rest.is_some();
        let clause = rest.unwrap_or_else(|| clause.clone());
        let conditions = factor::alternatives(&mut program, slice::from_ref(&clause));
        bodies.push((clause, conditions, is_narrowed));
    }
    let context = EmitContext {
        program: &program,
        target,
        types,
        kinds: &kinds,
        side: ObjectSide::New,
        with_list_names: false,
        hoists_conditions: true,
        tests_presence_once: true,
        is_pack: false,
        pods: None,
    };
    let mut variables = SharedVariables::default();
    let mut emitter = Emitter::new(context, &mut variables);
    let mut skipped = emitter.regex_cost_guard(compiled)?;
    if let Some(skip) = &mut skipped {
        let condition = mem::replace(&mut skip.condition, Expr::variable(TOO_LARGE));
        emitter.variables.define(TOO_LARGE, condition);
    }
    let is_too_large = skipped.iter().map(|skip| skip.condition.clone());
    let lacks_params = emitter.lacks_params(control);
    let guard = Expr::any(
        [is_other_kind, lacks_params]
            .into_iter()
            .chain(is_too_large),
    );
    let suspects = match &narrowing {
        Some(narrowing) => {
            let suspects = narrowing.define(&mut emitter, &guard)?;
            Some((narrowing.binder, suspects))
        }
        None => None,
    };
    let mut writer = CheckWriter {
        emitter,
        guard,
        findings: Vec::new(),
    };
    let entry_findings = match &entries {
        Some(entries) => entries.findings(&mut writer.emitter, &writer.guard)?,
        None => None,
    };
    let mut checks = Vec::new();
    for (index, (clause, conditions, is_narrowed)) in bodies.into_iter().enumerate() {
        if let (Some(entries), Some(findings)) = (&entries, &entry_findings)
            && entries.has(index)
        {
            if entries.begin_at(index) {
                checks.push(writer.entry_check(&clause, findings.clone(), &control.id));
            }
            continue;
        }
        writer.emitter.narrowed = suspects.clone().filter(|_| is_narrowed);
        checks.push(writer.check(&clause, &conditions, &control.id)?);
    }
    let CheckWriter {
        emitter, findings, ..
    } = writer;
    let reads_params = emitter.reads_params && matches!(target.params, ParamsFrom::Resource(_));
    let mut variables = variables.into_list();
    variables.extend(findings);
    shorten(&mut variables, &mut checks);
    Ok(ReadableControl {
        control: control.clone(),
        variables,
        checks,
        reads_params,
        skipped,
    })
}

/// Shortens what the expressions repeat.
fn shorten(variables: &mut Vec<PolicyVariable>, checks: &mut [ReadableCheck]) {
    let of_checks = checks
        .iter_mut()
        .flat_map(|check| [&mut check.passes, &mut check.message]);
    let mut of_checks: Vec<&mut Expr> = of_checks.collect();
    for variable in variables.iter_mut() {
        roll(&mut variable.expression);
    }
    for expression in &mut of_checks {
        roll(expression);
    }
    name_repeats(variables, &mut of_checks);
}

/// Emits a control for kinds of other software: each check is one over all pods of the object.
fn emit_pods(
    program: &Program,
    compiled: &CompiledControl,
    target: &CelTarget<'_>,
    types: KubernetesTypes,
    pods: CustomPods<'_>,
) -> Result<ReadableControl, Unsupported> {
    if !pods.can_be_written() {
        return Err(Unsupported(
            "the containers of these kinds are merged from several fields".to_owned(),
        ));
    }
    let kind = pods.kind();
    let target = &CelTarget {
        kinds: slice::from_ref(&kind),
        custom: &[],
        ..*target
    };
    let control = &compiled.control;
    let pruned = prune_by_constant_params(program, compiled, target);
    let compiled = if pruned.clauses.is_empty() {
        compiled
    } else {
        &pruned
    };
    // Factoring interns new conditions.
    let mut program = program.clone();
    let mut bodies = Vec::new();
    for clause in &compiled.clauses {
        let conditions = factor::alternatives(&mut program, slice::from_ref(clause));
        bodies.push((clause, conditions));
    }
    let context = EmitContext {
        program: &program,
        target,
        types: &CustomPodTypes(types),
        kinds: &[&kind],
        side: ObjectSide::New,
        with_list_names: false,
        hoists_conditions: false,
        tests_presence_once: false,
        is_pack: false,
        pods: Some(pods),
    };
    let mut variables = SharedVariables::default();
    let mut emitter = Emitter::new(context, &mut variables);
    let skipped = emitter.regex_cost_guard(compiled)?;
    let lacks_params = emitter.lacks_params(control);
    let mut writer = CheckWriter {
        emitter,
        guard: Expr::Bool(false),
        findings: Vec::new(),
    };
    let mut of_pod = Vec::new();
    for (clause, conditions) in bodies {
        of_pod.push(writer.check_of_pod(clause, &conditions)?);
    }
    let reads_params =
        writer.emitter.reads_params && matches!(target.params, ParamsFrom::Resource(_));
    let variables = variables.into_list();
    let mut nest = PodNest::new(pods, pods.list(ObjectSide::New), "pods", &variables);
    let mut is_too_large = None;
    let skipped = skipped.map(|skip| {
        let product = nest.sum(&skip.product);
        let mut skip = skip.over(product);
        is_too_large = Some(mem::replace(&mut skip.condition, Expr::variable(TOO_LARGE)));
        skip
    });
    let guards = || {
        let is_too_large = skipped.iter().map(|skip| skip.condition.clone());
        std::iter::once(lacks_params.clone()).chain(is_too_large)
    };
    let mut checks = Vec::new();
    for check in of_pod {
        let passes = nest.for_all(&check.passes);
        let message = if nest.reads_pod(&check.message) {
            let message = Expr::conditional(check.passes, Expr::string(""), check.message);
            joined(nest.strings(message, "; "), "; ")
        } else {
            check.message
        };
        checks.push(ReadableCheck {
            passes: as_bool(Expr::any(guards().chain([passes]))),
            message: prefixed(&format!("{}: ", control.id), message),
        });
    }
    let shared = variables.iter();
    let mut shared: Vec<PolicyVariable> = shared
        .filter(|variable| !nest.reads_pod(&variable.expression))
        .cloned()
        .collect();
    shared.push(nest.define());
    shared.extend(is_too_large.map(|expression| PolicyVariable {
        name: TOO_LARGE.to_owned(),
        expression,
    }));
    Ok(ReadableControl {
        control: control.clone(),
        variables: shared,
        checks,
        reads_params,
        skipped,
    })
}

/// What a message makes of the elements in which a body finds something.
enum Listing {
    /// One sentence that lists what a part of it is for each: `container a, b is privileged`.
    Part(TermId),
    /// A sentence for each.
    Sentences,
}

/// Writes the checks of a control.
struct CheckWriter<'c, 'v> {
    emitter: Emitter<'c, 'v>,
    /// A bool: the control does not apply to the object.
    guard: Expr,
    /// The variables of checks whose conditions are long.
    findings: Vec<PolicyVariable>,
}

impl CheckWriter<'_, '_> {
    /// The check of a body, which finds something under each of the conditions.
    fn check(
        &mut self,
        clause: &Clause,
        conditions: &[ConditionId],
        id: &ControlId,
    ) -> Result<ReadableCheck, Unsupported> {
        let program = self.emitter.context.program;
        let prefix = format!("{id}: ");
        let parts = message_parts(program, clause.message);
        let named = named_loops(program, clause);
        let mut nest = LoopNest::naming(program, clause, &named);
        let none_found = self.emitter.none_of(conditions)?;
        let passes = as_bool(Expr::any([self.guard.clone(), Expr::all(none_found)]));
        let Some(innermost) = nest.innermost_named() else {
            let sentence = self.emitter.sentence(&parts, None)?;
            return Ok(ReadableCheck {
                passes,
                message: prefixed(&prefix, sentence),
            });
        };
        let listing = listing(program, &parts, innermost, nest.named());
        let is_short = self.guard == Expr::Bool(false)
            && passes.to_string().chars().count() <= MAX_REPEATED_CHARS;
        let tells_findings = nest.named() == 1 || is_never_empty(program, clause.message);
        if is_short || !tells_findings {
            // The message is used only where these conditions hold.
            nest.take_outer_conditions();
            let list = self.list(nest, &parts, &listing)?;
            let message = self.listing_message(&parts, &listing, list)?;
            return Ok(ReadableCheck {
                passes,
                message: prefixed(&prefix, message),
            });
        }
        let list = self.list(nest, &parts, &listing)?;
        let list = Expr::conditional(self.guard.clone(), Expr::empty_list(), list);
        let list = self.findings_variable(clause, list);
        let message = self.listing_message(&parts, &listing, list.clone())?;
        Ok(ReadableCheck {
            passes: list.size().equals(Expr::Int(0)),
            message: prefixed(&prefix, message),
        })
    }

    /// The check of several bodies, which find something if the list has a sentence; the first of them
    /// names the variable.
    fn entry_check(&mut self, first: &Clause, findings: Expr, id: &ControlId) -> ReadableCheck {
        let list = self.findings_variable(first, findings);
        ReadableCheck {
            passes: list.clone().size().equals(Expr::Int(0)),
            message: prefixed(&format!("{id}: "), joined(list, "; ")),
        }
    }

    /// The check of a body for one pod, without the id of the control in its message.
    fn check_of_pod(
        &mut self,
        clause: &Clause,
        conditions: &[ConditionId],
    ) -> Result<ReadableCheck, Unsupported> {
        let program = self.emitter.context.program;
        let parts = message_parts(program, clause.message);
        let named = named_loops(program, clause);
        let mut nest = LoopNest::naming(program, clause, &named);
        let passes = as_bool(Expr::all(self.emitter.none_of(conditions)?));
        let message = if let Some(innermost) = nest.innermost_named() {
            let listing = listing(program, &parts, innermost, nest.named());
            // The message is used only where these conditions hold.
            nest.take_outer_conditions();
            let list = self.list(nest, &parts, &listing)?;
            self.listing_message(&parts, &listing, list)?
        } else {
            self.emitter.sentence(&parts, None)?
        };
        Ok(ReadableCheck { passes, message })
    }

    /// A list of strings, one for each element that the message names.
    fn list(
        &mut self,
        nest: LoopNest,
        parts: &[TermId],
        listing: &Listing,
    ) -> Result<Expr, Unsupported> {
        if let Listing::Part(part) = listing {
            return self
                .emitter
                .each_finding(nest, &mut |emitter| emitter.part(*part));
        }
        let depth = nest.named();
        let mut list = self
            .emitter
            .each_finding(nest, &mut |emitter| emitter.sentence(parts, None))?;
        for _ in 1..depth {
            list = flattened(list);
        }
        Ok(list)
    }

    fn listing_message(
        &mut self,
        parts: &[TermId],
        listing: &Listing,
        list: Expr,
    ) -> Result<Expr, Unsupported> {
        match listing {
            Listing::Part(part) => {
                let names = joined(list, ", ");
                self.emitter.sentence(parts, Some((*part, names)))
            }
            Listing::Sentences => Ok(joined(list, "; ")),
        }
    }

    /// A variable with what a body finds, named after the field that it finds wrong.
    fn findings_variable(&mut self, clause: &Clause, list: Expr) -> Expr {
        let program = self.emitter.context.program;
        let field = clause
            .paths
            .first()
            .and_then(|path| last_field(program, *path));
        let base = field.map_or_else(|| "findings".to_owned(), |field| format!("{field}Findings"));
        let is_taken = |name: &String| {
            let mut findings = self.findings.iter();
            self.emitter.variables.has(name) || findings.any(|variable| variable.name == *name)
        };
        let numbered = (2..).map(|number| format!("{base}{number}"));
        let name = std::iter::once(base.clone())
            .chain(numbered)
            .find(|name| !is_taken(name))
            .unwrap_or(base);
        self.findings.push(PolicyVariable {
            name: name.clone(),
            expression: list,
        });
        Expr::variable(name)
    }
}

/// How a message lists what it names, in so many loops.
fn listing(program: &Program, parts: &[TermId], innermost: BinderId, named: usize) -> Listing {
    let mut varying = parts
        .iter()
        .filter(|part| program.free_binders_of_term(**part).contains(&innermost));
    match (varying.next(), varying.next(), named) {
        (Some(only), None, 1) => Listing::Part(*only),
        _ => Listing::Sentences,
    }
}

/// The loops of a clause whose elements its message names.
fn named_loops(program: &Program, clause: &Clause) -> Vec<BinderId> {
    let binders = program.free_binders_of_term(clause.message);
    let named = binders.iter().copied();
    named
        .filter(|binder| clause.binders.contains(binder))
        .collect()
}

/// The last field that is written out in a path: `privileged` of
/// `{container}.securityContext.privileged`.
fn last_field(program: &Program, path: TermId) -> Option<&str> {
    let parts = match program.term(path) {
        Term::Concat(parts) => parts.as_ref(),
        _ => slice::from_ref(&path),
    };
    let literals = parts
        .iter()
        .rev()
        .filter_map(|part| match program.term(*part) {
            Term::Const(Const::String(literal)) => Some(literal.as_ref()),
            _ => None,
        });
    literals
        .flat_map(|literal| literal.rsplit(|c: char| !c.is_ascii_alphanumeric()))
        .find(|field| field.starts_with(|first: char| first.is_ascii_lowercase()))
}

/// The string behind a prefix.
fn prefixed(prefix: &str, string: Expr) -> Expr {
    match string {
        Expr::String(literal) => Expr::string(format!("{prefix}{literal}")),
        Expr::Sum(mut operands) => {
            if let Some(Expr::String(first)) = operands.first_mut() {
                first.insert_str(0, prefix);
            } else {
                operands.insert(0, Expr::string(prefix));
            }
            Expr::Sum(operands)
        }
        other => Expr::string(prefix).plus(other),
    }
}
