//! Numbers as every format prints them: counts with their severity, and percentages.

use kubevet_model::SeverityCounts;

/// Returns the counts that are not zero, the worst severity first: `1 critical, 2 low`.
pub(crate) fn severity_words(counts: SeverityCounts) -> String {
    let counts = counts.worst_first().into_iter();
    let words: Vec<String> = counts
        .filter(|(_, number)| *number > 0)
        .map(|(severity, number)| format!("{number} {severity}"))
        .collect();
    words.join(", ")
}

/// Rounds a compliance in percent to `decimals` digits. It never rounds up to 100, because 100
/// means that every object passed.
pub(crate) fn round_percent(compliance: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    let rounded = (compliance * scale).round() / scale;
    if rounded >= 100.0 && compliance < 100.0 {
        (100.0 * scale - 1.0) / scale
    } else {
        rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentage_under_100_is_never_rounded_up_to_100() {
        for (compliance, decimals, expected) in [
            (100.0, 0, 100.0),
            (99.999, 0, 99.0),
            (99.999, 2, 99.99),
            (66.6666, 2, 66.67),
            (66.6666, 0, 67.0),
            (0.0, 2, 0.0),
        ] {
            assert_eq!(
                round_percent(compliance, decimals),
                expected,
                "{compliance}"
            );
        }
    }
}
