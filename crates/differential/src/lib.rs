//! The proof that several ways of judging give one verdict: OPA, the compiled program, the interpreter, and the exported
//! policies under the API server's CEL are asked about the same generated objects, and what differs is made small.
//!
//! It is pure: a voice that is a process of its own is given as a [`Pipe`] by whoever started it.
//!
//! | file | is |
//! |---|---|
//! | `run` | questions to all voices until enough was compared |
//! | `subject`, `engine_subjects`, `external_oracle` | who is asked: the trait, our engine, OPA and CEL behind a pipe |
//! | `lineup` | who is asked in a run |
//! | `cel_policies` | a control as the policy that CEL is asked about |
//! | `language_cases` | the language itself as a library |
//! | `generator` | the next question: an object from the pool, changed for a control |
//! | `admission_defaults` | what the API server makes of an object first |
//! | `corpus`, `dictionary` | manifests and parts of them; the fields and literals of a rule |
//! | `from_schema` | objects and parts of them made from Kubernetes' types |
//! | `mutate`, `invalid` | changes that an API server may let through; and such that it would not |
//! | `disagreement`, `known_deviations` | when voices differ; where the reference tier is known to |
//! | `shrink` | a disagreement → the smallest object that shows it |
//! | `yaml`, `regression` | that object as YAML; as a test object to keep |
//! | `message_coverage`, `report` | what a run met and found |
//! | `json_path`, `rng` | places in a JSON tree; chance that repeats itself |

mod admission_defaults;
mod cel_policies;
mod corpus;
mod dictionary;
mod disagreement;
mod engine_subjects;
mod external_oracle;
mod from_schema;
mod generator;
mod invalid;
mod json_path;
mod known_deviations;
mod language_cases;
mod lineup;
mod message_coverage;
mod mutate;
mod regression;
mod report;
mod rng;
mod run;
mod shrink;
mod subject;
#[cfg(test)]
mod tests;
mod yaml;

pub use corpus::{Seed, seed};
pub use engine_subjects::{EngineVoice, Watcher};
pub use external_oracle::Pipe;
pub use known_deviations::{DEVIATIONS, Deviation};
pub use language_cases::constructs;
pub use lineup::Panel;
pub use regression::Regression;
pub use report::{Condition, ControlReport, Coverage, Disagreement, Report, VoiceReport};
pub use run::{Plan, run};
pub use subject::{Answer, Found, Question, Voice, VoiceError};
