//! CEL from the program: compiled controls become expressions for ValidatingAdmissionPolicies.
//!
//! Every condition that is emitted is total: its evaluation ends in an error for no object that
//! reaches admission. What has no exact form in CEL is rejected with the reason; nothing is emitted
//! that is nearly right. Nothing parses CEL, and nothing asks a cluster.
//!
//! ```text
//! controls → specialize → factor → emit → Expr → print
//! ```
//!
//! | file | is |
//! |---|---|
//! | `bundle` | the entry point: controls in, variables and expressions out |
//! | `readable` | the entry point for policies that people read: one control in, a check for each body out |
//! | `target` | what is emitted for: kinds, the oldest Kubernetes, params |
//! | `expr` | the syntax tree of CEL |
//! | `print`, `layout`, `pretty_print` | the only place that writes it: on one line, or over several |
//! | `types`, `schema_types`, `typed_expr` | what Kubernetes' own types prove of an expression |
//! | `narrow` | conditions that several bodies of a readable policy have in common |
//! | `entries`, `correspondence` | what several bodies of a readable policy ask alike of different lists |
//! | `presence` | what a condition proves to be there, for the conditions beside it |
//! | `roll`, `repeats` | shorter expressions of a readable policy: alternatives over a list of numbers, variables for what is repeated |
//! | `specialize` | pruning by constant params |
//! | `factor`, `pack` | several clauses, and several controls, as one condition |
//! | `emitter`, `names`, `variables` | the state of emission: context, scope, shared variables |
//! | `definitions`, `variable_types`, `pod_paths`, `kind_test` | what the shared variables are, by kind |
//! | `custom_pods`, `pod_layouts`, `pod_walk`, `pod_map`, `composed_pod` | the pods of objects of custom kinds |
//! | `pod_nest` | expressions over all of these pods |
//! | `inline_variables` | expressions without the policy's variables |
//! | `emit_term`, `emit_call`, `coalesce`, `emit_condition`, `emit_compare`, `iteration` | the grammar of the emitter |
//! | `hoist` | long terms and conditions that depend on no loop, as variables |
//! | `image_filter` | cheap tests before those that take image references apart |
//! | `cse` | common subexpression elimination, in the conjunctions of the grammar |
//! | `comprehension` | the loops of a clause as nested comprehensions |
//! | `control`, `message`, `finding_key` | a control: whether it passes, its messages, the keys of its findings |
//! | `intrinsics` | the functions of the shared library |
//! | `cost` | an estimate of what a control costs the API server |
//! | `regex_cost_guard` | the bound on what regular expressions are matched against |
//! | `unsupported` | the reason why something cannot be emitted |
//! | `testing` | single intrinsics, for tests |
//!
//! The files depend on each other in one direction, with one exception. The grammar of the emitter
//! is one recursion over the program, as methods of `Emitter`, in `emit_term`, `emit_call`,
//! `coalesce`, `emit_condition`, `emit_compare`, `iteration` and `cse`: a condition has terms, a
//! guarded term has a condition, the domain of a loop is a term, and a conjunction binds the terms
//! that its conditions share.

mod bundle;
mod coalesce;
mod composed_pod;
mod comprehension;
mod control;
mod correspondence;
mod cost;
mod cse;
mod custom_pods;
mod definitions;
mod emit_call;
mod emit_compare;
mod emit_condition;
mod emit_term;
mod emitter;
mod entries;
mod expr;
mod factor;
mod finding_key;
mod hoist;
mod image_filter;
mod inline_variables;
mod intrinsics;
mod iteration;
mod kind_test;
mod layout;
mod message;
mod names;
mod narrow;
mod pack;
mod pod_layouts;
mod pod_map;
mod pod_nest;
mod pod_paths;
mod pod_walk;
mod presence;
mod pretty_print;
mod print;
mod readable;
mod regex_cost_guard;
mod repeats;
mod roll;
mod schema_types;
mod specialize;
mod target;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;
mod typed_expr;
mod types;
mod unsupported;
mod variable_types;
mod variables;

pub use bundle::{CelBundle, emit};
pub use control::{ControlCel, FindingKeys};
pub use cost::{MAX_EXPRESSION_COST, ObjectSizes, estimate_cost};
pub use expr::{Comprehension, Expr, Macro, Relation};
pub use inline_variables::inline_variables;
pub use readable::{ReadableCheck, ReadableControl, emit_readable};
pub use regex_cost_guard::CostSkip;
pub use target::{CelTarget, ParamsFrom};
pub use variables::PolicyVariable;
