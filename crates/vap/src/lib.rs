//! Controls as ValidatingAdmissionPolicies: compiled controls and bindings in, objects for the API
//! server out.
//!
//! An object has the same verdict in a policy as in the webhook, so the webhook's exemptions are in
//! the policies too. A policy enforces the findings that are not exempt, its `-excused` twin
//! reports the exempt ones, its `-unjudged` twin the objects that are skipped for their cost;
//! bindings say where, and with which actions. CEL is emitted by `kubevet-cel`; here expressions
//! are combined, and printed at the very end. The crate reads no file, asks no cluster, and
//! evaluates nothing but in `diff`.
//!
//! | file | is |
//! |---|---|
//! | `export` | the entry point: bindings and an emitter in, [`Export`] out |
//! | `exported_object`, `skipped_control` | what an export holds, and what it leaves out |
//! | `packing` | which controls are in one policy, and for which kinds |
//! | `policy` | a policy: variables, the validation, messages |
//! | `readable_policy` | a policy that people read |
//! | `policy_spec` | the parts that a policy is made of, and what it is for |
//! | `exclusions` | what a ControlBinding excludes and `matchResources` cannot say, as match conditions |
//! | `exemptions` | the webhook's exemptions in CEL |
//! | `binding` | a binding of a policy |
//! | `match_constraints` | kinds and ControlBindings' `matchResources` as rules of the API server |
//! | `params` | ControlConfiguration objects and their CRD |
//! | `naming` | names of objects and variables |
//! | `selection` | what a command line selects, and the name of it |
//! | `lost_controls` | which controls an export would take from policies that exist |
//! | `output` | objects as YAML: one stream, a folder for Kustomize, a file for the API server itself |
//! | `diff` | the verdicts that an upgrade of the library changes |
//! | `export_diff` | what differs between two exports |

mod binding;
mod diff;
mod exclusions;
mod exemptions;
mod export;
mod export_diff;
mod exported_object;
mod lost_controls;
mod match_condition;
mod match_constraints;
mod naming;
mod output;
mod packing;
mod params;
mod policy;
mod policy_spec;
mod readable_policy;
mod selection;
mod skipped_control;
#[cfg(test)]
mod tests;

pub use binding::{PolicyBinding, policy_binding};
pub use diff::{ControlOutcome, DiffSide, VerdictChange, diff_verdicts};
pub use export::{EmitCel, Export, ExportOptions, ParamsIn, export};
pub use export_diff::{ObjectChange, ObjectDiff, diff_exports};
pub use exported_object::{CONTROLS_ANNOTATION, ExportedObject};
pub use lost_controls::{LostControls, lost_controls};
pub use match_condition::{any_control_fails, is_too_large_for_all};
pub use match_constraints::EXEMPT_NAMESPACES;
pub use naming::{MANAGED_BY, exempt_policy_name, library_policy_name, skipped_policy_name};
pub use output::{StaticManifestError, kustomization, static_manifests, to_multi_doc};
pub use packing::Packing;
pub use params::{CONFIGURATION, configuration_crd};
pub use policy::is_too_large;
pub use readable_policy::readable_checks;
pub use selection::Selection;
pub use skipped_control::{SkipReason, SkippedControl};
