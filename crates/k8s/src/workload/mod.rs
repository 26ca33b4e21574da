//! The pod spec inside an object, wherever its kind keeps it.
//!
//! One table of kinds serves the Rust side, the Rego library (`policies/lib/kinds.rego` is generated from it) and the
//! index of the engine, so that no control can forget a kind. It never reads objects itself.

mod containers;
mod controllers;
mod kinds;
mod merge_keys;
mod select_kinds;

pub use containers::container_of;
pub use controllers::{CONTROLLER_ACCOUNTS, CONTROLLERS, Controller, may_be_made_by_controller};
pub use kinds::{
    WORKLOADS, WorkloadKind, is_workload, pod_spec_path, pod_spec_path_of, rego_table,
};
pub use merge_keys::{MERGE_KEYS, merge_key_default, merge_keys};
pub use select_kinds::SelectKinds;
