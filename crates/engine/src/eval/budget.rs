//! The limits of one evaluation: steps, memory and time.
//!
//! Every term, condition and move of a loop costs a step; work on strings costs steps in proportion
//! to their length. The limits are compared only once in many steps, so that counting stays cheap:
//! an evaluation may exceed a limit by that much. Once a limit is exceeded, every term is undefined
//! and every condition false, so all loops end soon.

use kubevet_model::{EvalError, EvalTier};
use std::time::Instant;

/// The most steps for one object, whatever the caller allows.
const MAX_STEPS: u64 = 200_000_000;
/// The limits are checked when a step count crosses a multiple of 2^14: about every 0.1 ms.
const LIMIT_CHECK_MASK: u64 = 0x3FFF;
/// The most bytes of computed strings that may be alive at a time. The buffer is recycled before it
/// holds half of them, so one loop iteration or one finding has at least the other half.
pub(super) const MAX_SCRATCH_BYTES: usize = 16 << 20;

/// The object takes more steps than the caller allows for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepBudgetExceeded;

/// The limit that an evaluation exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abort {
    StepLimit,
    /// The budget of the caller, who may evaluate the object again with a larger one.
    StepBudget,
    MemoryLimit,
    Deadline,
}

impl Abort {
    /// Returns the error of every control that was not complete.
    ///
    /// # Errors
    /// The caller's step budget is not an error of a control: it fails the evaluation as a whole.
    pub(super) fn error(self) -> Result<EvalError, StepBudgetExceeded> {
        match self {
            Self::StepBudget => Err(StepBudgetExceeded),
            Self::StepLimit => Ok(EvalError::StepLimit {
                max_steps: MAX_STEPS,
            }),
            Self::MemoryLimit => Ok(EvalError::MemoryLimit {
                tier: EvalTier::Compiled,
                max_mib: MAX_SCRATCH_BYTES as u64 >> 20,
            }),
            Self::Deadline => Ok(EvalError::Deadline(EvalTier::Compiled)),
        }
    }
}

/// The steps and the time of one evaluation.
#[derive(Debug)]
pub(super) struct Budget {
    steps: u64,
    step_budget: u64,
    deadline: Option<Instant>,
    abort: Option<Abort>,
}

impl Budget {
    pub(super) fn new(step_budget: u64, deadline: Option<Instant>) -> Self {
        Self {
            steps: 0,
            step_budget,
            deadline,
            abort: None,
        }
    }

    /// The steps so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// The first limit that was exceeded.
    pub(super) fn abort(&self) -> Option<Abort> {
        self.abort
    }

    /// Records that computed strings take more than [`MAX_SCRATCH_BYTES`].
    pub(super) fn exceed_memory(&mut self) {
        self.abort = Some(Abort::MemoryLimit);
    }

    /// Counts steps; returns false once a limit is exceeded.
    #[inline]
    pub(super) fn charge(&mut self, steps: u64, scratch_bytes: usize) -> bool {
        let before = self.steps;
        self.steps += steps;
        // True if the addition changed a bit above the mask.
        if (before ^ self.steps) & !LIMIT_CHECK_MASK != 0 {
            self.check_limits(scratch_bytes);
        }
        self.abort.is_none()
    }

    #[cold]
    fn check_limits(&mut self, scratch_bytes: usize) {
        if self.steps > MAX_STEPS {
            self.abort = Some(Abort::StepLimit);
        } else if self.steps > self.step_budget {
            self.abort = Some(Abort::StepBudget);
        } else if scratch_bytes > MAX_SCRATCH_BYTES {
            self.abort = Some(Abort::MemoryLimit);
        } else if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            self.abort = Some(Abort::Deadline);
        }
    }
}
