//! Differential tests: the orders and constraints of this crate against Grype's own, which the oracle of
//! `tests/images/` runs at the root of the repository. `tests/run oracle` runs them.

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

mod comparison;
mod differences;
mod generator;
mod random;
