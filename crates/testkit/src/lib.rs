//! Support for integration tests: everything that more than one suite needs to run kubevet and
//! the programs around it. A normal dependency on this crate is forbidden; `tests/architecture/`
//! holds that. It knows nothing of what a test expects, and panics where a program fails to start.
//!
//! | module | holds |
//! |---|---|
//! | [`polling`] | waiting for a condition, up to [`polling::HANG_TIMEOUT`] |
//! | [`process`] | child processes that never outlive their value |
//! | [`build_output`] | the kubevet binary under test, and the folders of the build |
//! | [`test_dir`] | a temporary folder, and the program run in it |
//! | [`snapshot`] | comparison with a file, which `UPDATE=1` rewrites |
//! | [`golden`] | folders of rules, each beside the file that it must become |
//! | `webhook_process` | `kubevet serve` as a process |
//! | `webhook_client` | an HTTPS client like the API server's, and load from many of them |
//! | `raw_connection` | a TLS connection that sends exactly the given bytes |
//! | [`control_plane`] | etcd, kube-apiserver and kube-controller-manager, and kubectl |
//! | [`cluster_simulation`] | a control plane filled with objects, which change |
//! | [`fault_proxy`] | a proxy before the API server, with faults by rules |
//! | [`namespace`] | a namespace that belongs to one test |
//! | `webhook_registration` | a ValidatingWebhookConfiguration, in force when the call returns |
//! | [`audit_log`] | the audit log of the API server |
//! | [`helm`] | charts, rendered by Helm's own engine |
//! | [`postgres_server`] | a PostgreSQL of Debian's packages |
//! | [`oracle`] | OPA and the API server's own code, and Syft and Grype, behind a line protocol |
//! | [`test_images`] | images of every kind, written as layouts and archives |
//! | [`image_registry`] | a registry with faults, and what a client did there |
//! | [`skip`] | reporting that a test was not run |
//!
//! The feature `webhook` has what is named after it, and `raw_connection`.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and write files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub mod audit_log;
pub mod build_output;
pub mod cluster_simulation;
pub mod control_plane;
pub mod fault_proxy;
pub mod golden;
pub mod helm;
pub mod image_registry;
pub mod namespace;
pub mod oracle;
pub mod polling;
pub mod postgres_server;
pub mod process;
#[cfg(feature = "webhook")]
pub mod raw_connection;
pub mod skip;
pub mod snapshot;
pub mod test_dir;
pub mod test_images;
#[cfg(feature = "webhook")]
pub mod webhook_client;
#[cfg(feature = "webhook")]
pub mod webhook_process;
#[cfg(feature = "webhook")]
pub mod webhook_registration;
