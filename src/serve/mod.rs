//! Being called: a listener with TLS whose certificates care for themselves, health, metrics, and an end in which no
//! call fails. It knows HTTP and nothing of what is served.

mod certificate;
mod rotation;
mod store;

pub use certificate::{BACKDATE, CA_LIFETIME, IssueError, LEAF_LIFETIME, leaf_names};
pub use rotation::{Authority, CA_RENEWAL, Held, LEAF_RENEWAL, Leaf, Signer, Step, plan};
pub use store::{CertificateStore, Published, StoreError, Stored};
