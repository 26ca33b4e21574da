//! The compiler driver: a library becomes compiled controls, interpreted controls and problems, in
//! four phases.
//!
//! ```text
//! parse → check → lower → load the interpreter
//! ```
//!
//! Controls that were compiled before skip all phases.
//!
//! Each phase drops what is broken and reports it; nothing that works is lost. A broken shared
//! module takes with it every control that uses it: without the module their rules would find
//! nothing, and objects would pass.

use super::{
    interpreted_control::InterpretedControl,
    interpreter::Interpreter,
    kind_index::package_sets,
    precompiled::{Precompiled, Reused},
};
use kubevet_ir::{CompiledControl, CompiledLibrary, Program};
use kubevet_model::{Control, ControlId, EvalError, Problem, ProblemCode};
use kubevet_policy::{self as policy, ControlSource, Library, ModuleSource};
use kubevet_rego::{
    self as rego,
    ast::{self, Module},
    complexity::RuleTable,
    lower::Lowering,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The tier in which controls run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetTier {
    /// The evaluator for all rules within the profile, the interpreter for the others.
    Compiled,
    /// The interpreter for all rules.
    Interpreted,
}

/// A library, compiled.
pub(super) struct CompileOutput {
    pub(super) compiled: CompiledLibrary,
    pub(super) interpreted: Vec<InterpretedControl>,
    /// The controls whose rules did not load.
    pub(super) broken: Vec<Arc<Control>>,
    /// `None` if no control is interpreted.
    pub(super) interpreter: Option<Interpreter>,
    /// Sorted and without duplicates.
    pub(super) problems: Vec<Problem>,
}

/// Compiles a library: all but the controls that `precompiled` has.
pub(super) fn compile(
    library: &Library,
    tier: TargetTier,
    precompiled: Precompiled,
) -> CompileOutput {
    let reused = precompiled.reuse(library);
    if reused.is_complete {
        return CompileOutput::of(reused);
    }
    let mut problems = Vec::new();
    let parsed = ParsedLibrary::new(library, &reused.controls, &mut problems);
    let rules = parsed.rule_table();
    let checked = CheckedLibrary::new(&parsed, &rules, &mut problems);
    let mut lowered = LoweredLibrary::new(library, &rules, &checked, tier, reused.program);
    lowered.controls.extend(reused.controls);
    let order = library.controls.iter().map(|source| &source.control.id);
    let order: BTreeMap<&ControlId, usize> = order.zip(0..).collect();
    lowered
        .controls
        .sort_by_key(|compiled| order.get(&compiled.control.id).copied());
    let (interpreter, interpreted) =
        load_interpreter(&checked.modules, lowered.rejected, &mut problems);
    let broken = broken_controls(library, &lowered.controls, &interpreted);
    let reasons = interpreted.iter().map(|interpreted| {
        let reasons: Vec<String> = interpreted.reasons.iter().map(Problem::to_string).collect();
        (interpreted.control.id.clone(), reasons.join("; "))
    });
    let not_loaded = broken
        .iter()
        .map(|control| (control.id.clone(), EvalError::NotLoaded.to_string()));
    let not_compiled = reasons.chain(not_loaded).collect();
    problems.sort();
    problems.dedup();
    CompileOutput {
        compiled: CompiledLibrary {
            program: lowered.program,
            controls: lowered.controls,
            not_compiled,
        },
        interpreted,
        broken,
        interpreter,
        problems,
    }
}

impl CompileOutput {
    /// The output for a library of which nothing is left to compile.
    fn of(reused: Reused) -> Self {
        Self {
            compiled: CompiledLibrary {
                program: reused.program,
                controls: reused.controls,
                not_compiled: Vec::new(),
            },
            interpreted: Vec::new(),
            broken: Vec::new(),
            interpreter: None,
            problems: Vec::new(),
        }
    }
}

/// Phase 1: the syntax trees of the modules to compile; `None` for those that are no valid Rego.
struct ParsedLibrary<'l> {
    shared: Vec<(&'l ModuleSource, Option<Module>)>,
    controls: Vec<(&'l ControlSource, Option<Module>)>,
}

impl<'l> ParsedLibrary<'l> {
    fn new(library: &'l Library, reused: &[CompiledControl], problems: &mut Vec<Problem>) -> Self {
        let reused: BTreeSet<&ControlId> =
            reused.iter().map(|compiled| &compiled.control.id).collect();
        let mut parse = |source: &ModuleSource| match ast::parse(source) {
            Ok(module) => Some(module),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let shared = library
            .modules
            .iter()
            .map(|source| (source, parse(source)))
            .collect();
        let controls = library
            .controls
            .iter()
            .filter(|source| !reused.contains(&source.control.id))
            .map(|source| (source, parse(&source.rule)))
            .collect();
        Self { shared, controls }
    }

    fn rule_table(&self) -> RuleTable<'_> {
        let shared = self.shared.iter().filter_map(|(_, module)| module.as_ref());
        let of_controls = self
            .controls
            .iter()
            .filter_map(|(_, module)| module.as_ref());
        RuleTable::new(shared.chain(of_controls))
    }
}

/// Phase 2: the modules and controls without a fault of their own or of a module that they use.
struct CheckedLibrary<'p> {
    modules: Vec<&'p ModuleSource>,
    controls: Vec<(&'p ControlSource, &'p Module)>,
}

impl<'p> CheckedLibrary<'p> {
    fn new(
        parsed: &'p ParsedLibrary<'_>,
        rules: &RuleTable<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut faulty: BTreeSet<&str> = BTreeSet::new();
        for (_, module) in &parsed.shared {
            let Some(module) = module else { continue };
            let faults = rules.check(module);
            if !faults.is_empty() {
                faulty.insert(&module.package);
            }
            problems.extend(faults);
        }
        let is_usable = |module: &Module| !rules.depends_on(module, &faulty);
        let modules = parsed
            .shared
            .iter()
            .filter(|(_, module)| module.as_ref().is_some_and(is_usable))
            .map(|(source, _)| *source)
            .collect();
        // Names of a module that did not parse are undefined too. Its own problem is enough.
        let has_unparsed_module = parsed.shared.iter().any(|(_, module)| module.is_none());
        let is_reported = |problem: &Problem| {
            !(has_unparsed_module && problem.code == ProblemCode::RegoUndefinedName)
        };
        let mut controls = Vec::new();
        for (source, module) in &parsed.controls {
            let Some(module) = module else { continue };
            let faults = check_control(source, module, rules);
            if faults.is_empty() && is_usable(module) {
                controls.push((*source, module));
            }
            problems.extend(faults.into_iter().filter(is_reported));
        }
        Self { modules, controls }
    }
}

/// Returns what is wrong with the rule of a control.
fn check_control(source: &ControlSource, module: &Module, rules: &RuleTable<'_>) -> Vec<Problem> {
    let file = || source.rule.file.to_string();
    let mut faults = rules.check(module);
    faults.extend(rego::check_findings(module));
    // In the package of another control or module, a rule could add to theirs.
    let package = policy::package_of(source.control.id.as_str());
    if module.package != package {
        let message = format!("the package of {} must be `{package}`", source.control.id);
        faults.push(Problem::in_file(
            ProblemCode::PolicyPackage,
            file(),
            message,
        ));
    }
    if !module.defines("deny") {
        let message = "the rule finds nothing: write `deny contains finding if { … }`";
        faults.push(Problem::in_file(ProblemCode::RegoNoDeny, file(), message));
    }
    faults
}

/// Phase 3: the program, and the controls that the compiler rejects, each with the reasons.
struct LoweredLibrary<'p> {
    program: Program,
    controls: Vec<CompiledControl>,
    rejected: Vec<RejectedControl<'p>>,
}

