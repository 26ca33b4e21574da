//! The matching of requests: resource rules, selectors, namespaces, names.
//!
//! Everything that has a scope uses it, so that a binding, an exception and an exported policy match
//! the same requests. Names and semantics are those of a ValidatingAdmissionPolicy's
//! `matchResources`. It reads no files and calls no cluster; what is unknown gives an unknown result,
//! never "does not match".
//!
//! | file | is |
//! |---|---|
//! | `attributes` | the attributes of an admission request |
//! | `resource_rule` | one resource rule |
//! | `label_selector` | label selectors |
//! | `match_resources` | rules, selectors and namespaces together |
//! | `resource_target` | the resources by which objects of a kind are admitted |
//! | `excluded_owners` | excluded workloads, as owners of what controllers create for them |
//! | `request_subject` | users, groups and service accounts |

mod attributes;
mod excluded_owners;
mod label_selector;
mod match_resources;
mod request_subject;
mod resource_rule;
mod resource_target;

pub use attributes::{Attributes, Labels};
pub use excluded_owners::{ExcludedNames, ExcludedOwners};
pub use label_selector::{LabelOperator, LabelRequirement, LabelSelector};
pub use match_resources::{MatchResources, MatchResult, NamespaceLabels};
pub use request_subject::RequestSubject;
pub use resource_rule::{ResourceRule, RuleScope};
pub use resource_target::{ResourceTarget, is_connection, resource_targets};
