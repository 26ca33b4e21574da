//! The parts of kubevet under one name, for tests and benches; and the command line.

#![allow(
    clippy::disallowed_methods,
    reason = "the program reads what its flags name"
)]

pub use kubevet_admission as admission;
pub use kubevet_cel as cel;
pub use kubevet_cluster as cluster;
pub use kubevet_conformance as conformance;
pub use kubevet_differential as differential;
pub use kubevet_document as document;
pub use kubevet_engine as engine;
pub use kubevet_ir::intrinsics;
pub use kubevet_k8s::matching;
pub use kubevet_k8s::schema;
pub use kubevet_k8s::workload;
pub use kubevet_manifests as manifests;
pub use kubevet_model as model;
pub use kubevet_policy as policy;
pub use kubevet_rego as rego;
pub use kubevet_report as report;
pub use kubevet_scan as scan;
pub use kubevet_server as server;
pub use kubevet_source as input;
pub use kubevet_vap as vap;
pub use kubevet_webhook as webhook;

pub mod cli;
