//! What becomes of certificates that vanish or break in their store while a valid pair is in force: a pure table.
//!
//! Callers trust the authority in force and were told of no other. So none is issued in its place: the pair is written
//! back where the store is ours, and left and reported where it is somebody else's. It reads no store and no clock.

/// What the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing at all.
    Nothing,
    /// A part of what is in force, and nothing else: files have vanished.
    Remains,
    /// A part of something else: somebody is writing.
    Part,
    /// The certificates of somebody else, who issues them.
    Theirs,
    /// Ours, and something can be served and renewed by it: a leaf, its authority, and a key that signs.
    Ours,
    /// Ours, and one of those is missing or damaged.
    Damaged,
}

/// Whose pair was last found valid in this process, and still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InForce {
    /// None was, or it has ended.
    None,
    /// One that we issue.
    Ours,
    /// One that somebody else issues.
    Theirs,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Go by the plan: issue, renew and drop.
    Plan,
    /// Serve what is there, untouched.
    HandThrough,
    /// Put back what is in force.
    WriteBack,
    /// Leave the store alone and say what is wrong with it.
    Report,
}

/// What to do.
pub(super) fn recovery(in_force: InForce, found: Found) -> Recovery {
    match (in_force, found) {
        (_, Found::Theirs) => Recovery::HandThrough,
        (_, Found::Part) => Recovery::Report,
        (InForce::None, Found::Remains) | (InForce::Theirs, Found::Nothing | Found::Remains) => {
            Recovery::Report
        }
        (InForce::Ours, Found::Nothing | Found::Remains | Found::Damaged) => Recovery::WriteBack,
        (_, Found::Nothing | Found::Ours | Found::Damaged) => Recovery::Plan,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_in_force_is_never_replaced_because_something_vanished() {
        use Recovery::{HandThrough, Plan, Report, WriteBack};
        let found = [
            Found::Nothing,
            Found::Remains,
            Found::Part,
            Found::Theirs,
            Found::Ours,
            Found::Damaged,
        ];
        for (in_force, expected) in [
            (
                InForce::None,
                [Plan, Report, Report, HandThrough, Plan, Plan],
            ),
            (
                InForce::Ours,
                [WriteBack, WriteBack, Report, HandThrough, Plan, WriteBack],
            ),
            // A key of an authority that is put beside somebody else's pair hands the folder over to us.
            (
                InForce::Theirs,
                [Report, Report, Report, HandThrough, Plan, Plan],
            ),
        ] {
            assert_eq!(
                found.map(|it| recovery(in_force, it)),
                expected,
                "{in_force:?}"
            );
        }
    }
}
