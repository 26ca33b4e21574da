//! Java archives and what is nested in them: their manifest, and what Maven left in them.

use crate::{
    cataloger::{Cataloger, Selection},
    facts::{Fact, JavaArchive, JavaPackage},
    files::{CatalogedFile, Files, location},
    java_manifest::Manifest,
    java_names::{self, FileName},
    maven::{self, Coordinates, Project},
    purl,
    zip::{Archive, Entry},
};
use kubevet_image::FileEntry;
use kubevet_model::{Package, PackageDetails, PackageKind};
use sha1::{Digest as _, Sha1};
use std::collections::BTreeMap;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    name: "java",
    selection: Selection::Paths(&[
        "**/*.jar",
        "**/*.war",
        "**/*.ear",
        "**/*.par",
        "**/*.sar",
        "**/*.nar",
        "**/*.jpi",
        "**/*.hpi",
        "**/*.kar",
        "**/*.far",
        "**/*.lpkg",
        "**/*.rar",
        "**/*.zap",
    ]),
    subject: None,
    facts,
    packages,
};

const EXTENSIONS: &[&str] = &[
    "jar", "war", "ear", "par", "sar", "nar", "jpi", "hpi", "kar", "far", "lpkg", "rar", "zap",
];
/// Archives within each other.
const DEPTH: usize = 8;
/// Archives in one file.
const ARCHIVES: usize = 20_000;
/// Bytes of one manifest or pom.
const TEXT_BYTES: u64 = 4 << 20;
/// Bytes that what is read of one file may inflate to, all together.
const INFLATED_BYTES: u64 = 1 << 30;
/// The same for a file of a byte, and what each byte more allows.
const INFLATED_FLOOR: u64 = 16 << 20;
const INFLATED_RATIO: u64 = 200;
/// Bytes of one nested archive.
const NESTED_BYTES: u64 = 256 << 20;

fn facts(entry: &FileEntry<'_>, content: &[u8]) -> Result<Option<Fact>, String> {
    if !content.starts_with(b"PK") && !is_always_java(entry.path) {
        return Ok(None);
    }
    let mut reading = Reading {
        found: JavaArchive::default(),
        budget: Budget::new(content),
        archives: 0,
    };
    reading.archive(content, entry.path, "", 0)?;
    let says_nothing = reading.found == JavaArchive::default();
    Ok((!says_nothing).then_some(Fact::Java(reading.found)))
}

/// The bytes that may still be inflated: a small archive can hold the same entry many times.
struct Budget {
    left: u64,
}

impl Budget {
    fn new(content: &[u8]) -> Self {
        let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let allowed = bytes.saturating_mul(INFLATED_RATIO);
        Budget {
            left: allowed.saturating_add(INFLATED_FLOOR).min(INFLATED_BYTES),
        }
    }

    /// The content of an entry of at most so many bytes.
    fn read(&mut self, archive: &Archive<'_>, entry: &Entry, most: u64) -> Result<Vec<u8>, String> {
        if self.left == 0 {
            return Err("what is in it inflates to too many bytes".to_owned());
        }
        let content = archive.read(entry, most.min(self.left))?;
        let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(bytes);
        Ok(content)
    }
}

/// What is spent and found while one file is read.
struct Reading {
    found: JavaArchive,
    budget: Budget,
    archives: usize,
}

impl Reading {
    fn archive(
        &mut self,
        content: &[u8],
        path: &str,
        path_within: &str,
        depth: usize,
    ) -> Result<(), String> {
        let archive = Archive::new(content)?;
        let texts = Texts::new(&archive, &mut self.budget)?;
        if let Some(main) = main_package(&texts, content, path, path_within) {
            let packages = with_maven_packages(main, &texts, path_within);
            self.found.packages.extend(packages);
        }
        // Of entries with the same name, the last counts.
        let nested: BTreeMap<&str, &Entry> = archive
            .entries()
            .iter()
            .filter(|entry| is_archive(&entry.name))
            .map(|entry| (entry.name.as_str(), entry))
            .collect();
        for nested in nested.into_values() {
            if let Err(reason) = self.nested(&archive, nested, path_within, depth) {
                self.found.problem.get_or_insert(reason);
            }
        }
        Ok(())
    }

