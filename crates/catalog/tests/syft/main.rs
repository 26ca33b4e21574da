//! The catalogers against Syft itself, which the image oracle runs: the same packages by type, name,
//! version and package URL in every test image, apart from exceptions that are named with their reason.
//!
//! `KUBEVET_IMAGE_ORACLE` is the oracle, `KUBEVET_TEST_IMAGES` the program that makes the images. Both are
//! built from a Go module of their own; without them the tests report that they were not run.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read files and start programs"
)]

mod exceptions;
mod folder;
mod oracle;

use kubevet_catalog::Subject;
use kubevet_model::PackageInventory;
use oracle::{Answer, Oracle};
use std::{collections::BTreeMap, path::Path};

/// Type, name, version and package URL of a package, and how often it is there.
type Packages = BTreeMap<(String, String, String, String), usize>;

fn ours(inventory: &PackageInventory) -> Packages {
    let mut packages = Packages::new();
    for package in &inventory.packages {
        let kind = serde_json::to_value(package.kind).unwrap();
        let key = (
            kind.as_str().unwrap().to_owned(),
            package.name.clone(),
            package.version.clone(),
            package.purl.clone(),
        );
        *packages.entry(key).or_default() += 1;
    }
    packages
}

fn theirs(answer: &Answer) -> Packages {
    let mut packages = Packages::new();
    for package in &answer.packages {
        // Syft writes this where a package has no version.
        let version = if package.version == "UNKNOWN" { "" } else { &package.version };
        let key = (
            package.kind.clone(),
            package.name.clone(),
            version.to_owned(),
            package.purl.clone(),
        );
        *packages.entry(key).or_default() += 1;
    }
    packages
}

/// What differs, apart from the exceptions: one line each.
fn differences(source: &str, inventory: &PackageInventory, answer: &Answer) -> Vec<String> {
    let (ours, theirs) = (ours(inventory), theirs(answer));
    let mut lines = Vec::new();
    for (key, count) in &theirs {
        if ours.get(key) != Some(count) && exceptions::of_syft(source, key).is_none() {
            lines.push(format!("{source}: Syft has {count} of {key:?}, we {}", ours.get(key).unwrap_or(&0)));
        }
    }
    for (key, count) in &ours {
        if !theirs.contains_key(key) && exceptions::of_ours(source, key).is_none() {
            lines.push(format!("{source}: Syft does not have {key:?}, we {count}"));
        }
    }
    lines.extend(distribution_difference(source, inventory, answer));
    lines.extend(ownership_difference(source, inventory, answer));
    lines
}

fn distribution_difference(source: &str, inventory: &PackageInventory, answer: &Answer) -> Option<String> {
    let ours = inventory.distribution.as_ref().map(|known| {
        (known.id.clone(), known.version_id.clone(), known.codename.clone(), known.id_like.clone())
    });
    let theirs = answer.distro.as_ref().map(|known| {
        (known.id.clone(), known.version_id.clone(), known.codename.clone(), known.id_like.clone())
    });
    (ours != theirs).then(|| format!("{source}: distribution {ours:?}, Syft {theirs:?}"))
}

/// Owner and owned, by type and name.
fn ownership_difference(source: &str, inventory: &PackageInventory, answer: &Answer) -> Option<String> {
    let mut ours: Vec<(String, String)> = inventory
        .ownership
        .iter()
        .map(|pair| (inventory.packages[pair.owner].name.clone(), inventory.packages[pair.owned].name.clone()))
        .collect();
    let name = |id: &str| answer.packages.iter().find(|package| package.id == id).map_or("", |package| &package.name).to_owned();
    let mut theirs: Vec<(String, String)> = answer
        .relationships
        .iter()
        .filter(|relationship| relationship.kind == "ownership-by-file-overlap")
        .map(|relationship| (name(&relationship.from), name(&relationship.to)))
        .collect();
    ours.sort();
    theirs.sort();
    (ours != theirs).then(|| format!("{source}: ownership {ours:?}, Syft {theirs:?}"))
}

#[test]
fn folder_holds_what_syft_finds() {
    let Some(mut oracle) = Oracle::start("folder_holds_what_syft_finds") else { return };
    let mut lines = Vec::new();
    let roots = std::env::var("KUBEVET_TEST_FOLDERS").unwrap_or_default();
    for root in roots.split(':').filter(|root| !root.is_empty()) {
        let inventory = folder::inventory_of(Path::new(root), Subject::Folder);
        let answer = oracle.sbom(&format!("dir:{root}"));
        lines.extend(differences(root, &inventory, &answer));
    }
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn scratch_flat() {
    let Some(mut oracle) = Oracle::start("scratch") else { return };
    let mut lines = Vec::new();
    for name in std::env::var("SCRATCH").unwrap_or_default().split(' ') {
        let root = format!("/tmp/catalog/flat/{name}");
        let inventory = folder::inventory_of(Path::new(&root), Subject::Image);
        let mut source = format!("oci-dir:/tmp/img/all/{name}");
        if name.ends_with(".tar") { source = format!("{}:/tmp/img/all/{name}", name.replace("archive-docker.tar", "docker-archive").replace("archive-oci.tar","oci-archive")); }
        let answer = oracle.sbom(&source);
        lines.extend(inventory.unread.iter().map(|one| format!("unread {} {}", one.path, one.reason)));
        lines.extend(differences(name, &inventory, &answer));
        lines.push(format!("{name}: {} packages", inventory.packages.len()));
    }
    println!("{}", lines.join("\n"));
}
