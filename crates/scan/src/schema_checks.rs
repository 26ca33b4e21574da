//! The checks of objects against the types of Kubernetes, and the chosen controls that report them.
//!
//! Why a server would refuse an object is a problem whatever controls are chosen. What it would drop
//! is a finding of the control that names the check.

use kubevet_document::Document;
use kubevet_model::{ControlId, Problem, Severity, Violation};
use kubevet_policy::{BuiltinCheck, BuiltinControl};
use kubevet_validation::{SchemaOptions, validate};

/// The checks of a scan.
#[derive(Debug, Clone, Default)]
pub struct SchemaChecks {
    /// How strict they are, and for which Kubernetes.
    pub options: SchemaOptions,
    /// The chosen controls without rules.
    pub controls: Vec<BuiltinControl>,
}

/// The result of the checks of one object.
#[derive(Default)]
pub(super) struct SchemaResult {
    /// The chosen controls that apply to the object.
    pub(super) judged: Vec<ControlId>,
    /// The violations of the chosen controls, each with its severity if that is not the control's.
    pub(super) violations: Vec<(Violation, Option<Severity>)>,
    /// Why a server would refuse the object.
    pub(super) problems: Vec<Problem>,
}

impl SchemaChecks {
    /// Checks one object.
    pub(super) fn check(&self, document: &Document) -> SchemaResult {
        let found = validate(document, &self.options);
        let mut result = SchemaResult {
            problems: found.problems,
            ..SchemaResult::default()
        };
        for check in found.judged {
            let ids = self.controls_of(check);
            result.judged.extend(ids.cloned());
        }
        for finding in found.findings {
            let severity = finding.severity;
            for id in self.controls_of(finding.check) {
                let violation = finding.clone().violation(id.clone());
                result.violations.push((violation, severity));
            }
        }
        result
    }

    /// True if a control is one of these.
    pub(super) fn contains(&self, id: &ControlId) -> bool {
        self.controls
            .iter()
            .any(|builtin| builtin.control.id == *id)
    }

    fn controls_of(&self, check: BuiltinCheck) -> impl Iterator<Item = &ControlId> {
        let controls = self.controls.iter();
        let of_check = controls.filter(move |builtin| builtin.check == check);
        of_check.map(|builtin| &builtin.control.id)
    }
}
