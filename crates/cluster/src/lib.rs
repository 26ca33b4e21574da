//! The client of an API server: the objects that are watched there, and the few that are written.
//!
//! Every call has a timeout, and every error names its call; a refused one names the RBAC rule that
//! is missing. The crate decides nothing about a request: callers get labels, bindings and
//! certificates as they are, and what is not known is reported as not known. It reads no Secret but
//! the one that it is given, and those that a scan of a cluster was told to read.
//!
//! | file | is |
//! |---|---|
//! | `connect` | from a kubeconfig or a service account to a [`Cluster`] |
//! | `api_call` | one call with a timeout, and the error for its failure |
//! | `error` | the errors |
//! | `discovery` | the resources that the API server serves |
//! | `raw_request` | one GET as bytes, up to a bound |
//! | `request_budget` | how many requests are made, and the pauses that the API server asks for |
//! | `lease` | leader election: one of several replicas holds a Lease |
//! | `object_list` | the objects of one resource, page by page, as documents |
//! | `unreadable_object`, `json_parts` | an object that exceeds a limit is named, and others are read (pure) |
//! | `read_objects` | the objects of many resources, in all namespaces or one by one |
//! | `read_request` | which objects are read |
//! | `object_watch` | their changes, as documents |
//! | `single_object` | one object, and the version of the API server |
//! | `access_review` | which calls are allowed |
//! | `list_watch` | list, then watch, for as long as the process lives |
//! | `watch_health` | the health of a watch: synced, age, error |
//! | `backoff` | exponential backoff with jitter |
//! | `namespaces` | labels of namespaces: watched, and fetched on a cache miss |
//! | `control_bindings` | ControlBindings, watched |
//! | `binding_status` | conditions of a ControlBinding |
//! | `binding_changes` | one ControlBinding: read, created, replaced, deleted |
//! | `binding_reports` | what a ControlBinding would deny, and what it did with reviews: in its status |
//! | `certificate_secret` | certificates in a Secret |
//! | `webhook_configuration` | the CA bundle, and the failure policy of an installation that ends |
//! | `failure_policy` | the edits of a webhook configuration (pure) |
//! | `apply` | admission policies, bindings and params: server-side apply, and pruning |
//! | `result_writer` | results as objects: written where they changed, and swept |
//! | `scan_requests` | ScanRequests: watched, created, answered, deleted |
//! | `stored_results`, `result_error` | which results there are, and why one is not written (pure) |
//! | `raw_write` | one write whose answer is not read |
//! | `event_aggregator` | which Events are written, and when (pure) |
//! | `events` | Kubernetes Events |

#![allow(clippy::disallowed_methods, reason = "it reads a kubeconfig")]

mod access_review;
mod api_call;
mod apply;
mod backoff;
mod binding_changes;
mod binding_reports;
mod binding_status;
mod certificate_secret;
mod connect;
mod control_bindings;
mod discovery;
mod error;
mod event_aggregator;
mod events;
mod failure_policy;
mod json_parts;
mod lease;
mod list_watch;
mod namespaces;
mod object_list;
mod object_watch;
mod raw_request;
mod raw_write;
mod read_objects;
mod read_request;
mod request_budget;
mod result_error;
mod result_writer;
mod scan_requests;
mod single_object;
mod stored_results;
mod unreadable_object;
mod watch_health;
mod webhook_configuration;

#[cfg(test)]
mod fake_api_server;
#[cfg(test)]
mod tests;

pub use access_review::AccessQuestion;
pub use apply::{ApplyOptions, ApplyResult};
pub use binding_changes::ReadBinding;
pub use binding_reports::ReviewCounts;
pub use binding_status::BindingCondition;
pub use certificate_secret::CertificateSecret;
pub use connect::{ApiAccess, Cluster, Server, connect, connect_within};
pub use control_bindings::{BindingHistory, ControlBindings, LOST_REASON, StoredBinding};
pub use discovery::{ApiResource, ApiResources};
pub use error::ClusterError;
pub use event_aggregator::{EventRecord, EventSubject};
pub use events::EventWriter;
pub use lease::{Fence, Leadership, LeaseConfig, LeaseHolder};
pub use namespaces::Namespaces;
pub use object_list::ListOptions;
pub use object_watch::WatchedChange;
pub use read_objects::ReadEvent;
pub use read_request::{ReadRequest, ResourceRequest, WatchStart};
pub use request_budget::{RequestBudget, RequestRate};
pub use result_error::ResultError;
pub use result_writer::{ResultWriter, WriteReport};
pub use scan_requests::{ScanRequests, StoredScanRequest};
pub use stored_results::{ResultLimits, ResultTotals, StoredResults};
pub use webhook_configuration::{Installation, RelaxOutcome};
