//! The engine: compiled once from a library, asked ever after. It reads no files and cannot fail: what goes wrong with
//! a control is in the list of problems when it is compiled, and in the verdict when it is asked.

use super::{
    eval::{
        self, ConditionCounts, ConditionObserver, EvalContext, LoopPlan, NoObserver,
        ResolvedParams, Scratch, SideTables, StepBudgetExceeded,
    },
    interpreter::{EntryRule, Interpreter},
    interpreter_input, parse_findings,
};
use kubevet_document::{Document, Node};
use kubevet_ir::{
    CompiledControl, CompiledLibrary, Program, fields_read, is_configured, looks_at, path_reads,
};
use kubevet_k8s::workload;
use kubevet_model::{
    Control, ControlId, EvalError, EvalRequest, FieldPattern, Kind, KindSelector, PathReads,
    Problem, ProblemCode, RuleError, Verdict,
};
use kubevet_policy::{self as policy, ControlSource, Library, ModuleSource, Params};
use kubevet_rego::ast;
use kubevet_rego::complexity::RuleTable;
use kubevet_rego::lower::Lowering;
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, RwLock},
    time::Instant,
};

/// Judges objects by the controls of a library.
pub struct Engine {
    compiled: CompiledLibrary,
    tables: SideTables,
    /// Controls of the reference tier.
    interpreted: Vec<Interpreted>,
    /// Controls whose rules cannot run, each with the reason. They are answered as errors, never as passed.
    broken: Vec<Arc<Control>>,
    reference: Option<Interpreter>,
    workloads: Group,
    /// By group and name.
    kinds: Vec<(Kind, Group)>,
    settings: RwLock<Vec<(Params, Arc<ResolvedParams>)>>,
    idle: Mutex<Vec<Scratch>>,
}

/// What one judgement may take. The default bounds nothing but what the engine always bounds.
#[derive(Debug, Clone, Copy, Default)]
pub struct EvalLimits<'b> {
    /// When the answer must be there.
    pub deadline: Option<Instant>,
    /// Steps that are left; what a judgement took is taken off. An object that takes more is not judged, but called
    /// [`StepBudgetExceeded`].
    pub steps: Option<&'b Cell<u64>>,
}

/// A control that the compiler does not take, and why.
struct Interpreted {
    control: Arc<Control>,
    package: String,
    why: Problem,
}

/// The controls that look at a kind.
struct Group {
    plan: LoopPlan,
    /// Those of the reference tier, and the entry rule that asks them.
    interpreted: Vec<usize>,
    entry: EntryRule,
}

/// Params whose settings are kept ready. More sets than this are read anew each time.
const SETTINGS: usize = 64;

/// Which controls are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tier {
    /// Those that keep to the profile.
    Compiled,
    /// None: everything runs in the interpreter.
    Interpreter,
}

impl Engine {
    /// Compiles a library. Controls that do not compile are left out of the engine's good ones and reported; an object
    /// that they look at gets an error for each, so that nothing passes because a rule is broken.
    #[must_use]
    pub fn compile(library: &Library) -> (Self, Vec<Problem>) {
        Self::compile_for(library, Tier::Compiled)
    }

    /// As [`Engine::compile`], with every control in the interpreter: for proof that the two say the same.
    #[must_use]
    pub fn compile_interpreted(library: &Library) -> (Self, Vec<Problem>) {
        Self::compile_for(library, Tier::Interpreter)
    }

