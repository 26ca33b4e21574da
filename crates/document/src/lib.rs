//! Objects from outside: JSON or YAML bytes become one type, [`Document`].
//!
//! A document is a flat tape of small nodes over the text it was read from, never a tree of maps, so reading allocates
//! little and nothing recurses. Everything here is pure, and every input is taken for hostile: size, depth, nodes and
//! expansion are bounded, and what breaks a bound is a [`Problem`](kubevet_model::Problem) with its place.
//!
//! | file | is |
//! |---|---|
//! | `read` | bytes → documents and problems: JSON or YAML, as kubectl decides |
//! | `json`, `yaml` | the two readers, both writing to a `builder::Builder` |
//! | `tape`, `source` | what they write: nodes; and the text, with lines and columns |
//! | `node` | the only way to look at a tape |
//! | `key` | a field name known beforehand, and the tag it is found by |
//! | `object` | what a document means to Kubernetes: its identity, places in it |
//! | `expand_lists`, `write` | a list → its items; a subtree → JSON text |

mod builder;
mod document;
mod expand_lists;
mod json;
mod key_hash;
mod limits;
mod node;
mod outcome;
mod parse;
mod source_map;
mod tape;
mod to_json;
mod to_yaml;
mod yaml;

#[cfg(test)]
mod tests;

pub use document::{Child, Document, Resolved};
pub use expand_lists::expand_lists;
pub use key_hash::FieldKey;
pub use limits::Limits;
pub use node::{Entry, List, Map, Node, Number, Value};
pub use parse::{ParsedFile, read, read_json, read_yaml};
pub use to_yaml::{YamlStyle, to_yaml};
