//! .NET packages that an application was published with, by its `*.deps.json`.

use crate::{
    cataloger::{Cataloger, Selection},
    facts::{DotnetFact, Fact},
    files::{CatalogedFile, Files, file_name, location},
    json_document, purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "dotnet",
    selection: Selection::Paths(&["**/*.deps.json"]),
    subject: None,
    facts,
    packages,
};

/// Packages that put the assemblies of others into one file: what claims no assembly may be in it.
const BUNDLERS: &[&str] = &[
    "ILRepack.Lib.MSBuild.Task",
    "ILRepack.Lib",
    "ILRepack.Lib.MSBuild",
    "ILRepack.Lib.NET",
    "ILRepack.NETStandard",
    "ILRepack.FullAuto",
    "ILMerge",
    "JetBrains.Build.ILRepack",
    "PostSharp.Community.Packer",
    "Brokenevent.ILStrip",
    "Brokenevent.ILStrip.CLI",
    "Costura.Fody",
    "Fody",
];

/// A package in all targets of the file.
#[derive(Default)]
struct Library {
    claims_assembly: bool,
    dependencies: BTreeSet<String>,
}

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let document = json_document::parse(content)?;
    let libraries = libraries(&document);
    let application = file_name(entry.path)
        .strip_suffix(".deps.json")
        .unwrap_or_default();
    let has_bundler = libraries.keys().any(|key| BUNDLERS.contains(&parts(key).0));
    let packages: Vec<(String, String)> = libraries
        .keys()
        .filter(|key| {
            let details = document
                .get("libraries")
                .and_then(|all| all.get(key.as_str()));
            is_application(key, details, application)
                || is_package(details) && (has_bundler || claims_assembly(key, &libraries))
        })
        .map(|key| parts(key))
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect();
    Ok((!packages.is_empty()).then_some(Fact::Dotnet(DotnetFact { packages })))
}

/// Name and version of `Newtonsoft.Json/12.0.1`.
fn parts(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or((key, ""))
}

fn libraries(document: &Value) -> BTreeMap<String, Library> {
    let mut libraries: BTreeMap<String, Library> = BTreeMap::new();
    let targets = document.get("targets").and_then(Value::as_object);
    for target in targets.into_iter().flat_map(|targets| targets.values()) {
        for (key, value) in target.as_object().into_iter().flatten() {
            let library = libraries.entry(key.clone()).or_default();
            let is_claimed = |field: &&str| {
                let files = value.get(field).and_then(Value::as_object);
                files.is_some_and(|files| !files.is_empty())
            };
            library.claims_assembly |= ["runtime", "resources", "compile", "native"]
                .iter()
                .any(is_claimed);
            let dependencies = value.get("dependencies").and_then(Value::as_object);
            for (name, version) in dependencies.into_iter().flatten() {
                let version = version.as_str().unwrap_or_default();
                library.dependencies.insert(format!("{name}/{version}"));
            }
        }
    }
    libraries
}

fn kind(details: Option<&Value>) -> &str {
    details
        .and_then(|details| details.get("type"))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Whether an entry is what the file is named after.
fn is_application(key: &str, details: Option<&Value>, application: &str) -> bool {
    kind(details) == "project" && parts(key).0 == application
}

/// Projects of the same solution and assemblies of the framework are no packages.
fn is_package(details: Option<&Value>) -> bool {
    let is_empty = |field: &str| {
        let text = details.and_then(|details| details.get(field));
        text.and_then(Value::as_str).unwrap_or_default().is_empty()
    };
    let is_reference =
        kind(details) == "referenceassembly" && is_empty("sha512") && is_empty("path");
    kind(details) != "project" && !is_reference
}

/// Whether a package or one that it depends on brings an assembly.
fn claims_assembly(key: &str, libraries: &BTreeMap<String, Library>) -> bool {
    let mut seen = BTreeSet::new();
    let mut left = vec![key];
    while let Some(key) = left.pop() {
        let Some(library) = libraries.get(key).filter(|_| seen.insert(key)) else {
            continue;
        };
        if library.claims_assembly {
            return true;
        }
        left.extend(library.dependencies.iter().map(String::as_str));
    }
    false
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Dotnet(fact) = fact {
            for (name, version) in &fact.packages {
                found.push(package(file, name, version));
            }
        }
    }
}

fn package(file: &CatalogedFile<'_>, name: &str, version: &str) -> Package {
    Package {
        kind: PackageKind::Dotnet,
        name: name.to_owned(),
        version: version.to_owned(),
        language: "dotnet".to_owned(),
        purl: purl::purl("nuget", "", name, version, &[]),
        cpes: Vec::new(),
        licenses: Vec::new(),
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
    fn packages_that_bring_no_assembly_are_left_out() {
        let content = br#"{"targets":{"net8.0":{
            "App/1.0.0":{"dependencies":{"A":"1"},"runtime":{"App.dll":{}}},
            "A/1":{"runtime":{"lib/net8.0/A.dll":{}}},
            "Meta/1":{},
            "Parent/1":{"dependencies":{"A":"1","Parent":"1"}},
            "Other.Project/1":{"runtime":{"Other.dll":{}}}}},
            "libraries":{"App/1.0.0":{"type":"project"},"A/1":{"type":"package"},"Meta/1":{"type":"package"},
            "Parent/1":{"type":"package"},"Other.Project/1":{"type":"project"}}}"#;
        let entry = FileEntry {
            path: "app/App.deps.json",
            size: 1,
            mode: 0o644,
        };
        let Some(Fact::Dotnet(found)) = facts(&entry, content).unwrap() else {
            panic!()
        };
        let names: Vec<&str> = found.packages.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["A", "App", "Parent"]);
    }
}
