//! Counts of a scan by severity and by control status, with a named field for each.

use super::{ControlStatus, Severity};

/// The number of findings or defects of each severity. The order compares critical ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SeverityCounts {
    /// Critical findings.
    pub critical: usize,
    /// High findings.
    pub high: usize,
    /// Medium findings.
    pub medium: usize,
    /// Low findings.
    pub low: usize,
}

impl SeverityCounts {
    /// Counts one finding.
    pub fn add(&mut self, severity: Severity) {
        let count = match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
        };
        *count += 1;
    }

    /// Returns the number of findings of one severity.
    #[must_use]
    pub fn get(self, severity: Severity) -> usize {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
        }
    }

    /// Returns the number of those of this severity or a higher one.
    #[must_use]
    pub fn at_or_over(self, lowest: Severity) -> usize {
        let counts = self.worst_first().into_iter();
        let counted = counts.filter(|(severity, _)| *severity >= lowest);
        counted.map(|(_, number)| number).sum()
    }

    /// Returns the number of all findings.
    #[must_use]
    pub fn total(self) -> usize {
        self.critical + self.high + self.medium + self.low
    }

    /// Returns each severity with its count, the worst severity first.
    #[must_use]
    pub fn worst_first(self) -> [(Severity, usize); 4] {
        [
            (Severity::Critical, self.critical),
            (Severity::High, self.high),
            (Severity::Medium, self.medium),
            (Severity::Low, self.low),
        ]
    }
}

impl FromIterator<Severity> for SeverityCounts {
    fn from_iter<I: IntoIterator<Item = Severity>>(severities: I) -> Self {
        let mut counts = Self::default();
        for severity in severities {
            counts.add(severity);
        }
        counts
    }
}

/// The number of controls of each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ControlStatusCounts {
    /// Controls that an object fails.
    pub failed: usize,
    /// Controls that could not be evaluated for an object.
    pub not_evaluated: usize,
    /// Controls that every object passes.
    pub passed: usize,
    /// Controls without an object of their kinds.
    pub not_applicable: usize,
    /// Controls without the params that they need.
    pub not_configured: usize,
}

impl ControlStatusCounts {
    /// Counts one control.
    pub fn add(&mut self, status: ControlStatus) {
        let count = match status {
            ControlStatus::Failed => &mut self.failed,
            ControlStatus::NotEvaluated => &mut self.not_evaluated,
            ControlStatus::Passed => &mut self.passed,
            ControlStatus::NotApplicable => &mut self.not_applicable,
            ControlStatus::NotConfigured => &mut self.not_configured,
        };
        *count += 1;
    }
}

impl ControlStatusCounts {
    /// The number of all controls.
    #[must_use]
    pub fn total(self) -> usize {
        let Self {
            failed,
            not_evaluated,
            passed,
            not_applicable,
            not_configured,
        } = self;
        failed + not_evaluated + passed + not_applicable + not_configured
    }

    /// The percentage of controls that were evaluated, or that had nothing to evaluate; `None` if
    /// there are no controls.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of controls are far below 2^52"
    )]
    pub fn coverage(self) -> Option<f64> {
        let total = self.total();
        let covered = total - self.not_evaluated;
        (total > 0).then(|| 100.0 * covered as f64 / total as f64)
    }
}

impl FromIterator<ControlStatus> for ControlStatusCounts {
    fn from_iter<I: IntoIterator<Item = ControlStatus>>(statuses: I) -> Self {
        let mut counts = Self::default();
        for status in statuses {
            counts.add(status);
        }
        counts
    }
}
