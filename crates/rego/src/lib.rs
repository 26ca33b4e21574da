//! The front end: Rego in, the program of `kubevet-ir` out. Nothing behind this crate sees Rego, except the interpreter.
//!
//! | folder or file | is |
//! |---|---|
//! | `ast`, `guard`, `safety` | parsed Rego; what is refused before and after parsing |
//! | `builtins` | the builtins that a rule may call, bounded |
//! | `profile` | where a rule leaves the form that compiles |
//! | `lower` | the compiler |

#![allow(missing_docs, reason = "was private to one crate until now")]

pub mod ast;
pub mod builtins;
pub mod complexity;
mod lint;
pub mod lower;
mod prescan;
mod refusal;

pub use lint::lint;
pub use refusal::Refusal;
