//! What is kept of a file: plain data that is stored with the layer.

use kubevet_model::Distribution;

/// What was found in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileFacts {
    pub(crate) facts: Vec<Fact>,
    /// What could not be understood: sentences without a full stop.
    pub(crate) problems: Vec<String>,
}

impl FileFacts {
    /// Whether the file says nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.problems.is_empty()
    }
}

/// What one cataloger found in one file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Fact {
    OsRelease(OsReleaseFact),
    Dpkg(DpkgFact),
    Apk(ApkFact),
    Rpm(RpmFact),
    Alpm(AlpmEntry),
    Python(PythonFact),
    Npm(Vec<NpmPackage>),
    NpmLock(Vec<NpmPackage>),
    Go(Vec<GoBuild>),
    Rust(Vec<AuditedCrate>),
    Java(JavaArchive),
    Gem(GemSpecification),
    Composer(Vec<ComposerPackage>),
    Dotnet(DotnetFact),
    Binary(BinaryFact),
}

impl Fact {
    /// Why it is not all that the file should say.
    pub(crate) fn problem(&self) -> Option<&str> {
        match self {
            Fact::Java(archive) => archive.problem.as_deref(),
            Fact::Apk(ApkFact::Packages(_, problem)) => problem.as_deref(),
            _ => None,
        }
    }
}

/// What a file says about the distribution.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum OsReleaseFact {
    /// It identifies it.
    Distribution(Distribution),
    /// Debian's version with its point release, such as `12.5`.
    DebianVersion(String),
}

/// What a file of the database says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum DpkgFact {
    /// Packages.
    Packages(Vec<DpkgEntry>),
    /// Absolute paths that a package owns.
    Files(Vec<String>),
    /// Licences of a package.
    Licenses(Vec<String>),
}

/// A package of the status file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct DpkgEntry {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    /// Empty where the package is its own source.
    pub(crate) source: String,
    /// Empty where it is the version of the package.
    pub(crate) source_version: String,
    /// Licences in the entry itself, as opkg writes them.
    pub(crate) licenses: Vec<String>,
    /// Paths of configuration files in the entry itself.
    pub(crate) conffiles: Vec<String>,
}

/// What a file of apk says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum ApkFact {
    /// Packages, and why there may be more.
    Packages(Vec<ApkEntry>, Option<String>),
    /// The release of Alpine that the repositories are of, such as `3.18`.
    Release(String),
}

/// A package of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ApkEntry {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    /// The package that it was built with; often itself.
    pub(crate) origin: String,
    pub(crate) url: String,
    pub(crate) license: String,
    /// Absolute paths, folders too.
    pub(crate) files: Vec<String>,
}

/// What a file of RPM says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct RpmFact {
    pub(crate) entries: Vec<RpmEntry>,
    /// It is a manifest, whose package URLs do not name the distribution.
    pub(crate) is_manifest: bool,
}

/// What is kept of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct RpmEntry {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) release: String,
    pub(crate) epoch: Option<u32>,
    pub(crate) architecture: String,
    /// The file name of the source package.
    pub(crate) source: String,
    pub(crate) license: String,
    pub(crate) modularity: String,
    pub(crate) files: Vec<String>,
}

/// What a file of the database says.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct AlpmEntry {
    /// Empty in the list of files.
    pub(crate) name: String,
    pub(crate) version: String,
    /// The package that it was built with.
    pub(crate) base: String,
    pub(crate) architecture: String,
    pub(crate) licenses: Vec<String>,
    /// Absolute paths; empty in the description.
    pub(crate) files: Vec<String>,
}

/// What a file of a distribution says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum PythonFact {
    /// Its name and version.
    Metadata(PythonMetadata),
    /// The paths of its files, relative to the folder of distributions.
    Record(Vec<String>),
    /// The paths of its files, relative to the metadata.
    InstalledFiles(Vec<String>),
    /// It has a list of modules; the list itself is not kept.
    TopLevel,
    /// Where it was fetched from, such as `git+https://example.test/a.git@0123`; empty for archives.
    Origin(String),
}

/// The fields that are kept of the metadata.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct PythonMetadata {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licenses: Vec<String>,
}

/// A package of npm.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct NpmPackage {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licenses: Vec<String>,
}

/// A module.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct GoModule {
    pub(crate) path: String,
    pub(crate) version: String,
    /// `h1:…`; empty for a replaced or local one.
    pub(crate) checksum: String,
    /// The module that stands in its place.
    pub(crate) replacement: Option<Box<GoModule>>,
}

/// What a program says about its build.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct GoBuild {
    /// Such as `go1.26.8`.
    pub(crate) compiler: String,
    /// The path of the main package.
    pub(crate) path: String,
    /// Empty where the build knew no module.
    pub(crate) main: GoModule,
    pub(crate) dependencies: Vec<GoModule>,
    /// The settings that tell a version or an architecture.
    pub(crate) settings: Vec<(String, String)>,
}

/// A crate that runs in the program.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct AuditedCrate {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// The packages of an archive and of those nested in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct JavaArchive {
    pub(crate) packages: Vec<JavaPackage>,
    /// A bound that was reached: what is found is not all.
    pub(crate) problem: Option<String>,
}

/// A package in an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct JavaPackage {
    pub(crate) is_jenkins_plugin: bool,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) group: String,
    /// The group and artifact that Maven stated; empty where it did not.
    pub(crate) stated_group: String,
    pub(crate) stated_artifact: String,
    /// The path from the file on, such as `:WEB-INF/lib/a.jar`.
    pub(crate) path_within: String,
    pub(crate) sha1: String,
    pub(crate) licenses: Vec<String>,
}

/// A gem.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct GemSpecification {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licenses: Vec<String>,
}

/// A package of Composer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ComposerPackage {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licenses: Vec<String>,
}

/// Name and version of each package of an application.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct DotnetFact {
    pub(crate) packages: Vec<(String, String)>,
}

/// What a file is known as.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum BinaryFact {
    /// Programs by their content.
    Programs(Vec<ClassifiedProgram>),
    /// A runtime of Java, of which the file is the release file.
    JavaRuntime(JavaRuntime),
}

/// A program, as a package says it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct ClassifiedProgram {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) purl: String,
    pub(crate) cpes: Vec<String>,
}

/// What a release file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct JavaRuntime {
    pub(crate) version: String,
    pub(crate) implementor: String,
    pub(crate) image_type: String,
    pub(crate) build_type: String,
    pub(crate) repository: String,
}
