//! One control in CEL: whether it passes, its messages, and the keys of its findings.

use super::{
    Unsupported,
    bundle::ControlCel,
    emitter::{EmitContext, Emitter},
    expr::Expr,
    finding_key,
    kind_test::kind_test,
    target::{CelTarget, ObjectSide, ParamsFrom},
    types::TypeSource,
    variables::SharedVariables,
};
use kubevet_ir::{CompiledControl, ConditionId, Const, Program, Term, TermId};
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{Control, Kind, PathReads};
use kubevet_policy::ParamValue;

/// Emits one control. `alternatives` are conditions under each of which it finds something; `reads`
/// are those of the whole control, whatever constant params decide.
pub(super) fn emit(
    program: &Program,
    compiled: &CompiledControl,
    alternatives: &[ConditionId],
    reads: &[PathReads],
    target: &CelTarget<'_>,
    types: &dyn TypeSource,
    variables: &mut SharedVariables,
) -> Result<ControlCel, Unsupported> {
    let control = &compiled.control;
    let applies = |kind: &Kind| control.kinds.matches(kind);
    let kinds: Vec<&Kind> = target.kinds.iter().filter(|kind| applies(kind)).collect();
    if kinds.is_empty() {
        return Err(Unsupported(
            "the control looks at none of these kinds".to_owned(),
        ));
    }
    let all_kinds: Vec<&Kind> = target.kinds.iter().collect();
    let is_other_kind = kind_test(&all_kinds, &Expr::ident("object"), applies)?.negated();
    let context = EmitContext {
        program,
        target,
        types,
        kinds: &kinds,
        side: ObjectSide::New,
        with_list_names: false,
    };
    let mut emitter = Emitter::new(context, variables);
    let lacks_params = emitter.lacks_params(control);
    let none_found: Result<Vec<Expr>, _> = alternatives
        .iter()
        .map(|alternative| emitter.not(*alternative))
        .collect();
    let none_found = none_found?;
    let skipped = emitter.regex_cost_guard(compiled)?;
    let is_oversized = skipped
        .as_ref()
        .map_or(Expr::Bool(false), |skip| skip.condition.clone());
    let not_applicable = Expr::any([is_other_kind, lacks_params, is_oversized]);
    let passes = Expr::any([not_applicable.clone(), Expr::all(none_found)]);
    let messages: Result<Vec<Expr>, _> = compiled
        .clauses
        .iter()
        .map(|clause| emitter.message(clause))
        .collect();
    let messages = on_one_line(concatenated(messages?));
    let mut reads_params = emitter.reads_params;
    // Keys are compared between objects, so those of all clauses have one shape.
    let key_depth = compiled
        .clauses
        .iter()
        .map(|clause| finding_key::loop_nest(program, clause).named().max(1))
        .max()
        .unwrap_or(1);
    let mut keys_of = |side: ObjectSide| {
        let context = EmitContext {
            side,
            with_list_names: true,
            ..context
        };
        let mut emitter = Emitter::new(context, variables);
        let lists: Result<Vec<Expr>, _> = compiled
            .clauses
            .iter()
            .map(|clause| emitter.finding_keys(control.id.as_str(), reads, clause, key_depth))
            .collect();
        reads_params |= emitter.reads_params;
        Ok(concatenated(lists?))
    };
    let finding_keys = keys_of(ObjectSide::New)?;
    let old_finding_keys = keys_of(ObjectSide::Old)?;
    Ok(ControlCel {
        control: control.clone(),
        passes: as_bool(passes),
        not_applicable,
        message_iff_finding: compiled
            .clauses
            .iter()
            .all(|clause| is_never_empty(program, clause.message)),
        messages,
        finding_keys,
        old_finding_keys,
        key_depth,
        reads_params: reads_params && matches!(target.params, ParamsFrom::Resource(_)),
        skipped,
    })
}

/// A condition whose type the type checker knows: a validation must be a bool, not a `dyn`.
fn as_bool(condition: Expr) -> Expr {
    if condition.is_bool() {
        condition
    } else {
        condition.equals(Expr::Bool(true))
    }
}

/// True if a string is never empty, whatever is interpolated.
fn is_never_empty(program: &Program, string: TermId) -> bool {
    match program.term(string) {
        Term::Const(Const::String(string)) => !string.is_empty(),
        Term::Concat(parts) => parts.iter().any(|part| is_never_empty(program, *part)),
        _ => false,
    }
}

/// Strings of one line each: the API server drops a message of several lines, and a name can hold
/// anything at admission.
fn on_one_line(strings: Expr) -> Expr {
    if strings == Expr::empty_list() {
        return strings;
    }
    let replaced = Expr::ident("m").method("replace", [Expr::string("\n"), Expr::string(" ")]);
    strings.map("m", replaced)
}

/// One list of all elements.
fn concatenated(mut lists: Vec<Expr>) -> Expr {
    lists.retain(|list| *list != Expr::empty_list());
    if lists.is_empty() {
        Expr::empty_list()
    } else {
        Expr::sum(lists)
    }
}

impl Emitter<'_, '_> {
    /// A bool: true if every param is empty of which the control needs one.
    fn lacks_params(&mut self, control: &Control) -> Expr {
        if control.requires_any_param.is_empty() {
            return Expr::Bool(false);
        }
        let target = self.context.target;
        let mut empty = Vec::new();
        for name in &control.requires_any_param {
            let Some(value) = target.params.value(name) else {
                continue;
            };
            if let ParamsFrom::Written(_) = target.params {
                empty.push(Expr::Bool(value.is_empty()));
                continue;
            }
            self.reads_params = true;
            let nothing = match value {
                ParamValue::List(_) => Expr::empty_list(),
                ParamValue::String(_) => Expr::string(""),
            };
            let definitions = self.context.definitions();
            if let Some(param) = definitions.param(self.variables, name) {
                empty.push(param.equals(nothing));
            }
        }
        Expr::all(empty)
    }
}
