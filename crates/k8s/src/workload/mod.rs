//! Workloads: the kinds with a pod spec, its path, its containers, and the controllers that create
//! workloads. `custom` has the kinds of other software.
//!
//! One table of kinds serves the Rust code, the Rego library (`policies/lib/kinds.rego` is
//! generated from it) and the index of the engine, so that no control can omit a kind. No object is
//! read here.

mod containers;
mod controllers;
pub mod custom;
mod fixed_fields;
mod kinds;
mod merge_keys;
mod select_kinds;

pub use containers::container_of;
pub use controllers::{
    CONTROLLER_ACCOUNTS, CONTROLLERS, Controller, NameSuffix, OwnerCreator, POD_TEMPLATE_HASH,
    may_be_made_by_controller,
};
pub use fixed_fields::{is_fixed_collection, is_fixed_value};
pub use kinds::{
    WORKLOADS, WorkloadKind, is_workload, pod_spec_path, pod_spec_path_of, rego_table,
};
pub use merge_keys::{MERGE_KEYS, merge_key_default, merge_keys};
pub use select_kinds::SelectKinds;
