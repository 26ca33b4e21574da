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

mod annotations;
mod binding;
mod bindings;
#[cfg(test)]
mod bindings_tests;
mod cases;
mod control;
mod coverage;
mod custom;
mod fields;
mod files;
mod framework;
mod identity;
mod inputs;
mod kinds;
mod layout;
mod library;
mod match_resources;
mod params;
mod patterns;
mod rule;
mod scaffold;
mod schema;
mod selectors;
mod sources;
mod suggest;
mod testdata;
#[cfg(test)]
mod tests;

pub use binding::{Binding, fallback_binding, read_binding};
pub use bindings::{BindingKeys, binding_keys, binding_words, load_bindings, read_bindings};
pub use cases::{
    Case, CaseFile, Difference, ExpectedFailure, External, parse_cases, parse_differences,
    read_cases, read_differences,
};
pub use custom::load_custom;
pub use identity::package_of;
pub use inputs::read_controls_config;
pub use library::{ControlSource, Library, Module};
pub use params::{ParamSchema, ParamSpec, ParamType, ParamValue, Params};
pub use patterns::vet as vet_pattern;
pub use scaffold::{ScaffoldError, new_control};
pub use sources::{embedded, load_folder};
pub use testdata::{Expected, TestObject, read_testdata};
