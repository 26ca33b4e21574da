//! One control in CEL: whether it passes, its messages, and the keys of its findings.

use super::{
    emitter::{EmitContext, EmitTarget, Emitter},
    expr::Expr,
    finding_key,
    kind_test::kind_test,
    regex_cost_guard::CostSkip,
    target::{CelTarget, ObjectSide, ParamsFrom},
    unsupported::Unsupported,
    variables::SharedVariables,
};
use kubevet_ir::{
    Clause, CompiledControl, ConditionId, Const, Dependencies, Program, Term, TermId,
};
use kubevet_k8s::workload::{SelectKinds as _, is_fixed_collection, is_fixed_value};
use kubevet_model::{Control, Kind, PathReads};
use kubevet_policy::ParamValue;
use std::sync::Arc;

/// A control in CEL.
#[derive(Debug, Clone)]
pub struct ControlCel {
    /// The control.
    pub control: Arc<Control>,
    /// A bool: true if the control finds nothing. Its evaluation ends in an error for no object
    /// that reaches admission.
    pub passes: Expr,
    /// A bool: true if the control does not apply to the object: by kind, for lack of params, or by
    /// size.
    pub not_applicable: Expr,
    /// True if `messages` join to the empty string exactly where the control finds nothing.
    pub message_iff_finding: bool,
    /// A list of strings: at most one sentence for each body of the rule, on one line and of
    /// bounded length. Meaningful only where `passes` is false.
    pub messages: Expr,
    /// The message that every finding has, on one line, if it names no element.
    pub only_message: Option<String>,
    /// The keys of the findings; `None` where no update changes what the control reads, so that none
    /// brings in a finding.
    pub keys: Option<FindingKeys>,
    /// True if an expression reads `params`.
    pub reads_params: bool,
    /// The objects that are skipped for their cost.
    pub skipped: Option<CostSkip>,
    /// A bool: true if the control lacks the params that it needs.
    pub lacks_params: Expr,
    /// A bool: true if nothing is found in an object to which the control applies.
    pub none_found: Expr,
    /// A bool: true if the control does not apply to the kind of the object, where the kinds of the
    /// target differ.
    pub is_other_kind: Expr,
}

/// The keys of a control's findings.
#[derive(Debug, Clone)]
pub struct FindingKeys {
    /// The keys of the findings, in lists nested `depth` deep. A key is a list that is equal for the
    /// same finding in the new and the old object. For depth 2, a rule with a loop over containers
    /// and one over their ports: `[[key, key], [key]]`.
    pub new: Expr,
    /// The same of `oldObject`, which must exist.
    pub old: Expr,
    /// How deep the lists of keys are nested: 1 for a list of keys.
    pub depth: usize,
}

/// The variable for a key of the new object.
const KEY: &str = "i";
/// The variable for the innermost list of old keys.
const OLD_KEYS: &str = "last";

impl FindingKeys {
    /// A bool: true if every finding is in the old object too. `old` holds [`FindingKeys::old`]; it
    /// is repeated for each key, so it should be a variable.
    ///
    /// For depth 2: `new.all(n, n.all(i, old.exists(last, i in last)))`.
    #[must_use]
    pub fn all_in(&self, old: &Expr) -> Expr {
        let inner_loops = self.depth.saturating_sub(1);
        // From the inside out. Each level has its own variable, however deep the nesting.
        let level = |first: &str, depth: usize| match depth {
            1 => first.to_owned(),
            _ => format!("{first}{depth}"),
        };
        let old_name = |depth: usize| match depth {
            0 => old.clone(),
            _ if depth == inner_loops => Expr::ident(OLD_KEYS),
            _ => Expr::ident(level("b", depth)),
        };
        let mut found = Expr::ident(KEY).is_in(old_name(inner_loops));
        for depth in (1..=inner_loops).rev() {
            let Expr::Ident(variable) = old_name(depth) else {
                continue;
            };
            found = old_name(depth - 1).exists(&variable, found);
        }
        for depth in (1..=inner_loops).rev() {
            let variable = if depth == inner_loops {
                KEY.to_owned()
            } else {
                level("n", depth + 1)
            };
            found = Expr::ident(level("n", depth)).for_all(&variable, found);
        }
        let outermost = if inner_loops == 0 {
            KEY.to_owned()
        } else {
            level("n", 1)
        };
        self.new.clone().for_all(&outermost, found)
    }
}

