//! Which requests and objects something is meant for: rules, selectors, namespaces, names.
//!
//! One place for everything that has a scope, so that a binding, an exception and an exported policy mean the same by
//! the same words. The words and their meaning are those of a ValidatingAdmissionPolicy's `matchResources`. It reads no
//! files and asks no cluster: what is not known is answered as not known, never as "does not match".
//!
//! | file | is |
//! |---|---|
//! | `attributes` | what is asked about: a request as the API server describes it |
//! | `rule` | one resource rule |
//! | `selector` | label selectors |
//! | `resources` | rules, selectors and namespaces together |

mod attributes;
mod label_selector;
mod match_resources;
mod resource_rule;

pub use attributes::{Attributes, Labels};
pub use label_selector::{LabelOperator, LabelRequirement, LabelSelector};
pub use match_resources::{MatchResources, MatchResult, NamespaceLabels};
pub use resource_rule::{ResourceRule, RuleScope};
