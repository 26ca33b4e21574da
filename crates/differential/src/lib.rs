//! The proof that several ways of judging give one verdict: OPA, the compiled program, the interpreter, and the exported
//! policies under the API server's CEL are asked about the same generated objects, and what differs is made small.
//!
//! It is pure: a voice that is a process of its own is given as a [`Pipe`] by whoever started it.
//!
//! | file | is |
//! |---|---|
//! | `run` | questions to all voices until enough was compared |
//! | `voice`, `engines`, `oracle` | who is asked: the trait, our engine, OPA and CEL behind a pipe |
//! | `panel` | who is asked in a run |
//! | `exported` | a control as the policy that CEL is asked about |
//! | `constructs` | the language itself as a library |
//! | `generate` | the next question: an object from the pool, changed for a control |
//! | `arrive` | what the API server makes of an object first |
//! | `pool`, `words` | manifests and parts of them; the fields and literals of a rule |
//! | `grow` | objects and parts of them made from Kubernetes' types |
//! | `mutate`, `wrong` | changes that an API server may let through; and such that it would not |
//! | `compare`, `deviations` | when voices differ; where the reference tier is known to |
//! | `shrink` | a disagreement → the smallest object that shows it |
//! | `yaml`, `regression` | that object as YAML; as a test object to keep |
//! | `ways`, `report` | what a run met and found |
//! | `tree`, `random` | places in a JSON tree; chance that repeats itself |

mod arrive;
mod compare;
mod constructs;
mod deviations;
mod engines;
mod exported;
mod generate;
mod grow;
mod mutate;
mod oracle;
mod panel;
mod pool;
mod random;
mod regression;
mod report;
mod run;
mod shrink;
#[cfg(test)]
mod tests;
mod tree;
mod voice;
mod ways;
mod words;
mod wrong;
mod yaml;

pub use constructs::constructs;
pub use deviations::{DEVIATIONS, Deviation};
pub use engines::{EngineVoice, Watcher};
pub use oracle::Pipe;
pub use panel::Panel;
pub use pool::{Seed, seed};
pub use regression::Regression;
pub use report::{Condition, ControlReport, Coverage, Disagreement, Report, VoiceReport};
pub use run::{Plan, run};
pub use voice::{Answer, Found, Question, Voice, VoiceError};
