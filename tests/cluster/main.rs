//! The gate and a real control plane, through a real client: etcd, kube-apiserver, kube-controller-manager and kubectl
//! from `tests/kubernetes/` (see its README; `KUBEVET_CONTROLPLANE` names the binary).
//!
//! Tests of one process share a control plane and run at the same time, each in namespaces of its own; a webhook that a
//! test registers is asked about those alone.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod audit;
mod bindings;
mod client;
mod connections;
mod controlplane;
mod corpus;
mod denial;
mod faults;
mod foundation;
mod gate;
mod guard;
mod load;
mod namespace;
mod namespaces;
mod policies;
mod process;
mod requests;
mod schema;
mod standin;
mod store;
mod uninstall;
mod updates;
mod verdicts;
mod waiting;
mod webhook;
