//! Programs known by a text in their content, and runtimes of Java by their release file: what somebody
//! copied into an image without a package.

use crate::{
    binary_classes::{CLASSES, Class, GLOBS, Program},
    cataloger::{Cataloger, Selection},
    cpe,
    facts::{BinaryFact, ClassifiedProgram, Fact},
    files::{Files, file_name, folder, join, location},
    java_runtime, purl,
};
use globset::{GlobBuilder, GlobMatcher};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};
use regex::{Regex, bytes};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "binary",
    selection: Selection::Paths(GLOBS),
    subject: None,
    facts,
    packages,
};

/// Bytes of the longest version.
const VERSION_BYTES: usize = 256;

/// Compiles a pattern; `None` if it is invalid.
type Compile = Box<dyn FnOnce() -> Option<bytes::Regex> + Send>;
/// A pattern that is compiled at its first use.
type LazyPattern = LazyLock<Option<bytes::Regex>, Compile>;

/// The patterns of the table, ready for use.
struct Matcher {
    glob: Option<GlobMatcher>,
    path: Option<Regex>,
    programs: Vec<Vec<LazyPattern>>,
}

static MATCHERS: LazyLock<Vec<Matcher>> = LazyLock::new(|| CLASSES.iter().map(matcher).collect());

fn matcher(class: &'static Class) -> Matcher {
    let glob = GlobBuilder::new(class.glob).literal_separator(true).build();
    let pattern = |text: &'static str| {
        let compile: Compile = Box::new(move || compiled(text));
        LazyLock::new(compile)
    };
    Matcher {
        glob: glob.ok().map(|glob| glob.compile_matcher()),
        path: class.path.and_then(|path| Regex::new(path).ok()),
        programs: class
            .programs
            .iter()
            .map(|program| program.patterns.iter().map(|text| pattern(text)).collect())
            .collect(),
    }
}

/// A pattern over bytes, in which `.` and `\w` know no Unicode.
fn compiled(pattern: &str) -> Option<bytes::Regex> {
    let mut builder = bytes::RegexBuilder::new(pattern);
    builder.unicode(false).multi_line(true).build().ok()
}

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    if file_name(entry.path) == "release" {
        let runtime = java_runtime::read(&String::from_utf8_lossy(content));
        return Ok(runtime.map(BinaryFact::JavaRuntime).map(Fact::Binary));
    }
    let mut found: Vec<ClassifiedProgram> = Vec::new();
    for (class, matcher) in CLASSES.iter().zip(MATCHERS.iter()) {
        let is_named = matcher
            .glob
            .as_ref()
            .is_some_and(|glob| glob.is_match(entry.path));
        if is_named
            && let Some(program) = classify(class, matcher, entry.path, content)
            && !found.contains(&program)
        {
            found.push(program);
        }
    }
    Ok((!found.is_empty()).then_some(Fact::Binary(BinaryFact::Programs(found))))
}

fn classify(
    class: &Class,
    matcher: &Matcher,
    path: &str,
    content: &[u8],
) -> Option<ClassifiedProgram> {
    let mut named_version = None;
    if class.path.is_some() {
        let captures = matcher.path.as_ref()?.captures(path)?;
        named_version = captures.name("version").map(|version| version.as_str());
    }
    let programs = class.programs.iter().zip(&matcher.programs);
    programs.into_iter().find_map(|(program, patterns)| {
        let is_elsewhere = !program.path_part.is_empty() && !path.contains(program.path_part);
        let lacks_text = !program.contains.is_empty()
            && memchr::memmem::find(content, program.contains.as_bytes()).is_none();
        if is_elsewhere || lacks_text {
            return None;
        }
        let texts = program.patterns.iter().zip(patterns);
        texts
            .into_iter()
            .find_map(|(text, pattern)| match named_version {
                Some(version) if text.contains("{version}") => {
                    let pattern = compiled(&text.replace("{version}", &regex::escape(version)))?;
                    found(program, &pattern.captures(content)?)
                }
                _ => found(program, &pattern.as_ref()?.captures(content)?),
            })
    })
}

