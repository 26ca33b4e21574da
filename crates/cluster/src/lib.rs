//! The one way to an API server: what is watched there, and the few things that are written.
//!
//! Everything that is asked has a time limit, and everything that goes wrong is told with what was asked; a refusal names
//! the RBAC rule that is missing. Nothing here decides about a request: callers get labels, bindings and certificates as
//! they stand, and what is not known is said to be not known. It never reads a Secret other than the one it is given.
//!
//! | file | is |
//! |---|---|
//! | `connect` | from a kubeconfig or a service account to a [`Cluster`] |
//! | `api_call` | one bounded call, and the words for its failure |
//! | `error` | what can go wrong |
//! | `list_watch` | list, then watch, for as long as the process lives |
//! | `watch_health` | how a watch is doing: synced, how old, what is wrong |
//! | `backoff` | pauses between attempts |
//! | `namespaces` | labels of namespaces: watched, and asked for on a miss |
//! | `control_bindings` | ControlBindings, watched |
//! | `binding_status` | conditions of a ControlBinding |
//! | `certificate_secret` | certificates in a Secret |
//! | `webhook_configuration` | trust, and the failure policy of those who leave |
//! | `apply` | admission policies, bindings and params: applied, and pruned |
//! | `event_aggregator` | which Events are written, and when (pure) |
//! | `events` | Kubernetes Events |

mod api_call;
mod apply;
mod backoff;
mod binding_status;
mod certificate_secret;
mod connect;
mod control_bindings;
mod error;
mod event_aggregator;
mod events;
mod list_watch;
mod namespaces;
mod watch_health;
mod webhook_configuration;

#[cfg(test)]
mod fake_api_server;
#[cfg(test)]
mod tests;

pub use apply::{Applying, Became};
pub use binding_status::Condition;
pub use certificate_secret::{Certificates, SecretStore};
pub use connect::{Access, Cluster, connect};
pub use control_bindings::{Before, Bindings, LOST, StoredBinding};
pub use error::ClusterError;
pub use event_aggregator::{Note, Subject};
pub use events::Events;
pub use namespaces::Namespaces;
pub use webhook_configuration::{Install, Release};
