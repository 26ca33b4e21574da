//! A package that is installed in an image: what catalogers find, SBOMs list and advisories are
//! matched with.
//!
//! Plain data. The names are those of Syft, so that an SBOM of either program says the same. Nothing
//! here reads a file or compares a version.

/// The kind of a package: who installs it and how its versions are ordered.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum PackageKind {
    /// Pacman's local database.
    Alpm,
    /// Alpine's installed database.
    Apk,
    /// A program that is known by its content alone.
    Binary,
    /// Debian's status file.
    Deb,
    /// .NET, by `*.deps.json`.
    Dotnet,
    /// Ruby, by gemspec.
    Gem,
    /// A module in the build information of a Go program.
    GoModule,
    /// A jar, war or ear, and what is nested in it.
    JavaArchive,
    /// A plugin of Jenkins.
    JenkinsPlugin,
    /// The kernel.
    LinuxKernel,
    /// Node.js.
    Npm,
    /// PHP, by Composer.
    PhpComposer,
    /// Python, by dist-info or egg-info.
    Python,
    /// RPM's database.
    Rpm,
    /// A crate in the audit section of a Rust program.
    RustCrate,
}

/// A file of an image, as the evidence of a package.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct PackageLocation {
    /// The absolute path in the image, such as `/var/lib/dpkg/status`.
    pub path: String,
    /// The number of the layer that wrote the file, from 0 for the lowest; `None` for a folder.
    pub layer: Option<usize>,
}

/// The source package that a package was built from: advisories of distributions name it.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct UpstreamPackage {
    /// Such as `openssl` for `libssl3`.
    pub name: String,
    /// Where it differs from the version of the package.
    pub version: Option<String>,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Package {
    /// Who installs it.
    pub kind: PackageKind,
    /// The name as the ecosystem writes it.
    pub name: String,
    /// The version as installed; empty where the package has none.
    pub version: String,
    /// The language, such as `python`; empty for packages of an operating system.
    pub language: String,
    /// The package URL, such as `pkg:deb/debian/openssl@3.0.15-1?arch=amd64&distro=debian-12`.
    pub purl: String,
    /// CPE 2.3 names, the most likely first.
    pub cpes: Vec<String>,
    /// Licences as the package states them: SPDX expressions or names.
    pub licenses: Vec<String>,
    /// The files that say that the package is installed, the primary one first.
    pub locations: Vec<PackageLocation>,
    /// The architecture that it was built for, such as `amd64`; empty where there is none.
    pub architecture: String,
    /// Source packages.
    pub upstreams: Vec<UpstreamPackage>,
    /// The paths of the files that the package owns, sorted.
    pub files: Vec<String>,
    /// What only one kind of package has.
    pub details: PackageDetails,
}

/// What only one kind of package has and matching or an SBOM needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PackageDetails {
    /// Nothing more.
    #[default]
    None,
    /// RPM.
    Rpm {
        /// The epoch; `None` where the header has none.
        epoch: Option<u32>,
        /// The module of a modular package, such as `nodejs:18:…`.
        modularity: Option<String>,
    },
    /// A Java archive.
    Java {
        /// Maven's group.
        group_id: String,
        /// Maven's artifact.
        artifact_id: String,
        /// The path within the archives, such as `/app.war:WEB-INF/lib/a.jar`.
        virtual_path: String,
        /// The SHA-1 of the archive, as 40 hexadecimal digits; empty where it was not read.
        sha1: String,
    },
    /// A Go module.
    Go {
        /// The main module of the program.
        main_module: String,
        /// The version of the compiler, such as `go1.26.8`.
        compiler: String,
        /// `h1:…` of go.sum.
        checksum: String,
    },
}

/// The distribution of an image, from its os-release or other evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Distribution {
    /// `ID`, such as `debian`.
    pub id: String,
    /// `ID_LIKE`.
    pub id_like: Vec<String>,
    /// `NAME`.
    pub name: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
    /// `VERSION`.
    pub version: String,
    /// `VERSION_ID`, such as `12`.
    pub version_id: String,
    /// `VERSION_CODENAME`, such as `bookworm`.
    pub codename: String,
    /// `BUILD_ID`.
    pub build_id: String,
}

/// What is installed in an image or a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PackageInventory {
    /// The distribution; `None` where there is no evidence of one.
    pub distribution: Option<Distribution>,
    /// The packages, ordered by kind, name, version, and the path of the first location.
    pub packages: Vec<Package>,
    /// Packages that own files of others, ordered.
    #[serde(default)]
    pub ownership: Vec<PackageOwnership>,
    /// What could not be read and may hide packages: a path and a reason. A result with such an entry
    /// is not complete.
    pub unread: Vec<UnreadFile>,
}

/// A package that owns a file which is the evidence of another: whoever installed the owner patches both.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct PackageOwnership {
    /// The number of the owner in [`PackageInventory::packages`].
    pub owner: usize,
    /// The number of the package that is owned.
    pub owned: usize,
}

/// A file that should have been read and could not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct UnreadFile {
    /// The path in the image.
    pub path: String,
    /// Why, as a sentence without a full stop.
    pub reason: String,
}
