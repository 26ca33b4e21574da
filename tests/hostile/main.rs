//! Attacks on a running `kubevet serve`, each named by its number and the fault that it once showed. README.md says what
//! is here, how to run it, and which of them failed before the fix.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod a_client_certificates;
mod a_http;
mod a_http2;
mod a_payloads;
mod a_slow;
mod a_tls;
mod b_identities;
mod b_images;
mod b_objects;
mod b_texts;
mod b_updates;
mod c_bindings;
mod c_certificates;
mod c_disks;
mod c_logs;
mod c_signals;
#[path = "../cluster/client.rs"]
#[allow(
    dead_code,
    reason = "the tests of a cluster share it, and use more of it"
)]
mod client;
#[path = "../cluster/controlplane.rs"]
#[allow(dead_code, reason = "as above")]
mod controlplane;
mod doubts;
mod f01_cost_of_an_update;
mod f02_bodies_that_never_come;
mod f03_late_answers;
mod f04_memory;
mod f05_connections;
mod f06_slow_objects;
mod f07_blocked_logs;
mod f08_lost_certificates;
mod f09_identity;
mod f10_text_in_logs;
mod frames;
mod line;
#[path = "../cluster/namespace.rs"]
#[allow(dead_code, reason = "as above")]
mod namespace;
mod objects;
mod ordinary;
#[path = "../cluster/process.rs"]
#[allow(dead_code, reason = "as above")]
mod process;
#[path = "../suite/raw.rs"]
#[allow(dead_code, reason = "as above")]
mod raw;
mod real;
mod scale;
#[path = "../cluster/gate.rs"]
#[allow(dead_code, reason = "as above")]
mod served;
mod server;
#[path = "../cluster/waiting.rs"]
mod waiting;
#[path = "../cluster/webhook.rs"]
#[allow(dead_code, reason = "as above")]
mod webhook;
