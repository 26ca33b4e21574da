//! The entry point: compiled controls in, CEL out.

use super::{
    control::{self, ControlCel},
    expr::Expr,
    factor,
    pack::PackCondition,
    schema_types::KubernetesTypes,
    specialize::prune_by_constant_params,
    target::CelTarget,
    variables::{PolicyVariable, SharedVariables},
};
use kubevet_ir::{CompiledControl, CompiledLibrary, Program, dependencies, path_reads};
use kubevet_k8s::schema::Schema;
use kubevet_model::ControlId;

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
        let dependencies = dependencies(&program, control);
        let control = &prune_by_constant_params(&program, control, target);
        let alternatives = factor::alternatives(&mut program, &control.clauses);
        let emitted = control::emit(
            &program,
            control,
            &alternatives,
            &reads,
            &dependencies,
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
