//! Rules compiled once, objects judged ever after.
//!
//! Two tiers. A rule that keeps to the profile is lowered to a `program`, which is evaluated in microseconds and printed
//! as CEL; what the compiler refuses runs in `reference`, the regorus interpreter. Who asks does not see the difference.
//! Nothing outside this folder sees Rego.
//!
//! | folder or file | is |
//! |---|---|
//! | `syntax`, `guard`, `safety` | parsed Rego; what is refused before and after parsing |
//! | `profile` | where a rule leaves the form that compiles |
//! | `lower` → `program` → `evaluate` | the compiler, what it makes, and what runs it |
//! | `intrinsics` | functions of `policies/lib` that the compiler takes whole |
//! | `reference`, `builtins`, `value`, `answer` | the interpreter |
//! | `explain`, `coverage` | what became of a rule, for its author; which of its conditions were seen both ways |
//! | `judge` | the engine: which controls look at what, and their answers |

mod answer;
mod builtins;
pub mod cel;
mod coverage;
mod evaluate;
mod explain;
mod guard;
mod intrinsics;
mod judge;
mod lower;
mod profile;
mod program;
mod reference;
mod safety;
mod syntax;
mod value;

pub use coverage::Asked;
pub use evaluate::{Heavy, Seen};
pub use explain::Explanation;
pub use intrinsics::{intrinsic, intrinsic_cel};
pub use judge::{Bounds, Engine, is_configured, looks_at};
pub use profile::lint;
