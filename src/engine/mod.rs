//! Rules compiled once, objects judged ever after.
//!
//! Today one tier: `reference`, the regorus interpreter, which runs whatever `safety` lets through. `profile` is the
//! form of Rego that a later tier can compile; our own controls must keep to it. Nothing outside this folder sees Rego.

mod answer;
mod builtins;
mod evaluate;
mod guard;
mod intrinsics;
mod judge;
mod lower;
mod profile;
mod program;
mod reference;
mod safety;
mod syntax;
mod value;

pub use judge::{Engine, is_configured, looks_at};
pub use profile::lint;
