//! What is left of a condition on the elements of a param once the params are known: strings to
//! compare with one string of the object.

use super::patterns::compile_pattern;
use kubevet_ir::{Predicate, intrinsics::strings};
use regex::Regex;

/// The string sets of a condition, one for each alternative.
pub(super) type StringSets = Box<[StringSet]>;

/// The strings by which a predicate tests its subject: true if it holds for any of them.
#[derive(Debug)]
pub(super) struct StringSet {
    predicate: Predicate,
    pub(super) keys: Vec<String>,
    /// All keys as one pattern, if the predicate looks for substrings.
    pattern: Option<Regex>,
}

impl StringSet {
    pub(super) fn new(predicate: Predicate, keys: Vec<String>) -> Self {
        let pattern = if predicate == Predicate::Contains && !keys.is_empty() {
            let escaped: Vec<String> = keys.iter().map(|key| regex::escape(key)).collect();
            compile_pattern(&escaped.join("|"))
        } else {
            None
        };
        Self {
            predicate,
            keys,
            pattern,
        }
    }

    pub(super) fn matches(&self, subject: &str) -> bool {
        let mut keys = self.keys.iter();
        match (self.predicate, &self.pattern) {
            (_, Some(pattern)) => pattern.is_match(subject),
            (Predicate::StartsWith, _) => keys.any(|key| subject.starts_with(key)),
            (Predicate::EndsWith, _) => keys.any(|key| subject.ends_with(key)),
            (Predicate::Contains, _) => keys.any(|key| subject.contains(key)),
            (Predicate::ContainsIgnoreCase, _) => {
                keys.any(|key| strings::contains_ignore_case(subject, key))
            }
            _ => false,
        }
    }
}
