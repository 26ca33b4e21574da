//! What is done about a verdict: denied, warned of, written to the audit log, with the words for each.
//!
//! A verdict belongs to an object and its params; the decision adds who asks, what is being done, what the object was
//! before, and which bindings are meant for it. It judges nothing itself: it is given somebody to ask. The same rules
//! hold for the webhook, for recorded reviews and for exported policies.
//!
//! | file | is |
//! |---|---|
//! | `case` | what is decided upon, and the rules that hold |
//! | `decide` | the decision |
//! | `identity` | what makes a finding of the new object one that the old object had |
//! | `outcomes` | findings and what was made of them, bounded in number |
//! | `owned` | objects that a built-in controller makes for an owner |
//! | `unread` | requests that could not be read or taken |
//! | `words` | one line about a finding; the message of a denial |
//! | `warnings`, `annotations` | what the client and the audit log are told |

mod annotations;
mod case;
mod decide;
mod identity;
mod outcomes;
mod owned;
mod unread;
mod warnings;
mod words;

#[cfg(test)]
mod identity_tests;
#[cfg(test)]
mod tests;

pub use case::{
    Because, Callbacks, Case, Decision, Dropped, Judge, Outcome, Rules, Status, Unevaluated, User,
};
pub use decide::decide;
pub use unread::{Unread, decide_unread};
