//! Python distributions: the metadata of a wheel or an egg, and the files beside it.

use crate::{
    cataloger::{Cataloger, Selection},
    facts::{Fact, PythonFact, PythonMetadata},
    files::{CatalogedFile, Files, clean_absolute, file_name, folder, join, location},
    json_document,
    paragraphs::Paragraph,
    purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "python",
    selection: Selection::Paths(&[
        "**/*.egg-info",
        "**/*dist-info/METADATA",
        "**/*egg-info/PKG-INFO",
        "**/*DIST-INFO/METADATA",
        "**/*EGG-INFO/PKG-INFO",
        "**/*{dist,egg}-info/{RECORD,installed-files.txt,top_level.txt,direct_url.json}",
        "**/*{DIST,EGG}-INFO/{RECORD,installed-files.txt,top_level.txt,direct_url.json}",
    ]),
    subject: None,
    facts,
    packages,
};

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let text = String::from_utf8_lossy(content);
    let fact = match file_name(entry.path) {
        "RECORD" => Some(PythonFact::Record(record(&text))),
        "installed-files.txt" => {
            let paths = text.lines().filter(|line| !line.is_empty());
            Some(PythonFact::InstalledFiles(
                paths.map(str::to_owned).collect(),
            ))
        }
        "top_level.txt" => Some(PythonFact::TopLevel),
        "direct_url.json" => Some(PythonFact::Origin(origin(content)?)),
        _ => metadata(&text)?.map(PythonFact::Metadata),
    };
    Ok(fact.map(Fact::Python))
}

/// The header of the metadata; the description follows an empty line.
fn metadata(content: &str) -> Result<Option<PythonMetadata>, String> {
    let mut header = Paragraph::default();
    for line in content.lines() {
        if line.is_empty() {
            if header.is_empty() {
                continue;
            }
            break;
        }
        header.add(line)?;
    }
    let name = header.first_line("Name");
    if name.is_empty() || name == "Python" {
        return Ok(None);
    }
    let licenses = ["License-Expression", "License"]
        .iter()
        .map(|field| header.lines(field).join("\n"))
        .filter(|license| !license.is_empty())
        .collect();
    Ok(Some(PythonMetadata {
        name: name.to_owned(),
        version: header.lines("Version").join("\n "),
        licenses,
    }))
}

/// The paths of a RECORD, which has three columns of comma-separated values.
fn record(content: &str) -> Vec<String> {
    content.lines().filter_map(record_path).collect()
}

fn record_path(line: &str) -> Option<String> {
    if let Some(rest) = line.strip_prefix('"') {
        // Quotes are doubled inside of quotes; the digest and the size that follow have none.
        let (path, _) = rest.rsplit_once("\",")?;
        return Some(path.replace("\"\"", "\""));
    }
    let (rest, _) = line.rsplit_once(',')?;
    let (path, _) = rest.rsplit_once(',')?;
    (!path.is_empty() && !path.contains(',')).then(|| path.to_owned())
}

/// The origin in `direct_url.json`.
fn origin(content: &[u8]) -> Result<String, String> {
    let document = json_document::parse(content)?;
    let field = |pointer: &str| document.pointer(pointer).and_then(|value| value.as_str());
    Ok(match field("/vcs_info/vcs") {
        Some(vcs) if !vcs.is_empty() => format!(
            "{vcs}+{}@{}",
            field("/url").unwrap_or_default(),
            field("/vcs_info/commit_id").unwrap_or_default()
        ),
        _ => String::new(),
    })
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Python(PythonFact::Metadata(metadata)) = fact {
            found.push(package(files, file, metadata));
        }
    }
}

/// The files beside the metadata of a distribution, put together.
#[derive(Default)]
struct Beside {
    locations: Vec<kubevet_model::PackageLocation>,
    files: Vec<String>,
    origin: String,
}

