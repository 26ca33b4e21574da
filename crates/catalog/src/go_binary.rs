//! Go modules in the build information of a program, and the standard library that it was built with.

use crate::{
    cataloger::{Cataloger, Selection},
    cpe, executable,
    facts::{Fact, GoBuild, GoModule},
    files::{CatalogedFile, Files, location},
    go_build_info, purl,
};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};
use regex::Regex;
use std::sync::LazyLock;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "go",
    selection: Selection::Executables,
    subject: None,
    facts,
    packages,
};

/// What the linker writes where no release was built.
const DEVELOPMENT: &str = "(devel)";
/// What stands for the main module where files were built and not a module.
const FILES_OF_COMMAND_LINE: &str = "command-line-arguments";
/// Bytes of the longest flags of the linker that are searched for a version.
const FLAG_BYTES: usize = 64 << 10;
/// Bytes of the longest module path that is made a pattern.
const PATH_BYTES: usize = 1 << 10;

fn facts(_: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    let mut builds = Vec::new();
    for program in executable::programs(content) {
        builds.extend(go_build_info::read(&program)?);
    }
    Ok((!builds.is_empty()).then_some(Fact::Go(builds)))
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        let Fact::Go(builds) = fact else { continue };
        let before = found.len();
        for build in builds {
            add_modules(file, build, found);
        }
        // One standard library for each file that has modules.
        if found.len() > before
            && let Some(build) = builds.first()
        {
            found.extend(standard_library(file, build));
        }
    }
}

fn add_modules(file: &CatalogedFile<'_>, build: &GoBuild, found: &mut Vec<Package>) {
    let mut dependencies: Vec<&GoModule> = build.dependencies.iter().collect();
    let is_missing = build.main == GoModule::default() && !build.path.is_empty();
    let mut main = build.main.clone();
    if is_missing || main.path == FILES_OF_COMMAND_LINE && main.version.is_empty() {
        main = main_of_path(build, &mut dependencies);
    }
    for module in dependencies.into_iter().filter(|module| **module != main) {
        found.extend(package(file, build, &main.path, module));
    }
    if main == GoModule::default() {
        return;
    }
    if main.version == DEVELOPMENT {
        main.version = main_version(build, &main.path);
    }
    found.extend(package(file, build, &main.path, &main));
}

/// The main module of a build that names none: the one dependency without a release, or the path of the
/// main package.
fn main_of_path(build: &GoBuild, dependencies: &mut Vec<&GoModule>) -> GoModule {
    let mut candidates = dependencies
        .iter()
        .filter(|module| module.version == DEVELOPMENT);
    if let (Some(only), None) = (candidates.next().copied(), candidates.next()) {
        dependencies.retain(|module| !std::ptr::eq(*module, only));
        return only.clone();
    }
    GoModule {
        path: build.path.clone(),
        version: DEVELOPMENT.to_owned(),
        ..GoModule::default()
    }
}

/// The version of a main module without a release: what the linker was told, or the commit.
fn main_version(build: &GoBuild, path: &str) -> String {
    let flags = build.setting("-ldflags").unwrap_or_default();
    if let Some(version) = version_of_flags(flags, path) {
        return version;
    }
    match (build.setting("vcs.revision"), build.setting("vcs.time")) {
        (Some(revision), Some(time)) => pseudo_version(revision, time),
        _ => String::new(),
    }
}

/// `v1.2.3` of `-X main.version=1.2.3`, with the signs of Go's own search.
fn version_of_flags(flags: &str, path: &str) -> Option<String> {
    const VARIABLES: &[&str] = &[
        r"\.[a-zA-Z0-9]*([rR]elease)?([gG]it)?([bB]uild)?[vV]er(sion)?=(\S+/)*(?P<version>v?\d+.\d+.\d+[-\w]*(?:\.[-\w]+)*)",
        r"\.[a-zA-Z0-9]*([tT]ag)=(\S+/)*(?P<version>v?\d+.\d+.\d+[-\w]*(?:\.[-\w]+)*)",
    ];
    if flags.is_empty() || flags.len() > FLAG_BYTES || path.len() > PATH_BYTES {
        return None;
    }
    VARIABLES.iter().find_map(|variable| {
        let pattern = format!(r"(main|{}/[^\s]*){variable}", regex::escape(path));
        let captures = Regex::new(&pattern).ok()?.captures(flags)?;
        let version = captures.name("version")?.as_str();
        Some(if version.starts_with('v') {
            version.to_owned()
        } else {
            format!("v{version}")
        })
    })
}

