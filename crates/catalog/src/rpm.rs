//! RPM's packages, whatever form the database has, and the manifest of images without one.

use crate::{
    cataloger::{Cataloger, Selection},
    facts::{Fact, RpmEntry, RpmFact},
    files::{CatalogedFile, Files, location},
    purl, rpm_berkeley, rpm_header, rpm_ndb, rpm_sqlite,
};
use kubevet_image::FileEntry;
use kubevet_model::{Distribution, Package, PackageDetails, PackageKind, UpstreamPackage};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "rpm",
    selection: Selection::Paths(&[
        "**/{var/lib,usr/share,usr/lib/sysimage}/rpm/{Packages,Packages.db,rpmdb.sqlite}",
        "**/var/lib/rpmmanifest/container-manifest-2",
    ]),
    subject: None,
    facts,
    packages,
};

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let is_manifest = entry.path.ends_with("container-manifest-2");
    let entries = if is_manifest {
        String::from_utf8_lossy(content)
            .lines()
            .filter_map(manifest_entry)
            .collect()
    } else {
        database(content)?
    };
    if entries.is_empty() {
        return Err("no package is in it".to_owned());
    }
    Ok(Some(Fact::Rpm(RpmFact {
        entries,
        is_manifest,
    })))
}

fn database(content: &[u8]) -> Result<Vec<RpmEntry>, String> {
    let headers = if rpm_sqlite::is_sqlite(content) {
        rpm_sqlite::headers(content)?
    } else if rpm_ndb::is_ndb(content) {
        rpm_ndb::headers(content)?
    } else if rpm_berkeley::is_berkeley(content) {
        rpm_berkeley::headers(content)?
    } else {
        return Err("it is no SQLite, ndb or Berkeley DB file".to_owned());
    };
    headers
        .iter()
        .map(|header| rpm_header::read(header))
        .collect()
}

/// A line of the manifest: ten columns between tabs.
fn manifest_entry(line: &str) -> Option<RpmEntry> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [
        name,
        version,
        _,
        _,
        _,
        marker,
        _,
        architecture,
        epoch,
        source,
        ..,
    ] = columns.as_slice()
    else {
        return None;
    };
    let (version, release) = version.split_once('-')?;
    if release.contains('-') || name.is_empty() {
        return None;
    }
    let epoch = (*marker != "(none)").then(|| epoch.parse().ok()).flatten();
    Some(RpmEntry {
        name: (*name).to_owned(),
        version: version.to_owned(),
        release: release.to_owned(),
        epoch,
        architecture: (*architecture).to_owned(),
        source: (*source).to_owned(),
        ..RpmEntry::default()
    })
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        let Fact::Rpm(fact) = fact else { continue };
        let distribution = if fact.is_manifest {
            None
        } else {
            files.distribution.as_ref()
        };
        for entry in &fact.entries {
            found.push(package(file, entry, distribution));
        }
    }
}

fn package(
    file: &CatalogedFile<'_>,
    entry: &RpmEntry,
    distribution: Option<&Distribution>,
) -> Package {
    let version = format!("{}-{}", entry.version, entry.release);
    let mut files = entry.files.clone();
    files.sort_unstable();
    files.dedup();
    Package {
        kind: PackageKind::Rpm,
        name: entry.name.clone(),
        purl: package_url(entry, &version, distribution),
        version: match entry.epoch {
            Some(epoch) => format!("{epoch}:{version}"),
            None => version,
        },
        language: String::new(),
        cpes: Vec::new(),
        licenses: Some(entry.license.clone())
            .filter(|license| !license.is_empty())
            .into_iter()
            .collect(),
        locations: vec![location(file)],
        architecture: entry.architecture.clone(),
        upstreams: upstream(entry).into_iter().collect(),
        files,
        details: PackageDetails::Rpm {
            epoch: entry.epoch,
            modularity: Some(entry.modularity.clone()).filter(|label| !label.is_empty()),
        },
    }
}

fn package_url(entry: &RpmEntry, version: &str, distribution: Option<&Distribution>) -> String {
    let namespace = match distribution.map(|known| known.id.as_str()) {
        Some("rhel" | "hummingbird") => "redhat",
        Some(id) if id.starts_with("opensuse") => "opensuse",
        Some(id) => id,
        None => "",
    };
    let epoch = entry
        .epoch
        .map_or_else(String::new, |epoch| epoch.to_string());
    let distro = distribution.map_or_else(String::new, purl::distro);
    let qualifiers = [
        ("arch", entry.architecture.as_str()),
        ("epoch", &epoch),
        ("upstream", &entry.source),
        ("distro", &distro),
    ];
    purl::purl("rpm", namespace, &entry.name, version, &qualifiers)
}

/// The source package of `NAME-VERSION-RELEASE.src.rpm`, where it has another name.
fn upstream(entry: &RpmEntry) -> Option<UpstreamPackage> {
    let stem = entry.source.strip_suffix(".rpm")?;
    let (stem, _) = stem.rsplit_once('.')?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    (!name.is_empty() && name != entry.name).then(|| UpstreamPackage {
        name: name.to_owned(),
        version: Some(format!("{version}-{release}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_package_with_other_name_is_upstream() {
        let check = |name: &str, source: &str, expected: Option<(&str, &str)>| {
            let entry = RpmEntry {
                name: name.to_owned(),
                source: source.to_owned(),
                ..RpmEntry::default()
            };
            let found = upstream(&entry);
            let found = found
                .as_ref()
                .map(|one| (&*one.name, one.version.as_deref().unwrap()));
            assert_eq!(found, expected, "{source}");
        };
        check(
            "openssl-libs",
            "openssl-1.1.1k-9.el8_7.src.rpm",
            Some(("openssl", "1.1.1k-9.el8_7")),
        );
        check("openssl", "openssl-1.1.1k-9.el8_7.src.rpm", None);
        check("gpg-pubkey", "", None);
        check("x", "odd.rpm", None);
    }

    #[test]
    fn manifest_line_has_ten_columns() {
        let line =
            "bash\t5.1.8-1.cm2\t1\t2\tVendor\t(none)\t10\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm";
        let entry = manifest_entry(line).unwrap();
        assert_eq!(
            (&*entry.name, &*entry.version, &*entry.release, entry.epoch),
            ("bash", "5.1.8", "1.cm2", None)
        );
        assert_eq!(manifest_entry("bash\t1.0-1"), None);
    }
}
