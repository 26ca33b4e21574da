//! The types of Kubernetes' built-in kinds, in several minor versions: which fields there are, what they hold, and what
//! an absent one becomes on its way to admission.
//!
//! `kubernetes.txt` is made from Kubernetes' own OpenAPI documents and Go types by `tests/kubernetes/schema`, and held
//! against a real API server by `tests/cluster/schema_openapi.rs`; `read` reads it, `table` answers. It knows nothing of custom
//! kinds and never sees an object.

mod parse_table;
mod table;
mod types;

pub use parse_table::TableError;
pub use table::Schema;
pub use types::{Field, FieldType, KindInfo, SchemaStep, Type, TypeId, TypeRef};
