//! Where the reference tier is known to differ from OPA, each with its reason: it is a tier that runs what nothing else
//! can, not the judge. Nothing is excused for any other voice.

use super::voice::Answer;

/// The name of the voice that deviations are known of.
pub const REFERENCE: &str = "reference";

/// A way in which the interpreter differs from OPA.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    /// Its name in tables.
    pub name: &'static str,
    /// Why it is, and why it is left.
    pub reason: &'static str,
    applies: fn(right: &Answer, other: &Answer, object: &str) -> bool,
}

/// All that are known.
pub const DEVIATIONS: &[Deviation] = &[];

/// The deviation that explains a difference.
pub(super) fn explained(voice: &str, right: &Answer, other: &Answer, object: &str) -> Option<&'static str> {
    if voice != REFERENCE {
        return None;
    }
    DEVIATIONS.iter().find(|it| (it.applies)(right, other, object)).map(|it| it.name)
}
