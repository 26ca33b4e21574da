//! Which tags of a repository are wanted, by glob patterns.

use super::error::RegistryError;
use globset::{Glob, GlobSet, GlobSetBuilder};
use kubevet_model::one_line;

/// The most patterns of a filter, and the longest one in bytes.
const MAX_PATTERNS: usize = 1000;
const MAX_PATTERN: usize = 256;

/// A filter of tags: at least one pattern of `include` matches, or there is none, and no pattern of
/// `exclude` does.
#[derive(Debug, Clone)]
pub struct TagFilter {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl TagFilter {
    /// Reads the patterns, such as `v1.*` or `*-{amd64,arm64}`.
    ///
    /// # Errors
    ///
    /// Returns an error that names the pattern that is wrong.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, RegistryError> {
        let has_includes = !include.is_empty();
        Ok(Self {
            include: has_includes.then(|| read_patterns(include)).transpose()?,
            exclude: read_patterns(exclude)?,
        })
    }

    /// True for a tag that is wanted.
    #[must_use]
    pub fn accepts(&self, tag: &str) -> bool {
        self.include
            .as_ref()
            .is_none_or(|include| include.is_match(tag))
            && !self.exclude.is_match(tag)
    }
}

fn read_patterns(patterns: &[String]) -> Result<GlobSet, RegistryError> {
    let wrong = |pattern: &str, reason: String| RegistryError::Configuration {
        what: format!("pattern of tags `{}`", one_line(pattern, 100)),
        reason,
    };
    if patterns.len() > MAX_PATTERNS {
        return Err(wrong(
            "…",
            format!("there are more than {MAX_PATTERNS} patterns"),
        ));
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if pattern.len() > MAX_PATTERN {
            return Err(wrong(
                pattern,
                format!("it is longer than {MAX_PATTERN} bytes"),
            ));
        }
        set.add(Glob::new(pattern).map_err(|error| wrong(pattern, error.kind().to_string()))?);
    }
    set.build()
        .map_err(|error| wrong("…", error.kind().to_string()))
}

#[cfg(test)]
mod tests {
    use super::TagFilter;

    fn filter(include: &[&str], exclude: &[&str]) -> Result<TagFilter, String> {
        let owned = |patterns: &[&str]| {
            patterns
                .iter()
                .map(|&pattern| pattern.to_owned())
                .collect::<Vec<_>>()
        };
        TagFilter::new(&owned(include), &owned(exclude)).map_err(|error| error.to_string())
    }

    #[test]
    fn tags_are_accepted_by_patterns() {
        let check = |include: &[&str], exclude: &[&str], tag: &str, accepted: bool| {
            let found = filter(include, exclude).unwrap().accepts(tag);
            assert_eq!(found, accepted, "{include:?} {exclude:?} {tag}");
        };
        check(&[], &[], "v1", true);
        check(&["v1.*"], &[], "v1.2", true);
        check(&["v1.*"], &[], "v2.1", false);
        check(&["v1.*", "latest"], &[], "latest", true);
        check(&[], &["sha256-*"], "sha256-00.sig", false);
        check(&["v*"], &["*-rc*"], "v1-rc1", false);
        check(&["*-{amd64,arm64}"], &[], "v1-arm64", true);
        check(&["v[0-9]"], &[], "v1", true);
    }

    #[test]
    fn pattern_that_is_wrong_is_named() {
        let check = |pattern: &str, part: &str| {
            let error = filter(&[pattern], &[]).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        check("v[1", "`v[1`");
        check("{a", "`{a`");
        check(&"a".repeat(300), "longer than");
    }
}
