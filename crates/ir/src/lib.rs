//! The program: the intermediate representation that rules are compiled to.
//!
//! It is plain data. The front end (`kubevet-rego`) builds it, the evaluator (`kubevet-engine`)
//! runs it, the emitter (`kubevet-cel`) translates it to CEL, and all analyses go through one
//! visitor. Nothing here reads an object, except the native halves of the intrinsics.
//!
//! The language is total. Conditions are always true or false; only terms can be undefined, and
//! there is one undefined and no error. All rules of a library live in one [`Program`], in which
//! equal nodes are one node (hash consing): a condition of two controls has one id and is
//! evaluated once.
//!
//! | file | is |
//! |---|---|
//! | `id` | typed ids of terms, conditions and binders |
//! | `literal`, `term`, `condition`, `binder` | the language: nodes and their children |
//! | `arena` | the program: nodes, hash consing, free binders |
//! | `simplify` | smart constructors: constant folding and local simplification |
//! | `facts`, `assumptions` | what is proved for every object, and under the conditions of a clause |
//! | `visit` | the visitor |
//! | `clause` | compiled rules |
//! | `field_reads` | the fields that the conditions behind a finding's path read |
//! | `display` | a program as a string |
//! | `intrinsics` | the native halves of the shared library's functions |

mod arena;
mod assumptions;
mod binder;
mod clause;
mod condition;
mod display;
mod facts;
mod field_reads;
mod id;
pub mod intrinsics;
mod literal;
mod simplify;
mod term;
mod visit;

pub use arena::Program;
pub use assumptions::Assumptions;
pub use binder::{Binder, ContainerList, Domain};
pub use clause::{Clause, CompiledControl, CompiledLibrary, CompiledRule, FixTemplate, FixValue};
pub use condition::{Comparison, Condition, Predicate};
pub use field_reads::{
    Dependencies, dependencies, elements, field_patterns, fields_read, path_patterns, path_reads,
};
pub use id::{BinderId, ConditionId, NodeId, TermId};
pub use literal::{Const, ValueType};
pub use term::{Intrinsic, Term};
pub use visit::{Descent, Visitor, Walk};
