//! The evaluation of one review's objects: bounded in steps and time, and measured.
//!
//! A panic in a rule is the error of one evaluation. It ends neither the review nor the process.

use kubevet_admission::EvaluationResult;
use kubevet_document::Document;
use kubevet_engine::{Engine, EvalLimits, StepBudgetExceeded};
use kubevet_model::{EvalError, EvalRequest};
use kubevet_policy::Params;
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

/// The message of an evaluation that panicked.
const PANICKED: &str = "a rule broke down while it was asked";

/// Evaluates the objects of one review. All evaluations share its budget of steps.
pub(super) struct Evaluation<'e> {
    engine: &'e Engine,
    request: EvalRequest,
    deadline: Instant,
    max_steps: Option<u64>,
    /// The steps that are left; `None`: not bounded.
    steps: Option<Cell<u64>>,
    exceeded_steps: Cell<bool>,
    elapsed: Cell<Duration>,
}

impl<'e> Evaluation<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        request: EvalRequest,
        deadline: Instant,
        max_steps: Option<u64>,
    ) -> Self {
        Self {
            engine,
            request,
            deadline,
            max_steps,
            steps: max_steps.map(Cell::new),
            exceeded_steps: Cell::new(false),
            elapsed: Cell::new(Duration::ZERO),
        }
    }

    /// Evaluates an object under `params`. Once the steps are exceeded, every call fails.
    pub(super) fn evaluate(&self, object: &Document, params: &Params) -> EvaluationResult {
        if self.exceeded_steps.get() {
            return Err(self.step_limit());
        }
        let start = Instant::now();
        let limits = EvalLimits {
            deadline: Some(self.deadline),
            steps: self.steps.as_ref(),
        };
        let verdict = catch_unwind(AssertUnwindSafe(|| {
            self.engine
                .judge_with_limits(object, &self.request, params, &limits)
        }));
        self.elapsed.set(self.elapsed.get() + start.elapsed());
        match verdict {
            Ok(Ok(verdict)) => Ok(Arc::new(verdict)),
            Ok(Err(StepBudgetExceeded)) => {
                self.exceeded_steps.set(true);
                Err(self.step_limit())
            }
            Err(_) => Err(EvalError::RuleFailed(PANICKED.to_owned())),
        }
    }

    /// Returns the error after the steps were exceeded. The decision that it leads to is discarded.
    fn step_limit(&self) -> EvalError {
        EvalError::StepLimit {
            max_steps: self.max_steps.unwrap_or(u64::MAX),
        }
    }

    /// Returns true if an evaluation exceeded the budget of steps.
    pub(super) fn has_exceeded_steps(&self) -> bool {
        self.exceeded_steps.get()
    }

    /// Returns the time that all evaluations took together.
    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }
}
