//! Recovery of certificates that vanish or break in their store while valid ones are in force: a
//! pure decision table.
//!
//! Callers trust the authority in force and know no other. So no other one is issued: the
//! certificates are written back where kubevet manages the store, and left and reported where an
//! external issuer does. The table reads no store and no clock.

/// The content of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreState {
    /// There is nothing.
    Empty,
    /// A part of the certificates in force, and nothing else: files have vanished.
    PartOfCurrent,
    /// A part of other certificates: another process is writing.
    PartOfOther,
    /// The certificates of an external issuer.
    External,
    /// Certificates managed by kubevet that can be served and renewed: a leaf, its authority, and
    /// a key that signs.
    Managed,
    /// Certificates managed by kubevet, one of which is missing or damaged.
    ManagedDamaged,
}

/// The owner of the certificates that were last found valid in this process, and still are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InForce {
    /// There were none, or they have expired.
    None,
    /// kubevet issues them.
    Managed,
    /// An external issuer issues them.
    External,
}

/// The action to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Follow the rotation plan: issue, renew and drop.
    ApplyPlan,
    /// Serve the content unchanged.
    ServeExternal,
    /// Write the certificates in force back.
    WriteBack,
    /// Leave the store alone and report its state.
    Report,
}

/// Returns the action for a state of the store.
pub(super) fn choose_recovery(in_force: InForce, state: StoreState) -> Recovery {
    match (in_force, state) {
        (_, StoreState::External) => Recovery::ServeExternal,
        (_, StoreState::PartOfOther) => Recovery::Report,
        (InForce::None, StoreState::PartOfCurrent)
        | (InForce::External, StoreState::Empty | StoreState::PartOfCurrent) => Recovery::Report,
        (
            InForce::Managed,
            StoreState::Empty | StoreState::PartOfCurrent | StoreState::ManagedDamaged,
        ) => Recovery::WriteBack,
        (_, StoreState::Empty | StoreState::Managed | StoreState::ManagedDamaged) => {
            Recovery::ApplyPlan
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_in_force_is_never_replaced_because_files_vanished() {
        use Recovery::{ApplyPlan, Report, ServeExternal, WriteBack};
        let states = [
            StoreState::Empty,
            StoreState::PartOfCurrent,
            StoreState::PartOfOther,
            StoreState::External,
            StoreState::Managed,
            StoreState::ManagedDamaged,
        ];
        for (in_force, expected) in [
            (
                InForce::None,
                [
                    ApplyPlan,
                    Report,
                    Report,
                    ServeExternal,
                    ApplyPlan,
                    ApplyPlan,
                ],
            ),
            (
                InForce::Managed,
                [
                    WriteBack,
                    WriteBack,
                    Report,
                    ServeExternal,
                    ApplyPlan,
                    WriteBack,
                ],
            ),
            // The key of an authority, put beside external certificates, hands the store over to
            // kubevet.
            (
                InForce::External,
                [Report, Report, Report, ServeExternal, ApplyPlan, ApplyPlan],
            ),
        ] {
            assert_eq!(
                states.map(|state| choose_recovery(in_force, state)),
                expected,
                "{in_force:?}"
            );
        }
    }
}