/// Emits one control. `alternatives` are conditions under each of which it finds something; `reads`
/// and `dependencies` are those of the whole control, whatever constant params decide.
pub(super) fn emit(
    program: &Program,
    compiled: &CompiledControl,
    alternatives: &[ConditionId],
    reads: &[PathReads],
    dependencies: &Dependencies,
    emitted_for: EmitTarget<'_>,
    variables: &mut SharedVariables,
) -> Result<ControlCel, Unsupported> {
    let EmitTarget {
        target,
        types,
        pods,
    } = emitted_for;
    let control = &compiled.control;
    let (kinds, is_other_kind) = applicable_kinds(control, target)?;
    let context = EmitContext {
        program,
        target,
        types,
        kinds: &kinds,
        side: ObjectSide::New,
        with_list_names: false,
        // Variables over a pod of a custom kind are written out where they are used.
        hoists_conditions: pods.is_none(),
        tests_presence_once: false,
        is_pack: false,
        pods,
    };
    let mut emitter = Emitter::new(context, variables);
    let lacks_params = emitter.lacks_params(control);
    let none_found = emitter.none_of(alternatives)?;
    let skipped = emitter.regex_cost_guard(compiled)?;
    let is_oversized = skipped
        .as_ref()
        .map_or(Expr::Bool(false), |skip| skip.condition.clone());
    let not_applicable = Expr::any([is_other_kind.clone(), lacks_params.clone(), is_oversized]);
    let none_found = Expr::all(none_found);
    let passes = Expr::any([not_applicable.clone(), none_found.clone()]);
    let only_message = only_message(program, compiled);
    let messages = match only_message {
        Some(message) => Expr::conditional(
            passes.clone(),
            Expr::empty_list(),
            Expr::List(vec![Expr::string(message)]),
        ),
        None => emitter.messages(&compiled.clauses)?,
    };
    let mut reads_params = emitter.reads_params;
    let depth = finding_key::depth(program, &compiled.clauses);
    let mut keys_of = |side: ObjectSide| {
        let context = EmitContext {
            side,
            with_list_names: true,
            ..context
        };
        let mut emitter = Emitter::new(context, variables);
        let keys = emitter.finding_keys(compiled, reads, depth)?;
        reads_params |= emitter.reads_params;
        Ok(keys)
    };
    // An object of a custom kind can replace the pods that it describes.
    let keys = if pods.is_none() && is_fixed(&kinds, dependencies) {
        None
    } else {
        Some(FindingKeys {
            new: keys_of(ObjectSide::New)?,
            old: keys_of(ObjectSide::Old)?,
            depth,
        })
    };
    Ok(ControlCel {
        control: control.clone(),
        passes: as_bool(passes),
        not_applicable,
        message_iff_finding: compiled
            .clauses
            .iter()
            .all(|clause| is_never_empty(program, clause.message)),
        messages,
        only_message: only_message.map(str::to_owned),
        keys,
        reads_params: reads_params && matches!(target.params, ParamsFrom::Resource(_)),
        skipped,
        lacks_params,
        none_found,
        is_other_kind,
    })
}

/// True if no update changes what a control depends on: a Pod alone is judged, and fields of it that
/// are fixed.
fn is_fixed(kinds: &[&Kind], dependencies: &Dependencies) -> bool {
    let is_pod = |kind: &&Kind| kind.group.is_empty() && kind.name == "Pod";
    kinds.iter().all(is_pod)
        && dependencies.values.iter().all(is_fixed_value)
        && dependencies.collections.iter().all(is_fixed_collection)
}

/// The message that all bodies of a rule have in common, if it names no element: which of them found
/// something makes no difference then.
fn only_message<'p>(program: &'p Program, compiled: &CompiledControl) -> Option<&'p str> {
    let (first, others) = compiled.clauses.split_first()?;
    let is_same = |clause: &Clause| clause.message == first.message;
    match program.term(first.message) {
        Term::Const(Const::String(message)) if !message.contains('\n') => {
            others.iter().all(is_same).then_some(message)
        }
        _ => None,
    }
}

/// The kinds of the target to which a control applies, at least one, and a bool: true if the object
/// is of another.
pub(super) fn applicable_kinds<'t>(
    control: &Control,
    target: &CelTarget<'t>,
) -> Result<(Vec<&'t Kind>, Expr), Unsupported> {
    let applies = |kind: &Kind| control.kinds.matches(kind);
    let all_kinds: Vec<&Kind> = target.kinds.iter().collect();
    let mut kinds = all_kinds.clone();
    kinds.retain(|kind| applies(kind));
    if kinds.is_empty() {
        return Err(Unsupported(
            "the control applies to none of these kinds".to_owned(),
        ));
    }
    let is_kind = kind_test(&all_kinds, &Expr::ident("object"), applies)?;
    Ok((kinds, is_kind.negated()))
}

/// A condition whose type the type checker knows: a validation must be a bool, not a `dyn`.
pub(super) fn as_bool(condition: Expr) -> Expr {
    if condition.is_bool() {
        condition
    } else {
        condition.equals(Expr::Bool(true))
    }
}

/// True if a string is never empty, whatever is interpolated.
pub(super) fn is_never_empty(program: &Program, string: TermId) -> bool {
    match program.term(string) {
        Term::Const(Const::String(string)) => !string.is_empty(),
        Term::Concat(parts) => parts.iter().any(|part| is_never_empty(program, *part)),
        _ => false,
    }
}

impl Emitter<'_, '_> {
    /// A bool: true if every param is empty of which the control needs one.
    pub(super) fn lacks_params(&mut self, control: &Control) -> Expr {
        if control.requires_any_param.is_empty() {
            return Expr::Bool(false);
        }
        let target = self.context.target;
        let mut empty = Vec::new();
        for name in &control.requires_any_param {
            let Some(value) = target.params.value(name) else {
                continue;
            };
            if target.params.constants().is_some() {
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
