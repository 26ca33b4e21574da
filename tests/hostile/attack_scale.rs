//! The size of attacks: short in CI, full in the nightly form; and the exclusion of tests that use
//! up the machine.

use std::{
    env,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Held exclusively by tests that use up the machine, shared by all others.
static MACHINE: RwLock<()> = RwLock::new(());

/// True if the full attacks are requested.
pub(crate) fn nightly() -> bool {
    env::var_os("KUBEVET_NIGHTLY").is_some_and(|value| value == "1")
}

/// Selects the size of an attack.
pub(crate) fn scale<T>(short: T, full: T) -> T {
    if nightly() { full } else { short }
}

/// For a test that other tests may run beside.
pub(crate) fn share_machine() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// For a test that uses up the machine, so that its measurements are its own.
pub(crate) fn claim_machine() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}
