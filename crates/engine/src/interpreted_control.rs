//! A control that the compiler rejects and the interpreter evaluates.
//!
//! The compiler driver makes these controls, and the kind index groups them by kind.

use super::interpreter::RulePackage;
use kubevet_model::{Control, Problem};
use kubevet_policy::{ControlSource, package_of};
use kubevet_rego::ast::Module;
use std::sync::Arc;

/// A control that runs in the interpreter.
pub(super) struct InterpretedControl {
    pub(super) control: Arc<Control>,
    pub(super) package: RulePackage,
    /// The refusals of the compiler, sorted by position.
    pub(super) reasons: Vec<Problem>,
}

impl InterpretedControl {
    pub(super) fn new(source: &ControlSource, module: &Module, reasons: &[Problem]) -> Self {
        Self {
            control: source.control.clone(),
            package: RulePackage {
                name: package_of(source.control.id.as_str()),
                has_applies: module.defines("applies"),
            },
            reasons: reasons.to_vec(),
        }
    }
}
