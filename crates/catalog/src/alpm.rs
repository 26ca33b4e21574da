//! Pacman's local database: a folder per package, with its description and the list of its files.

use crate::{
    cataloger::{Cataloger, Selection},
    facts::{AlpmEntry, Fact},
    files::{CatalogedFile, Files, folder, join, location},
    purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind, UpstreamPackage};
use std::collections::HashMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "alpm",
    selection: Selection::Paths(&["**/var/lib/pacman/local/*/{desc,files}"]),
    subject: None,
    facts,
    packages,
};

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let found = database_entry(&String::from_utf8_lossy(content));
    if found.name.is_empty() && entry.path.ends_with("/desc") {
        return Err("it names no package".to_owned());
    }
    let says_nothing = found == AlpmEntry::default();
    Ok((!says_nothing).then_some(Fact::Alpm(found)))
}

/// Fields such as `%NAME%` on a line of their own, and values on the lines below.
fn database_entry(content: &str) -> AlpmEntry {
    let mut fields: HashMap<String, Vec<&str>> = HashMap::new();
    let mut name = String::new();
    for line in content.lines() {
        if let Some(field) = line
            .strip_prefix('%')
            .and_then(|rest| rest.strip_suffix('%'))
        {
            name = field.to_lowercase();
        } else if !line.is_empty() {
            fields.entry(name.clone()).or_default().push(line);
        }
    }
    let mut take = |name: &str| fields.remove(name).unwrap_or_default();
    let first = |lines: Vec<&str>| {
        lines
            .first()
            .map_or_else(String::new, |line| (*line).to_owned())
    };
    AlpmEntry {
        name: first(take("name")),
        version: first(take("version")),
        base: first(take("base")),
        architecture: first(take("arch")),
        licenses: take("license").into_iter().map(str::to_owned).collect(),
        // Folders end with a slash.
        files: take("files")
            .into_iter()
            .filter(|path| !path.ends_with('/'))
            .map(|path| format!("/{path}"))
            .collect(),
    }
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Alpm(entry) = fact
            && !entry.name.is_empty()
        {
            found.push(package(files, file, entry));
        }
    }
}

fn package(files: &Files<'_>, file: &CatalogedFile<'_>, entry: &AlpmEntry) -> Package {
    let mut package = Package {
        kind: PackageKind::Alpm,
        name: entry.name.clone(),
        version: entry.version.clone(),
        language: String::new(),
        purl: package_url(files, entry),
        cpes: Vec::new(),
        licenses: entry.licenses.clone(),
        locations: vec![location(file)],
        architecture: entry.architecture.clone(),
        upstreams: Vec::new(),
        files: Vec::new(),
        details: PackageDetails::None,
    };
    if !entry.base.is_empty() && entry.base != entry.name {
        package.upstreams.push(UpstreamPackage {
            name: entry.base.clone(),
            version: None,
        });
    }
    if let Some(list) = files.at(&join(folder(file.path), "files")) {
        package.locations.push(location(list));
        for fact in &list.facts.facts {
            if let Fact::Alpm(list) = fact {
                package.files.extend(list.files.iter().cloned());
            }
        }
    }
    package.files.sort_unstable();
    package.files.dedup();
    package
}

/// Empty where the distribution is not Arch Linux.
fn package_url(files: &Files<'_>, entry: &AlpmEntry) -> String {
    let Some(distribution) = files
        .distribution
        .as_ref()
        .filter(|known| known.id == "arch")
    else {
        return String::new();
    };
    let distro = purl::distro(distribution);
    let qualifiers = [
        ("arch", entry.architecture.as_str()),
        ("upstream", &entry.base),
        ("distro", &distro),
    ];
    purl::purl(
        "alpm",
        &distribution.id,
        &entry.name,
        &entry.version,
        &qualifiers,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_and_list_of_files_are_read() {
        let found = database_entry(
            "%NAME%\nzlib\n\n%VERSION%\n1:1.3-1\n\n%BASE%\nzlib\n\n%LICENSE%\ncustom\nMIT\n",
        );
        assert_eq!((&*found.name, &*found.version), ("zlib", "1:1.3-1"));
        assert_eq!(found.licenses, ["custom", "MIT"]);
        assert_eq!(
            database_entry("%FILES%\nusr/\nusr/lib/libz.so\n").files,
            ["/usr/lib/libz.so"]
        );
        assert_eq!(database_entry("nothing"), AlpmEntry::default());
    }
}
