//! A control that could not be evaluated, and the cause.
//!
//! Callers distinguish causes by their variant. The message is for the person who reads the answer.

use super::ReadFailure;
use kubevet_model::{Action, ControlId, EvalError};
use std::fmt;

/// A control that could not be evaluated under one binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnevaluatedControl {
    /// The control; `None` means all controls of the binding.
    pub control: Option<ControlId>,
    /// The cause.
    pub cause: UnevaluatedCause,
    /// The action that was taken; `None` if there was none.
    pub action: Option<Action>,
    /// The binding that caused the action.
    pub binding: String,
}

/// The cause for which a control was not evaluated. `Display` writes it for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnevaluatedCause {
    /// The evaluation of the object failed.
    EvaluationFailed(EvalError),
    /// The old object could not be evaluated, so it is not known whether a finding is new.
    UnknownPriorState {
        /// The message of the finding.
        finding: String,
        /// The error of the evaluation.
        error: EvalError,
    },
    /// The binding selects namespaces by labels, and those of this namespace are unknown.
    UnknownNamespaceLabels {
        /// The name of the namespace.
        namespace: String,
    },
    /// The deadline passed before the binding was decided.
    PastDeadline,
    /// The request could not be read, or was not evaluated at all.
    Unreadable(ReadFailure),
}

impl fmt::Display for UnevaluatedCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EvaluationFailed(error) => error.fmt(out),
            Self::UnknownPriorState { finding, error } => write!(
                out,
                "{finding}, and whether that is new cannot be said: {error}"
            ),
            Self::UnknownNamespaceLabels { namespace } => {
                write!(out, "the labels of the namespace {namespace} are not known")
            }
            Self::PastDeadline => {
                out.write_str("there was no time left to decide about the request")
            }
            Self::Unreadable(failure) => failure.fmt(out),
        }
    }
}
