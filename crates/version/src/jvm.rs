//! Versions of Java runtimes: those of JEP 223 (`11.0.2+9`) and those before it (`1.8.0_292-b10`), as
//! Semantic Versioning. The update of a former version is the third number.

use crate::{
    digits::is_zero,
    semantic::{Hyphen, SemanticVersion},
};
use regex::{Captures, Regex};
use std::{cmp::Ordering, sync::LazyLock};

#[expect(clippy::unwrap_used, reason = "a constant, read by every test")]
static BEFORE_JEP_223: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^1\.(?P<major>[0-9]+)(\.(?P<minor>[0-9]+)([_u-](update)?(_)?(?P<patch>[0-9]+))?(-(?P<prerelease>[^b][^-]+))?(-b(?P<build>[0-9]+))?)?",
    )
    .unwrap()
});

#[expect(clippy::unwrap_used, reason = "a constant, read by every test")]
static SINCE_JEP_223: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<major>[0-9]+)(\.(?P<minor>[0-9]+)(\.(?P<patch>[0-9]+))?([_-](update)?(_)?(?P<update>[0-9]+))?(-(?P<prerelease>[^b][^-]+))?(-b(?P<build>[0-9]+))?)?",
    )
    .unwrap()
});

/// A version, as one of Semantic Versioning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JvmVersion(SemanticVersion);

impl JvmVersion {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let converted = if text.starts_with("1.") {
            let text = text.trim();
            BEFORE_JEP_223
                .captures(text)
                .map(|captures| semantic(&captures, or_zero(&group(&captures, "patch"))))
        } else {
            SINCE_JEP_223.captures(text).map(|captures| {
                let (patch, update) = (group(&captures, "patch"), group(&captures, "update"));
                let is_missing = patch.is_empty() || patch == "0";
                let patch = if is_missing && !update.is_empty() {
                    update
                } else {
                    patch
                };
                semantic(&captures, patch)
            })
        };
        let converted = converted.unwrap_or_else(|| text.trim().to_owned());
        SemanticVersion::parse_as_is(&converted, Hyphen::Optional).map(Self)
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0)
    }
}

/// A named group without zeros at its beginning; empty where it did not take part.
fn group(captures: &Captures<'_>, name: &str) -> String {
    let text = captures.name(name).map_or("", |group| group.as_str());
    if text == "0" {
        return text.to_owned();
    }
    text.trim_start_matches('0').to_owned()
}

fn or_zero(text: &str) -> String {
    if is_zero(text) {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

fn semantic(captures: &Captures<'_>, patch: String) -> String {
    let minor = or_zero(&group(captures, "minor"));
    let mut version = format!("{}.{minor}", group(captures, "major"));
    let mut append = |separator: char, text: &str| {
        if !text.is_empty() {
            version.push(separator);
            version.push_str(text);
        }
    };
    append('.', &patch);
    append('-', &group(captures, "prerelease"));
    append('+', &group(captures, "build"));
    version
}
