//! The catalogers against Syft itself, which the image oracle runs: the same packages by type, name,
//! version and package URL in every test image, apart from exceptions that are named with their reason.
//!
//! The oracle and the program that writes the images are those of `tests/images/` (see its README).

#![allow(
    clippy::disallowed_methods,
    reason = "tests read files and start programs"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells what it compared"
)]

mod answer;
mod exceptions;
mod reading;

use answer::{Answer, FoundPackage, ask};
use kubevet_model::{Package, PackageInventory};
use kubevet_testkit::{oracle::Oracle, test_images::test_images};
use std::{collections::BTreeMap, env, path::Path};

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
        let version = if package.version == "UNKNOWN" {
            ""
        } else {
            &package.version
        };
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
            lines.push(format!(
                "{source}: Syft has {count} of {key:?}, we {}",
                ours.get(key).unwrap_or(&0)
            ));
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

fn distribution_difference(
    source: &str,
    inventory: &PackageInventory,
    answer: &Answer,
) -> Option<String> {
    let ours = inventory.distribution.as_ref().map(|known| {
        (
            known.id.clone(),
            known.version_id.clone(),
            known.codename.clone(),
            known.id_like.clone(),
        )
    });
    let theirs = answer.distro.as_ref().map(|known| {
        (
            known.id.clone(),
            known.version_id.clone(),
            known.codename.clone(),
            known.id_like.clone(),
        )
    });
    (ours != theirs).then(|| format!("{source}: distribution {ours:?}, Syft {theirs:?}"))
}

/// Owner and owned, by type and name.
fn ownership_difference(
    source: &str,
    inventory: &PackageInventory,
    answer: &Answer,
) -> Option<String> {
    let mut ours: Vec<(String, String)> = inventory
        .ownership
        .iter()
        .map(|pair| {
            (
                inventory.packages[pair.owner].name.clone(),
                inventory.packages[pair.owned].name.clone(),
            )
        })
        .collect();
    let name = |id: &str| {
        answer
            .packages
            .iter()
            .find(|package| package.id == id)
            .map_or("", |package| &package.name)
            .to_owned()
    };
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

/// Layer and path of the primary evidence and the source packages, for packages that both have once.
fn evidence_differences(
    source: &str,
    inventory: &PackageInventory,
    answer: &Answer,
) -> Vec<String> {
    let mut lines = Vec::new();
    for package in &inventory.packages {
        let is_same = |other: &&FoundPackage| {
            let version = other.version == package.version
                || other.version == "UNKNOWN" && package.version.is_empty();
            other.name == package.name && version && other.purl == package.purl
        };
        let same: Vec<&FoundPackage> = answer.packages.iter().filter(is_same).collect();
        let [only] = same.as_slice() else { continue };
        let Some(ours) = package.locations.first() else {
            continue;
        };
        let layer = ours.layer.map_or(-1, |layer| i64::try_from(layer).unwrap());
        let is_there = only
            .locations
            .iter()
            .any(|theirs| theirs.path == ours.path && theirs.layer == layer);
        if !is_there {
            lines.push(format!(
                "{source}: {} is in {} of layer {layer} for us alone",
                package.name, ours.path
            ));
        }
        if upstreams(package) != theirs_upstreams(only) {
            lines.push(format!(
                "{source}: sources of {} are {:?}",
                package.name,
                upstreams(package)
            ));
        }
    }
    lines
}

fn upstreams(package: &Package) -> Vec<(String, String)> {
    let upstreams = package.upstreams.iter();
    upstreams
        .map(|one| (one.name.clone(), one.version.clone().unwrap_or_default()))
        .collect()
}

fn theirs_upstreams(package: &FoundPackage) -> Vec<(String, String)> {
    let upstreams = package.source_packages.iter();
    upstreams
        .map(|one| (one.name.clone(), one.version.clone()))
        .collect()
}

/// The images that are not hostile.
const IMAGES: &[&str] = &[
    "debian",
    "distroless",
    "alpine",
    "wolfi",
    "rhel",
    "almalinux",
    "sles",
    "centos7",
    "python",
    "npm",
    "golang",
    "java",
    "rust",
    "ecosystems",
    "layers",
    "multiarch",
    "archive-docker",
    "archive-oci",
    "docker-types",
    "no-layers",
];

fn source(folder: &Path, name: &str) -> String {
    let folder = folder.display();
    match name {
        "archive-docker" => format!("docker-archive:{folder}/{name}.tar"),
        "archive-oci" => format!("oci-archive:{folder}/{name}.tar"),
        _ => format!("oci-dir:{folder}/{name}"),
    }
}

#[test]
fn every_test_image_holds_what_syft_finds() {
    let test = "every_test_image_holds_what_syft_finds";
    let Some(folder) = test_images(test) else {
        return;
    };
    let Some(mut oracle) = Oracle::start_for_images(test) else {
        return;
    };
    let mut lines = Vec::new();
    let mut packages = 0;
    for name in IMAGES {
        let source = source(&folder, name);
        let inventory = reading::inventory_of_image(&source).unwrap();
        packages += inventory.packages.len();
        let answer = ask(&mut oracle, &source);
        lines.extend(differences(name, &inventory, &answer));
        lines.extend(evidence_differences(name, &inventory, &answer));
    }
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    assert!(packages >= 100, "{packages} packages");
}

#[test]
fn hostile_files_are_problems_and_other_packages_are_found() {
    let test = "hostile_files_are_problems_and_other_packages_are_found";
    let Some(folder) = test_images(test) else {
        return;
    };
    for name in ["hostile-databases", "hostile-nested-jars"] {
        let inventory = reading::inventory_of_image(&source(&folder, name)).unwrap();
        assert!(!inventory.unread.is_empty(), "{name} has nothing unread");
    }
}

/// Folders and images of the developer's, such as a root of Debian: `dir:PATH` or `oci-dir:PATH`, with
/// spaces between them. Without them there is nothing to compare.
#[test]
fn named_sources_hold_what_syft_finds() {
    let Ok(sources) = env::var("KUBEVET_CATALOG_SOURCES") else {
        return;
    };
    let Some(mut oracle) = Oracle::start_for_images("named_sources_hold_what_syft_finds") else {
        return;
    };
    let mut lines = Vec::new();
    for source in sources.split_whitespace() {
        let inventory = match source.strip_prefix("dir:") {
            Some(folder) => reading::inventory_of_folder(Path::new(folder)),
            None => reading::inventory_of_image(source),
        };
        let inventory = inventory.unwrap();
        let answer = ask(&mut oracle, source);
        let mut found = differences(source, &inventory, &answer);
        println!(
            "{source}: {} packages, {} differ",
            inventory.packages.len(),
            found.len()
        );
        for file in &inventory.unread {
            println!("{source}: unread {} {}", file.path, file.reason);
        }
        lines.append(&mut found);
    }
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}
