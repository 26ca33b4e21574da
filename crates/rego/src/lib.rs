//! The front end: Rego in, the program of `kubevet-ir` out. Nothing behind this crate sees Rego, except the interpreter.
//!
//! | folder or file | is |
//! |---|---|
//! | `syntax`, `guard`, `safety` | parsed Rego; what is refused before and after parsing |
//! | `builtins` | the builtins that a rule may call, bounded |
//! | `profile` | where a rule leaves the form that compiles |
//! | `lower` | the compiler |

#![allow(missing_docs, reason = "was private to one crate until now")]

pub mod builtins;
mod guard;
pub mod lower;
mod profile;
pub mod safety;
pub mod syntax;

pub use profile::lint;
