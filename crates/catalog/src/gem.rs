//! Ruby gems, by the specification that is written when they are installed.

use crate::{
    cataloger::{CatalogSubject, Cataloger, Selection},
    facts::{Fact, GemSpecification},
    files::{CatalogedFile, Files, location},
    purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};
use regex::Regex;
use std::sync::LazyLock;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "gem",
    selection: Selection::Paths(&["**/specifications/**/*.gemspec"]),
    subject: Some(CatalogSubject::Image),
    facts,
    packages,
};

#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#".*\.name\s*=\s*["'](.*)["'] *"#).unwrap());
#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static VERSION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#".*\.version\s*=\s*["'](.*)["'] *"#).unwrap());
#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static LICENSES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r".*\.licenses\s*=\s*\[(.*)\] *").unwrap());

fn facts(_: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let found = specification(&String::from_utf8_lossy(content));
    Ok((!found.name.is_empty()).then_some(Fact::Gem(found)))
}

/// The fields that are assigned as plain texts. The specification is a program, which is not run.
fn specification(content: &str) -> GemSpecification {
    let mut found = GemSpecification {
        name: String::new(),
        version: String::new(),
        licenses: Vec::new(),
    };
    for line in content.lines() {
        let line = line.trim().replace(".freeze", "");
        let value = |pattern: &Regex| Some(pattern.captures(&line)?.get(1)?.as_str().to_owned());
        if let Some(name) = value(&NAME) {
            found.name = name;
        } else if let Some(version) = value(&VERSION) {
            found.version = version;
        } else if let Some(licenses) = value(&LICENSES) {
            let names = licenses
                .split(',')
                .map(|name| name.trim_matches(['"', ' ']));
            found.licenses = names.map(str::to_owned).collect();
        }
    }
    found
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Gem(entry) = fact {
            found.push(package(file, entry));
        }
    }
}

fn package(file: &CatalogedFile<'_>, entry: &GemSpecification) -> Package {
    Package {
        kind: PackageKind::Gem,
        name: entry.name.clone(),
        version: entry.version.clone(),
        language: "ruby".to_owned(),
        purl: purl::purl("gem", "", &entry.name, &entry.version, &[]),
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
    fn specification_assigns_name_and_version() {
        let found = specification(
            "Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = '2.2.3'\n  s.licenses = [\"MIT\".freeze, \"X\".freeze]\nend\n",
        );
        assert_eq!((&*found.name, &*found.version), ("rack", "2.2.3"));
        assert_eq!(found.licenses, ["MIT", "X"]);
        assert_eq!(specification("").name, "");
    }
}
