//! The entry point: compiled controls in, CEL out.

use super::{
    control, expr::Expr, factor, pack::PackCondition, schema_types::KubernetesTypes,
    specialize::prune_by_constant_params, target::CelTarget, variables::SharedVariables,
};
use kubevet_ir::{CompiledControl, CompiledLibrary, Program, path_reads};
use kubevet_k8s::schema::Schema;
use kubevet_model::{Control, ControlId};
use std::sync::Arc;

/// Several controls in CEL over one set of variables.
#[derive(Debug, Clone)]
pub struct CelBundle {
    /// The variables that the expressions use; each uses only those before it.
    pub variables: Vec<PolicyVariable>,
    /// The controls that could be emitted.
    pub controls: Vec<ControlCel>,
    /// A bool: true if every control passes. Equal to the conjunction of all
    /// [`ControlCel::passes`], but what controls have in common is evaluated once.
    pub passes: Expr,
    /// The controls that cannot be emitted, each with the reason.
    pub unsupported: Vec<(ControlId, String)>,
}

impl Default for CelBundle {
    fn default() -> Self {
        Self {
            variables: Vec::new(),
            controls: Vec::new(),
            passes: Expr::Bool(true),
            unsupported: Vec::new(),
        }
    }
}

/// A variable of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVariable {
    /// Expressions read it as `variables.NAME`.
    pub name: String,
    /// The value.
    pub expression: Expr,
}

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
    /// The keys of the findings, in lists nested [`ControlCel::key_depth`] deep. A key is a list
    /// that is equal for the same finding in the new and the old object. For depth 2, a rule with a
    /// loop over containers and one over their ports: `[[key, key], [key]]`.
    pub finding_keys: Expr,
    /// The same of `oldObject`, which must exist.
    pub old_finding_keys: Expr,
    /// How deep the lists of keys are nested: 1 for a list of keys.
    pub key_depth: usize,
    /// True if an expression reads `params`.
    pub reads_params: bool,
    /// The objects that are skipped for their cost.
    pub skipped: Option<CostSkip>,
}

/// Objects that a policy skips, since evaluating them could exceed the API server's cost limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSkip {
    /// A bool: true if the object is too large. Such an object passes.
    pub condition: Expr,
    /// The message for it.
    pub message: String,
}

/// The variable for a key of the new object.
const KEY: &str = "i";
/// The variable for the innermost list of old keys.
const OLD_KEYS: &str = "last";

impl ControlCel {
    /// A bool: true if every finding is in the old object too. `new` and `old` hold
    /// [`ControlCel::finding_keys`] and [`ControlCel::old_finding_keys`]; `old` is repeated for
    /// each key, so it should be a variable.
    ///
    /// For depth 2: `new.all(n, n.all(i, old.exists(last, i in last)))`.
    #[must_use]
    pub fn all_keys_in(&self, new: Expr, old: &Expr) -> Expr {
        let inner_loops = self.key_depth.saturating_sub(1);
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
        new.for_all(&outermost, found)
    }
}

/// Emits the named controls of the library. What is not compiled, or has no exact form in CEL, is
/// in [`CelBundle::unsupported`]; a name that the library lacks is ignored.
#[must_use]
pub fn emit(
    library: &CompiledLibrary,
    controls: &[ControlId],
    target: &CelTarget<'_>,
) -> CelBundle {
    let chosen: Vec<&CompiledControl> = library
        .controls
        .iter()
        .filter(|compiled| controls.contains(&compiled.control.id))
        .collect();
    let mut bundle = emit_compiled(&library.program, &chosen, target);
    let not_compiled = library
        .not_compiled
        .iter()
        .filter(|(id, _)| controls.contains(id));
    bundle.unsupported.extend(not_compiled.cloned());
    bundle
}

fn emit_compiled(
    program: &Program,
    compiled: &[&CompiledControl],
    target: &CelTarget<'_>,
) -> CelBundle {
    let types = &KubernetesTypes {
        schema: Schema::embedded(),
        min_kube: target.min_kube,
    };
    let mut bundle = CelBundle::default();
    let mut variables = SharedVariables::default();
    // Factoring interns new conditions.
    let mut program = program.clone();
    let mut pack = PackCondition::default();
    for control in compiled {
        let before = variables.len();
        // Taken before pruning: a finding has the same key whatever the params are.
        let reads = path_reads(&program, control);
        let control = &prune_by_constant_params(&program, control, target);
        let alternatives = factor::alternatives(&mut program, &control.clauses);
        let emitted = control::emit(
            &program,
            control,
            &alternatives,
            &reads,
            target,
            types,
            &mut variables,
        );
        match emitted {
            Ok(emitted) => {
                pack.add(&emitted, &control.clauses);
                bundle.controls.push(emitted);
            }
            Err(reason) => {
                // The variables of a control that is not emitted would have no reader.
                variables.truncate(before);
                let id = control.control.id.clone();
                bundle.unsupported.push((id, reason.0));
            }
        }
    }
    bundle.passes = pack.emit(&mut program, target, types, &mut variables);
    bundle.variables = variables.into_list();
    bundle
}
