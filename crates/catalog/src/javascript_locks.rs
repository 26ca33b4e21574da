//! Lock files of npm and Yarn: what a folder declares, whether it is installed or not.

use crate::{
    cataloger::{CatalogSubject, Cataloger, Selection},
    facts::{Fact, NpmPackage},
    files::{Files, file_name},
    javascript, json_document,
};
use kubevet_image::FileEntry;
use kubevet_model::Package;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "javascript lock file",
    selection: Selection::Paths(&["**/package-lock.json", "**/yarn.lock"]),
    subject: Some(CatalogSubject::Folder),
    facts,
    packages,
};

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    // What is installed is not declared once more.
    if entry.path.split('/').any(|part| part == "node_modules") {
        return Ok(None);
    }
    let packages = if file_name(entry.path) == "yarn.lock" {
        yarn_lock(&String::from_utf8_lossy(content))?
    } else {
        package_lock(content)?
    };
    if packages.is_empty() {
        return Err("no package is in it".to_owned());
    }
    Ok(Some(Fact::NpmLock(packages)))
}

fn package_lock(content: &[u8]) -> Result<Vec<NpmPackage>, String> {
    let document = json_document::parse(content)?;
    let version = document.get("lockfileVersion").and_then(Value::as_u64);
    let mut found = Vec::new();
    match version {
        Some(1) => {
            let mut seen = BTreeSet::new();
            if let Some(Value::Object(all)) = document.get("dependencies") {
                add_dependencies(all, &mut seen, &mut found);
            }
        }
        Some(2 | 3) => {
            if let Some(Value::Object(all)) = document.get("packages") {
                let packages = all.iter().filter_map(|(path, one)| locked(path, one));
                found.extend(packages);
            }
        }
        _ => return Err("its lockfileVersion is not 1, 2 or 3".to_owned()),
    }
    Ok(found)
}

fn is_development(package: &Value) -> bool {
    package.get("dev").and_then(Value::as_bool) == Some(true)
}

fn text<'a>(package: &'a Value, field: &str) -> &'a str {
    package
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A package of version 2 or 3; the path says its name unless it has one.
fn locked(path: &str, package: &Value) -> Option<NpmPackage> {
    let own = text(package, "name");
    if is_development(package) || (path.is_empty() && own.is_empty()) {
        return None;
    }
    let name = if own.is_empty() { path } else { own };
    let name = name.rsplit("node_modules/").next().unwrap_or(name);
    let licenses = match package.get("license") {
        Some(Value::String(license)) => vec![license.clone()],
        Some(Value::Array(all)) => all
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    Some(NpmPackage {
        name: name.to_owned(),
        version: text(package, "version").to_owned(),
        licenses,
    })
}

/// Adds the packages of version 1 and those below them. The reader of JSON bounds the depth.
fn add_dependencies(
    all: &Map<String, Value>,
    seen: &mut BTreeSet<(String, String)>,
    found: &mut Vec<NpmPackage>,
) {
    for (name, package) in all.iter().filter(|(_, package)| !is_development(package)) {
        let version = text(package, "version");
        // An alias says the true name in its version.
        let (name, version) = version
            .strip_prefix("npm:")
            .and_then(|rest| rest.rsplit_once('@'))
            .unwrap_or((name, version));
        if seen.insert((name.to_owned(), version.to_owned())) {
            found.push(NpmPackage {
                name: name.to_owned(),
                version: version.to_owned(),
                licenses: Vec::new(),
            });
        }
        if let Some(Value::Object(below)) = package.get("dependencies") {
            add_dependencies(below, seen, found);
        }
    }
}

/// The packages of Yarn 1, and of later versions as far as their YAML is the plain form that Yarn writes.
fn yarn_lock(content: &str) -> Result<Vec<NpmPackage>, String> {
    let is_first = content.contains("# yarn lockfile v1");
    if !is_first && !content.contains("__metadata:") {
        return Err("it is not a lock file of Yarn".to_owned());
    }
    let mut found: Vec<NpmPackage> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut name = None;
    for line in content.lines().filter(|line| !line.starts_with('#')) {
        if !line.starts_with(' ') {
            name = yarn_name(line);
            continue;
        }
        let Some(field) = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '))
        else {
            continue;
        };
        let version = field
            .strip_prefix("version ")
            .or_else(|| field.strip_prefix("version: "));
        if let (Some(known), Some(version)) = (&name, version) {
            let version = version.trim().trim_matches('"');
            if seen.insert((known.clone(), version.to_owned())) {
                found.push(NpmPackage {
                    name: known.clone(),
                    version: version.to_owned(),
                    licenses: Vec::new(),
                });
            }
        }
    }
    Ok(found)
}

/// The name of `"@scope/a@^1.0", a@2:`, or the true name of an alias `b@npm:a@^1:`.
fn yarn_name(line: &str) -> Option<String> {
    let line = line.trim_start_matches('"');
    let end = line.get(1..)?.find('@')?.checked_add(1)?;
    let (name, rest) = line.split_at_checked(end)?;
    if let Some(alias) = rest.strip_prefix("@npm:") {
        let end = alias.get(1..)?.find('@').map(|end| end.saturating_add(1));
        if let Some(end) = end.filter(|end| alias.get(..*end).is_some_and(is_name)) {
            return alias.get(..end).map(str::to_owned);
        }
    }
    is_name(name).then(|| name.to_owned())
}

fn is_name(name: &str) -> bool {
    let bare = name.strip_prefix('@').unwrap_or(name);
    bare.starts_with(|sign: char| sign.is_ascii_alphanumeric() || sign == '_')
        && bare
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.' | '/'))
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::NpmLock(packages) = fact {
            let packages = packages
                .iter()
                .map(|entry| javascript::package(file, entry));
            found.extend(packages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(packages: &[NpmPackage]) -> Vec<String> {
        let names = packages
            .iter()
            .map(|one| format!("{}@{}", one.name, one.version));
        names.collect()
    }

    #[test]
    fn package_lock_of_each_version_is_read() {
        let check = |content: &str, expected: &[&str]| {
            assert_eq!(names(&package_lock(content.as_bytes()).unwrap()), expected);
        };
        check(
            r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1","dependencies":{"b":{"version":"npm:@c/d@2"}}},"t":{"version":"1","dev":true}}}"#,
            &["a@1", "@c/d@2"],
        );
        check(
            r#"{"lockfileVersion":3,"packages":{"":{"name":"root","version":"0"},"node_modules/a/node_modules/@b/c":{"version":"3"}}}"#,
            &["root@0", "@b/c@3"],
        );
        assert!(package_lock(br#"{"lockfileVersion":9}"#).is_err());
    }

    #[test]
    fn yarn_lock_of_each_form_is_read() {
        let check = |content: &str, expected: &[&str]| {
            assert_eq!(names(&yarn_lock(content).unwrap()), expected);
        };
        check(
            "# yarn lockfile v1\n\n\"@b/c@^1\", \"@b/c@^2\":\n  version \"2.0\"\n  dependencies:\n    a \"1\"\n\na@1:\n  version \"1.0\"\n",
            &["@b/c@2.0", "a@1.0"],
        );
        check(
            "__metadata:\n  version: 8\n\n\"x@npm:y@^1, x@npm:y@^2\":\n  version: 1.5\n\n\"z@npm:^3\":\n  version: 3.1\n",
            &["y@1.5", "z@3.1"],
        );
        assert!(yarn_lock("hello").is_err());
    }
}