fn package(files: &Files<'_>, file: &CatalogedFile<'_>, metadata: &PythonMetadata) -> Package {
    let name = normalized(&metadata.name);
    let mut beside = Beside {
        locations: vec![location(file)],
        ..Beside::default()
    };
    for name in [
        "RECORD",
        "installed-files.txt",
        "top_level.txt",
        "direct_url.json",
    ] {
        // Of the two lists of files, one is enough.
        if name != "installed-files.txt" || beside.files.is_empty() {
            add_beside(&mut beside, files, file, name);
        }
    }
    beside.files.sort_unstable();
    beside.files.dedup();
    let qualifiers = [("vcs_url", beside.origin.as_str())];
    Package {
        kind: PackageKind::Python,
        purl: purl::purl("pypi", "", &name, &metadata.version, &qualifiers),
        name,
        version: metadata.version.clone(),
        language: "python".to_owned(),
        cpes: Vec::new(),
        licenses: metadata.licenses.clone(),
        locations: beside.locations,
        architecture: String::new(),
        upstreams: Vec::new(),
        files: beside.files,
        details: PackageDetails::None,
    }
}

fn add_beside(beside: &mut Beside, files: &Files<'_>, metadata: &CatalogedFile<'_>, name: &str) {
    let here = folder(metadata.path);
    let Some(file) = files.at(&join(here, name)) else {
        return;
    };
    for fact in &file.facts.facts {
        let Fact::Python(fact) = fact else { continue };
        match fact {
            PythonFact::Record(paths) => {
                let root = folder(here);
                let paths = paths.iter().map(|path| absolute(root, path));
                beside.files.extend(paths);
            }
            PythonFact::InstalledFiles(paths) => {
                let paths = paths.iter().map(|path| absolute(here, path));
                beside.files.extend(paths);
            }
            PythonFact::Origin(origin) => beside.origin.clone_from(origin),
            PythonFact::TopLevel => {}
            PythonFact::Metadata(_) => continue,
        }
        beside.locations.push(location(file));
    }
}

/// A path as a list of files has it: absolute, or relative to a folder.
fn absolute(folder: &str, path: &str) -> String {
    if path.starts_with('/') {
        clean_absolute(path)
    } else {
        clean_absolute(&format!("{folder}/{path}"))
    }
}

/// A name as PEP 503 compares it: small letters, runs of `-`, `_` and `.` are one `-`.
fn normalized(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for sign in name.chars() {
        if matches!(sign, '-' | '_' | '.') {
            if !normalized.ends_with('-') {
                normalized.push('-');
            }
        } else {
            normalized.extend(sign.to_lowercase());
        }
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_normalized_as_pep_503_says() {
        for (name, expected) in [
            ("PyYAML", "pyyaml"),
            ("zope.interface", "zope-interface"),
            ("a__b-.c", "a-b-c"),
            ("_x", "-x"),
        ] {
            assert_eq!(normalized(name), expected);
        }
    }

    #[test]
    fn metadata_ends_with_its_header() {
        let check = |content: &str, name: &str, version: &str| {
            let found = metadata(content).unwrap();
            let found = found.as_ref().map(|found| (&*found.name, &*found.version));
            assert_eq!(found.unwrap_or_default(), (name, version));
        };
        check(
            "Metadata-Version: 2.1\nName: A\nVersion: 1.0\n\nVersion: 2",
            "A",
            "1.0",
        );
        check("\r\nName: A\r\nVersion: 1.0\r\n", "A", "1.0");
        check("Name: Python\nVersion: 3.11", "", "");
        check("Summary: nothing", "", "");
    }

    #[test]
    fn record_has_three_columns() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(record_path(line).as_deref(), expected, "{line}");
        };
        check("a/b.py,sha256=x,12", Some("a/b.py"));
        check("a/b.py,,", Some("a/b.py"));
        check("\"a,b\"\"c.py\",sha256=x,1", Some("a,b\"c.py"));
        check("a", None);
        check("", None);
    }
}
