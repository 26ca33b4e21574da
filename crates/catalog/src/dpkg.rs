//! Debian's package database: the status file, or a file per package in images without a package
//! manager; md5sums and conffiles say which files a package owns.

use crate::{
    cataloger::{Cataloger, Selection},
    dpkg_copyright,
    facts::{DpkgEntry, DpkgFact, Fact},
    files::{CatalogedFile, Files, folder, join, location},
    paragraphs::{Paragraph, paragraphs},
    purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Distribution, Package, PackageDetails, PackageKind, UpstreamPackage};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "dpkg",
    selection: Selection::Paths(&[
        "**/lib/dpkg/status",
        "**/lib/dpkg/status.d/*",
        "**/lib/opkg/status",
        "**/lib/opkg/info/*.control",
        "**/lib/dpkg/info/*.md5sums",
        "**/lib/dpkg/info/*.conffiles",
        "usr/share/doc/*/copyright",
    ]),
    subject: None,
    facts,
    packages,
};

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let content = String::from_utf8_lossy(content);
    let fact = if entry.path.ends_with("/copyright") {
        DpkgFact::Licenses(dpkg_copyright::licenses(&content))
    } else if entry.path.ends_with(".md5sums") {
        DpkgFact::Files(md5sums(&content))
    } else if entry.path.ends_with(".conffiles") {
        DpkgFact::Files(content.lines().filter_map(conffile).collect())
    } else {
        let entries = status(&content)?;
        if entries.is_empty() && !entry.path.contains("/status.d/") {
            return Err("no package is in it".to_owned());
        }
        DpkgFact::Packages(entries)
    };
    let says_nothing = match &fact {
        DpkgFact::Packages(entries) => entries.is_empty(),
        DpkgFact::Files(paths) => paths.is_empty(),
        // The file is evidence of the package, whether its licences are known or not.
        DpkgFact::Licenses(_) => false,
    };
    Ok((!says_nothing).then_some(Fact::Dpkg(fact)))
}

/// The installed packages of a status file.
fn status(content: &str) -> Result<Vec<DpkgEntry>, String> {
    let paragraphs = paragraphs(content)?;
    Ok(paragraphs.iter().filter_map(entry).collect())
}

fn entry(paragraph: &Paragraph<'_>) -> Option<DpkgEntry> {
    let name = paragraph.first_line("Package");
    if name.is_empty() || paragraph.first_line("Status").contains("deinstall") {
        return None;
    }
    let (source, source_version) = source(paragraph.first_line("Source"));
    let conffiles = paragraph.lines("Conffiles");
    Some(DpkgEntry {
        name: name.to_owned(),
        version: paragraph.first_line("Version").to_owned(),
        architecture: paragraph.first_line("Architecture").to_owned(),
        source,
        source_version,
        licenses: declared_licenses(paragraph.first_line("License")),
        conffiles: conffiles.iter().copied().filter_map(conffile).collect(),
    })
}

/// Name and version of `openssl (3.0.11-1)`, or of a recipe `openssl_3.0.bb`.
fn source(field: &str) -> (String, String) {
    if let Some(recipe) = field.strip_suffix(".bb")
        && !recipe.contains([' ', '('])
    {
        let (name, version) = recipe.split_once('_').unwrap_or((recipe, ""));
        return (name.to_owned(), version.to_owned());
    }
    let Some(name) = field.split_whitespace().next() else {
        return (String::new(), String::new());
    };
    let version = field
        .split_once(" (")
        .and_then(|(_, rest)| rest.rsplit_once(')'))
        .map_or("", |(version, _)| version);
    (name.to_owned(), version.to_owned())
}

/// The licences that opkg declares: names with `&` and `|` between them.
fn declared_licenses(field: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in field.split([' ', '&', '|', '(', ')']) {
        if !matches!(name, "" | "AND" | "OR") && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn md5sums(content: &str) -> Vec<String> {
    content
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(_, path)| absolute(path.trim()))
        .collect()
}

/// The path of a line of conffiles, which may have a digest behind it.
fn conffile(line: &str) -> Option<String> {
    line.split_whitespace().next().map(absolute)
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Dpkg(DpkgFact::Packages(entries)) = fact {
            for entry in entries {
                found.push(package(files, file, entry));
            }
        }
    }
}

