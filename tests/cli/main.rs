//! The program as its users meet it: the real binary, run in a temporary folder, judged by its output
//! and its exit code.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod binding;
mod db;
mod errors;
mod fairness;
mod hostile_policies;
mod manifests;
mod policies;
mod recipes;
mod replay;
mod review;
mod scan;
mod serve;
mod serve_hostile_input;
mod serve_logs;
mod vap;