type RejectedControl<'p> = (&'p ControlSource, &'p Module, Vec<Problem>);

impl<'p> LoweredLibrary<'p> {
    fn new(
        library: &Library,
        rules: &RuleTable<'_>,
        checked: &CheckedLibrary<'p>,
        tier: TargetTier,
        program: Program,
    ) -> Self {
        let lowering = Lowering {
            rules,
            params: &library.params,
            own_library: has_embedded_modules(&library.modules),
        };
        let mut lowered = Self {
            program,
            controls: Vec::new(),
            rejected: Vec::new(),
        };
        for (source, module) in &checked.controls {
            let result = match tier {
                TargetTier::Compiled => {
                    lowering.lower(&mut lowered.program, &source.control, module)
                }
                TargetTier::Interpreted => Err(vec![Problem::in_file(
                    ProblemCode::RegoNotCompiled,
                    source.rule.file.to_string(),
                    "everything is interpreted",
                )]),
            };
            match result {
                Ok(compiled) => lowered.controls.push(compiled),
                Err(reasons) => lowered.rejected.push((source, module, reasons)),
            }
        }
        lowered
    }
}

/// True if the shared modules are those of the embedded library, byte for byte: only then do the
/// names of `lib.*` mean intrinsics.
fn has_embedded_modules(modules: &[ModuleSource]) -> bool {
    policy::embedded_modules().all(|text| modules.iter().any(|module| *module.text == *text))
}

/// Phase 4: loads the controls that must be interpreted, and nothing if there are none.
fn load_interpreter(
    shared: &[&ModuleSource],
    mut rejected: Vec<RejectedControl<'_>>,
    problems: &mut Vec<Problem>,
) -> (Option<Interpreter>, Vec<InterpretedControl>) {
    while !rejected.is_empty() {
        let interpreted: Vec<InterpretedControl> = rejected
            .iter()
            .map(|(source, module, reasons)| InterpretedControl::new(source, module, reasons))
            .collect();
        let rules = rejected.iter().map(|(source, ..)| &source.rule);
        let modules: Vec<&ModuleSource> = shared.iter().copied().chain(rules).collect();
        let problem = match Interpreter::load(&modules, &package_sets(&interpreted)) {
            Ok(interpreter) => return (Some(interpreter), interpreted),
            Err(problem) => problem,
        };
        // One bad rule fails the load of all. Each is loaded alone, and those that fail are left
        // out of the next attempt.
        let count_before = rejected.len();
        rejected.retain(|(source, ..)| {
            let alone: Vec<&ModuleSource> = shared.iter().copied().chain([&source.rule]).collect();
            Interpreter::load(&alone, &[])
                .map_err(|problem| problems.push(problem))
                .is_ok()
        });
        if rejected.len() == count_before {
            // Each loads alone, all together do not.
            problems.push(problem);
            break;
        }
    }
    (None, Vec::new())
}

/// Returns the controls that run in no tier.
fn broken_controls(
    library: &Library,
    compiled: &[CompiledControl],
    interpreted: &[InterpretedControl],
) -> Vec<Arc<Control>> {
    let compiled = compiled.iter().map(|compiled| &compiled.control.id);
    let interpreted = interpreted
        .iter()
        .map(|interpreted| &interpreted.control.id);
    let running: BTreeSet<&ControlId> = compiled.chain(interpreted).collect();
    library
        .controls
        .iter()
        .filter(|source| !running.contains(&source.control.id))
        .map(|source| source.control.clone())
        .collect()
}
