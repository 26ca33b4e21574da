//! Calls against an API server that refuses, stays silent or goes away.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod event_writes;
mod leases;
mod object_reads;
mod object_watches;
mod object_writes;
mod put_off_requests;
mod resource_names;
mod result_writes;
mod watches;

use super::fake_api_server::Reply;
use serde_json::{Value, json};
use std::time::Duration;

/// The time after which a test fails.
const LONG: Duration = Duration::from_secs(10);

fn list(items: &[Value]) -> Reply {
    Reply::Json(
        200,
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}),
    )
}

fn failure(code: u16, message: &str) -> Reply {
    Reply::Json(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "message": message, "reason": "Because"}),
    )
}
