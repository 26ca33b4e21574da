//! The engine: compiled once from a library, then evaluates objects.
//!
//! It reads no file and cannot fail. Compiling returns an engine and a list of problems; a control
//! that gives no verdict on an object is an error in the verdict, never a pass.

use super::{
    compile::{CompileOutput, TargetTier, compile},
    eval::{ConditionCounts, ConditionObserver, NoObserver, SideTables, StepBudgetExceeded},
    evaluation::{EvalLimits, Evaluation},
    precompiled::Precompiled,
    tiers::Tiers,
};
use kubevet_document::{Document, Node};
use kubevet_ir::{CompiledLibrary, fields_read, path_reads};
use kubevet_k8s::workload::{self, SelectKinds as _, custom::CustomWorkloads};
use kubevet_model::{
    Control, ControlId, EvalError, EvalRequest, FieldPattern, Kind, PathReads, Problem, RuleError,
    Verdict,
};
use kubevet_policy::{Library, Params};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Evaluates objects by the controls of a library. It is shared between threads.
pub struct Engine {
    tiers: Tiers,
    /// The controls whose rules did not load.
    broken: Vec<Arc<Control>>,
    /// The kinds of other software with pod specs.
    workloads: CustomWorkloads,
}

impl Engine {
    /// Compiles a library. A control that does not compile is reported and left out; objects that
    /// it applies to get an error for it.
    #[must_use]
    pub fn compile(library: &Library) -> (Self, Vec<Problem>) {
        Self::compile_with(library, Precompiled::default())
    }

    /// As [`Engine::compile`], without compiling the controls again that `precompiled` has.
    #[must_use]
    pub fn compile_with(library: &Library, precompiled: Precompiled) -> (Self, Vec<Problem>) {
        Self::new(
            compile(library, TargetTier::Compiled, precompiled),
            &library.workloads,
        )
    }

    /// As [`Engine::compile`], with every control in the interpreter. Tests compare the two tiers.
    #[must_use]
    pub fn compile_interpreted(library: &Library) -> (Self, Vec<Problem>) {
        Self::new(
            compile(library, TargetTier::Interpreted, Precompiled::default()),
            &library.workloads,
        )
    }

    fn new(output: CompileOutput, workloads: &CustomWorkloads) -> (Self, Vec<Problem>) {
        let CompileOutput {
            compiled,
            interpreted,
            broken,
            interpreter,
            problems,
        } = output;
        let engine = Self {
            tiers: Tiers::new(compiled, interpreted, interpreter),
            broken,
            workloads: workloads.clone(),
        };
        (engine, problems)
    }

    /// The controls that run in the interpreter, each with the reason why its rule is not compiled.
    pub fn interpreted(&self) -> impl Iterator<Item = (&ControlId, &Problem)> {
        self.tiers.interpreted.iter().flat_map(|interpreted| {
            let reasons = interpreted.reasons.iter();
            reasons.map(|reason| (&interpreted.control.id, reason))
        })
    }

    /// For each compiled control, the fields that the conditions behind each path of its findings
    /// read. Interpreted controls are left out: nothing is known of their rules.
    #[must_use]
    pub fn path_reads(&self) -> BTreeMap<ControlId, Vec<PathReads>> {
        let program = &self.tiers.compiled.program;
        self.tiers
            .compiled
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
        let compiled = self.tiers.compiled.control(control)?;
        Some(fields_read(&self.tiers.compiled.program, compiled))
    }

    /// True if the rule of a control says to which objects of its kinds the control applies. It is
    /// not evaluated for the others.
    #[must_use]
    pub fn has_applies(&self, control: &ControlId) -> bool {
        self.tiers.has_applies(control)
    }

    /// The kinds of other software with pod specs whose objects are judged.
    #[must_use]
    pub fn workloads(&self) -> &CustomWorkloads {
        &self.workloads
    }

    /// The compiled controls and their program.
    #[must_use]
    pub fn compiled_library(&self) -> &CompiledLibrary {
        &self.tiers.compiled
    }

    /// Compiles the patterns of all rules now. Otherwise each is compiled for the first object that
    /// needs it, which makes a short run faster and a first review slower.
    pub fn compile_patterns(&self) {
        self.tiers.tables.compile_patterns();
    }

    pub(super) fn tables(&self) -> &SideTables {
        &self.tiers.tables
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
        let mut evaluation = Evaluation {
            tiers: &self.tiers,
            request,
            params,
            limits,
            observer,
            verdict,
        };
        let pod_path = workload::pod_spec_path_of(group, name);
        if let Some(entry) = self.tiers.kinds.get(group, name, pod_path.is_some()) {
            evaluation.object(document, entry, pod_path)?;
        }
        if pod_path.is_none()
            && let Some(row) = self.workloads.get(group, name)
        {
            evaluation.pods_of(document, row)?;
        }
        Ok(evaluation.finish())
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
}

/// The verdict of an evaluation without a step budget, which cannot exceed it.
fn without_step_budget(result: Result<Verdict, StepBudgetExceeded>) -> Verdict {
    result.unwrap_or_default()
}
