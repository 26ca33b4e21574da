//! A version of a package, and its order to other versions.
//!
//! A text need not be valid: packages and advisories state what they like. A version that its own format
//! cannot read is compared in the format of the other side, and else is an error, never a silent result.

use crate::{
    apk::ApkVersion,
    bitnami::BitnamiVersion,
    composer::ComposerVersion,
    deb::DebVersion,
    error::VersionError,
    format::VersionFormat,
    fuzzy::FuzzyVersion,
    gem::GemVersion,
    golang::GolangVersion,
    jvm::JvmVersion,
    maven::{MavenVersion, without_runtime},
    missing_epoch::MissingEpoch,
    nuget::NugetVersion,
    pacman::PacmanVersion,
    pep440::PythonVersion,
    portage::PortageVersion,
    rpm::RpmVersion,
    semantic::SemanticVersion,
};
use std::cmp::Ordering;

/// The longest version that is read, in bytes.
pub const MAX_VERSION_BYTES: usize = 1024;

/// A version of a package.
#[derive(Debug, Clone)]
pub struct Version {
    format: VersionFormat,
    text: Box<str>,
    missing_epoch: MissingEpoch,
    /// The version as its format reads it, or why it does not.
    parsed: Result<Parsed, &'static str>,
}

/// A version as one format reads it.
#[derive(Debug, Clone)]
enum Parsed {
    Fuzzy(FuzzyVersion),
    Semantic(SemanticVersion),
    Nuget(NugetVersion),
    Composer(ComposerVersion),
    Apk(ApkVersion),
    Deb(DebVersion),
    Rpm(RpmVersion),
    Pacman(PacmanVersion),
    Portage(PortageVersion),
    Python(PythonVersion),
    Gem(GemVersion),
    /// The version, and the one without a Java runtime where it states one.
    Maven(MavenVersion, Option<MavenVersion>),
    Golang(GolangVersion),
    Jvm(JvmVersion),
    Bitnami(BitnamiVersion),
    Kb(Box<str>),
}

impl Parsed {
    fn read(format: VersionFormat, text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_VERSION_BYTES {
            return Err("it is longer than 1024 bytes");
        }
        Ok(match format {
            VersionFormat::Unknown => Self::Fuzzy(FuzzyVersion::parse(text)),
            VersionFormat::Semantic | VersionFormat::Npm => {
                Self::Semantic(SemanticVersion::parse(text)?)
            }
            VersionFormat::Nuget => Self::Nuget(NugetVersion::parse(text)?),
            VersionFormat::Composer => Self::Composer(ComposerVersion::parse(text)?),
            VersionFormat::Apk => Self::Apk(ApkVersion::parse(text)?),
            VersionFormat::Deb => Self::Deb(DebVersion::parse(text)?),
            VersionFormat::Rpm => Self::Rpm(RpmVersion::parse(text)?),
            VersionFormat::Pacman => Self::Pacman(PacmanVersion::parse(text)?),
            VersionFormat::Portage => Self::Portage(PortageVersion::parse(text)?),
            VersionFormat::Python => Self::Python(PythonVersion::parse(text)?),
            VersionFormat::Gem => Self::Gem(GemVersion::parse(text)?),
            VersionFormat::Maven => {
                let stripped = without_runtime(text).map(MavenVersion::parse);
                Self::Maven(MavenVersion::parse(text)?, stripped.transpose()?)
            }
            VersionFormat::Golang => Self::Golang(GolangVersion::parse(text)?),
            VersionFormat::Jvm => Self::Jvm(JvmVersion::parse(text)?),
            VersionFormat::Bitnami => Self::Bitnami(BitnamiVersion::parse(text)?),
            VersionFormat::Kb => Self::Kb(text.into()),
        })
    }

