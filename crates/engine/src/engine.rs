//! The engine: compiled once from a library, then evaluates objects.
//!
//! It reads no file and cannot fail. Compiling returns an engine and a list of problems; a control
//! that gives no verdict on an object is an error in the verdict, never a pass.

use super::{
    compile::{CompileOutput, TargetTier, compile},
    eval::{
        ConditionCounts, ConditionObserver, EvalContext, NoObserver, ResolvedParams, Scratch,
        SideTables, StepBudgetExceeded, evaluate,
    },
    interpreted_control::InterpretedControl,
    interpreter::Interpreter,
    interpreter_input,
    kind_index::{KindEntry, KindIndex},
    parse_findings::parse_findings,
};
use kubevet_document::{Document, Node};
use kubevet_ir::{CompiledLibrary, fields_read, path_reads};
use kubevet_k8s::workload::{self, SelectKinds as _};
use kubevet_model::{
    Control, ControlId, EvalError, EvalRequest, FieldPattern, Kind, PathReads, Problem, RuleError,
    Verdict,
};
use kubevet_policy::{Library, Params};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, RwLock},
    time::Instant,
};

/// The most sets of params that are kept resolved. With more, the oldest is resolved again when it
/// is used.
const RESOLVED_PARAMS_CACHE_ENTRIES: usize = 64;

/// Evaluates objects by the controls of a library. It is shared between threads.
pub struct Engine {
    compiled: CompiledLibrary,
    tables: SideTables,
    interpreted: Vec<InterpretedControl>,
    /// The controls whose rules did not load.
    broken: Vec<Arc<Control>>,
    interpreter: Option<Interpreter>,
    kinds: KindIndex,
    /// The cache of resolved params, oldest first.
    resolved_params: RwLock<Vec<(Params, Arc<ResolvedParams>)>>,
    /// Memory of finished evaluations, to be reused.
    scratch_pool: Mutex<Vec<Scratch>>,
}

/// The limits of one evaluation, beside those of the engine itself. By default there are none.
#[derive(Debug, Clone, Copy, Default)]
pub struct EvalLimits<'b> {
    /// The time by which the verdict must be complete. Controls that are not are errors in it.
    pub deadline: Option<Instant>,
    /// The steps that are left for this and further objects; an evaluation subtracts what it takes.
    /// An object that takes more is not evaluated, but [`StepBudgetExceeded`].
    pub steps: Option<&'b Cell<u64>>,
}

impl Engine {
    /// Compiles a library. A control that does not compile is reported and left out; objects that
    /// it applies to get an error for it.
    #[must_use]
    pub fn compile(library: &Library) -> (Self, Vec<Problem>) {
        Self::new(compile(library, TargetTier::Compiled))
    }

    /// As [`Engine::compile`], with every control in the interpreter. Tests compare the two tiers.
    #[must_use]
    pub fn compile_interpreted(library: &Library) -> (Self, Vec<Problem>) {
        Self::new(compile(library, TargetTier::Interpreted))
    }

    fn new(output: CompileOutput) -> (Self, Vec<Problem>) {
        let CompileOutput {
            compiled,
            interpreted,
            broken,
            interpreter,
            problems,
        } = output;
        let tables = SideTables::new(&compiled.program, &compiled.controls);
        let kinds = KindIndex::new(&tables, &compiled.controls, &interpreted);
        let engine = Self {
            compiled,
            tables,
            interpreted,
            broken,
            interpreter,
            kinds,
            resolved_params: RwLock::default(),
            scratch_pool: Mutex::default(),
        };
        (engine, problems)
    }

    /// The controls that run in the interpreter, each with the reason why its rule is not compiled.
    pub fn interpreted(&self) -> impl Iterator<Item = (&ControlId, &Problem)> {
        self.interpreted.iter().flat_map(|interpreted| {
            let reasons = interpreted.reasons.iter();
            reasons.map(|reason| (&interpreted.control.id, reason))
        })
    }

    /// For each compiled control, the fields that the conditions behind each path of its findings
    /// read. Interpreted controls are left out: nothing is known of their rules.
    #[must_use]
    pub fn path_reads(&self) -> BTreeMap<ControlId, Vec<PathReads>> {
        let program = &self.compiled.program;
        self.compiled
            .controls
            .iter()
            .map(|compiled| (compiled.control.id.clone(), path_reads(program, compiled)))
            .collect()
    }

    /// All fields that the conditions of a control read, for each path of its findings; `None` if
    /// it is not compiled.
    #[must_use]
    pub fn fields_read(
        &self,
        control: &ControlId,
    ) -> Option<BTreeMap<FieldPattern, BTreeSet<FieldPattern>>> {
        let compiled = self.compiled.control(control)?;
        Some(fields_read(&self.compiled.program, compiled))
    }

    /// The compiled controls and their program.
    #[must_use]
    pub fn compiled_library(&self) -> &CompiledLibrary {
        &self.compiled
    }

    pub(super) fn tables(&self) -> &SideTables {
        &self.tables
    }

    /// The controls whose rules did not load.
    pub(super) fn broken(&self) -> impl Iterator<Item = &Control> {
        self.broken.iter().map(Arc::as_ref)
    }

    /// Returns the verdict of every control that applies to the object.
    #[must_use]
    pub fn judge(&self, document: &Document, request: &EvalRequest, params: &Params) -> Verdict {
        let limits = EvalLimits::default();
        without_step_budget(self.evaluate(document, request, params, &limits, NoObserver))
    }

    /// As [`Engine::judge`], within limits.
    ///
    /// # Errors
    /// The object takes more steps than are left.
    pub fn judge_with_limits(
        &self,
        document: &Document,
        request: &EvalRequest,
        params: &Params,
        limits: &EvalLimits<'_>,
    ) -> Result<Verdict, StepBudgetExceeded> {
        self.evaluate(document, request, params, limits, NoObserver)
    }