/// `v0.0.0-20240115103000-0123456789ab` of a commit and its time.
fn pseudo_version(revision: &str, time: &str) -> String {
    let is_utc = time.len() == 20 && time.ends_with('Z');
    let digits: String = time.chars().filter(char::is_ascii_digit).collect();
    let time = if is_utc && digits.len() == 14 {
        digits.as_str()
    } else {
        "00010101000000"
    };
    format!("v0.0.0-{time}-{}", revision.get(..12).unwrap_or(revision))
}

/// A module, or what stands in its place.
fn package(
    file: &CatalogedFile<'_>,
    build: &GoBuild,
    main: &str,
    module: &GoModule,
) -> Option<Package> {
    let used = module.replacement.as_deref().unwrap_or(module);
    // A folder in place of a module has no name of its own.
    let name = if used.path.starts_with(['.', '/']) {
        &module.path
    } else {
        &used.path
    };
    let version = if used.version == DEVELOPMENT {
        ""
    } else {
        &used.version
    };
    if name.is_empty() {
        return None;
    }
    Some(Package {
        kind: PackageKind::GoModule,
        name: name.clone(),
        version: version.to_owned(),
        language: "go".to_owned(),
        purl: package_url(name, version),
        cpes: Vec::new(),
        licenses: Vec::new(),
        locations: vec![location(file)],
        architecture: build.setting("GOARCH").unwrap_or_default().to_owned(),
        upstreams: Vec::new(),
        files: Vec::new(),
        details: PackageDetails::Go {
            main_module: main.to_owned(),
            compiler: compiler(build).to_owned(),
            checksum: used.checksum.clone(),
        },
    })
}

/// The version of the compiler, without the experiments that follow it.
fn compiler(build: &GoBuild) -> &str {
    let (version, _) = build
        .compiler
        .split_once(' ')
        .unwrap_or((&build.compiler, ""));
    version
}

fn package_url(path: &str, version: &str) -> String {
    let (namespace, name) = match path.rsplit_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => (namespace, name),
        _ => ("", path),
    };
    purl::purl("golang", namespace, name, version, &[])
}

#[expect(
    clippy::unwrap_used,
    reason = "the pattern is a constant, and tests use it"
)]
static RELEASE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(\d+(?:\.\d+)?(?:\.\d+)?)(\w*)").unwrap());

fn standard_library(file: &CatalogedFile<'_>, build: &GoBuild) -> Option<Package> {
    let compiler = compiler(build);
    let version = compiler.strip_prefix("go").unwrap_or(compiler);
    let (release, _) = version.split_once('+').unwrap_or((version, ""));
    let captures = RELEASE.captures(release)?;
    let release = captures.get(1)?.as_str();
    let candidate = captures.get(2).map_or("", |candidate| candidate.as_str());
    let update = if candidate.is_empty() { "-" } else { candidate };
    Some(Package {
        kind: PackageKind::GoModule,
        name: "stdlib".to_owned(),
        version: compiler.to_owned(),
        language: "go".to_owned(),
        purl: package_url("stdlib", version),
        cpes: vec![cpe::application("golang", "go", release, update)],
        licenses: vec!["BSD-3-Clause".to_owned()],
        locations: vec![location(file)],
        architecture: String::new(),
        upstreams: Vec::new(),
        files: Vec::new(),
        details: PackageDetails::Go {
            main_module: String::new(),
            compiler: compiler.to_owned(),
            checksum: String::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_found_in_flags_of_linker() {
        let check = |flags: &str, expected: Option<&str>| {
            assert_eq!(
                version_of_flags(flags, "example.test/a").as_deref(),
                expected,
                "{flags}"
            );
        };
        check("-s -w -X main.version=1.2.3", Some("v1.2.3"));
        check(
            "-X example.test/a/build.gitVersion=v1.2.3-rc.1",
            Some("v1.2.3-rc.1"),
        );
        check("-X main.tag=v2.0.0", Some("v2.0.0"));
        check("-X other.version=1.2.3", None);
        check("-s -w", None);
    }

    #[test]
    fn pseudo_version_has_time_and_twelve_digits_of_commit() {
        let check = |revision: &str, time: &str, expected: &str| {
            assert_eq!(pseudo_version(revision, time), expected)
        };
        check(
            "0123456789abcdef",
            "2024-01-15T10:30:00Z",
            "v0.0.0-20240115103000-0123456789ab",
        );
        check("abc", "yesterday", "v0.0.0-00010101000000-abc");
    }

    #[test]
    fn package_url_parts_path_at_last_slash() {
        assert_eq!(
            package_url("github.com/a/b", "v1.0.0"),
            "pkg:golang/github.com/a/b@v1.0.0"
        );
        assert_eq!(package_url("stdlib", "1.22"), "pkg:golang/stdlib@1.22");
    }
}
