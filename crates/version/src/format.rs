//! The formats of versions and their names. The names are those of Grype and its database, where one
//! format has several.

use std::fmt;

/// How a version is read and ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionFormat {
    /// Nobody knows: as Semantic Versioning where both texts look like it, else part by part.
    Unknown,
    /// Semantic Versioning, read generously: `v1`, `1.0` and `1.0a` are versions too.
    Semantic,
    /// Semantic Versioning of npm, with npm's ranges as constraints.
    Npm,
    /// NuGet: like Semantic Versioning, with a fourth number, and without regard to case.
    Nuget,
    /// Composer of PHP.
    Composer,
    /// Alpine's apk.
    Apk,
    /// Debian's dpkg.
    Deb,
    /// RPM.
    Rpm,
    /// Pacman of Arch Linux.
    Pacman,
    /// Portage of Gentoo.
    Portage,
    /// PEP 440 of Python.
    Python,
    /// RubyGems.
    Gem,
    /// Maven's ComparableVersion.
    Maven,
    /// Go modules, and releases of Go itself.
    Golang,
    /// Java runtimes, before and after JEP 223.
    Jvm,
    /// Bitnami's packages; their revision does not count.
    Bitnami,
    /// Articles of Microsoft's knowledge base: equal or not, never less.
    Kb,
}

impl VersionFormat {
    /// All formats.
    pub const ALL: &[Self] = &[
        Self::Unknown,
        Self::Semantic,
        Self::Npm,
        Self::Nuget,
        Self::Composer,
        Self::Apk,
        Self::Deb,
        Self::Rpm,
        Self::Pacman,
        Self::Portage,
        Self::Python,
        Self::Gem,
        Self::Maven,
        Self::Golang,
        Self::Jvm,
        Self::Bitnami,
        Self::Kb,
    ];

    /// The format of this name, without regard to case; `None` where nobody has such a name. An empty
    /// name is [`VersionFormat::Unknown`], as in rows of a database that state no type.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "" | "unknown" | "fuzzy" => Self::Unknown,
            "semantic" | "semver" | "hex" | "pub" | "swift" | "conan" | "cocoapods" | "hackage" => {
                Self::Semantic
            }
            "npm" => Self::Npm,
            "nuget" => Self::Nuget,
            "composer" => Self::Composer,
            "apk" => Self::Apk,
            "deb" | "dpkg" => Self::Deb,
            "rpm" => Self::Rpm,
            "pacman" | "alpm" => Self::Pacman,
            "portage" => Self::Portage,
            "python" | "pypi" | "pep440" => Self::Python,
            "gem" => Self::Gem,
            "maven" | "java-archive" | "jenkins-plugin" => Self::Maven,
            "golang" | "go" | "go-module" => Self::Golang,
            "jvm" | "jre" | "jdk" | "openjdk" | "jep223" => Self::Jvm,
            "bitnami" => Self::Bitnami,
            "kb" | "msrc-kb" => Self::Kb,
            _ => return None,
        })
    }

    /// The name of the format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Semantic => "semver",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Composer => "composer",
            Self::Apk => "apk",
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Pacman => "pacman",
            Self::Portage => "portage",
            Self::Python => "pep440",
            Self::Gem => "gem",
            Self::Maven => "maven",
            Self::Golang => "golang",
            Self::Jvm => "jvm",
            Self::Bitnami => "bitnami",
            Self::Kb => "kb",
        }
    }
}

impl fmt::Display for VersionFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
