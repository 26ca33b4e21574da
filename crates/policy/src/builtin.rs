//! Controls whose check is part of the program. They have a control.yaml and test data as any other,
//! and no rule: Rego cannot read the table of Kubernetes' types.
//!
//! They are kept apart from the controls with rules, so that no engine and no export takes them for
//! a control that it could compile. The crate `validation` checks them.

use kubevet_model::{Control, Position};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A check of the crate `validation`.
#[derive(Debug, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuiltinCheck {
    /// Fields that Kubernetes does not know.
    UnknownFields,
    /// API versions that Kubernetes removed or deprecated.
    ApiVersions,
}

impl BuiltinCheck {
    /// Every check with its name in control.yaml.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("unknown-fields", Self::UnknownFields),
        ("api-versions", Self::ApiVersions),
    ];
}

/// A control without a rule.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq)]
pub struct BuiltinControl {
    /// The metadata. It names no kinds: the check decides.
    pub control: Arc<Control>,
    /// The check.
    pub check: BuiltinCheck,
    /// The file with the metadata.
    pub file: Arc<str>,
    /// The position of the id in that file.
    pub position: Position,
}
