//! The name, version and group of a Java archive, by its file name, its manifest and Maven's data.

use crate::{
    java_manifest::Manifest,
    maven::{Coordinates, Project},
};
use regex::Regex;
use std::sync::LazyLock;

/// Groups by artifact, sorted; a major version and a further group where the group changed. Facts of
/// Syft (Apache-2.0).
const GROUPS: &str = include_str!("../data/java_groups.txt");
static GROUPS_BY_ARTIFACT: LazyLock<Vec<&str>> = LazyLock::new(|| GROUPS.lines().collect());

#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static NAME_AND_VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?Ui)^(?P<name>(?:[[:alpha:]][[:word:].]*(?:\.[[:alpha:]][[:word:].]*)*-?)+)(?:-(?P<version>(\d.*|(build\d+.*)|(rc?\d+(?:^[[:alpha:]].*)?))))?$").unwrap()
});
#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static SECOND_VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:[._-](?P<version>(\d.*|(build\d+.*)|(rc?\d+(?:^[[:alpha:]].*)?))))?$").unwrap()
});
/// Bytes of the longest file name that is taken apart.
const NAME_BYTES: usize = 1024;

/// What a file name says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FileName {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl FileName {
    /// Of the last part of a path.
    pub(crate) fn new(path: &str) -> Self {
        let file = crate::files::file_name(path);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        if stem.len() > NAME_BYTES {
            return FileName::default();
        }
        let Some(captures) = NAME_AND_VERSION.captures(stem) else {
            return FileName::default();
        };
        let text = |name: &str| {
            let text = captures.name(name);
            text.map_or_else(String::new, |text| text.as_str().to_owned())
        };
        let (mut name, mut version) = (text("name"), text("version"));
        if version.is_empty()
            && let Some(found) = SECOND_VERSION
                .captures(&name)
                .and_then(|captures| captures.name("version"))
        {
            version = found.as_str().to_owned();
            let end = found.start().saturating_sub(1);
            name.truncate(end);
        }
        FileName { name, version }
    }
}

/// The name where Maven's data gives none.
pub(crate) fn name(manifest: &Manifest, file: &FileName) -> String {
    let bundle = bundle_name(manifest);
    if !bundle.is_empty() {
        return bundle.to_owned();
    }
    let named = name_of_file(&file.name);
    if !named.is_empty() {
        return named.to_owned();
    }
    let fields = [
        "Name",
        "Bundle-Name",
        "Short-Name",
        "Extension-Name",
        "Implementation-Title",
    ];
    let mut values = fields.iter().map(|field| manifest.main(field));
    values
        .find(|value| !value.is_empty())
        .unwrap_or_default()
        .to_owned()
}

/// The last part of the symbolic name that Maven's plugin for bundles writes.
fn bundle_name(manifest: &Manifest) -> &str {
    let symbolic = manifest.main("Bundle-SymbolicName");
    let is_vendor = manifest.main("Implementation-Vendor-Id") == symbolic;
    if !manifest
        .main("Created-By")
        .contains("Apache Maven Bundle Plugin")
        || is_vendor
    {
        return "";
    }
    symbolic.rsplit('.').next().unwrap_or_default()
}

/// The last part of a file name that looks like a group with an artifact.
fn name_of_file(name: &str) -> &str {
    let is_group = name.contains('.')
        && !name.starts_with("org.eclipse.")
        && name.split('.').all(begins_identifier);
    if is_group {
        name.rsplit('.').next().unwrap_or(name)
    } else {
        name
    }
}

fn begins_identifier(part: &str) -> bool {
    part.starts_with(|sign: char| sign.is_alphabetic() || matches!(sign, '_' | '$'))
}

/// The version where Maven's data gives none.
pub(crate) fn version(manifest: &Manifest, file: &FileName) -> String {
    if !file.version.is_empty() {
        return file.version.clone();
    }
    let fields = [
        "Implementation-Version",
        "Specification-Version",
        "Plugin-Version",
        "Bundle-Version",
    ];
    let mut values = fields.iter().map(|field| manifest.any(field));
    values
        .find(|value| !value.is_empty())
        .unwrap_or_default()
        .to_owned()
}

