//! How much a failed control matters.

use std::{fmt, str::FromStr};

/// How much a failed control matters, least first, so that `>=` compares against a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good practice; score under 4.
    Low,
    /// Weakens a defence; score 4 to 6.9.
    Medium,
    /// Opens a way to the node or to data; score 7 to 8.9.
    High,
    /// Gives the cluster away; score 9 and more.
    Critical,
}

impl Severity {
    /// All severities, least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word used in files, flags and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity of a score from 0 to 10, by Kubescape's bands.
    #[must_use]
    pub fn of_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            _ => Self::Low,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// A word that names no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no severity: write low, medium, high or critical")]
pub struct ParseSeverityError(String);

impl FromStr for Severity {
    type Err = ParseSeverityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|it| it.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| ParseSeverityError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_bands_agree_with_kubescape() {
        for (score, word) in [
            (1.0, "low"),
            (3.9, "low"),
            (4.0, "medium"),
            (7.0, "high"),
            (8.9, "high"),
            (9.0, "critical"),
        ] {
            assert_eq!(Severity::of_score(score).name(), word, "{score}");
            assert_eq!(word.parse(), Ok(Severity::of_score(score)));
        }
        assert!("severe".parse::<Severity>().is_err());
    }
}
