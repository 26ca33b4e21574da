//! The command line as a library, so that the benchmarks can be the program.

#![allow(
    clippy::disallowed_methods,
    reason = "the program reads what its flags name"
)]

pub mod cli;
