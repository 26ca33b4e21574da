//! The store on both databases: each test of `on_each_backend` runs on a SQLite file and on a real
//! PostgreSQL. Without PostgreSQL, its half reports "not run".

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and damage files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod backends;
mod daily_states;
mod faults;
mod findings_of_objects;
mod fleets;
mod histories;
mod hostile_input;
mod pages_and_counts;
mod results;
mod retentions;
mod speed;
mod sqlite_files;
mod sweeps;
mod tls_connections;
mod two_writers;