    /// As [`Engine::judge`], and counts the results of conditions.
    #[must_use]
    pub fn judge_observed(
        &self,
        document: &Document,
        request: &EvalRequest,
        params: &Params,
        counts: &mut ConditionCounts,
    ) -> Verdict {
        let limits = EvalLimits::default();
        without_step_budget(self.evaluate(document, request, params, &limits, counts))
    }

    fn evaluate(
        &self,
        document: &Document,
        request: &EvalRequest,
        params: &Params,
        limits: &EvalLimits<'_>,
        observer: impl ConditionObserver,
    ) -> Result<Verdict, StepBudgetExceeded> {
        let root = document.root();
        let field = |key: &str| root.get(key).and_then(Node::as_str).unwrap_or_default();
        let (group, name) = (Kind::group_of(field("apiVersion")), field("kind"));
        let mut verdict = Verdict::default();
        self.add_broken(group, name, &mut verdict);
        let pod_path = workload::pod_spec_path_of(group, name);
        let Some(entry) = self.kinds.get(group, name, pod_path.is_some()) else {
            verdict.errors.sort();
            return Ok(verdict);
        };
        let resolved = self.resolve_params(params);
        let context = EvalContext {
            program: &self.compiled.program,
            tables: &self.tables,
            controls: &self.compiled.controls,
            params: &resolved,
            document,
            operation: request.operation,
            pod_path,
            step_budget: limits.steps.map_or(u64::MAX, Cell::get),
            deadline: limits.deadline,
        };
        let mut scratch = self.take_scratch();
        let result = evaluate(context, &entry.plan, &mut scratch, observer, &mut verdict);
        self.return_scratch(scratch);
        let steps_taken = result?;
        if let Some(steps) = limits.steps {
            steps.set(steps.get().saturating_sub(steps_taken));
        }
        if let (Some(interpreter), Some(_)) = (&self.interpreter, entry.entry_rule) {
            let input =
                interpreter_input::input_value(document, request, resolved.interpreter_params());
            self.interpret(interpreter, entry, input, params, limits, &mut verdict);
            verdict.judged.sort();
        }
        // Two elements can give one finding, such as a container that is named twice.
        verdict.violations.sort();
        verdict.violations.dedup();
        verdict.errors.sort();
        Ok(verdict)
    }

    /// Adds an error for each control that applies to the kind and did not load.
    fn add_broken(&self, group: &str, name: &str, verdict: &mut Verdict) {
        if self.broken.is_empty() {
            return;
        }
        let kind = Kind::new(group, name);
        for control in &self.broken {
            if control.kinds.matches(&kind) {
                verdict.errors.push(RuleError {
                    control: control.id.clone(),
                    error: EvalError::NotLoaded,
                });
            }
        }
    }

    /// Adds the results of the interpreted controls of a kind, unsorted.
    fn interpret(
        &self,
        interpreter: &Interpreter,
        entry: &KindEntry,
        input: regorus::Value,
        params: &Params,
        limits: &EvalLimits<'_>,
        verdict: &mut Verdict,
    ) {
        let Some(entry_rule) = entry.entry_rule else {
            return;
        };
        let of_kind: Vec<&InterpretedControl> = entry
            .interpreted
            .iter()
            .filter_map(|index| self.interpreted.get(*index))
            .collect();
        let packages: Vec<&str> = of_kind
            .iter()
            .map(|interpreted| interpreted.package.as_str())
            .collect();
        let results = interpreter.eval(entry_rule, &packages, input, limits.deadline);
        for (interpreted, result) in of_kind.into_iter().zip(results) {
            merge_control_result(&interpreted.control, result, params, verdict);
        }
    }

    fn take_scratch(&self) -> Scratch {
        let pooled = self.scratch_pool.lock().ok();
        pooled.and_then(|mut pool| pool.pop()).unwrap_or_default()
    }

    fn return_scratch(&self, scratch: Scratch) {
        if let Ok(mut pool) = self.scratch_pool.lock() {
            pool.push(scratch);
        }
    }

    /// Returns the params as the program reads them, from the cache if they were used before.
    fn resolve_params(&self, params: &Params) -> Arc<ResolvedParams> {
        let cached = self.resolved_params.read().ok().and_then(|cache| {
            let known = cache.iter().find(|(known, _)| known == params);
            known.map(|(_, resolved)| Arc::clone(resolved))
        });
        if let Some(resolved) = cached {
            return resolved;
        }
        let resolved = Arc::new(ResolvedParams::new(
            params,
            &self.tables,
            &self.compiled.controls,
        ));
        if let Ok(mut cache) = self.resolved_params.write() {
            if cache.len() >= RESOLVED_PARAMS_CACHE_ENTRIES {
                cache.remove(0);
            }
            cache.push((params.clone(), Arc::clone(&resolved)));
        }
        resolved
    }
}

/// The verdict of an evaluation without a step budget, which cannot exceed it.
fn without_step_budget(result: Result<Verdict, StepBudgetExceeded>) -> Verdict {
    result.unwrap_or_default()
}

/// Adds the result of one interpreted control to a verdict. A control without its required params
/// is not evaluated.
fn merge_control_result(
    control: &Control,
    deny: Result<regorus::Value, EvalError>,
    params: &Params,
    verdict: &mut Verdict,
) {
    if !params.configures(control) {
        return;
    }
    match deny.and_then(|deny| parse_findings(&control.id, &deny)) {
        Ok(violations) => {
            verdict.judged.push(control.id.clone());
            verdict.violations.extend(violations);
        }
        Err(error) => verdict.errors.push(RuleError {
            control: control.id.clone(),
            error,
        }),
    }
}
