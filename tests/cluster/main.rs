//! The webhook against a real control plane, called by a real client: etcd, kube-apiserver,
//! kube-controller-manager and kubectl from `tests/kubernetes/` (see its README;
//! `KUBEVET_CONTROLPLANE` names the binary).
//!
//! The tests of one process share a control plane and run at the same time, each in its own
//! namespaces. A webhook that a test registers is called for these namespaces only.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod active_webhook;
mod admission_policies;
mod certificate_store;
mod chart_upgrade;
mod client_certificates;
mod cluster_scan;
mod consistency;
mod control_bindings;
mod corpus;
mod denial;
mod exclusions;
mod field_validation;
mod gate_operator;
mod harness;
mod load;
mod monitoring;
mod mounted_policies;
mod namespace_labels;
mod operator;
mod operator_faults;
mod operator_install;
mod operator_process;
mod operator_requests;
mod operator_scale;
mod operator_sink_faults;
mod operator_sinks;
mod outages;
mod pod_subresources;
mod promotion;
mod replay;
mod result_objects;
mod review_requests;
mod schema_openapi;
mod stub_webhook;
mod uninstall;
mod updates;
mod verdicts;