    fn compile_for(library: &Library, tier: Tier) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let parse = |source: &ModuleSource, problems: &mut Vec<Problem>| {
            ast::parse(source)
                .map_err(|problem| problems.push(problem.clone()))
                .ok()
        };
        let shared: Vec<_> = library
            .modules
            .iter()
            .map(|it| (it, parse(it, &mut problems)))
            .collect();
        let parsed: Vec<_> = library
            .controls
            .iter()
            .map(|it| parse(&it.rule, &mut problems))
            .collect();
        let rules = RuleTable::new(
            shared
                .iter()
                .filter_map(|(_, tree)| tree.as_ref())
                .chain(parsed.iter().flatten()),
        );
        // A shared module at fault takes with it whatever uses it: without it, rules would find nothing and pass.
        let mut faulty: BTreeSet<&str> = BTreeSet::new();
        for tree in shared.iter().filter_map(|(_, tree)| tree.as_ref()) {
            let faults = rules.check(tree);
            if !faults.is_empty() {
                faulty.insert(&tree.package);
            }
            problems.extend(faults);
        }
        let unreadable = shared.iter().any(|(_, tree)| tree.is_none());
        let usable = |tree: &ast::Module| !rules.depends_on(tree, &faulty);
        let shared_modules: Vec<&ModuleSource> = shared
            .iter()
            .filter(|(_, tree)| tree.as_ref().is_some_and(usable))
            .map(|(module, _)| *module)
            .collect();
        let lowering = Lowering {
            rules: &rules,
            params: &library.params,
            own_library: is_own(&library.modules),
        };
        let mut program = Program::default();
        let mut compiled: Vec<CompiledControl> = Vec::new();
        let mut sound: Vec<(&ControlSource, Problem)> = Vec::new();
        for (source, tree) in library.controls.iter().zip(&parsed) {
            let Some(tree) = tree else { continue };
            let mut faults = rules.check(tree);
            // Under another package a rule could add to what others rely on.
            let package = policy::package_of(source.control.id.as_str());
            if tree.package != package {
                let message = format!("the package of {} must be `{package}`", source.control.id);
                faults.push(Problem::in_file(
                    ProblemCode::PolicyPackage,
                    source.rule.file.to_string(),
                    message,
                ));
            }
            if !tree.defines("deny") {
                let message = "the rule finds nothing: write `deny contains finding if { … }`";
                faults.push(Problem::in_file(
                    ProblemCode::RegoNoDeny,
                    source.rule.file.to_string(),
                    message,
                ));
            }
            if faults.is_empty() && usable(tree) {
                match tier {
                    Tier::Compiled => match lowering.lower(&mut program, &source.control, tree) {
                        Ok(done) => compiled.push(done),
                        Err(why) => sound.push((source, why)),
                    },
                    Tier::Interpreter => {
                        let why = Problem::in_file(
                            ProblemCode::RegoNotCompiled,
                            source.rule.file.to_string(),
                            "everything is interpreted",
                        );
                        sound.push((source, why));
                    }
                }
            }
            // Names of a module that did not parse are unknown too; its own problem says why.
            problems.extend(
                faults
                    .into_iter()
                    .filter(|it| !(unreadable && it.code == ProblemCode::RegoUndefinedName)),
            );
        }
        let (reference, interpreted) = load(&shared_modules, sound, &mut problems);
        let running: BTreeSet<&ControlId> = compiled
            .iter()
            .map(|it| &it.control.id)
            .chain(interpreted.iter().map(|it| &it.control.id))
            .collect();
        let broken = library
            .controls
            .iter()
            .filter(|it| !running.contains(&it.control.id))
            .map(|it| it.control.clone())
            .collect();
        let broken: Vec<Arc<Control>> = broken;
        let interpreted_why = interpreted
            .iter()
            .map(|it| (it.control.id.clone(), it.why.to_string()));
        let broken_why = broken
            .iter()
            .map(|control| (control.id.clone(), EvalError::NotLoaded.to_string()));
        let not_compiled = interpreted_why.chain(broken_why).collect();
        let tables = SideTables::new(&program, &compiled);
        let (workloads, kinds, _) = index(&tables, &compiled, &interpreted);
        let engine = Self {
            compiled: CompiledLibrary {
                program,
                controls: compiled,
                not_compiled,
            },
            tables,
            interpreted,
            broken,
            reference,
            workloads,
            kinds,
            settings: RwLock::default(),
            idle: Mutex::default(),
        };
        problems.sort();
        problems.dedup();
        (engine, problems)
    }

    /// The controls that run in the interpreter, since the compiler does not take their rules, each with the reason.
    pub fn interpreted(&self) -> impl Iterator<Item = (&ControlId, &Problem)> {
        self.interpreted.iter().map(|it| (&it.control.id, &it.why))
    }

    /// For each compiled control, what the conditions behind its findings' paths read. Of controls in the interpreter
    /// nobody knows.
    #[must_use]
    pub fn path_reads(&self) -> BTreeMap<ControlId, Vec<PathReads>> {
        self.compiled
            .controls
            .iter()
            .map(|it| {
                (
                    it.control.id.clone(),
                    path_reads(&self.compiled.program, it),
                )
            })
            .collect()
    }

    /// All fields that the conditions of a control read, for each path of its findings; `None` where it is not compiled.
    #[must_use]
    pub fn fields_read(
        &self,
        control: &ControlId,
    ) -> Option<BTreeMap<FieldPattern, BTreeSet<FieldPattern>>> {
        let compiled = self
            .compiled
            .controls
            .iter()
            .find(|it| it.control.id == *control)?;
        Some(fields_read(&self.compiled.program, compiled))
    }

    /// What was compiled, and what was not.
    #[must_use]
    pub fn compiled_library(&self) -> &CompiledLibrary {
        &self.compiled
    }

    pub(super) fn program(&self) -> &Program {
        &self.compiled.program
    }

    pub(super) fn tables(&self) -> &SideTables {
        &self.tables
    }

    pub(super) fn compiled(&self) -> &[CompiledControl] {
        &self.compiled.controls
    }

    /// The controls whose rules did not load.
    pub(super) fn broken(&self) -> impl Iterator<Item = &Control> {
        self.broken.iter().map(Arc::as_ref)
    }

    /// The answer of every control that looks at objects of this kind.
    #[must_use]
    pub fn judge(&self, document: &Document, request: &EvalRequest, params: &Params) -> Verdict {
        unbounded(self.answer(
            document,
            request,
            params,
            &EvalLimits::default(),
            NoObserver,
        ))
    }

    /// As [`Engine::judge`], within bounds: a control without an answer by `until` is an error in the verdict.
    ///
    /// # Errors
    /// It is more work than `steps` allows.
    pub fn judge_with_limits(
        &self,
        document: &Document,
        request: &EvalRequest,
        params: &Params,
        bounds: &EvalLimits<'_>,
    ) -> Result<Verdict, StepBudgetExceeded> {
        self.answer(document, request, params, bounds, NoObserver)
    }

    /// As [`Engine::judge`], and counts how conditions were decided.
    #[must_use]
    pub fn judge_observed(
        &self,
        document: &Document,
        request: &EvalRequest,
        params: &Params,
        seen: &mut ConditionCounts,
    ) -> Verdict {
        unbounded(self.answer(document, request, params, &EvalLimits::default(), seen))
    }

    fn answer(
        &self,
        document: &Document,
        request: &EvalRequest,
        params: &Params,
        bounds: &EvalLimits<'_>,
        watch: impl ConditionObserver,
    ) -> Result<Verdict, StepBudgetExceeded> {
        let root = document.root();
        let text = |key: &str| root.get(key).and_then(Node::as_str).unwrap_or_default();
        let (group, name) = (Kind::group_of(text("apiVersion")), text("kind"));
        let mut verdict = Verdict::default();
        if !self.broken.is_empty() {
            let kind = Kind::new(group, name);
            for control in &self.broken {
                if control.kinds.iter().any(|it| looks_at(it, &kind)) {
                    verdict.errors.push(RuleError {
                        control: control.id.clone(),
                        error: EvalError::NotLoaded,
                    });
                }
            }
        }
        let pod_path = workload::pod_spec_path_of(group, name);
        let Some(looking) = self.group(group, name, pod_path.is_some()) else {
            verdict.errors.sort();
            return Ok(verdict);
        };
        let settings = self.settings(params);
        let mut scratch = self
            .idle
            .lock()
            .ok()
            .and_then(|mut idle| idle.pop())
            .unwrap_or_default();
        let judged = EvalContext {
            program: &self.compiled.program,
            tables: &self.tables,
            compiled: &self.compiled.controls,
            plan: &looking.plan,
            settings: &settings,
            pod_path,
            heavy_steps: bounds.steps.map_or(u64::MAX, Cell::get),
            until: bounds.deadline,
        };
        let done = eval::judge(
            &judged,
            document,
            request.operation,
            &mut scratch,
            watch,
            &mut verdict,
        );
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(scratch);
        }
        let took = done?;
        if let Some(steps) = bounds.steps {
            steps.set(steps.get().saturating_sub(took));
        }
        if let (Some(reference), false) = (&self.reference, looking.interpreted.is_empty()) {
            let input = interpreter_input::input(document, request, settings.interpreter_params());
            let asked: Vec<&Interpreted> = looking
                .interpreted
                .iter()
                .filter_map(|it| self.interpreted.get(*it))
                .collect();
            let packages: Vec<&str> = asked.iter().map(|it| it.package.as_str()).collect();
            let answers = reference.ask(looking.entry, &packages, input, bounds.deadline);
            for (interpreted, deny) in asked.into_iter().zip(answers) {
                take(&interpreted.control, deny, params, &mut verdict);
            }
            verdict.judged.sort();
        }
        verdict.violations.sort();
        verdict.errors.sort();
        Ok(verdict)
    }

    /// Params as the program reads them. Who asks again with the same is answered from what is kept.
    fn settings(&self, params: &Params) -> Arc<ResolvedParams> {
        let known = |kept: &[(Params, Arc<ResolvedParams>)]| {
            kept.iter()
                .find(|(it, _)| it == params)
                .map(|(_, it)| Arc::clone(it))
        };
        if let Some(settings) = self.settings.read().ok().and_then(|kept| known(&kept)) {
            return settings;
        }
        let names = self.tables.param_names();
        let settings = Arc::new(ResolvedParams::new(
            params,
            names,
            self.tables.param_patterns(),
            &self.compiled.controls,
        ));
        if let Ok(mut kept) = self.settings.write() {
            if kept.len() >= SETTINGS {
                kept.remove(0);
            }
            kept.push((params.clone(), Arc::clone(&settings)));
        }
        settings
    }

    fn group(&self, group: &str, name: &str, is_workload: bool) -> Option<&Group> {
        let found = self.kinds.binary_search_by(|(kind, _)| {
            (kind.group.as_str(), kind.name.as_str()).cmp(&(group, name))
        });
        let looking = match found {
            Ok(place) => self.kinds.get(place).map(|(_, looking)| looking),
            Err(_) => is_workload.then_some(&self.workloads),
        }?;
        (!looking.plan.controls.is_empty() || !looking.interpreted.is_empty()).then_some(looking)
    }
}

