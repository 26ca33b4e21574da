//! Facts of all files put together: the distribution, the packages, and who owns whom.

use crate::{
    cataloger::CatalogSubject,
    catalogers::CATALOGERS,
    facts::{Fact, FileFacts},
    files::Files,
    os_release, ownership,
};
use kubevet_image::SquashedFiles;
use kubevet_model::{Package, PackageInventory, PackageKind, UnreadFile};

/// What is installed, from the facts of all files. What could not be read or understood is listed: the
/// result is not complete where there is any.
#[must_use]
pub fn inventory(squashed: &SquashedFiles<FileFacts>, subject: CatalogSubject) -> PackageInventory {
    let mut files = Files::new(squashed);
    files.distribution = os_release::distribution(&files);
    let mut packages = Vec::new();
    for cataloger in CATALOGERS {
        if cataloger.subject.is_none_or(|only| only == subject) {
            (cataloger.packages)(&files, &mut packages);
        }
    }
    packages.retain(|package| !package.name.is_empty());
    sort(&mut packages);
    let mut owners = ownership::owners(&packages, &files);
    ownership::remove_owned_programs(&mut packages, &mut owners);
    let unread = unread(squashed, &files);
    PackageInventory {
        distribution: files.distribution,
        packages,
        ownership: owners,
        unread,
    }
}

/// Orders packages by kind, name, version and the path of the first location; equal ones become one.
fn sort(packages: &mut Vec<Package>) {
    packages.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    packages.dedup();
}

fn sort_key(package: &Package) -> (PackageKind, &str, &str, &str, &str) {
    let path = package.locations.first();
    (
        package.kind,
        &package.name,
        &package.version,
        path.map_or("", |location| location.path.as_str()),
        &package.purl,
    )
}

fn unread(squashed: &SquashedFiles<FileFacts>, files: &Files<'_>) -> Vec<UnreadFile> {
    let mut unread = squashed.unread();
    for file in files.all() {
        let facts = file.facts.facts.iter().filter_map(Fact::problem);
        let reasons = file.facts.problems.iter().map(String::as_str).chain(facts);
        unread.extend(reasons.map(|reason| UnreadFile {
            path: format!("/{}", file.path),
            reason: reason.to_owned(),
        }));
    }
    unread.sort_unstable();
    unread
}
