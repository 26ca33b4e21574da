//! The controls of a scan by id, for formats that print a finding's severity or title.

use kubevet_model::{Control, ControlId, Scan, Severity};
use std::collections::BTreeMap;

/// The controls of a scan by id.
pub(crate) struct ControlIndex<'a>(BTreeMap<&'a ControlId, &'a Control>);

impl<'a> ControlIndex<'a> {
    /// Indexes the controls of a scan.
    pub(crate) fn of(scan: &'a Scan) -> Self {
        let entries = scan
            .controls
            .iter()
            .map(|result| (&result.control.id, result.control.as_ref()));
        Self(entries.collect())
    }

    /// Returns the severity of a control. A control that the scan does not list counts as critical,
    /// so that its findings are not understated.
    pub(crate) fn severity(&self, id: &ControlId) -> Severity {
        self.0
            .get(id)
            .map_or(Severity::Critical, |control| control.severity)
    }

    /// Returns the title of a control; empty for a control that the scan does not list.
    pub(crate) fn name(&self, id: &ControlId) -> &'a str {
        self.0.get(id).map_or("", |control| control.name.as_str())
    }
}
