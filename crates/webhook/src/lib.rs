//! The admission webhook: an AdmissionReview in, an answer out.
//!
//! It reads the envelope and writes the answer; what is wrong with an object is the engine's to say, and what is done
//! about it the decision's. How connections are served, and where the library and the bindings come from, is for others.
//!
//! | file | is |
//! |---|---|
//! | `review`, `glance` | bytes → a review; what can be told of one that is not read whole |
//! | `gate` | what holds, and the answer to one body under it |
//! | `answer` | a decision → bytes |
//! | `server`, `body`, `timeout` | the endpoint, reading, the time of a review |
//! | `capacity` | how much may happen at once |
//! | `fair_queue`, `slots` | whose turn it is to be judged; the same for tasks that wait |
//! | `ledger`, `memory` | who holds how many bytes, and who yields; the same for requests |
//! | `metrics`, `log`, `record` | what is counted, written down and kept of reviews |
//! | `explain` | each control's part in an answer |
//! | `lines`, `writer` | lines of a log, and the thread behind logs and records |
//! | `wrap` | a plain object as a review, for trying things out |

#![allow(
    clippy::disallowed_methods,
    reason = "it writes the decision log and recorded reviews"
)]

mod answer;
mod background_writer;
mod body;
mod byte_accounts;
mod caller_timeout;
mod capacity;
mod decision_log;
mod endpoint;
mod envelope;
mod explain;
mod fair_queue;
mod fair_semaphore;
mod log_writer;
mod memory_budget;
mod metrics;
mod recorder;
mod review;
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
pub use review::{GroupVersionResource, MAX_BODY_BYTES, Review};
pub use snapshot::{AnswerContext, PhaseDurations, PolicySnapshot, ReviewOutcome};
pub use synthetic_review::review_from_manifest;
