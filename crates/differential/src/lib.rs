//! Differential testing of the ways in which kubevet evaluates controls. OPA, the compiled program,
//! the interpreter, and the exported policies under the API server's CEL are subjects: each
//! evaluates the same generated objects, and every disagreement is shrunk to a small object.
//!
//! It is pure: a subject that runs in a process of its own is reached through a [`Pipe`] that the
//! caller provides.
//!
//! | file | is |
//! |---|---|
//! | `run`, `subject_set` | the run: test cases for all subjects until enough was compared |
//! | `test_case`, `subject` | what is evaluated; the trait of a subject, its answers |
//! | `engine_subjects` | the engine as a subject, and its condition coverage |
//! | `opa_subject`, `cel_subject`, `external_oracle` | subjects behind a pipe, and its protocol |
//! | `lineup` | the subjects of a run |
//! | `cel_policies` | a control as the policy that the CEL subject evaluates |
//! | `language_cases` | controls that cover the language itself |
//! | `generator` | the next test case: an object of the corpus, mutated for a control |
//! | `admission_defaults` | the changes that the API server makes before admission |
//! | `corpus`, `params_table`, `dictionary` | objects and their parts; params; fields and literals of a rule |
//! | `from_schema` | objects generated from Kubernetes' types |
//! | `custom_objects` | workloads as objects of custom kinds |
//! | `mutate`, `pod_mutations`, `invalid` | changes that an API server may accept; changes that it would reject |
//! | `disagreement`, `known_deviations` | the comparison of answers; known faults of the interpreter |
//! | `reduction`, `shrink` | a disagreement reduced to the smallest object that shows it |
//! | `regression` | that object as a test object to keep |
//! | `message_coverage`, `report` | the messages that a run has met; its result |
//! | `json_path`, `rng` | paths in a JSON tree; reproducible random numbers |

mod admission_defaults;
mod cel_policies;
mod cel_subject;
mod corpus;
mod custom_objects;
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
mod opa_subject;
mod params_table;
mod pod_mutations;
mod reduction;
mod regression;
mod report;
mod rng;
mod run;
mod shrink;
mod subject;
mod subject_set;
mod test_case;
#[cfg(test)]
mod tests;

pub use admission_defaults::set_request_namespace;
pub use corpus::{SeedObject, seed_object};
pub use engine_subjects::{CoverageRecorder, EngineSubject};
pub use external_oracle::Pipe;
pub use known_deviations::{KNOWN_DEVIATIONS, KnownDeviation};
pub use language_cases::language_cases;
pub use lineup::Lineup;
pub use regression::RegressionFile;
pub use report::{
    ControlReport, CoverageSource, DifferentialReport, Disagreement, ObservedCondition,
    SubjectReport,
};
pub use run::{RunConfig, run};
pub use subject::{Subject, SubjectAnswer, SubjectError, SubjectFinding};
pub use test_case::TestCase;
