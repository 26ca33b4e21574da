//! What a missing epoch means.

use crate::format::VersionFormat;

/// What the missing epoch of a version of RPM or Debian is, when it is compared with the bound of a
/// constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MissingEpoch {
    /// 0, as the package managers have it.
    Zero,
    /// That of the bound: advisories and source packages state epochs that the package has lost.
    Auto,
}

impl MissingEpoch {
    /// What Grype has by default: [`MissingEpoch::Auto`] for RPM, [`MissingEpoch::Zero`] for all others.
    pub fn of_format(format: VersionFormat) -> Self {
        match format {
            VersionFormat::Rpm => Self::Auto,
            _ => Self::Zero,
        }
    }
}
