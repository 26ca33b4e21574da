//! The operator against an API server that refuses, forgets and breaks off.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and writes a kubeconfig"
)]

mod collecting_sink;
mod faults;
mod scripted_api;
mod single_scans;
