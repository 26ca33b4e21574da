//! Being called: a listener with TLS whose certificates care for themselves, health, metrics, and an end in which no
//! call fails. It knows HTTP and nothing of what is served.
//!
//! Certificates: a [`CertificateStore`] holds them, a [`Keeper`] renews them by the pure [`plan`], a [`TlsSource`]
//! serves them. Connections: a [`Listener`] takes them, [`listen`] serves them until a [`Shutdown`] has come to its end.

mod accept_loop;
mod certificate;
mod certificate_bundle;
mod client_auth;
mod connection;
mod connection_clock;
mod connection_table;
mod descriptor_limit;
mod dir_store;
mod health;
mod health_thread;
mod listener;
mod metrics;
mod peer;
mod recovery;
mod renewer;
mod reserve_descriptor;
mod rotation;
mod serving_certificate;
mod shutdown;
mod store;
#[cfg(test)]
mod tests;
mod tls_source;
mod tracked_body;

pub use accept_loop::{listen, listen_plain};
pub use certificate::{BACKDATE, CA_LIFETIME, IssueError, LEAF_LIFETIME, leaf_names};
pub use descriptor_limit::{Descriptors, raise_descriptor_limit};
pub use dir_store::FolderStore;
pub use health::Health;
pub use health_thread::listen_apart;
pub use listener::{Limits, Listener};
pub use metrics::Metrics;
pub use peer::Peer;
pub use renewer::{Keeper, KeeperError};
pub use rotation::{Authority, CA_RENEWAL, Held, LEAF_RENEWAL, Leaf, Signer, Step, plan};
pub use serving_certificate::PairError;
pub use shutdown::{Drain, Shutdown};
pub use store::{CertificateStore, Published, StoreError, Stored};
pub use tls_source::{Clients, Offered, TlsError, TlsSource};
