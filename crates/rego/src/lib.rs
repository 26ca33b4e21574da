//! The front end: Rego in, the program of `kubevet-ir` out. Nothing behind this crate sees Rego,
//! except the interpreter.
//!
//! | folder or file | is |
//! |---|---|
//! | `prescan`, `ast` | the check before parsing; the parsed module and its traversal |
//! | `builtins`, `complexity` | the allow-list of builtins; static limits on recursion, depth and size |
//! | `lower` | the compiler |
//! | `rule_index` | the rules of a library by name |
//! | `unknown_input`, `shared_names` | fields that `input` does not have; wrong names of shared modules |
//! | `finding_form` | findings that visibly lack a part |
//! | `refusal` | the reasons why a rule is not compiled: the profile |
//! | `lint` | rules of style beyond the profile |

pub mod ast;
pub mod builtins;
pub mod complexity;
mod finding_form;
mod lint;
pub mod lower;
mod prescan;
mod refusal;
mod rule_index;
mod shared_names;
mod unknown_input;

pub use finding_form::check_findings;
pub use lint::lint;
