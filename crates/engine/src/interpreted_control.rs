//! A control that the compiler rejects and the interpreter evaluates.
//!
//! The compiler driver makes these controls, and the kind index groups them by kind.

use kubevet_model::{Control, Problem};
use kubevet_policy::{ControlSource, package_of};
use std::sync::Arc;

/// A control that runs in the interpreter.
pub(super) struct InterpretedControl {
    pub(super) control: Arc<Control>,
    pub(super) package: String,
    /// The refusals of the compiler, sorted by position.
    pub(super) reasons: Vec<Problem>,
}

impl InterpretedControl {
    pub(super) fn new(source: &ControlSource, reasons: &[Problem]) -> Self {
        Self {
            control: source.control.clone(),
            package: package_of(source.control.id.as_str()),
            reasons: reasons.to_vec(),
        }
    }
}
