//! Facts about Kubernetes: the types of its built-in kinds, the path of the pod spec in each, and
//! the matching of requests. It knows no engine and no client, and never reads an object.

pub mod matching;
pub mod schema;
pub mod workload;
