//! The types of Kubernetes' built-in kinds in several minor versions: their fields, the types of
//! these, and the value that an absent field has at admission.
//!
//! `kubernetes.txt` is generated from Kubernetes' own OpenAPI documents and Go types by
//! `tests/kubernetes/schema`, and tested against a real API server by
//! `tests/cluster/schema_openapi.rs`.
//! `parse_table` parses it, `table` answers queries. `api_versions` lists the versions that
//! Kubernetes deprecated or removed. Custom kinds are unknown here, and no object is read.

mod api_versions;
mod parse_table;
mod table;
mod types;

pub use api_versions::OldApiVersion;
pub use parse_table::TableError;
pub use table::Schema;
pub use types::{Field, FieldType, KindInfo, SchemaStep, Type, TypeId, TypeRef};