    fn nested(
        &mut self,
        archive: &Archive<'_>,
        entry: &Entry,
        path_within: &str,
        depth: usize,
    ) -> Result<(), String> {
        if depth >= DEPTH {
            return Err(format!("archives are nested deeper than {DEPTH}"));
        }
        if self.archives >= ARCHIVES {
            return Err(format!("over {ARCHIVES} archives are nested in it"));
        }
        self.archives = self.archives.saturating_add(1);
        let content = self.budget.read(archive, entry, NESTED_BYTES)?;
        let within = format!("{path_within}:{}", entry.name);
        // A nested file that is not an archive, whatever its name, holds no package.
        if !content.starts_with(b"PK") {
            return Ok(());
        }
        self.archive(&content, &entry.name, &within, depth.saturating_add(1))
            .map_err(|reason| format!("{:.200}: {reason}", entry.name))
    }
}

/// Other programs use some of the extensions too.
fn is_always_java(path: &str) -> bool {
    ["jar", "war", "ear", "jpi", "hpi"].iter().any(|extension| {
        path.rsplit_once('.')
            .is_some_and(|(_, end)| end == *extension)
    })
}

fn is_archive(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// The files of an archive that tell what it is.
#[derive(Default)]
struct Texts {
    manifests: Vec<Manifest>,
    /// By the folder that they are in.
    properties: BTreeMap<String, Coordinates>,
    projects: BTreeMap<String, Project>,
    version: Option<String>,
}

impl Texts {
    fn new(archive: &Archive<'_>, budget: &mut Budget) -> Result<Self, String> {
        let mut texts = Texts::default();
        let mut unique: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in archive.entries() {
            unique.insert(entry.name.trim_start_matches('/'), entry);
        }
        for (name, entry) in unique {
            let folder = crate::files::folder(name).to_owned();
            if name == "META-INF/MANIFEST.MF" {
                let content = budget.read(archive, entry, TEXT_BYTES)?;
                let manifest = Manifest::parse(&String::from_utf8_lossy(&content));
                texts.manifests.push(manifest);
            } else if name.ends_with("pom.properties") {
                let content = budget.read(archive, entry, TEXT_BYTES)?;
                if let Some(found) = maven::properties(&String::from_utf8_lossy(&content)) {
                    texts.properties.insert(folder, found);
                }
            } else if name.ends_with("pom.xml") {
                let content = budget.read(archive, entry, TEXT_BYTES)?;
                if let Some(found) = maven::project(&content) {
                    texts.projects.insert(folder, found);
                }
            } else if name.eq_ignore_ascii_case("version.properties") {
                let content = budget.read(archive, entry, TEXT_BYTES)?;
                texts.version = stated_version(&String::from_utf8_lossy(&content));
            }
        }
        Ok(texts)
    }
}

/// The release in a `version.properties`, as programs of one archive have it.
fn stated_version(content: &str) -> Option<String> {
    let mut found = BTreeMap::new();
    for (key, value) in content.lines().filter_map(|line| line.split_once('=')) {
        found.insert(key.trim().to_lowercase(), value.trim());
    }
    ["version", "tag"].iter().find_map(|key| {
        let value = found.get(*key)?;
        let value = value.strip_prefix('v').unwrap_or(value);
        let is_release = value.starts_with(|sign: char| sign.is_ascii_digit())
            && value
                .chars()
                .all(|sign| sign.is_ascii_alphanumeric() || ".-_+".contains(sign));
        is_release.then(|| value.to_owned())
    })
}

/// The package of an archive with what it was named by.
struct MainPackage<'a> {
    package: JavaPackage,
    manifest: &'a Manifest,
    properties: Option<Coordinates>,
    project: Option<&'a Project>,
}

impl MainPackage<'_> {
    fn group(&self) -> String {
        java_names::group(
            &self.package.name,
            &self.package.version,
            self.properties.as_ref(),
            self.project,
            Some(self.manifest),
        )
    }
}

