//! The evaluator of compiled controls: a program over one document.
//!
//! All controls that apply to a kind share one [`LoopPlan`]: each list of the object is iterated
//! once for all of them, and a condition that several of them use is decided once. Values are small
//! and hold no references, so an object that passes allocates nothing here. Recursion follows the
//! program's depth, never the object's, and every step is counted. Messages, paths and fixes are
//! computed only for clauses that fire.
//!
//! | file | holds |
//! |---|---|
//! | `evaluate` | the entry point: one object under one plan |
//! | `loop_plan`, `check` | loop fusion: which conditions are decided in which loop |
//! | `required_fields`, `field_guards` | which checks are skipped because a field is absent |
//! | `context` | the input of an evaluation |
//! | `build_side`, `join_plan` | which equalities are joins, and what an index of each contains |
//! | `clause_stages` | the loops of a clause in order |
//! | `side_tables` | facts about each term and condition, computed once when rules are compiled |
//! | `string_set_plan`, `string_set`, `string_sets` | conditions on the elements of a param that are decided at once |
//! | `resolve_params`, `resolved_params`, `patterns` | params, read once; compiled patterns |
//! | `params_dependence`, `params_evaluator` | what depends on params alone, evaluated once for each set of params |
//! | `term_plan`, `condition_plan` | terms and conditions as they are evaluated, each with the policy of its memo |
//! | `evaluator`, `conditions`, `loops` | terms, conditions and binders over one object |
//! | `value`, `strings`, `functions`, `images` | values, strings and functions of them |
//! | `ordering`, `decimal` | the order of values |
//! | `memo_plan`, `memo` | memoization by binder version |
//! | `hash_index`, `hash_join` | joins: nested loops first, an index once they have cost enough |
//! | `budget`, `scratch`, `judged_lists` | limits; memory that is reused |
//! | `render` | findings |
//! | `observer` | counts of condition results, for coverage |

mod budget;
mod build_side;
mod check;
mod clause_stages;
mod condition_plan;
mod conditions;
mod context;
mod decimal;
mod evaluate;
mod evaluator;
mod field_guards;
mod functions;
mod hash_index;
mod hash_join;
mod images;
mod join_plan;
mod judged_lists;
mod loop_plan;
mod loops;
mod memo;
mod memo_plan;
mod observer;
mod ordering;
mod params_dependence;
mod params_evaluator;
mod patterns;
mod render;
mod required_fields;
mod resolve_params;
mod resolved_params;
mod scratch;
mod side_tables;
mod string_set;
mod string_set_plan;
mod string_sets;
mod strings;
mod term_plan;
mod value;

#[cfg(test)]
mod tests;

pub use budget::StepBudgetExceeded;
pub(super) use context::EvalContext;
pub(super) use evaluate::evaluate;
pub(super) use loop_plan::LoopPlan;
pub use observer::ConditionCounts;
pub(super) use observer::{ConditionObserver, NoObserver};
pub(super) use params_dependence::depends_on_params_alone;
pub(super) use resolve_params::resolve_params;
pub(super) use resolved_params::ResolvedParams;
pub(super) use scratch::Scratch;
pub(super) use side_tables::SideTables;
