//! The program. Everything is in the library; this file chooses the allocator.

use std::process::ExitCode;

/// The allocator returns memory to the system after a peak, which the system's own allocator does
/// not do for each thread.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    kubevet::cli::run()
}
