//! Being called: a listener with TLS whose certificates care for themselves, health, metrics, and an end in which no
//! call fails. It knows HTTP and nothing of what is served.
//!
//! Certificates: a [`CertificateStore`] holds them, a [`Keeper`] renews them by the pure [`plan`], a [`TlsSource`]
//! serves them. Connections: a [`Listener`] takes them, [`listen`] serves them until a [`Shutdown`] has come to its end.

mod apart;
mod bundle;
mod certificate;
mod clients;
mod connection;
mod descriptors;
mod folder;
mod health;
mod keeper;
mod listener;
mod metrics;
mod pace;
mod pair;
mod peer;
mod places;
mod recovery;
mod rotation;
mod server;
mod shutdown;
mod spare;
mod store;
mod taking;
#[cfg(test)]
mod tests;
mod tls;

pub use apart::listen_apart;
pub use certificate::{BACKDATE, CA_LIFETIME, IssueError, LEAF_LIFETIME, leaf_names};
pub use descriptors::{Descriptors, raise_descriptor_limit};
pub use folder::FolderStore;
pub use health::Health;
pub use keeper::{Keeper, KeeperError};
pub use listener::{Limits, Listener};
pub use metrics::Metrics;
pub use pair::PairError;
pub use peer::Peer;
pub use rotation::{Authority, CA_RENEWAL, Held, LEAF_RENEWAL, Leaf, Signer, Step, plan};
pub use server::{listen, listen_plain};
pub use shutdown::{Drain, Shutdown};
pub use store::{CertificateStore, Published, StoreError, Stored};
pub use tls::{Clients, Offered, TlsError, TlsSource};
