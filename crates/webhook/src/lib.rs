//! The admission webhook: answers an `AdmissionReview`.
//!
//! This crate reads the envelope of a review, schedules its evaluation and writes the answer. The
//! engine evaluates controls, and the `admission` crate decides. Connections are served by
//! `server`; the library and the bindings come from the command line.
//!
//! | file | purpose |
//! |---|---|
//! | `endpoint` | `POST /validate`: from a request to its response |
//! | `body`, `caller_timeout` | reading a body within bounds; the time budget of a review |
//! | `review`, `envelope` | a body as a review; the fields of one that is not read whole |
//! | `scheduling` | the thread, the permit and the namespace labels of an evaluation |
//! | `snapshot`, `evaluation` | library and bindings in force, and the answer under them |
//! | `answer`, `response` | a decision as JSON; the HTTP response |
//! | `capacity` | memory for bodies, and permits for evaluations |
//! | `fair_queue`, `fair_semaphore` | round robin by caller and user; permits for tasks |
//! | `byte_accounts`, `memory_budget` | bytes by caller, and eviction; the same for requests |
//! | `metrics`, `label_bounds` | metrics for Prometheus; the bounds on the values of labels |
//! | `review_totals` | requests that bindings denied or would have denied, for their status |
//! | `decision_log`, `log_entry` | the log of decisions, and one line of it |
//! | `recorder` | reviews as files, for `kubevet review` |
//! | `replay` | what bindings would deny of recorded reviews |
//! | `log_writer`, `background_writer` | lines of a log, and the thread that writes them |
//! | `explain` | an answer, control by control |
//! | `synthetic_review` | a manifest as a review |

#![allow(
    clippy::disallowed_methods,
    reason = "it writes the decision log and recorded reviews"
)]

mod answer;
mod background_writer;
mod binding_review;
mod body;
mod byte_accounts;
mod caller_timeout;
mod capacity;
mod decision_log;
mod endpoint;
mod envelope;
mod evaluation;
mod explain;
mod fair_queue;
mod fair_semaphore;
mod label_bounds;
mod log_entry;
mod log_writer;
mod memory_budget;
mod metrics;
mod recorder;
mod replay;
mod response;
mod review;
mod review_totals;
mod scheduling;
mod snapshot;
mod synthetic_review;
#[cfg(test)]
mod tests;

pub use capacity::{Capacity, evaluation_concurrency};
pub use decision_log::DecisionLog;
pub use endpoint::{Endpoint, LabelsFuture, NamespaceLookup, ReviewObserver, router};
pub use explain::explain;
pub use log_writer::{LogOutput, LogWriter};
pub use metrics::WebhookMetrics;
pub use recorder::Recorder;
pub use replay::{ReplayedRequest, Replayer};
pub use review::{GroupVersionResource, MAX_BODY_BYTES, Review};
pub use review_totals::{RequestTotals, TotalsByBinding};
pub use snapshot::{AnswerContext, AnswerError, PhaseDurations, PolicySnapshot, ReviewOutcome};
pub use synthetic_review::{review_by_controller, review_from_manifest};
