//! PHP packages that Composer installed.

use crate::{
    cataloger::{CatalogSubject, Cataloger, Selection},
    facts::{ComposerPackage, Fact},
    files::{CatalogedFile, Files, location},
    json_document, purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};
use serde_json::Value;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "composer",
    selection: Selection::Paths(&["**/installed.json"]),
    subject: Some(CatalogSubject::Image),
    facts,
    packages,
};

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let is_of_composer = entry.path.ends_with("composer/installed.json");
    let document = match json_document::parse(content) {
        Ok(document) => document,
        // Other programs have files of this name.
        Err(_) if !is_of_composer => return Ok(None),
        Err(reason) => return Err(reason),
    };
    // Composer 1 writes the list alone.
    let list = document.get("packages").unwrap_or(&document);
    let packages: Vec<ComposerPackage> = match list {
        Value::Array(all) => all.iter().filter_map(package_of).collect(),
        _ if is_of_composer => return Err("it has no list of packages".to_owned()),
        _ => Vec::new(),
    };
    Ok((!packages.is_empty()).then_some(Fact::Composer(packages)))
}

fn package_of(value: &Value) -> Option<ComposerPackage> {
    let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    let licenses = match value.get("license") {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(license)) => vec![license.as_str()],
        _ => Vec::new(),
    };
    (!text("name").is_empty()).then(|| ComposerPackage {
        name: text("name").to_owned(),
        version: text("version").to_owned(),
        licenses: licenses.into_iter().map(str::to_owned).collect(),
    })
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Composer(packages) = fact {
            found.extend(packages.iter().map(|entry| package(file, entry)));
        }
    }
}

fn package(file: &CatalogedFile<'_>, entry: &ComposerPackage) -> Package {
    let (vendor, name) = entry.name.split_once('/').unwrap_or(("", &entry.name));
    let name = name.replace('/', "-");
    Package {
        kind: PackageKind::PhpComposer,
        name: entry.name.clone(),
        version: entry.version.clone(),
        language: "php".to_owned(),
        purl: purl::purl("composer", vendor, &name, &entry.version, &[]),
        cpes: Vec::new(),
        licenses: entry.licenses.clone(),
        locations: vec![location(file)],
        architecture: String::new(),
        upstreams: Vec::new(),
        files: Vec::new(),
        details: PackageDetails::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_of_either_composer_is_read() {
        let check = |path: &str, content: &str, expected: Option<usize>| {
            let entry = FileEntry {
                path,
                size: 1,
                mode: 0o644,
            };
            let found = facts(&entry, content.as_bytes())
                .ok()
                .map(|fact| match fact {
                    Some(Fact::Composer(packages)) => packages.len(),
                    _ => 0,
                });
            assert_eq!(found, expected, "{content}");
        };
        check(
            "vendor/composer/installed.json",
            r#"{"packages":[{"name":"a/b","version":"v1"}]}"#,
            Some(1),
        );
        check(
            "vendor/composer/installed.json",
            r#"[{"name":"a/b"},{}]"#,
            Some(1),
        );
        check("vendor/composer/installed.json", "{}", None);
        check("other/installed.json", "not JSON", Some(0));
    }
}
