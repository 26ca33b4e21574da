//! What a scan comes to, as an exit code: 2 where the work could not be done, 1 where a demand is not met, else 0.

use kubevet_model::{Scan, Severity};

/// What is demanded of a scan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demands {
    /// Findings under this severity do not count; `None`: every finding counts.
    pub severity: Option<Severity>,
    /// The least compliance of each framework, in percent.
    pub compliance: Option<f64>,
    /// Findings and compliance are shown but not counted. What could not be done still is.
    pub exit_zero: bool,
}

/// What a scan comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing stands against it.
    Met,
    /// A finding counts, or a framework is under its threshold.
    NotMet,
    /// Something was not read or not judged, so nothing can be said for the whole.
    Incomplete,
}

impl Outcome {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::NotMet => 1,
            Self::Incomplete => 2,
        }
    }
}

/// Weighs a scan against what is demanded.
#[must_use]
pub fn outcome(scan: &Scan, demands: &Demands) -> Outcome {
    let unanswered = scan.objects.iter().any(|it| !it.errors.is_empty());
    let unscored =
        demands.compliance.is_some() && scan.frameworks.iter().any(|it| it.compliance.is_none());
    if !scan.problems.is_empty()
        || scan.objects.is_empty()
        || unanswered
        || (unscored && !demands.exit_zero)
    {
        return Outcome::Incomplete;
    }
    let least = demands.severity.unwrap_or(Severity::Low);
    let counted = Severity::ALL
        .iter()
        .zip(scan.summary.findings)
        .any(|(it, count)| *it >= least && count > 0);
    // With a compliance threshold alone, the threshold is the demand; with both, both are.
    let by_findings = counted && (demands.severity.is_some() || demands.compliance.is_none());
    let missed = demands.compliance.is_some_and(|threshold| {
        scan.frameworks
            .iter()
            .any(|it| it.compliance.is_some_and(|got| got < threshold))
    });
    if !demands.exit_zero && (by_findings || missed) {
        Outcome::NotMet
    } else {
        Outcome::Met
    }
}
