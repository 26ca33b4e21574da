//! The reason why something cannot be emitted: the error of every step of emission.

/// The reason, without a full stop: `the order of lists or maps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsupported(pub(super) String);