fn package(files: &Files<'_>, database: &CatalogedFile<'_>, entry: &DpkgEntry) -> Package {
    let mut package = Package {
        kind: PackageKind::Deb,
        name: entry.name.clone(),
        version: entry.version.clone(),
        language: String::new(),
        purl: package_url(entry, files.distribution.as_ref()),
        cpes: Vec::new(),
        licenses: entry.licenses.clone(),
        locations: vec![location(database)],
        architecture: entry.architecture.clone(),
        upstreams: upstreams(entry),
        files: entry.conffiles.clone(),
        details: PackageDetails::None,
    };
    add_owned_files(&mut package, files, database);
    add_licenses(&mut package, files);
    package.files.sort_unstable();
    package.files.dedup();
    package
}

fn upstreams(entry: &DpkgEntry) -> Vec<UpstreamPackage> {
    if entry.source.is_empty() {
        return Vec::new();
    }
    let version = (!entry.source_version.is_empty()).then(|| entry.source_version.clone());
    vec![UpstreamPackage {
        name: entry.source.clone(),
        version,
    }]
}

/// Empty where the distribution is not of Debian's family.
fn package_url(entry: &DpkgEntry, distribution: Option<&Distribution>) -> String {
    let Some(distribution) = distribution else {
        return String::new();
    };
    if distribution.id != "debian" && !distribution.id_like.iter().any(|like| like == "debian") {
        return String::new();
    }
    let mut upstream = entry.source.clone();
    if !upstream.is_empty() && !entry.source_version.is_empty() {
        upstream = format!("{upstream}@{}", entry.source_version);
    }
    let distro = purl::distro(distribution);
    let qualifiers = [
        ("arch", entry.architecture.as_str()),
        ("upstream", &upstream),
        ("distro", &distro),
    ];
    purl::purl(
        "deb",
        &distribution.id,
        &entry.name,
        &entry.version,
        &qualifiers,
    )
}

/// Adds the files that md5sums and conffiles list. The name has the architecture where several can be
/// installed beside each other.
fn add_owned_files(package: &mut Package, files: &Files<'_>, database: &CatalogedFile<'_>) {
    let beside = folder(database.path);
    let (sums, configuration) = if beside.ends_with("status.d") {
        (beside.to_owned(), join(beside, "info"))
    } else {
        (join(beside, "info"), join(beside, "info"))
    };
    for (folder, extension) in [(sums, "md5sums"), (configuration, "conffiles")] {
        let specific = format!(
            "{folder}/{}:{}.{extension}",
            package.name, package.architecture
        );
        let plain = format!("{folder}/{}.{extension}", package.name);
        let Some(file) = files.at(&specific).or_else(|| files.at(&plain)) else {
            continue;
        };
        for fact in &file.facts.facts {
            if let Fact::Dpkg(DpkgFact::Files(paths)) = fact {
                package.files.extend(paths.iter().cloned());
                package.locations.push(location(file));
            }
        }
    }
}

fn add_licenses(package: &mut Package, files: &Files<'_>) {
    let path = format!("usr/share/doc/{}/copyright", package.name);
    let Some(file) = files.at(&path) else {
        return;
    };
    for fact in &file.facts.facts {
        if let Fact::Dpkg(DpkgFact::Licenses(licenses)) = fact {
            package.licenses.extend(licenses.iter().cloned());
            package.locations.push(location(file));
        }
    }
    package.licenses.sort_unstable();
    package.licenses.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_names_installed_packages_and_their_sources() {
        let content = "Package: libssl3\nStatus: install ok installed\nSource: openssl (3.0)\nVersion: 3.0-1\n\
            Conffiles:\n /etc/ssl/x 0123\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
            Package: held\nStatus: hold ok installed\nVersion: 1:2\n";
        let entries = status(content).unwrap();
        let names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, ["libssl3", "held"]);
        assert_eq!(entries[0].source, "openssl");
        assert_eq!(entries[0].source_version, "3.0");
        assert_eq!(entries[0].conffiles, ["/etc/ssl/x"]);
    }

    #[test]
    fn source_field_is_taken_apart() {
        let check = |field: &str, name: &str, version: &str| {
            assert_eq!(
                source(field),
                (name.to_owned(), version.to_owned()),
                "{field}"
            );
        };
        check("", "", "");
        check("glibc", "glibc", "");
        check("shadow (1:4.13+dfsg1-1)", "shadow", "1:4.13+dfsg1-1");
        check("busybox_1.36.1.bb", "busybox", "1.36.1");
    }
}
