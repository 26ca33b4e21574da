//! A framework as a scan scores it.

use kubevet_model::{Framework, Level};
use std::sync::Arc;

/// A framework to score.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredFramework {
    /// The framework, narrowed to the level.
    pub framework: Arc<Framework>,
    /// True if the user named it.
    pub is_named: bool,
    /// The profile level.
    pub level: Option<Level>,
}
