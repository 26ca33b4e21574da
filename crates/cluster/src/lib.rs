//! The one way to an API server: what is watched there, and the few things that are written.
//!
//! Everything that is asked has a time limit, and everything that goes wrong is told with what was asked; a refusal names
//! the RBAC rule that is missing. Nothing here decides about a request: callers get labels, bindings and certificates as
//! they stand, and what is not known is said to be not known. It never reads a Secret other than the one it is given.
//!
//! | file | is |
//! |---|---|
//! | `connect` | from a kubeconfig or a service account to a [`Cluster`] |
//! | `call` | one bounded call, and the words for its failure |
//! | `error` | what can go wrong |
//! | `follow` | list, then watch, for as long as the process lives |
//! | `pulse` | how a watch is doing: synced, how old, what is wrong |
//! | `pace` | pauses between attempts |
//! | `namespaces` | labels of namespaces: watched, and asked for on a miss |
//! | `bindings` | ControlBindings, watched |
//! | `status` | conditions of a ControlBinding |
//! | `secret` | certificates in a Secret |
//! | `webhook_configuration` | trust, and the failure policy of those who leave |
//! | `policies` | admission policies, bindings and params: applied, and pruned |
//! | `ledger` | which Events are written, and when (pure) |
//! | `events` | Kubernetes Events |

mod bindings;
mod call;
mod connect;
mod error;
mod events;
mod follow;
mod ledger;
mod namespaces;
mod pace;
mod policies;
mod pulse;
mod secret;
mod status;
mod webhook_configuration;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use bindings::{Before, Bindings, LOST, StoredBinding};
pub use connect::{Access, Cluster, connect};
pub use error::ClusterError;
pub use events::Events;
pub use ledger::{Note, Subject};
pub use namespaces::Namespaces;
pub use policies::{Applying, Became};
pub use secret::{Certificates, SecretStore};
pub use status::Condition;
pub use webhook_configuration::{Install, Release};