/// The group by all that is known of a package; empty where nothing tells it.
pub(crate) fn group(
    name: &str,
    version: &str,
    properties: Option<&Coordinates>,
    project: Option<&Project>,
    manifest: Option<&Manifest>,
) -> String {
    let own = properties.into_iter();
    let projects = project
        .into_iter()
        .flat_map(|project| [&project.own, &project.parent]);
    if let Some(group) = own.chain(projects).find_map(group_of_coordinates) {
        return group;
    }
    if let Some(group) = known_group(name, version) {
        return group.to_owned();
    }
    manifest.map_or_else(String::new, group_of_manifest)
}

/// Some publishers put the group where the artifact belongs.
fn group_of_coordinates(coordinates: &Coordinates) -> Option<String> {
    let group = if !coordinates.group.is_empty() {
        &coordinates.group
    } else if coordinates.artifact.contains('.') {
        &coordinates.artifact
    } else {
        return None;
    };
    Some(without_directives(group).trim().to_owned())
}

/// `a.b` of `a.b;singleton:=true`.
fn without_directives(group: &str) -> &str {
    group.split(';').next().unwrap_or(group)
}

fn known_group(artifact: &str, version: &str) -> Option<&'static str> {
    let groups = &*GROUPS_BY_ARTIFACT;
    let key = |line: &&str| line.split(' ').next().unwrap_or_default().to_owned();
    let place = groups
        .binary_search_by(|line| key(line).as_str().cmp(artifact))
        .ok()?;
    let mut columns = groups.get(place)?.split(' ').skip(1);
    let group = columns.next()?;
    let (Some(major), Some(later)) = (columns.next(), columns.next()) else {
        return Some(group);
    };
    let leading = version.split(['.', '-']).next().unwrap_or_default();
    let is_later = leading.parse::<u32>().unwrap_or(0) >= major.parse().unwrap_or(u32::MAX);
    Some(if is_later { later } else { group })
}

fn group_of_manifest(manifest: &Manifest) -> String {
    const FIRST: &[&str] = &[
        "Group-Id",
        "Bundle-SymbolicName",
        "Extension-Name",
        "Specification-Vendor",
        "Implementation-Vendor",
        "Implementation-Vendor-Id",
        "Implementation-Title",
        "Bundle-Activator",
    ];
    const SECOND: &[&str] = &["Automatic-Module-Name", "Main-Class", "Package"];
    [FIRST, SECOND]
        .iter()
        .find_map(|fields| {
            let values = fields.iter().flat_map(|field| manifest.values(field));
            values
                .filter(|value| begins_domain(value))
                .map(clean_group)
                .min()
        })
        .unwrap_or_default()
}

fn begins_domain(value: &str) -> bool {
    ["com", "org", "net", "io", "be"]
        .iter()
        .any(|domain| value.starts_with(domain))
}

fn clean_group(value: &str) -> String {
    let value = without_directives(value);
    let value = value.split('#').next().unwrap_or(value).trim();
    if value == "org.lz4.java" {
        "org.lz4"
    } else {
        value
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_has_name_and_version() {
        let check = |path: &str, name: &str, version: &str| {
            let found = FileName::new(path);
            assert_eq!((&*found.name, &*found.version), (name, version), "{path}");
        };
        check("a/log4j-core-2.14.1.jar", "log4j-core", "2.14.1");
        check(
            "named-by-file-2.1.0-SNAPSHOT.jar",
            "named-by-file",
            "2.1.0-SNAPSHOT",
        );
        check("org.eclipse.equinox-3.1.jar", "org.eclipse.equinox", "3.1");
        check("app.war", "app", "");
        check(
            "pkg-extra-field-maven-4.3.2-rc1.jar",
            "pkg-extra-field-maven",
            "4.3.2-rc1",
        );
        check("1.jar", "", "");
    }

    #[test]
    fn groups_are_sorted_and_known() {
        let keys: Vec<&str> = GROUPS
            .lines()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert!(keys.is_sorted());
        assert_eq!(
            known_group("spring-core", "5.3"),
            Some("org.springframework")
        );
        assert_eq!(known_group("groovy", "3.0.1"), Some("org.codehaus.groovy"));
        assert_eq!(known_group("groovy", "4.0.1"), Some("org.apache.groovy"));
        assert_eq!(known_group("no-such-artifact", "1"), None);
    }

    #[test]
    fn manifest_names_group() {
        let manifest = Manifest::parse(
            "Bundle-SymbolicName: org.test.b;singleton:=true\nImplementation-Vendor-Id: com.test.a\n",
        );
        assert_eq!(group("x", "1", None, None, Some(&manifest)), "com.test.a");
    }
}