fn found(program: &Program, captures: &bytes::Captures<'_>) -> Option<ClassifiedProgram> {
    let text = |name: &str| {
        let text = captures.name(name)?.as_bytes();
        (text.len() <= VERSION_BYTES).then(|| String::from_utf8_lossy(text).into_owned())
    };
    let version = text("version")?;
    let (kind, namespace, name) = program.purl;
    let (release, update) = match (text("primary"), text("update")) {
        (Some(primary), Some(update)) => (primary, format!("update{update}")),
        _ => (version.clone(), "*".to_owned()),
    };
    Some(ClassifiedProgram {
        name: program.name.to_owned(),
        purl: purl::purl(kind, namespace, name, &version, &[]),
        cpes: program
            .cpes
            .iter()
            .map(|(vendor, product)| cpe::application(vendor, product, &release, &update))
            .collect(),
        version,
    })
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    let mut runtimes = BTreeSet::new();
    // One package for a program, whatever the number of its files.
    let mut programs: BTreeMap<&str, Package> = BTreeMap::new();
    for (file, fact) in files.facts() {
        if let Fact::Binary(BinaryFact::JavaRuntime(runtime)) = fact {
            let here = folder(file.path);
            let has_compiler = files.real_path(&join(here, "bin/javac")).is_some();
            found.push(runtime.package(file, has_compiler));
            runtimes.insert(here);
        }
    }
    for (file, fact) in files.facts() {
        let Fact::Binary(BinaryFact::Programs(all)) = fact else {
            continue;
        };
        // The release file says more about a runtime than its programs do.
        if is_below(file.path, &runtimes) {
            continue;
        }
        for program in all {
            let package = programs
                .entry(&program.purl)
                .or_insert_with(|| package(program));
            package.locations.push(location(file));
        }
    }
    found.extend(programs.into_values());
}

fn is_below(path: &str, folders: &BTreeSet<&str>) -> bool {
    let mut above = folder(path);
    while !above.is_empty() {
        if folders.contains(above) {
            return true;
        }
        above = folder(above);
    }
    false
}

fn package(program: &ClassifiedProgram) -> Package {
    Package {
        kind: PackageKind::Binary,
        name: program.name.clone(),
        version: program.version.clone(),
        language: String::new(),
        purl: program.purl.clone(),
        cpes: program.cpes.clone(),
        licenses: Vec::new(),
        locations: Vec::new(),
        architecture: String::new(),
        upstreams: Vec::new(),
        files: Vec::new(),
        details: PackageDetails::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purls(path: &str, content: &[u8]) -> Vec<String> {
        let entry = FileEntry {
            path,
            size: 1,
            mode: 0o755,
        };
        match facts(&entry, content).unwrap() {
            Some(Fact::Binary(BinaryFact::Programs(programs))) => {
                programs.into_iter().map(|one| one.purl).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_pattern_and_glob_of_the_table_is_valid() {
        for (class, matcher) in CLASSES.iter().zip(MATCHERS.iter()) {
            assert!(GLOBS.contains(&class.glob), "{}", class.glob);
            assert!(matcher.glob.is_some(), "{}", class.glob);
            assert_eq!(
                matcher.path.is_some(),
                class.path.is_some(),
                "{}",
                class.glob
            );
            for (program, patterns) in class.programs.iter().zip(&matcher.programs) {
                for (text, pattern) in program.patterns.iter().zip(patterns) {
                    let is_template = text.contains("{version}");
                    assert!(is_template || pattern.is_some(), "{text}");
                }
            }
        }
    }

    #[test]
    fn program_is_known_by_its_text() {
        let check = |path: &str, content: &[u8], expected: &[&str]| {
            assert_eq!(purls(path, content), expected, "{path}")
        };
        check(
            "usr/sbin/nginx",
            b"\0nginx version: nginx/1.25.1\0",
            &["pkg:generic/nginx@1.25.1"],
        );
        check(
            "usr/local/bin/node",
            b"x node.js/v18.19.0 x",
            &["pkg:generic/node@18.19.0"],
        );
        check(
            "usr/local/bin/python3.11",
            b"\0\x003.11.4\0",
            &["pkg:generic/python@3.11.4"],
        );
        check("usr/local/bin/python3", b"\0\x003.11.4\0", &[]);
        check(
            "usr/lib/libpython3.11.so.1.0",
            b"\x003.11.4\0",
            &["pkg:generic/python@3.11.4"],
        );
        check(
            "usr/local/go/bin/go",
            b"go1.20.3\0",
            &["pkg:generic/go@1.20.3"],
        );
        check(
            "usr/bin/openssl",
            b"\0OpenSSL 3.0.11 19 Sep",
            &["pkg:generic/openssl@3.0.11"],
        );
        check(
            "usr/bin/mysql",
            b"10.11.2-MariaDB",
            &["pkg:generic/mariadb@10.11.2"],
        );
        check(
            "opt/jdk/bin/java",
            b"\0openjdk\0java\x000.0\x0011.0.17+8-LTS\0",
            &["pkg:generic/oracle/openjdk@11.0.17%2B8-LTS"],
        );
        check(
            "opt/jdk/bin/java",
            b"openjdk java\x001.8\x001.8.0_352-b08\0",
            &["pkg:generic/oracle/openjdk@1.8.0_352-b08"],
        );
        check(
            "usr/local/bin/php",
            b"X-Powered-By: PHP/8.2.1",
            &["pkg:generic/php-cli@8.2.1"],
        );
        check("usr/bin/other", b"\0OpenSSL 3.0.11", &[]);
    }
}
