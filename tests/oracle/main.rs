//! Differential tests: kubevet against the Go code of OPA and Kubernetes, which the oracle of
//! `tests/kubernetes/` runs (see its README; `KUBEVET_ORACLE` names the binary).

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

mod cel;
mod comparison;
mod document;
mod exclusions;
mod helm_chart;
mod inputs;
mod intrinsics;
mod native_intrinsics;
mod pod_security;
mod rego;
mod schema;
mod semantics;
mod style;
mod verify;
