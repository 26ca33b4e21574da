//! Alpine's installed database.

use crate::{
    cataloger::{Cataloger, Selection},
    cpe,
    facts::{ApkEntry, ApkFact, Fact},
    files::{CatalogedFile, Files, clean_absolute, folder, location},
    purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Distribution, Package, PackageDetails, PackageKind, UpstreamPackage};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "apk",
    selection: Selection::Paths(&["**/lib/apk/db/installed", "**/etc/apk/repositories"]),
    subject: None,
    facts,
    packages,
};

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let content = String::from_utf8_lossy(content);
    if entry.path.ends_with("etc/apk/repositories") {
        let release = content.lines().find_map(release).map(str::to_owned);
        return Ok(release.map(ApkFact::Release).map(Fact::Apk));
    }
    let (entries, line) = installed(&content);
    // A line that is not a field hides what it should have said.
    let problem = line.map(|line| format!("a line is not a field: {line:.80}"));
    if entries.is_empty() {
        return problem.map_or(Ok(None), Err);
    }
    Ok(Some(Fact::Apk(ApkFact::Packages(entries, problem))))
}

/// The release of a line such as `https://dl-cdn.alpinelinux.org/alpine/v3.18/main`.
fn release(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("https://")?;
    let (_, rest) = rest.split_once(".alpinelinux.org/alpine/v")?;
    let (release, repository) = rest.split_once('/')?;
    let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    (!release.is_empty() && !repository.is_empty() && repository.chars().all(is_word))
        .then_some(release)
}

/// The packages, and the first line that is not a field.
fn installed(content: &str) -> (Vec<ApkEntry>, Option<&str>) {
    let mut entries = Vec::new();
    let mut problem = None;
    let mut current = ApkEntry::default();
    let mut has_field = false;
    let mut directory = "/".to_owned();
    for line in content.lines() {
        if line.is_empty() {
            if has_field {
                entries.push(std::mem::take(&mut current));
            }
            has_field = false;
            "/".clone_into(&mut directory);
            continue;
        }
        match line.split_once(':') {
            Some((name, value)) if !name.is_empty() => {
                if !value.is_empty() {
                    has_field = true;
                    apply(&mut current, &mut directory, name, value);
                } else if name == "F" {
                    // The root folder is written as an empty name.
                    "/".clone_into(&mut directory);
                }
            }
            _ => problem = problem.or(Some(line)),
        }
    }
    if has_field {
        entries.push(current);
    }
    (entries, problem)
}

fn apply(entry: &mut ApkEntry, directory: &mut String, name: &str, value: &str) {
    match name {
        "P" => value.clone_into(&mut entry.name),
        "V" => value.clone_into(&mut entry.version),
        "A" => value.clone_into(&mut entry.architecture),
        "o" => value.clone_into(&mut entry.origin),
        "L" => value.clone_into(&mut entry.license),
        "U" => value.clone_into(&mut entry.url),
        "F" => {
            *directory = clean_absolute(value);
            entry.files.push(directory.clone());
        }
        "R" => entry
            .files
            .push(clean_absolute(&format!("{directory}/{value}"))),
        _ => {}
    }
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        let Fact::Apk(ApkFact::Packages(entries, _)) = fact else {
            continue;
        };
        let distribution = files
            .distribution
            .clone()
            .or_else(|| by_repositories(files, file));
        for entry in entries {
            found.push(package(file, entry, distribution.as_ref()));
        }
    }
}

/// Alpine, by the repositories that stand in the same tree as the database.
fn by_repositories(files: &Files<'_>, database: &CatalogedFile<'_>) -> Option<Distribution> {
    // The database is three folders below the root of its tree.
    let root = folder(folder(folder(folder(database.path))));
    let repositories = files.at(&crate::files::join(root, "etc/apk/repositories"))?;
    repositories.facts.facts.iter().find_map(|fact| match fact {
        Fact::Apk(ApkFact::Release(release)) => Some(Distribution {
            id: "alpine".to_owned(),
            name: "Alpine Linux".to_owned(),
            version_id: release.clone(),
            ..Distribution::default()
        }),
        _ => None,
    })
}

fn package(
    database: &CatalogedFile<'_>,
    entry: &ApkEntry,
    distribution: Option<&Distribution>,
) -> Package {
    let mut files = entry.files.clone();
    files.sort_unstable();
    files.dedup();
    let upstreams = if entry.origin.is_empty() {
        Vec::new()
    } else {
        vec![UpstreamPackage {
            name: entry.origin.clone(),
            version: None,
        }]
    };
    Package {
        kind: PackageKind::Apk,
        name: entry.name.clone(),
        version: entry.version.clone(),
        language: String::new(),
        purl: distribution.map_or_else(String::new, |known| package_url(entry, known)),
        cpes: cpe::of_apk(entry),
        licenses: licenses(&entry.license),
        locations: vec![location(database)],
        architecture: entry.architecture.clone(),
        upstreams,
        files,
        details: PackageDetails::None,
    }
}

fn package_url(entry: &ApkEntry, distribution: &Distribution) -> String {
    let upstream = if entry.origin == entry.name {
        ""
    } else {
        &entry.origin
    };
    let distro = purl::distro(distribution);
    let qualifiers = [
        ("arch", entry.architecture.as_str()),
        ("upstream", upstream),
        ("distro", &distro),
    ];
    let namespace = distribution.id.to_lowercase();
    purl::purl("apk", &namespace, &entry.name, &entry.version, &qualifiers)
}

/// One SPDX expression, or names with spaces between them.
fn licenses(field: &str) -> Vec<String> {
    let is_expression = field
        .split_whitespace()
        .any(|word| matches!(word, "AND" | "OR" | "WITH"));
    if is_expression {
        return vec![field.to_owned()];
    }
    field.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_names_packages_and_their_files() {
        let content = "C:Q1x\nP:musl\nV:1.2.4-r1\nA:x86_64\no:musl\nF:lib\nR:ld-musl.so.1\nF:\nR:top\n\nP:a\nV:1\n";
        let (entries, problem) = installed(content);
        assert_eq!(problem, None);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].files, ["/lib", "/lib/ld-musl.so.1", "/top"]);
        assert_eq!((&*entries[1].name, &*entries[1].version), ("a", "1"));
    }

    #[test]
    fn release_is_read_from_official_repositories() {
        let check =
            |line: &str, expected: Option<&str>| assert_eq!(release(line), expected, "{line}");
        check(
            "https://dl-cdn.alpinelinux.org/alpine/v3.18/main",
            Some("3.18"),
        );
        check("http://dl-cdn.alpinelinux.org/alpine/v3.18/main", None);
        check("https://dl-cdn.alpinelinux.org/alpine/edge/main", None);
    }

    #[test]
    fn licence_field_is_expression_or_list() {
        assert_eq!(licenses("MIT AND BSD-3-Clause"), ["MIT AND BSD-3-Clause"]);
        assert_eq!(licenses("GPL-2.0-only MIT"), ["GPL-2.0-only", "MIT"]);
    }
}
