//! Keeps the results of a whole cluster up to date: every object is evaluated when the operator
//! starts, when it changes, on a schedule, when library or params change, and on demand.
//!
//! No object is kept. Of each, 80 bytes stay: uid, version, a compact verdict and a hash of the
//! result. What waits is bounded: pages, changes (one an object), results.
//!
//! ```text
//! lists   → pages   ─┐
//! watches → changes ─┴→ evaluate → reported or left out → result, if it is new → writer → sinks
//! ```
//!
//! Several replicas read; the one that holds the Lease writes. It decides nothing about results: they
//! are those of `scan`.
//!
//! | file | is |
//! |---|---|
//! | `operator` | the loop that owns all state |
//! | `handle` | the way to it: sweep, replace the policy, stop, state |
//! | `policy` | what objects are evaluated by |
//! | `binding_policy` | what the bindings of a cluster are counted by: the decision of the gate about one object |
//! | `would_deny` | what bindings would deny, counted (pure) |
//! | `would_deny_status` | that as the status of a binding (pure) |
//! | `promotion` | which change moves a binding from Audit to Deny (pure) |
//! | `reading` | which resources are read; also for a scan of a cluster |
//! | `resource_watch` | the resources that the cluster serves, as they change |
//! | `pass` | one reading of all objects, or of some kinds |
//! | `retries` | when kinds that could not be read are read again |
//! | `watches` | the watches, and their health |
//! | `change_queue` | the changes that wait, one for each object |
//! | `records`, `object_uid` | what is kept of each object |
//! | `schedule` | when all objects are read again |
//! | `single_scan` | one reading with its score, beside the operator |
//! | `scan_request` | what a ScanRequest asks for, and its status (pure) |
//! | `sink` | where results go: the trait |
//! | `log_sink` | results as lines of JSON |
//! | `result_writer` | the task that calls the sinks |
//! | `metrics` | counters and gauges |

mod binding_policy;
mod change_queue;
mod handle;
mod log_sink;
mod metrics;
mod object_uid;
mod operator;
mod pass;
mod policy;
mod promotion;
mod reading;
mod records;
mod resource_watch;
mod result_writer;
mod retries;
mod scan_request;
mod schedule;
mod single_scan;
mod sink;
#[cfg(test)]
mod tests;
mod watches;
mod would_deny;
mod would_deny_status;

pub use binding_policy::{BindingPolicy, BindingVersion, LabelsOfNamespace};
pub use handle::{BindingsHandle, OperatorEnded, OperatorHandle, OperatorStatus};
pub use log_sink::LogSink;
pub use metrics::OperatorMetrics;
pub use operator::{OperatorParts, start};
pub use policy::EvaluationPolicy;
pub use promotion::{
    BindingState, Promotion, PromotionChange, PromotionOptions, PromotionRefusal, age_of,
    part_name, plan_promotion, status_time,
};
pub use reading::{Reading, ReadingOptions};
pub use scan_request::{
    ScanPhase, ScanRequestSpec, failed_status, finished_status, is_expired, pending_status,
    running_status,
};
pub use schedule::{Schedule, ScheduleError};
pub use single_scan::{SingleScan, scan_once};
pub use sink::{BoundControls, FinishedSweep, ResultBatch, ResultSink, SinkError, SinkFuture};
pub use would_deny::{BindingDenials, DenialCounts, DeniedObject, ObjectCounts};
pub use would_deny_status::would_deny_status;
