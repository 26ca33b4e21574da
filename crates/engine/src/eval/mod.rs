//! The evaluator of compiled controls: a program over one document.
//!
//! All controls that apply to a kind share one [`LoopPlan`]: each list of the object is iterated once for all of them,
//! and a condition that several of them use is decided once. Values are small and hold no references, so an object that
//! passes allocates nothing here. Recursion follows the program's depth, never the object's, and every step is counted.
//! Messages, paths and fixes are computed only for clauses that fire.
//!
//! | file | holds |
//! |---|---|
//! | `loop_plan` | which conditions are decided in which loop |
//! | `join_plan` | which equalities are joins, with their build and probe sides |
//! | `side_tables` | facts about each term and condition, computed once when rules are compiled |
//! | `resolved_params` | params, read once |
//! | `value`, `ordering` | the values a term can have, and their order |
//! | `evaluator` | terms and conditions over one object |
//! | `functions` | builtins and intrinsics |
//! | `hash_join` | joins over one object: nested loops first, a hash index once they have cost enough |
//! | `render` | findings |
//! | `evaluate` | the entry point: one object under one plan |
//! | `observer` | counts of condition results, for coverage |

mod evaluate;
mod evaluator;
mod functions;
mod hash_join;
mod join_plan;
mod loop_plan;
mod observer;
mod ordering;
mod render;
mod resolved_params;
mod side_tables;
mod value;

pub use evaluate::StepBudgetExceeded;
pub(super) use evaluate::{EvalContext, Scratch, judge};
pub(super) use loop_plan::LoopPlan;
pub use observer::ConditionCounts;
pub(super) use observer::{ConditionObserver, NoObserver};
pub(super) use resolved_params::ResolvedParams;
pub(super) use side_tables::SideTables;
