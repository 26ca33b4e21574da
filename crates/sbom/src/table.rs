//! Lines for a reader: name, version and kind of each package.

use crate::{document::SbomDocument, package_url::kind_name};
use std::fmt::Write as _;

/// Writes the table, and below it what could not be read.
pub(crate) fn write(document: &SbomDocument) -> String {
    let packages = &document.inventory.packages;
    let width = |length: fn(&kubevet_model::Package) -> usize, title: &str| {
        packages
            .iter()
            .map(length)
            .max()
            .unwrap_or_default()
            .max(title.len())
    };
    let name_width = width(|package| package.name.chars().count(), "NAME");
    let version_width = width(|package| package.version.chars().count(), "VERSION");
    let mut text = format!(
        "{:name_width$}  {:version_width$}  TYPE\n",
        "NAME", "VERSION"
    );
    let mut lines: Vec<String> = packages
        .iter()
        .map(|package| {
            format!(
                "{:name_width$}  {:version_width$}  {}\n",
                package.name,
                package.version,
                kind_name(package.kind)
            )
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    text.extend(lines);
    for file in &document.inventory.unread {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "not read: {}: {}", file.path, file.reason);
    }
    text
}