/// The package that an archive is; `None` without a manifest.
fn main_package<'a>(
    texts: &'a Texts,
    content: &[u8],
    path: &str,
    path_within: &str,
) -> Option<MainPackage<'a>> {
    let manifest = texts.manifests.first()?;
    if !manifest.main("Weave-Classes").is_empty() {
        return None;
    }
    let file = FileName::new(path);
    let (stated, project) = best_maven_data(texts, &file);
    let mut name = stated.artifact;
    let mut version = stated.version;
    if name.is_empty() {
        name = java_names::name(manifest, &file);
    }
    if version.is_empty() {
        version = java_names::version(manifest, &file);
    }
    if version.is_empty() && !manifest.main("Main-Class").is_empty() {
        version = texts.version.clone().unwrap_or_default();
    }
    let mut licenses: Vec<String> = ["Bundle-License", "Plugin-License-Name"]
        .iter()
        .map(|field| manifest.any(field).to_owned())
        .filter(|license| !license.is_empty())
        .collect();
    if licenses.is_empty() {
        licenses = project.map_or_else(Vec::new, |project| project.licenses.clone());
    }
    let package = JavaPackage {
        is_jenkins_plugin: path.ends_with(".jpi") || path.ends_with(".hpi"),
        name,
        version,
        path_within: path_within.to_owned(),
        sha1: hexadecimal(&Sha1::digest(content)),
        licenses,
        ..JavaPackage::default()
    };
    Some(MainPackage {
        package,
        manifest,
        properties: None,
        project,
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The data of Maven that is about the archive itself: the artifact fits the file name.
fn best_maven_data<'a>(texts: &'a Texts, file: &FileName) -> (Coordinates, Option<&'a Project>) {
    let has_exact = texts
        .properties
        .values()
        .any(|properties| properties.artifact == file.name);
    let mut best: Option<&Coordinates> = None;
    let mut project: Option<&Project> = None;
    let is_exact = |properties: &Coordinates, project: Option<&Project>| {
        project.is_some()
            && (file.name.contains(&properties.group) || file.name == properties.artifact)
    };
    for (folder, properties) in &texts.properties {
        if !fits(&properties.artifact, &file.name, has_exact) {
            continue;
        }
        let beside = texts.projects.get(folder);
        let is_better = match (best, beside) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(_)) => project.is_none() || is_exact(properties, beside),
        };
        if is_better {
            best = Some(properties);
            project = beside.or(project);
        }
        if is_exact(properties, project) {
            break;
        }
    }
    if texts.properties.is_empty() && texts.projects.len() == 1 {
        project = texts.projects.values().next();
    }
    let mut stated = best.cloned().unwrap_or_default();
    if let Some(project) = project {
        let fill = |own: &mut String, other: &String| {
            if own.is_empty() {
                own.clone_from(other);
            }
        };
        fill(&mut stated.group, &project.own.group);
        fill(&mut stated.artifact, &project.own.artifact);
        fill(&mut stated.version, &project.own.version);
    }
    (stated, project)
}

fn fits(artifact: &str, file: &str, has_exact: bool) -> bool {
    if artifact.is_empty() || file.is_empty() {
        false
    } else if has_exact {
        artifact == file
    } else {
        artifact.starts_with(file) || file.ends_with(artifact)
    }
}

/// The package of the archive, and a package for each pom.properties that is about something else: what
/// was shaded into it.
fn with_maven_packages(
    mut main: MainPackage<'_>,
    texts: &Texts,
    path_within: &str,
) -> Vec<JavaPackage> {
    let mut others = Vec::new();
    for (folder, properties) in &texts.properties {
        let project = texts.projects.get(folder);
        let other = maven_package(properties, project, &main, path_within);
        if is_same(&other, properties, &main) {
            main.package.name.clone_from(&other.name);
            main.package.version.clone_from(&other.version);
            main.package.is_jenkins_plugin = other.is_jenkins_plugin;
            if main.properties.is_none() {
                main.package.stated_group.clone_from(&properties.group);
                main.package
                    .stated_artifact
                    .clone_from(&properties.artifact);
                main.properties = Some(properties.clone());
            }
        } else {
            others.push(other);
        }
    }
    main.package.group = main.group();
    let mut packages = vec![main.package];
    packages.append(&mut others);
    for package in &mut packages {
        if ["io.jenkins.plugins", "org.jenkins-ci.plugins"]
            .iter()
            .any(|group| package.group.contains(group))
        {
            package.is_jenkins_plugin = true;
        }
    }
    packages
}

fn maven_package(
    properties: &Coordinates,
    project: Option<&Project>,
    main: &MainPackage<'_>,
    path_within: &str,
) -> JavaPackage {
    const PLUGIN_GROUPS: &[&str] = &[
        "io.jenkins.plugins",
        "org.jenkins.plugins",
        "org.jenkins-ci.plugins",
        "io.jenkins-ci.plugins",
        "com.cloudbees.jenkins.plugins",
    ];
    let is_main = main.group() == properties.group
        && main.package.name == properties.artifact
        && main.package.version == properties.version;
    let suffix = if is_main {
        String::new()
    } else {
        format!(":{}:{}", properties.group, properties.artifact)
    };
    let is_plugin = PLUGIN_GROUPS
        .iter()
        .any(|group| properties.group.starts_with(group))
        || properties.group.contains(".jenkins.plugin");
    JavaPackage {
        is_jenkins_plugin: is_plugin,
        name: properties.artifact.clone(),
        version: properties.version.clone(),
        group: java_names::group(
            &properties.artifact,
            &properties.version,
            Some(properties),
            project,
            None,
        ),
        stated_group: properties.group.clone(),
        stated_artifact: properties.artifact.clone(),
        path_within: format!("{path_within}{suffix}"),
        sha1: String::new(),
        licenses: project.map_or_else(Vec::new, |project| project.licenses.clone()),
    }
}

