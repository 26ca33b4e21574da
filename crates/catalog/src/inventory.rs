//! Facts of all files put together: the distribution, the packages, and who owns whom.

use crate::{
    cataloger::{CATALOGERS, Subject},
    files::{CatalogedFile, FileTree, Files},
    os_release, ownership,
};
use kubevet_model::{Package, PackageInventory, PackageKind, UnreadFile};

/// What is installed, from the facts of all files of the squashed file system. Files that could not be
/// understood are listed; files that could not be read at all are known to the reader of the image alone.
#[must_use]
pub fn inventory<'a>(
    files: impl IntoIterator<Item = CatalogedFile<'a>>,
    tree: &'a dyn FileTree,
    subject: Subject,
) -> PackageInventory {
    let mut files = Files::new(files, tree);
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
    let unread = unread(&files);
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

fn unread(files: &Files<'_>) -> Vec<UnreadFile> {
    let mut unread = Vec::new();
    for file in files.all() {
        for reason in &file.facts.problems {
            unread.push(UnreadFile {
                path: format!("/{}", file.path),
                reason: reason.clone(),
            });
        }
    }
    unread
}
