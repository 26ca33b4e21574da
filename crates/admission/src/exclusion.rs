//! Requests that a binding excludes although its `matchResources` match them: by the user, and by
//! the workload that a built-in controller acts for.
//!
//! What is excluded is not evaluated. A decision names the bindings and the reasons, so that nobody
//! takes the object for one that passed.

use super::UserInfo;
use kubevet_k8s::matching::RequestSubject;
use kubevet_policy::Binding;
use std::fmt;

/// A binding that excludes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The name of the binding.
    pub binding: String,
    /// The reason.
    pub reason: ExclusionReason,
}

/// The reason why a binding excludes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExclusionReason {
    /// The user is this subject, or is a member of it.
    Subject(RequestSubject),
    /// A built-in controller created the object for this workload, which is excluded.
    Owner {
        /// The kind.
        kind: &'static str,
        /// The name.
        name: String,
    },
}

impl fmt::Display for ExclusionReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(subject) => write!(out, "it excludes {subject}"),
            Self::Owner { kind, name } => write!(
                out,
                "the object was created for the {kind} {name}, which it excludes"
            ),
        }
    }
}

/// Returns the subject by which a binding excludes a user.
pub(super) fn excluding_subject<'b>(
    binding: &'b Binding,
    user: &UserInfo,
) -> Option<&'b RequestSubject> {
    let mut subjects = binding.exclude_subjects.iter();
    subjects.find(|subject| subject.includes(&user.name, &user.groups))
}
