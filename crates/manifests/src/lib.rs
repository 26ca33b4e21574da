//! The manifests that install kubevet in a cluster, as strings: options in, YAML out.
//!
//! It writes no files and reaches no cluster. The YAML is in `templates/`, with the reason of each
//! setting as a comment beside it; this code fills the slots.
//!
//! | file | is |
//! |---|---|
//! | `options`, `error` | the differences between installations, and their validation |
//! | `install` | the objects, and what fills their slots |
//! | `mounted_files` | ConfigMaps of policies and params, and their volumes |
//! | `crd`, `webhook_configuration` | the two objects that are assembled from several templates |
//! | `webhook_rules` | kinds → resources of webhook rules |
//! | `admission_configuration` | the files by which API servers show a client certificate |
//! | `kustomize`, `helm` | the same objects as a folder for Kustomize, as a Helm chart |
//! | `monitoring`, `dashboard` | alert rules and dashboards over the metrics |
//! | `gate_dashboard`, `operator_dashboard` | the panels of each |
//! | `scan_rbac` | the least rights for a scan of a cluster |
//! | `operator_rbac` | the least rights for the operator |
//! | `operator_options` | the differences between installations of the operator |
//! | `operator_install` | the objects of the operator, and what fills their slots |
//! | `operator_chart` | the operator in the Helm chart |
//! | `results_crds` | the definitions of the kinds that results are written as, and that ask for them |
//! | `template` | fills the slots of a template |

mod admission_configuration;
mod crd;
mod dashboard;
mod error;
mod gate_dashboard;
mod helm;
mod install;
mod kustomize;
mod monitoring;
mod mounted_files;
mod operator_chart;
mod operator_dashboard;
mod operator_install;
mod operator_options;
mod operator_rbac;
mod options;
mod results_crds;
mod scan_rbac;
mod template;
mod webhook_configuration;
mod webhook_rules;

#[cfg(test)]
mod tests;

pub use admission_configuration::admission_configuration;
pub use error::InvalidOption;
pub use helm::chart;
pub use install::{install, objects, webhook};
pub use kustomize::{kustomization, operator_kustomization};
pub use monitoring::monitoring;
pub use mounted_files::MountedFolder;
pub use operator_chart::FrameworkRights;
pub use operator_install::{install_operator, operator_objects};
pub use operator_options::{OperatorOptions, OperatorStore};
pub use operator_rbac::{OperatorRights, operator_rbac};
pub use options::{ExternalWebhook, FailurePolicy, InstallOptions, kinds};
pub use results_crds::{ResultCrds, results_crds, scan_request_crd};
pub use scan_rbac::{ScanRights, scan_cluster_role};
