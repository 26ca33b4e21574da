//! Rules compiled once, objects judged ever after.
//!
//! Two tiers. A rule that keeps to the profile is lowered to a program, which is evaluated in microseconds and printed as
//! CEL; what the compiler refuses runs in `reference`, the regorus interpreter. Who asks does not see the difference.
//!
//! | folder or file | is |
//! |---|---|
//! | `evaluate` | what runs the program |
//! | `reference`, `value`, `answer` | the interpreter |
//! | `explain`, `coverage` | what became of a rule, for its author; which of its conditions were seen both ways |
//! | `judge` | the engine: which controls look at what, and their answers |

mod answer;
mod coverage;
mod evaluate;
mod explain;
mod judge;
#[cfg(test)]
mod path_reads_tests;
mod reference;
mod value;

pub use coverage::Asked;
pub use evaluate::{Heavy, Seen};
pub use explain::Explanation;
pub use judge::{Bounds, Engine};
pub use kubevet_ir::{is_configured, looks_at};
