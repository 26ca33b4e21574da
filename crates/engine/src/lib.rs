//! The engine: controls compiled once, then evaluated for each object.
//!
//! There are two tiers. A rule that keeps to the profile is compiled to the intermediate
//! representation of `kubevet-ir`, which `eval` evaluates in microseconds. A rule that the compiler
//! rejects runs in `interpreter` (regorus). Callers see one engine and one verdict.
//!
//! | file or folder | holds |
//! |---|---|
//! | `engine` | the engine: the combined verdict of all controls that apply to an object |
//! | `tiers` | the controls of both tiers, and what evaluations share |
//! | `evaluation` | one evaluation of an object |
//! | `pod_views` | the pods of an object of a custom kind, as objects that rules know |
//! | `compile` | the compiler driver: from a library to both tiers, in four phases |
//! | `precompiled` | controls that were compiled before |
//! | `kind_index` | the controls of each kind |
//! | `eval` | the evaluator of compiled controls |
//! | `interpreter`, `interpreter_input`, `parse_findings` | the interpreter, its input and output |
//! | `bounded_builtins` | bounds on what the interpreter's builtins allocate |
//! | `explain` | the result of compiling a rule, for its author |
//! | `condition_coverage` | how often each condition of a control held |

mod bounded_builtins;
mod compile;
mod condition_coverage;
mod engine;
mod eval;
mod evaluation;
mod explain;
mod interpreted_control;
mod interpreter;
mod interpreter_input;
mod kind_index;
mod parse_findings;
mod pod_views;
mod precompiled;
#[cfg(test)]
mod tests;
mod tiers;

pub use condition_coverage::ConditionCoverage;
pub use engine::Engine;
pub use eval::{ConditionCounts, StepBudgetExceeded};
pub use evaluation::EvalLimits;
pub use explain::Explanation;
pub use pod_views::{PodView, TooLarge, pod_views};
pub use precompiled::Precompiled;