/// The answer to a question without a bound on steps, which is never [`StepBudgetExceeded`].
fn unbounded(answer: Result<Verdict, StepBudgetExceeded>) -> Verdict {
    answer.unwrap_or_default()
}

/// Loads what the interpreter must run; nothing where the compiler took everything.
fn load(
    shared: &[&ModuleSource],
    mut sound: Vec<(&ControlSource, Problem)>,
    problems: &mut Vec<Problem>,
) -> (Option<Interpreter>, Vec<Interpreted>) {
    loop {
        if sound.is_empty() {
            return (None, Vec::new());
        }
        let interpreted: Vec<Interpreted> = sound
            .iter()
            .map(|(it, why)| Interpreted {
                control: it.control.clone(),
                package: policy::package_of(it.control.id.as_str()),
                why: why.clone(),
            })
            .collect();
        let (_, _, sets) = index(&SideTables::default(), &[], &interpreted);
        let modules: Vec<&ModuleSource> = shared
            .iter()
            .copied()
            .chain(sound.iter().map(|(it, _)| &it.rule))
            .collect();
        match Interpreter::load(&modules, &sets) {
            Ok(reference) => return (Some(reference), interpreted),
            Err(problem) => {
                // One bad rule spoils the load of all: find it, leave it out, try again.
                let before = sound.len();
                sound.retain(|(it, _)| {
                    let alone: Vec<&ModuleSource> =
                        shared.iter().copied().chain([&it.rule]).collect();
                    Interpreter::load(&alone, &[])
                        .map_err(|it| problems.push(it))
                        .is_ok()
                });
                if sound.len() == before {
                    problems.push(problem);
                    return (None, Vec::new());
                }
            }
        }
    }
}

