//! Node.js packages that are installed: a `package.json` each.

use crate::{
    cataloger::{CatalogSubject, Cataloger, Selection},
    facts::{Fact, NpmPackage},
    files::{CatalogedFile, Files, location},
    json_document, purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};
use serde_json::Value;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "javascript",
    selection: Selection::Paths(&["**/package.json"]),
    subject: Some(CatalogSubject::Image),
    facts,
    packages,
};

/// Documents that one file may hold behind each other.
const DOCUMENTS: usize = 64;

/// The fields that are read. Others are not looked at, whatever their type.
#[derive(serde::Deserialize)]
struct Document {
    name: Option<Value>,
    version: Option<Value>,
    license: Option<Value>,
    licenses: Option<Value>,
}

fn facts(_: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    if !content.trim_ascii_start().starts_with(b"{") {
        return Err("it is not a package.json: it does not begin with a brace".to_owned());
    }
    json_document::bounded(content)?;
    let mut packages = Vec::new();
    let documents = serde_json::Deserializer::from_slice(content).into_iter::<Document>();
    for document in documents.take(DOCUMENTS) {
        let document = document.map_err(|error| format!("it is not a package.json: {error}"))?;
        packages.extend(package_of(&document));
    }
    Ok((!packages.is_empty()).then_some(Fact::Npm(packages)))
}

/// Nothing without a name: many tools use the file for settings alone.
fn package_of(document: &Document) -> Option<NpmPackage> {
    let text = |value: &Option<Value>| {
        let text = value.as_ref().and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let name = text(&document.name);
    (!name.is_empty()).then(|| NpmPackage {
        name,
        version: text(&document.version),
        licenses: licenses(document),
    })
}

fn licenses(document: &Document) -> Vec<String> {
    let name = |value: &Value| match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(fields) => fields.get("type")?.as_str().map(str::to_owned),
        _ => None,
    };
    if let Some(license) = document.license.as_ref().and_then(name) {
        return vec![license];
    }
    match &document.licenses {
        Some(Value::Array(all)) => all.iter().filter_map(name).collect(),
        _ => Vec::new(),
    }
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Npm(packages) = fact {
            found.extend(packages.iter().map(|entry| package(file, entry)));
        }
    }
}

/// The package that a file states.
pub(crate) fn package(file: &CatalogedFile<'_>, entry: &NpmPackage) -> Package {
    let (namespace, name) = entry
        .name
        .split_once('/')
        .unwrap_or(("", entry.name.as_str()));
    Package {
        kind: PackageKind::Npm,
        name: entry.name.clone(),
        version: entry.version.clone(),
        language: "javascript".to_owned(),
        purl: purl::purl("npm", namespace, name, &entry.version, &[]),
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

    fn found(content: &str) -> Result<Vec<(String, String)>, String> {
        let entry = FileEntry {
            path: "package.json",
            size: 1,
            mode: 0o644,
        };
        let packages = match facts(&entry, content.as_bytes())? {
            Some(Fact::Npm(packages)) => packages,
            _ => Vec::new(),
        };
        Ok(packages
            .into_iter()
            .map(|one| (one.name, one.version))
            .collect())
    }

    #[test]
    fn package_json_with_odd_fields_still_names_package() {
        let check = |content: &str, expected: &[(&str, &str)]| {
            let found = found(content).unwrap();
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|(name, version)| (&**name, &**version))
                .collect();
            assert_eq!(found, expected, "{content}");
        };
        check(
            r#"{"name":"a","version":"1","dependencies":[]}"#,
            &[("a", "1")],
        );
        check(r#"{"name":"a","version":1}"#, &[("a", "")]);
        check(r#"{"type":"module"}"#, &[]);
        check(
            r#"{"name":"a","version":"1"}{"name":"b","version":"2"}"#,
            &[("a", "1"), ("b", "2")],
        );
    }

    #[test]
    fn package_json_that_is_not_json_is_a_problem() {
        assert!(found("{").is_err());
        assert!(found("[]").is_err());
    }
}
