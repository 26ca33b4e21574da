//! Documents become a `Scan`: every object evaluated, every control and framework scored, and the
//! status of the whole.
//!
//! It is pure: it takes documents and an engine, and returns a value. It reads no files, calls no
//! API server and prints nothing.
//!
//! | file | is |
//! |---|---|
//! | `run` | one scan from end to end, of files or of the pages of a cluster |
//! | `evaluate` | one object → its result, located in its source |
//! | `accounting`, `tally` | counts results, and keeps those that a report shows |
//! | `owned` | objects that a controller made for another one |
//! | `score`, `scored_framework`, `status` | the results of controls and frameworks; the thresholds |
//! | `read_plan` | which kinds of a cluster the chosen controls read |
//! | `unread` | what of a cluster could not be read |
//! | `cluster_evaluator` | the evaluation of objects of a cluster that is followed |
//! | `reported_objects` | which of them are reported, and which under their owner |
//! | `changes` | the changes of a cluster after a scan |
//! | `verdicts` | compact verdicts of a cluster that is followed, and the scores over them |
//! | `filter` | which objects are evaluated |
//! | `fingerprint` | the stable keys of findings |
//! | `schema_checks`, `misnamed_kind`, `old_workload` | objects against the types of Kubernetes |
//! | `redact` | credentials in excerpts |

mod accounting;
mod changes;
mod cluster_evaluator;
mod evaluate;
mod filter;
mod fingerprint;
mod misnamed_kind;
mod old_workload;
mod owned;
mod read_plan;
mod redact;
mod reported_objects;
mod run;
mod schema_checks;
mod score;
mod scored_framework;
mod status;
mod tally;
mod unread;
mod verdicts;

pub use changes::{ChangeTracker, ScanMemory, is_being_deleted};
pub use cluster_evaluator::ClusterEvaluator;
pub use filter::ObjectFilter;
pub use read_plan::{PlannedKind, ReadPlan};
pub use reported_objects::{Freshness, Placement, ReportedObjects};
pub use run::{ClusterOutcome, FileObjects, ScanOptions, run, run_pages};
pub use schema_checks::SchemaChecks;
pub use scored_framework::ScoredFramework;
pub use unread::UnreadLog;
pub use verdicts::{ClusterScore, ObjectVerdict, ScoredControls, score_verdicts};
