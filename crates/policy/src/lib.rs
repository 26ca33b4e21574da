//! The control library: embedded in the program, from a folder, or a user's own controls added to it.
//!
//! Everything is read in two steps, what was written and then the type that is right, and every mistake is told at
//! once, with its place and what to do. One broken file loses no other. Rego is text here; the engine compiles it.
//!
//! | file | is |
//! |---|---|
//! | `sources`, `custom` | where controls come from: the program, `--policies DIR`, `--custom-rules` |
//! | `files`, `layout` | a folder's files as texts, and which is what |
//! | `library` | files → [`Library`] |
//! | `control`, `annotations`, `framework`, `schema` | one format each: control.yaml, a Rego file's METADATA, frameworks, params.yaml |
//! | `bindings`, `binding` | files of bindings; one binding: which controls hold for which requests |
//! | `coverage`, `match_resources`, `selectors` | the parts of a binding |
//! | `params`, `inputs` | values of params, and Kubescape's inputs file |
//! | `testdata`, `cases` | what is expected of controls, for whoever runs them |
//! | `scaffold` | writes a new control |
//! | `fields` | reads maps, complaining of everything |
//! | `identity`, `kinds`, `patterns`, `rule`, `suggest` | one question each: ids, kinds, regular expressions, Rego's text, "did you mean" |

#![allow(clippy::disallowed_methods, reason = "it reads policy folders")]

mod binding;
mod binding_controls;
mod cases;
mod control;
mod control_id;
mod controls_config;
mod custom_rules;
mod did_you_mean;
mod folder_layout;
mod framework;
mod kind_selector;
mod label_selectors;
mod library;
mod load_bindings;
mod loader;
mod map_reader;
mod match_resources;
mod param_schema;
mod params;
mod read_dir;
mod regex_compat;
mod rego_metadata;
mod rego_text;
mod scaffold;
mod testdata;
#[cfg(test)]
mod tests;

pub use binding::{Binding, fallback_binding, read_binding};
pub use cases::{
    Case, CaseFile, Difference, ExpectedFailure, External, parse_cases, parse_differences,
    read_cases, read_differences,
};
pub use control_id::package_of;
pub use controls_config::read_controls_config;
pub use custom_rules::load_custom;
pub use library::{ControlSource, Library, ModuleSource};
pub use load_bindings::{BindingKeys, binding_enums, binding_keys, load_bindings, read_bindings};
pub use loader::{embedded, load_folder};
pub use params::{ParamSchema, ParamSpec, ParamType, ParamValue, Params};
pub use regex_compat::vet as vet_pattern;
pub use scaffold::{ScaffoldError, new_control};
pub use testdata::{Expected, TestObject, read_testdata};