/// Whether the shared modules are ours, word for word.
fn is_own(modules: &[ModuleSource]) -> bool {
    let own = policy::embedded().0.modules;
    own.iter()
        .all(|ours| modules.iter().any(|it| it.text == ours.text))
}

/// One control's answer into the verdict.
fn take(
    control: &Control,
    deny: Result<regorus::Value, EvalError>,
    params: &Params,
    verdict: &mut Verdict,
) {
    if !is_configured(control, params) {
        return;
    }
    match deny.and_then(|it| parse_findings::parse_findings(&control.id, &it)) {
        Ok(findings) => {
            verdict.judged.push(control.id.clone());
            verdict.violations.extend(findings);
        }
        Err(error) => verdict.errors.push(RuleError {
            control: control.id.clone(),
            error,
        }),
    }
}

/// Which controls look at each kind that a control names, and at the other workloads; and the sets of packages that the
/// interpreter is asked for together.
fn index(
    tables: &SideTables,
    compiled: &[CompiledControl],
    interpreted: &[Interpreted],
) -> (Group, Vec<(Kind, Group)>, Vec<BTreeSet<String>>) {
    let mut sets = Vec::new();
    let mut group = |looks: &dyn Fn(&KindSelector) -> bool| {
        let chosen: Vec<usize> = numbers(compiled, |it| it.control.kinds.iter().any(looks));
        let others: Vec<usize> = numbers(interpreted, |it| it.control.kinds.iter().any(looks));
        let packages: BTreeSet<String> = others
            .iter()
            .filter_map(|it| interpreted.get(*it))
            .map(|it| it.package.clone())
            .collect();
        let place = sets
            .iter()
            .position(|it| *it == packages)
            .unwrap_or_else(|| {
                sets.push(packages);
                sets.len() - 1
            });
        Group {
            plan: LoopPlan::new(tables, compiled, chosen),
            interpreted: others,
            entry: EntryRule(place),
        }
    };
    let workloads = group(&|it| *it == KindSelector::Workloads);
    let controls = compiled
        .iter()
        .map(|it| &it.control)
        .chain(interpreted.iter().map(|it| &it.control));
    let named: BTreeSet<&Kind> = controls
        .flat_map(|it| &it.kinds)
        .filter_map(|it| match it {
            KindSelector::Kind(kind) => Some(kind),
            KindSelector::Workloads => None,
        })
        .collect();
    let kinds = named
        .into_iter()
        .map(|kind| (kind.clone(), group(&|it| looks_at(it, kind))))
        .collect();
    (workloads, kinds, sets)
}

fn numbers<T>(all: &[T], chosen: impl Fn(&T) -> bool) -> Vec<usize> {
    all.iter()
        .enumerate()
        .filter(|(_, it)| chosen(it))
        .map(|(number, _)| number)
        .collect()
}
