//! Controls as ValidatingAdmissionPolicies: compiled controls and bindings in, objects for the API server out.
//!
//! One object has one verdict, whoever asks; so the rules of the gate's decision stand in the policies too. A policy
//! says what is wrong and brought in, its `-excused` twin says what is wrong and let pass, and bindings say where and
//! what is done. Expressions are printed elsewhere: this folder puts them together. It never reads a file, never asks a
//! cluster, and judges nothing itself but in `compare`.
//!
//! | file | is |
//! |---|---|
//! | `export` | the door: bindings and a printer in, [`Export`] out |
//! | `group` | which controls go into one policy, and for which kinds |
//! | `excuse` | the decision's rules in CEL |
//! | `ask`, `closed` | the match condition: whether there is anything to say, without variables |
//! | `write` | a policy: variables, the one validation, what it says |
//! | `bind` | a binding of policies |
//! | `scope` | kinds and ControlBindings' `matchResources` as the API server's rules |
//! | `params` | ControlConfiguration objects and their CRD |
//! | `name` | names of objects and variables |
//! | `yaml`, `layout` | objects as a stream, a folder for Kustomize, a folder for the API server's own use |
//! | `compare` | which verdicts an upgrade changes |

mod ask;
mod bind;
mod closed;
mod compare;
mod excuse;
mod export;
mod group;
mod layout;
mod name;
mod params;
mod scope;
#[cfg(test)]
mod tests;
mod write;
mod yaml;

pub use ask::something_is_found;
pub use bind::{PolicyBinding, policy_binding};
pub use compare::{Change, Said, Side, compare};
pub use export::{Export, LeftOut, Object, Options, Packing, ParamsIn, Print, Why, export};
pub use layout::{kustomization, static_manifests, stream};
pub use name::{MANAGED_BY, excused_name, policy_name, unjudged_name};
pub use params::{CONFIGURATION, configuration_crd};
pub use scope::EXEMPT_NAMESPACES;
