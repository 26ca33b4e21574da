//! The reason why a request could not be read, or not evaluated at all.
//!
//! It is apart from the decision about such a request, since a decision contains the reason.

use std::fmt;

/// The reason why a request was not evaluated. `Display` writes it with what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFailure {
    /// The body is larger than the webhook reads.
    TooLarge,
    /// The body is not valid JSON, or is nested too deeply. Holds the reason and its position.
    Malformed(String),
    /// The webhook has too many reviews in flight.
    Overloaded,
    /// The caller would not have waited for the answer.
    TimedOut,
    /// The evaluation panicked.
    Panicked,
}

impl ReadFailure {
    /// Returns the status code of a denial, and the `reason` of its Kubernetes `Status`.
    pub(super) fn code(&self) -> (u16, &'static str) {
        match self {
            Self::TooLarge => (413, "RequestEntityTooLarge"),
            Self::Malformed(_) => (400, "BadRequest"),
            Self::Overloaded => (429, "TooManyRequests"),
            Self::TimedOut => (504, "Timeout"),
            Self::Panicked => (500, "InternalError"),
        }
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => out.write_str("the review is over 64 MiB: make the object smaller"),
            Self::Malformed(reason) => write!(out, "the review cannot be read: {reason}"),
            Self::Overloaded => {
                out.write_str("there are more reviews than can be checked now: try again")
            }
            Self::TimedOut => out.write_str("there was no time to check the request: try again"),
            Self::Panicked => {
                out.write_str("the check failed unexpectedly: the log of kubevet says where")
            }
        }
    }
}