/// Whether a pom.properties is about the archive itself.
fn is_same(other: &JavaPackage, properties: &Coordinates, main: &MainPackage<'_>) -> bool {
    let has_same_key = other.group == main.group()
        && other.name == main.package.name
        && other.version == main.package.version;
    has_same_key
        || other.path_within == main.package.path_within
        || main.package.name == properties.artifact
}

fn packages(files: &Files<'_>, found: &mut Vec<Package>) {
    for (file, fact) in files.facts() {
        if let Fact::Java(archive) = fact {
            found.extend(archive.packages.iter().map(|entry| package(file, entry)));
        }
    }
}

fn package(file: &CatalogedFile<'_>, entry: &JavaPackage) -> Package {
    let group = if entry.group.is_empty() {
        &entry.name
    } else {
        &entry.group
    };
    let (group_id, artifact_id) = if entry.stated_artifact.is_empty() {
        (group, &entry.name)
    } else {
        (&entry.stated_group, &entry.stated_artifact)
    };
    Package {
        kind: if entry.is_jenkins_plugin {
            PackageKind::JenkinsPlugin
        } else {
            PackageKind::JavaArchive
        },
        name: entry.name.clone(),
        version: entry.version.clone(),
        language: "java".to_owned(),
        purl: purl::purl("maven", group, &entry.name, &entry.version, &[]),
        cpes: Vec::new(),
        licenses: entry.licenses.clone(),
        locations: vec![location(file)],
        architecture: String::new(),
        upstreams: Vec::new(),
        files: Vec::new(),
        details: PackageDetails::Java {
            group_id: group_id.clone(),
            artifact_id: artifact_id.clone(),
            virtual_path: format!("/{}{}", file.path, entry.path_within),
            sha1: entry.sha1.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zip::tests::zip;

    fn found(path: &str, content: &[u8]) -> Result<Vec<String>, String> {
        let entry = FileEntry {
            path,
            size: 1,
            mode: 0o644,
        };
        let packages = match facts(&entry, content)? {
            Some(Fact::Java(archive)) => archive.packages,
            _ => Vec::new(),
        };
        Ok(packages
            .iter()
            .map(|one| {
                format!(
                    "{}:{}:{}{}",
                    one.group, one.name, one.version, one.path_within
                )
            })
            .collect())
    }

    const MANIFEST: (&str, &[u8]) = ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n");

    #[test]
    fn archive_is_named_by_maven_manifest_or_file() {
        let check = |path: &str, files: &[(&str, &[u8])], expected: &[&str]| {
            assert_eq!(found(path, &zip(files)).unwrap(), expected, "{path}");
        };
        check("a/no-manifest.jar", &[("A.class", b"x")], &[]);
        check("a/by-file-1.0.jar", &[MANIFEST], &[":by-file:1.0"]);
        let own = (
            "META-INF/maven/t.e/own/pom.properties",
            &b"groupId=t.e\nartifactId=own\nversion=2\n"[..],
        );
        let shaded = (
            "META-INF/maven/g/guava/pom.properties",
            &b"groupId=g\nartifactId=guava\nversion=29\n"[..],
        );
        check(
            "a/own-1.jar",
            &[MANIFEST, own, shaded],
            &["t.e:own:2", "g:guava:29:g:guava"],
        );
    }

    #[test]
    fn archives_nested_too_deep_are_a_problem() {
        let mut content = zip(&[MANIFEST]);
        for _ in 0..5 {
            content = zip(&[("x.jar", &content)]);
        }
        let within = ":x.jar".repeat(5);
        assert_eq!(found("a.jar", &content).unwrap(), [format!(":x:{within}")]);
        for _ in 0..5 {
            content = zip(&[("x.jar", &content)]);
        }
        let entry = FileEntry {
            path: "a.jar",
            size: 1,
            mode: 0o644,
        };
        let fact = facts(&entry, &content).unwrap().unwrap();
        assert!(fact.problem().is_some());
    }
}
