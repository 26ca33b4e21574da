//! Results as the objects that other clients of a cluster read: Kubescape's results of configuration
//! scans, and policy reports. Results in, finished objects out.
//!
//! Equal results give equal bytes, without a time or a version of the object in them, so that a
//! writer sends nothing where nothing changed. Every object is bounded in size: what does not fit is
//! counted in it, and the worst is kept. A control that was not evaluated is never shown as passed.
//! The crate writes nothing and knows no API server.
//!
//! | file | is |
//! |---|---|
//! | `result_builder` | results → objects |
//! | `result_context` | what all of them are made with |
//! | `result_names` | names, labels and annotations |
//! | `object_metadata` | metadata, owner, hash of the content |
//! | `control_outcome` | the outcome of each control for one object |
//! | `size_budget` | the bytes that are left in an object |
//! | `workload_scan` | `WorkloadConfigurationScan` and its summary |
//! | `namespace_summary` | `ConfigurationScanSummary` |
//! | `policy_report` | `PolicyReport`, `ClusterPolicyReport`, `Report` and `ClusterReport` |

mod control_outcome;
mod namespace_summary;
mod object_metadata;
mod policy_report;
mod result_builder;
mod result_context;
mod result_names;
mod size_budget;
mod workload_scan;

#[cfg(test)]
mod tests;

pub use namespace_summary::SummaryMember;
pub use policy_report::{BindingsOf, ReportApi};
pub use result_builder::{MAX_RESULT_BYTES, ResultBuilder};
