//! Packages whose files another package owns: a Python distribution that a Debian package brought is
//! patched by Debian.

use crate::files::{Files, file_name, folder};
use kubevet_model::{Package, PackageKind, PackageOwnership};
use std::{
    cell::LazyCell,
    collections::{BTreeSet, HashMap, HashSet},
};

/// Kinds whose packages say which files they own.
const OWNERS: &[PackageKind] = &[
    PackageKind::Alpm,
    PackageKind::Apk,
    PackageKind::Deb,
    PackageKind::Rpm,
];

/// Which package owns a file that is the evidence of another.
pub(crate) fn owners(packages: &[Package], files: &Files<'_>) -> Vec<PackageOwnership> {
    let located = located(packages);
    if located.is_empty() {
        return Vec::new();
    }
    let named = LazyCell::new(|| named(packages));
    let mut links = Links::new(files);
    let mut pairs = BTreeSet::new();
    for (owner, package) in packages.iter().enumerate() {
        if !OWNERS.contains(&package.kind) {
            continue;
        }
        for path in &package.files {
            add_owned(&mut pairs, &located, owner, path);
            let relative = path.trim_start_matches('/');
            if !links.are_passed(relative) {
                continue;
            }
            let Some(real) = files.real_path(relative) else {
                continue;
            };
            let real = format!("/{real}");
            // Whoever names the file itself owns it, not whoever names a link to it.
            if real != *path && !named.contains(&(package.kind, real.as_str())) {
                add_owned(&mut pairs, &located, owner, &real);
            }
        }
    }
    pairs
        .into_iter()
        .map(|(owner, owned)| PackageOwnership { owner, owned })
        .collect()
}

fn add_owned(
    pairs: &mut BTreeSet<(usize, usize)>,
    located: &HashMap<&str, Vec<usize>>,
    owner: usize,
    path: &str,
) {
    if is_never_owned(path) {
        return;
    }
    for owned in located.get(path).into_iter().flatten() {
        if *owned != owner {
            pairs.insert((owner, *owned));
        }
    }
}

/// The packages by the paths of their evidence.
fn located(packages: &[Package]) -> HashMap<&str, Vec<usize>> {
    let mut located: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, package) in packages.iter().enumerate() {
        for location in &package.locations {
            located.entry(&location.path).or_default().push(number);
        }
    }
    located
}

/// Every path that a package names, with the kind of the package.
fn named(packages: &[Package]) -> HashSet<(PackageKind, &str)> {
    packages
        .iter()
        .filter(|package| OWNERS.contains(&package.kind))
        .flat_map(|package| {
            let paths = package.files.iter();
            paths.map(move |path| (package.kind, path.as_str()))
        })
        .collect()
}

/// The databases themselves belong to all their packages, and copyright files are evidence of the same
/// package.
fn is_never_owned(path: &str) -> bool {
    let name = file_name(path);
    path.ends_with("/lib/apk/db/installed")
        || path.ends_with("/var/lib/dpkg/status")
        || path.contains("/var/lib/dpkg/status.d/")
        || (path.starts_with("/usr/share/doc/") && name == "copyright")
        || ["Packages", "Packages.db", "rpmdb.sqlite"]
            .iter()
            .any(|database| name == *database && path.ends_with(&format!("/rpm/{database}")))
}

/// Symbolic links. Few paths pass one, and to follow them is dear: a distribution has many thousand files.
struct Links<'a> {
    links: HashSet<&'a str>,
    /// The folder of the path before, and whether a part of it is a link.
    folder: String,
    is_folder_linked: bool,
}

impl<'a> Links<'a> {
    fn new(files: &Files<'a>) -> Self {
        Links {
            links: files.links().collect(),
            folder: String::new(),
            is_folder_linked: false,
        }
    }

    /// Whether a path, without a leading slash, is or passes a link.
    fn are_passed(&mut self, path: &str) -> bool {
        let folder = folder(path);
        if folder != self.folder {
            let mut above = std::iter::successors(Some(folder), |path| {
                path.rsplit_once('/').map(|(above, _)| above)
            });
            self.is_folder_linked = above.any(|path| self.links.contains(path));
            folder.clone_into(&mut self.folder);
        }
        self.is_folder_linked || self.links.contains(path)
    }
}

/// Removes programs known by their content that a package of the distribution owns: the package says
/// more. The numbers of the packages that stay change.
pub(crate) fn remove_owned_programs(
    packages: &mut Vec<Package>,
    ownership: &mut Vec<PackageOwnership>,
) {
    let removed: HashSet<usize> = ownership
        .iter()
        .filter(|pair| {
            packages
                .get(pair.owned)
                .is_some_and(|package| package.kind == PackageKind::Binary)
        })
        .map(|pair| pair.owned)
        .collect();
    if removed.is_empty() {
        return;
    }
    let mut numbers = HashMap::new();
    let mut kept = 0_usize;
    for number in 0..packages.len() {
        if !removed.contains(&number) {
            numbers.insert(number, kept);
            kept = kept.saturating_add(1);
        }
    }
    let mut number = 0_usize;
    packages.retain(|_| {
        let stays = numbers.contains_key(&number);
        number = number.saturating_add(1);
        stays
    });
    *ownership = ownership
        .iter()
        .filter_map(|pair| {
            Some(PackageOwnership {
                owner: *numbers.get(&pair.owner)?,
                owned: *numbers.get(&pair.owned)?,
            })
        })
        .collect();
}
