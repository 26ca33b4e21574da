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
mod image;
mod oracle;

use kubevet_model::PackageInventory;
use oracle::{Answer, Oracle};
use std::{collections::BTreeMap, env, path::Path, process::Command};

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

/// Makes the images that are not hostile. `None`, with a report, where the program is missing.
fn test_images(test: &str, folder: &Path) -> Option<Vec<String>> {
    let Some(program) = env::var_os("KUBEVET_TEST_IMAGES") else {
        kubevet_testkit::skip::not_run(test, "KUBEVET_TEST_IMAGES is not set");
        return None;
    };
    let listed = Command::new(&program).arg("-list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names: Vec<&str> = listed.lines().filter(|name| !name.starts_with("hostile-")).collect();
    let made = Command::new(&program).arg(folder).args(&names).status().unwrap();
    assert!(made.success(), "the test images are not made");
    let source = |name: &str| {
        let folder = folder.display();
        match name {
            "archive-docker" => format!("docker-archive:{folder}/{name}.tar"),
            "archive-oci" => format!("oci-archive:{folder}/{name}.tar"),
            _ => format!("oci-dir:{folder}/{name}"),
        }
    };
    Some(names.into_iter().map(source).collect())
}

#[test]
fn every_test_image_holds_what_syft_finds() {
    let test = "every_test_image_holds_what_syft_finds";
    let folder = tempfile::tempdir().unwrap();
    let Some(mut oracle) = Oracle::start(test) else {
        return;
    };
    let Some(sources) = test_images(test, folder.path()) else {
        return;
    };
    let mut lines = Vec::new();
    let mut packages = 0;
    for source in &sources {
        let inventory = image::inventory_of_image(source);
        packages += inventory.packages.len();
        let answer = oracle.sbom(source);
        lines.extend(differences(source, &inventory, &answer));
    }
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    assert!(sources.len() >= 20 && packages >= 100, "{} images, {packages} packages", sources.len());
}

/// Folders and images of the user's, such as a root of Debian: `dir:PATH` or `oci-dir:PATH`, with spaces
/// between them.
#[test]
fn named_sources_hold_what_syft_finds() {
    let Some(sources) = env::var("KUBEVET_CATALOG_SOURCES").ok() else {
        return;
    };
    let Some(mut oracle) = Oracle::start("named_sources_hold_what_syft_finds") else {
        return;
    };
    let mut lines = Vec::new();
    for source in sources.split_whitespace() {
        let inventory = match source.strip_prefix("dir:") {
            Some(folder) => image::inventory_of_folder(Path::new(folder)),
            None => image::inventory_of_image(source),
        };
        let answer = oracle.sbom(source);
        let mut found = differences(source, &inventory, &answer);
        println!("{source}: {} packages, {} differ", inventory.packages.len(), found.len());
        for file in &inventory.unread {
            println!("{source}: unread {} {}", file.path, file.reason);
        }
        lines.append(&mut found);
    }
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}
