//! Compiles the patterns of rules and params, within limits of memory.

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use std::sync::{Arc, OnceLock};

/// The most memory that one compiled pattern may take, in bytes: as RE2 in OPA.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// The same for all patterns of one param together.
const MAX_PATTERN_SET_BYTES: usize = 4 * MAX_PATTERN_BYTES;

/// A literal pattern of a rule, compiled at its first use: most objects need few of them.
#[derive(Debug)]
pub(super) struct LiteralPattern {
    text: Arc<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl LiteralPattern {
    pub(super) fn new(text: &Arc<str>) -> Self {
        Self {
            text: Arc::clone(text),
            compiled: OnceLock::new(),
        }
    }

    /// The compiled pattern; `None` if it is invalid.
    pub(super) fn compiled(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| compile_pattern(&self.text))
            .as_ref()
    }
}

/// Compiles a pattern within [`MAX_PATTERN_BYTES`]; `None` if it is invalid.
pub(super) fn compile_pattern(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern)
        .size_limit(MAX_PATTERN_BYTES)
        .build()
        .ok()
}

/// Compiles the patterns of a param as one automaton; `None` if that takes more than
/// [`MAX_PATTERN_SET_BYTES`].
pub(super) fn compile_pattern_set<'p>(
    patterns: impl Iterator<Item = &'p String>,
) -> Option<RegexSet> {
    RegexSetBuilder::new(patterns)
        .size_limit(MAX_PATTERN_SET_BYTES)
        .build()
        .ok()
}
