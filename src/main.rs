//! The program: everything is in the library.

#![allow(
    clippy::disallowed_methods,
    reason = "the program reads what its flags name"
)]

use std::process::ExitCode;

/// Gives memory back after a peak, where the system's allocator keeps each thread's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    kubevet::cli::run()
}
