//! The admission decision: what happens to a request, given the verdict about its object.
//!
//! A verdict depends on an object and on params alone. The decision adds the user, the operation,
//! the object before the request, and the bindings that match the request. This crate evaluates no
//! control: the caller passes a function that does. The webhook, recorded reviews and exported
//! policies follow the same rules.
//!
//! | file | purpose |
//! |---|---|
//! | `request` | the admission request and its user |
//! | `enforcement` | the bindings in force, and the callbacks of a decision |
//! | `decision` | the decision: outcomes, status, warnings, annotations |
//! | `decide` | the decision about one request: bindings, params, verdicts |
//! | `bound_controls` | the controls of a verdict that a binding contains |
//! | `evaluation` | the inputs of an evaluation, and the conditions that hold for every finding |
//! | `conclusion` | the status of a decision, and the order of its outcomes |
//! | `ruling` | the action of each binding on one finding, and its reason |
//! | `actions` | the action of one binding for one finding, or for a failed evaluation |
//! | `prior_state` | the findings of the object before an UPDATE |
//! | `finding_key` | the key by which findings of the old and the new object are compared |
//! | `outcomes` | outcomes over all bindings, bounded in number |
//! | `exclusion` | requests that a binding excludes by their user or their owner |
//! | `controller_owned` | objects that a built-in controller creates for an owner |
//! | `unevaluated` | a control that could not be evaluated, and the cause |
//! | `unreadable`, `read_failure` | requests that could not be read or evaluated at all, and why |
//! | `defect_outcomes`, `defect_line` | findings with one cause, and the line about them |
//! | `messages` | the message of a denial |
//! | `warnings`, `annotations` | the warnings of the client, and the audit annotations |

mod actions;
mod annotations;
mod bound_controls;
mod conclusion;
mod controller_owned;
mod decide;
mod decision;
mod defect_line;
mod defect_outcomes;
mod enforcement;
mod evaluation;
mod exclusion;
mod finding_key;
mod messages;
mod outcomes;
mod prior_state;
mod read_failure;
mod request;
mod ruling;
#[cfg(test)]
mod tests;
mod unevaluated;
mod unreadable;
mod warnings;

pub use controller_owned::is_controller_owned;
pub use decide::decide;
pub use decision::{Decision, DenialStatus, DroppedFindings, FindingOutcome, Reason, WouldDeny};
pub use enforcement::{Callbacks, Enforcement, EvaluateFn, EvaluationResult};
pub use exclusion::{Exclusion, ExclusionReason};
pub use read_failure::ReadFailure;
pub use request::{AdmissionRequest, UserInfo};
pub use unevaluated::{UnevaluatedCause, UnevaluatedControl};
pub use unreadable::decide_unreadable;
