//! The control library: embedded in the program, loaded from a folder, or extended by a user's
//! folder. Params, bindings, frameworks and test cases are read here too, since they name controls.
//!
//! Every format is read in two steps, the fields as written and then the type that is valid, and all
//! errors are reported at once, with their positions and remedies. One broken file loses no other.
//! Rego is only source text here: the crate `rego` parses it.
//!
//! | file | is |
//! |---|---|
//! | `loader`, `overlay` | the sources of controls: the binary, `--policies-only DIR`, `--policies FILE\|DIR` |
//! | `read_dir`, `folder_layout`, `unused_files` | the files of a folder, the role of each, those without one |
//! | `library`, `module_source`, `load_library`, `rule_module` | the [`Library`]; files → library; the rule of a control |
//! | `shared_rule`, `rule_use` | rules that several controls use with arguments; the use of one → module |
//! | `builtin` | controls whose check is part of the program |
//! | `control`, `rego_metadata`, `metadata_block`, `framework`, `param_schema` | one format each: control.yaml, METADATA of a Rego file, frameworks, params.yaml |
//! | `public_controls` | the controls of the public library, those that are not here included |
//! | `load_bindings`, `binding` | files of bindings; one binding |
//! | `binding_check` | the parts of a valid binding that have no effect |
//! | `binding_controls`, `match_resources`, `label_selectors`, `exclude_subjects` | the parts of a binding |
//! | `binding_notes` | what a valid binding excludes differently from what one may expect |
//! | `params`, `controls_config` | values of params, and Kubescape's inputs file |
//! | `workloads_file` | a user's kinds with pod specs |
//! | `testdata`, `cases`, `differences` | the expected results of controls |
//! | `cause` | what violations of several controls have in common |
//! | `scaffold` | writes a new control |
//! | `map_reader` | reads the fields of a map and reports every error |
//! | `control_id`, `kind_selector`, `regex_compat`, `rego_text`, `did_you_mean` | ids, kinds, regular expressions, the package of a module, the nearest name |

#![allow(clippy::disallowed_methods, reason = "it reads policy folders")]

mod binding;
mod binding_check;
mod binding_controls;
mod binding_notes;
mod builtin;
mod cases;
mod cause;
mod control;
mod control_id;
mod controls_config;
mod did_you_mean;
mod differences;
mod exclude_subjects;
mod folder_layout;
mod framework;
mod kind_selector;
mod label_selectors;
mod library;
mod load_bindings;
mod load_library;
mod loader;
mod map_reader;
mod match_resources;
mod metadata_block;
mod module_source;
mod overlay;
mod param_entry;
mod param_schema;
mod params;
mod public_controls;
mod read_dir;
mod regex_compat;
mod rego_metadata;
mod rego_text;
mod rule_module;
mod rule_use;
mod scaffold;
mod shared_rule;
mod testdata;
#[cfg(test)]
mod tests;
mod unused_files;
mod workloads_file;

pub use binding::{Binding, KIND as BINDING_KIND, fallback_binding, is_binding_resource};
pub use binding_check::{
    BindingCheck, Remark, RemarkLevel, check_binding, describe_problems, read_binding,
};
pub use builtin::{BuiltinCheck, BuiltinControl};
pub use cases::{Case, CaseFile, ExpectedFailure, External, parse_cases, read_cases};
pub use cause::shared_cause;
pub use control_id::package_of;
pub use controls_config::read_controls_config;
pub use did_you_mean::nearest;
pub use differences::{Difference, parse_differences, read_differences};
pub use framework::load_framework;
pub use library::{ControlSource, Library};
pub use load_bindings::{
    BindingKeys, LoadedBindings, binding_enums, binding_keys, load_bindings, read_bindings,
};
pub use loader::{embedded, embedded_modules, load_folder};
pub use module_source::ModuleSource;
pub use overlay::{EditedLibrary, load_edited, policy_files};
pub use params::{ParamError, ParamSchema, ParamSpec, ParamType, ParamValue, Params};
pub use regex_compat::vet as vet_pattern;
pub use scaffold::{ScaffoldError, new_control};
pub use shared_rule::SharedRule;
pub use testdata::{Expected, TestObject, read_testdata};
pub use workloads_file::read_workloads;
