//! The program: what rules become when they are compiled. Plain data, read by the evaluator, the printer of CEL and
//! whoever explains it to people; it runs nothing itself.
//!
//! Conditions are always true or false; only terms can be undefined, and there is one undefined, no error. All rules of
//! a library live in one [`Program`], in which equal things are one thing: a question that two controls ask has one id
//! and is answered once.
//!
//! | file | is |
//! |---|---|
//! | `term` | the language: terms, conditions, binders |
//! | `build` | the arena that holds it, and the simplifications that need no knowledge of Kubernetes |
//! | `deny` | a rule: when it denies, and what it says then |
//! | `reads` | which fields the conditions behind a finding's path read |
//! | `show` | a program as text |

#![allow(missing_docs, reason = "was private to one crate until now")]

mod applicability;
mod arena;
mod clause;
mod display;
mod field_reads;
pub mod intrinsics;
mod term;

pub use applicability::{is_configured, looks_at};
pub use arena::Program;
pub use clause::{Clause, CompiledControl, CompiledLibrary, FixTemplate, FixValue};
pub use field_reads::{elements, fields_read, path_patterns, path_reads};
pub use term::{
    Binder, BinderId, Comparison, Condition, ConditionId, Const, ContainerList, Domain, Intrinsic,
    Predicate, Term, TermId, ValueType,
};
