//! Identifiers of packages within a document: the same package has the same one in each document.

use kubevet_model::{Package, sha256_hex};
use std::collections::BTreeMap;

/// The number of hexadecimal digits.
const DIGITS: usize = 16;

/// Returns an identifier for each package, in order. Packages that are equal in all that identifies
/// them differ by a number.
pub(crate) fn package_ids(packages: &[Package]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    packages
        .iter()
        .map(|package| {
            let place = package.locations.first();
            let path = place.map_or("", |place| place.path.as_str());
            let text = format!(
                "{:?}\n{}\n{}\n{}\n{path}",
                package.kind, package.name, package.version, package.purl
            );
            let hash = sha256_hex(&text);
            let id = hash.get(..DIGITS).unwrap_or(&hash).to_owned();
            let count = seen.entry(id.clone()).or_default();
            *count += 1;
            if *count == 1 {
                id
            } else {
                format!("{id}-{count}")
            }
        })
        .collect()
}
