//! Being called: a listener with TLS whose certificates care for themselves, health, metrics, and an end in which no
//! call fails. It knows HTTP and nothing of what is served.
//!
//! Certificates: a [`CertificateStore`] holds them, a [`Keeper`] renews them by the pure [`plan`], a [`TlsSource`]
//! serves them.

mod bundle;
mod certificate;
mod clients;
mod folder;
mod keeper;
mod metrics;
mod pair;
mod rotation;
mod store;
mod tls;

pub use certificate::{BACKDATE, CA_LIFETIME, IssueError, LEAF_LIFETIME, leaf_names};
pub use folder::FolderStore;
pub use keeper::{Keeper, KeeperError};
pub use metrics::Metrics;
pub use pair::PairError;
pub use rotation::{Authority, CA_RENEWAL, Held, LEAF_RENEWAL, Leaf, Signer, Step, plan};
pub use store::{CertificateStore, Published, StoreError, Stored};
pub use tls::{Clients, Offered, TlsError, TlsSource};
