//! The entry point: compiled controls in, CEL out.

use super::{
    control::{self, ControlCel, FindingKeys, as_bool},
    custom_pods::CustomPods,
    emitter::EmitTarget,
    expr::Expr,
    factor,
    pack::{PackCondition, PackConditions},
    pod_nest::PodNest,
    regex_cost_guard::is_too_large,
    schema_types::{CustomPodTypes, KubernetesTypes},
    specialize::prune_by_constant_params,
    target::{CelTarget, ObjectSide},
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
    /// A bool: true if no control that applies finds anything. Where no control skips the object for
    /// its cost, it is the conjunction of all [`ControlCel::passes`], but what controls have in
    /// common is evaluated once.
    pub passes: Expr,
    /// A bool: true if a control may skip the object for its cost, and if matching the regular
    /// expressions of all controls could cost more than one expression may.
    pub may_be_skipped: Expr,
    /// The number of pairs of a container and a volume, to which the cost of the most expensive
    /// conditions is in proportion; `None` where no list of a workload is iterated.
    pub pairs: Option<Expr>,
    /// The controls that cannot be emitted, each with the reason.
    pub unsupported: Vec<(ControlId, String)>,
}

impl Default for CelBundle {
    fn default() -> Self {
        Self {
            variables: Vec::new(),
            controls: Vec::new(),
            passes: Expr::Bool(true),
            may_be_skipped: Expr::Bool(false),
            pairs: None,
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
    let types = KubernetesTypes {
        schema: Schema::embedded(),
        min_kube: target.min_kube,
    };
    let Some(pods) = CustomPods::of(target.custom) else {
        let emitted_for = EmitTarget {
            target,
            types: &types,
            pods: None,
        };
        let (bundle, pack) = emit_for_object(program, compiled, emitted_for);
        return bundle.with_passes(pack);
    };
    if !pods.can_be_written() {
        let reason = "the containers of these kinds are merged from several fields";
        let ids = compiled.iter().map(|control| control.control.id.clone());
        return CelBundle {
            unsupported: ids.map(|id| (id, reason.to_owned())).collect(),
            ..CelBundle::default()
        };
    }
    let target = CelTarget {
        kinds: &[pods.kind()],
        custom: &[],
        ..*target
    };
    let types = CustomPodTypes(types);
    let emitted_for = EmitTarget {
        target: &target,
        types: &types,
        pods: Some(pods),
    };
    let (bundle, pack) = emit_for_object(program, compiled, emitted_for);
    over_pods(bundle, pack, pods)
}

/// Emits controls for objects that rules see as they are, or for one of their pods. What the bundle
/// has to say of a whole pack is apart.
fn emit_for_object(
    program: &Program,
    compiled: &[&CompiledControl],
    emitted_for: EmitTarget<'_>,
) -> (CelBundle, PackConditions) {
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
        let control = &prune_by_constant_params(&program, control, emitted_for.target);
        let alternatives = factor::alternatives(&mut program, &control.clauses);
        let emitted = control::emit(
            &program,
            control,
            &alternatives,
            &reads,
            &dependencies,
            emitted_for,
            &mut variables,
        );
        match emitted {
            Ok(emitted) => {
                pack.add(&emitted, control);
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
    let pack = pack.emit(&mut program, emitted_for, &mut variables);
    bundle.variables = variables.into_list();
    bundle.pairs = pairs(&bundle.variables);
    (bundle, pack)
}

impl CelBundle {
    fn with_passes(mut self, pack: PackConditions) -> Self {
        self.passes = Expr::all(std::iter::once(pack.together).chain(pack.apart));
        self.may_be_skipped = exceeds_limit(pack.match_product.as_ref());
        self
    }
}

/// A bool: true if regular expressions could cost more than one expression may.
fn exceeds_limit(match_product: Option<&Expr>) -> Expr {
    match_product.map_or(Expr::Bool(false), is_too_large)
}

/// The number of pairs of a container and a volume; `None` where no list of a workload is iterated.
fn pairs(variables: &[PolicyVariable]) -> Option<Expr> {
    let has = |name: &str| variables.iter().any(|variable| variable.name == name);
    let size = |name: &str| Expr::variable(name).size();
    let containers = ["containers", "resourceContainers", "probeContainers"]
        .into_iter()
        .find(|name| has(name))?;
    Some(if has("volumes") {
        size(containers).times(Expr::Int(1).plus(size("volumes")))
    } else {
        size(containers)
    })
}

/// A list where the new object has the spec of the old one; empty elsewhere.
fn where_spec_is_unchanged(list: Expr) -> Expr {
    let spec = |root: &str| Expr::ident(root).opt_select("spec");
    let is_unchanged = spec("object").equals(spec("oldObject"));
    Expr::conditional(is_unchanged, list, Expr::empty_list())
}

/// The name of the variable with the pods of the new object.
const PODS: &str = "pods";

/// The bundle over objects of custom kinds of one over a pod.
fn over_pods(bundle: CelBundle, pack: PackConditions, pods: CustomPods<'_>) -> CelBundle {
    let variables = &bundle.variables;
    let nest = |list, name| PodNest::new(pods, list, name, variables);
    let mut new = nest(pods.list(ObjectSide::New), PODS);
    // Only keys read these, and only of an object that fails.
    let mut placed = nest(Expr::variable(PODS), "placedPods");
    let mut old = nest(pods.list(ObjectSide::Old), "oldPods");
    let mut controls = Vec::new();
    let mut apart = Vec::new();
    for control in bundle.controls {
        // The pack has the conditions of the others.
        let applies_always = control.lacks_params == Expr::Bool(false);
        let skipped = control.skipped.map(|skip| {
            let product = new.sum(&skip.product);
            skip.over(product)
        });
        let is_oversized = skipped.iter().map(|skip| skip.condition.clone());
        let not_applicable =
            Expr::any(std::iter::once(control.lacks_params.clone()).chain(is_oversized));
        let none_found = new.for_all(&control.none_found);
        let passes = as_bool(Expr::any([not_applicable.clone(), none_found.clone()]));
        if !applies_always {
            let lacks_params = control.lacks_params.clone();
            apart.push(as_bool(Expr::any([lacks_params, none_found.clone()])));
        }
        let message = control.messages.method("join", [Expr::string(", ")]);
        let keys = control.keys.map(|keys| {
            let old_keys = old.lists(keys.old);
            FindingKeys {
                new: placed.lists(keys.new),
                old: if pods.are_composed() {
                    where_spec_is_unchanged(old_keys)
                } else {
                    old_keys
                },
                depth: keys.depth + pods.depth,
            }
        });
        controls.push(ControlCel {
            passes,
            not_applicable,
            messages: new.strings(message, ", "),
            keys,
            skipped,
            none_found,
            ..control
        });
    }
    let together = new.for_all(&pack.together);
    let match_product = pack.match_product.as_ref().map(|product| new.sum(product));
    let pairs = bundle.pairs.as_ref().map(|pairs| new.sum(pairs));
    let mut shared: Vec<PolicyVariable> = variables
        .iter()
        .filter(|variable| !new.reads_pod(&variable.expression))
        .cloned()
        .collect();
    shared.extend([new.define(), placed.define(), old.define()]);
    CelBundle {
        variables: shared,
        controls,
        passes: Expr::all(std::iter::once(together).chain(apart)),
        may_be_skipped: exceeds_limit(match_product.as_ref()),
        pairs,
        unsupported: bundle.unsupported,
    }
}
