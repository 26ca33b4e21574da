//! Objects from outside: JSON or YAML bytes become one type, [`Document`].
//!
//! A document is a flat tape of small nodes over the text that it was read from, never a tree of
//! maps, so reading allocates little and nothing recurses. Everything here is pure, and every input
//! is hostile: size, depth, number of nodes and expansion are bounded, and an exceeded bound is a
//! [`Problem`](kubevet_model::Problem) with its position.
//!
//! | file | is |
//! |---|---|
//! | `parse`, `limits`, `outcome` | bytes → documents and problems: JSON or YAML, as kubectl decides |
//! | `json`, `yaml` | the two readers; both write to a `builder::Builder` |
//! | `tape`, `source_map` | the result: nodes; and the text, with lines and columns |
//! | `node`, `number`, `key_hash` | read access to a tape; the hash by which keys are found |
//! | `document` | the identity of an object, and the end of a field path in it |
//! | `expand_lists` | a list → its items |
//! | `set_api_version` | an object → the same in another `apiVersion` |
//! | `set_namespace` | objects → the same in the namespace that they would be created in |
//! | `to_json`, `to_yaml` | a value → JSON; a JSON value → YAML |

mod builder;
mod document;
mod expand_lists;
mod json;
mod key_hash;
mod limits;
mod node;
mod number;
mod outcome;
mod parse;
mod set_api_version;
mod set_namespace;
mod source_map;
mod tape;
mod to_json;
mod to_yaml;
mod yaml;

#[cfg(test)]
mod tests;

pub use document::{Child, Document, Resolved};
pub use expand_lists::{expand_lists, list_items};
pub use key_hash::FieldKey;
pub use limits::Limits;
pub use node::{Entry, Node, Value};
pub use number::Number;
pub use parse::{ParsedFile, read, read_json, read_yaml};
pub use set_api_version::set_api_version;
pub use set_namespace::set_namespace;
pub use to_yaml::{YamlStyle, flow_yaml, to_yaml};
