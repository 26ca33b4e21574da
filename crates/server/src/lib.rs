//! An HTTPS server: a TLS listener, certificates that are renewed without help, health, metrics,
//! and a graceful shutdown in which no call fails.
//!
//! It knows HTTP and nothing of the routes that it serves, and it knows no cluster.
//!
//! | files | are |
//! |---|---|
//! | `listener`, `accept_loop`, `connection` | a bound socket, the loop that accepts, one connection |
//! | `connection_table`, `connection_slot`, `peer` | admission of connections, the slot of one, the caller |
//! | `connection_clock`, `tracked_body` | timeouts of one connection, responses not yet sent |
//! | `descriptor_limit`, `reserve_descriptor` | the limit on open files, and what happens at the limit |
//! | `tls_source`, `client_auth`, `serving_certificate` | the TLS configuration in force |
//! | `store`, `dir_store` | the trait of a certificate store, and a directory as one |
//! | `renewer`, `certificate_bundle`, `certificate` | renewal: one reconcile loop, applying a plan, issuing |
//! | `rotation`, `recovery` | the pure plans: rotation by date, recovery of lost files |
//! | `health`, `health_thread`, `metrics`, `shutdown` | probes, their thread, counters, the drain |
//!
//! Certificates: a [`CertificateStore`] holds them, a [`CertificateRenewer`] renews them by the
//! pure [`plan_rotation`], and a [`TlsSource`] serves them. Connections: a [`Listener`] accepts
//! them, and [`serve_tls`] serves them until a [`Shutdown`] is complete.

#![allow(
    clippy::disallowed_methods,
    reason = "it keeps certificates in folders"
)]

mod accept_loop;
mod certificate;
mod certificate_bundle;
mod client_auth;
mod connection;
mod connection_clock;
mod connection_slot;
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

pub use accept_loop::{serve_plain, serve_tls};
pub use certificate::{BACKDATE, CA_LIFETIME, IssueError, LEAF_LIFETIME, leaf_names};
pub use client_auth::ClientAuthConfig;
pub use descriptor_limit::{DescriptorLimit, raise_descriptor_limit};
pub use dir_store::DirStore;
pub use health::Health;
pub use health_thread::spawn_health_server;
pub use kubevet_model::StoredCertificates;
pub use listener::{ConnectionLimits, Listener};
pub use metrics::ServerMetrics;
pub use peer::Peer;
pub use renewer::{CertificateRenewer, RenewalError};
pub use rotation::{
    Authority, CA_RENEWAL_WINDOW, Inventory, LEAF_RENEWAL_WINDOW, Leaf, RotationStep, Signer,
    plan_rotation,
};
pub use serving_certificate::ServingCertificateError;
pub use shutdown::{Drain, Shutdown};
pub use store::{CertificateStore, Publication, StoreError};
pub use tls_source::{ReloadOutcome, TlsError, TlsSource};
