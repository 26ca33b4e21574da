//! Controls of a scan by id, and numbers in words: what several formats need to say the same thing the same way.

use kubevet_model::{Control, ControlId, Scan, Severity};
use std::collections::BTreeMap;

/// The controls of a scan by id.
pub(crate) struct Controls<'a>(BTreeMap<&'a ControlId, &'a Control>);

impl<'a> Controls<'a> {
    /// Those of a scan.
    pub(crate) fn of(scan: &'a Scan) -> Self {
        Self(
            scan.controls
                .iter()
                .map(|it| (&it.control.id, it.control.as_ref()))
                .collect(),
        )
    }

    /// The severity of a control; critical for one that the scan does not list, so that nothing is understated.
    pub(crate) fn severity(&self, id: &ControlId) -> Severity {
        self.0.get(id).map_or(Severity::Critical, |it| it.severity)
    }

    /// The title of a control; empty for one that the scan does not list.
    pub(crate) fn name(&self, id: &ControlId) -> &'a str {
        self.0.get(id).map_or("", |it| it.name.as_str())
    }
}

/// `1 finding`, `2 findings`, `0 findings`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Compliance rounded to the given decimals, but never up to 100: that says that everything passed.
pub(crate) fn percent(compliance: f64, decimals: i32) -> f64 {
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
    fn only_full_compliance_is_100() {
        for (compliance, decimals, shown) in [
            (100.0, 0, 100.0),
            (99.999, 0, 99.0),
            (99.999, 2, 99.99),
            (66.6666, 2, 66.67),
            (66.6666, 0, 67.0),
            (0.0, 2, 0.0),
        ] {
            assert_eq!(percent(compliance, decimals), shown, "{compliance}");
        }
    }
}
