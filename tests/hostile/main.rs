//! Attacks on a running `kubevet serve`, each named by its number and the fault that it once found.
//! README.md lists them, how to run them, and which of them failed before the fix.

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
#![allow(
    clippy::print_stderr,
    reason = "attacks report their figures, for runs with --nocapture"
)]

mod a_client_certificates;
mod a_http;
mod a_http2;
mod a_payloads;
mod a_slow_callers;
mod a_tls;
mod attack_connection;
mod attack_objects;
mod attack_scale;
mod attacked_server;
mod b_images;
mod b_objects;
mod b_strings;
mod b_updates;
mod b_users;
mod baseline_traffic;
mod c_bindings;
mod c_certificates;
mod c_disks;
mod c_logs;
mod c_signals;
mod decided_questions;
mod f01_cost_of_an_update;
mod f02_withheld_bodies;
mod f03_late_responses;
mod f04_memory;
mod f05_connections;
mod f06_slow_objects;
mod f07_blocked_logs;
mod f08_lost_certificates;
mod f09_finding_key;
mod f10_control_characters_in_logs;
mod http2_frames;
mod real_api_server;
