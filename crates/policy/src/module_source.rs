//! The source of a Rego module.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A Rego module.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct ModuleSource {
    /// The path of the file to show.
    pub file: Arc<str>,
    /// The source text.
    pub text: Arc<str>,
}
