//! Differential tests: what kubevet does against what Kubernetes' and OPA's own Go code does, through the oracle of
//! `tests/kubernetes/` (see its README; `KUBEVET_ORACLE` names the binary).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cel;
mod document;
mod intrinsics;
mod rego;
mod schema;
mod semantics;
mod support;
mod verify;
