//! The importance of a failed control.

use serde::{Deserialize, Serialize};
use std::str::FromStr;
use strum::VariantArray as _;

/// The importance of a failed control, the least first, so that `>=` compares with a threshold.
#[derive(
    Debug,
    Serialize,
    Deserialize,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// Good practice; a score under 4.
    Low,
    /// A weaker defence; a score from 4 to 6.9.
    Medium,
    /// Access to the node or to data; a score from 7 to 8.9.
    High,
    /// Control over the cluster; a score of 9 and more.
    Critical,
}

impl Severity {
    /// All severities, the least first.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in files, flags and reports: `low`, `medium`, `high`, `critical`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The severity of a score from 0 to 10, by Kubescape's bands.
    #[must_use]
    pub fn of_score(score: f64) -> Self {
        match score {
            score if score >= 9.0 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// The error of a string that names no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown severity `{0}`: write low, medium, high or critical")]
pub struct ParseSeverityError(String);

impl FromStr for Severity {
    type Err = ParseSeverityError;

    /// Reads a name without regard to case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|severity| severity.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| ParseSeverityError(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_has_the_severity_of_kubescapes_band() {
        for (score, name) in [
            (1.0, "low"),
            (3.9, "low"),
            (4.0, "medium"),
            (7.0, "high"),
            (8.9, "high"),
            (9.0, "critical"),
        ] {
            assert_eq!(Severity::of_score(score).name(), name, "{score}");
            assert_eq!(name.parse(), Ok(Severity::of_score(score)));
        }
        assert_eq!("HIGH".parse(), Ok(Severity::High));
        assert!("severe".parse::<Severity>().is_err());
    }
}
