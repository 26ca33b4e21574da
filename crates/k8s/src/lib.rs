//! Kubernetes as a table of facts: the types of its built-in kinds, where each keeps its pod spec, and which requests
//! something is meant for. It knows no engine and no client.

pub mod matching;
pub mod schema;
pub mod workload;