    /// The order; `None` where both are of different formats.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Fuzzy(left), Self::Fuzzy(right)) => left.compare(right),
            (Self::Semantic(left), Self::Semantic(right)) => left.compare(right),
            (Self::Nuget(left), Self::Nuget(right)) => left.compare(right),
            (Self::Composer(left), Self::Composer(right)) => left.compare(right),
            (Self::Apk(left), Self::Apk(right)) => left.compare(right),
            (Self::Deb(left), Self::Deb(right)) => left.compare(right, false),
            (Self::Rpm(left), Self::Rpm(right)) => left.compare(right, MissingEpoch::Zero),
            (Self::Pacman(left), Self::Pacman(right)) => left.compare(right),
            (Self::Portage(left), Self::Portage(right)) => left.compare(right),
            (Self::Python(left), Self::Python(right)) => left.compare(right),
            (Self::Gem(left), Self::Gem(right)) => left.compare(right),
            (Self::Maven(left, _), Self::Maven(right, _)) => left.compare(right),
            (Self::Golang(left), Self::Golang(right)) => left.compare(right),
            (Self::Jvm(left), Self::Jvm(right)) => left.compare(right),
            (Self::Bitnami(left), Self::Bitnami(right)) => left.compare(right),
            // An article is no older or newer than another: it is the same, or another.
            (Self::Kb(left), Self::Kb(right)) if left == right => Ordering::Equal,
            (Self::Kb(_), Self::Kb(_)) => Ordering::Greater,
            _ => return None,
        })
    }

    /// The order to the bound of a constraint, which differs where a package states more than advisories
    /// do. `None` where both cannot be compared.
    fn compare_to_bound(&self, bound: &Self, missing_epoch: MissingEpoch) -> Option<Ordering> {
        match (self, bound) {
            (Self::Deb(version), Self::Deb(bound)) => {
                Some(version.compare(bound, missing_epoch == MissingEpoch::Auto))
            }
            (Self::Rpm(version), Self::Rpm(bound)) => Some(version.compare(bound, missing_epoch)),
            (Self::Python(version), Self::Python(bound)) => version.compare_to_bound(bound),
            (Self::Maven(version, stripped), Self::Maven(bound, stripped_bound)) => {
                let version = stripped.as_ref().unwrap_or(version);
                Some(version.compare(stripped_bound.as_ref().unwrap_or(bound)))
            }
            _ => self.compare(bound),
        }
    }
}

impl Version {
    /// A version of any text. Where the format cannot read it, comparing says so.
    pub fn new(format: VersionFormat, text: &str) -> Self {
        Self {
            format,
            text: text.into(),
            missing_epoch: MissingEpoch::of_format(format),
            parsed: Parsed::read(format, text),
        }
    }

    /// A version that its format can read.
    ///
    /// # Errors
    ///
    /// Where the format cannot.
    pub fn parse(format: VersionFormat, text: &str) -> Result<Self, VersionError> {
        let version = Self::new(format, text);
        match &version.parsed {
            Ok(_) => Ok(version),
            Err(reason) => Err(VersionError::version(text, format, reason)),
        }
    }

    /// The same version, with another meaning of a missing epoch.
    #[must_use]
    pub fn with_missing_epoch(mut self, missing_epoch: MissingEpoch) -> Self {
        self.missing_epoch = missing_epoch;
        self
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The format.
    pub fn format(&self) -> VersionFormat {
        self.format
    }

    /// The order of both, by the tool of the ecosystem. Where the formats differ, that of this version
    /// is tried first, then the other's. A missing epoch is 0.
    ///
    /// # Errors
    ///
    /// Where no format can read both.
    pub fn compare(&self, other: &Self) -> Result<Ordering, VersionError> {
        self.compare_by(other, Parsed::compare)
    }

    /// The order to the bound of a constraint; as [`Version::compare`], but what advisories leave out
    /// does not count: a missing epoch is as [`Version::with_missing_epoch`] says, local versions of
    /// Python and Java runtimes of Maven are ignored.
    pub(crate) fn compare_to_bound(&self, bound: &Self) -> Result<Ordering, VersionError> {
        self.compare_by(bound, |version, bound| {
            version.compare_to_bound(bound, self.missing_epoch)
        })
    }

    fn compare_by(
        &self,
        other: &Self,
        compare: impl Fn(&Parsed, &Parsed) -> Option<Ordering>,
    ) -> Result<Ordering, VersionError> {
        let error = match self.compare_in(self.format, other, &compare) {
            Ok(order) => return Ok(order),
            Err(error) => error,
        };
        if self.format == other.format {
            return Err(error);
        }
        self.compare_in(other.format, other, &compare)
            .map_err(|_| error)
    }

    fn compare_in(
        &self,
        format: VersionFormat,
        other: &Self,
        compare: impl Fn(&Parsed, &Parsed) -> Option<Ordering>,
    ) -> Result<Ordering, VersionError> {
        let incomparable =
            || VersionError::version(&other.text, format, "it is no bound of a constraint");
        self.with_parsed(format, |left| {
            other.with_parsed(format, |right| {
                compare(left, right).ok_or_else(incomparable)
            })
        })
    }

    /// Calls the function with this version as the format reads it.
    fn with_parsed<T>(
        &self,
        format: VersionFormat,
        function: impl FnOnce(&Parsed) -> Result<T, VersionError>,
    ) -> Result<T, VersionError> {
        let error = |reason| VersionError::version(&self.text, format, reason);
        if format == self.format {
            return match &self.parsed {
                Ok(parsed) => function(parsed),
                Err(reason) => Err(error(reason)),
            };
        }
        function(&Parsed::read(format, &self.text).map_err(error)?)
    }
}
