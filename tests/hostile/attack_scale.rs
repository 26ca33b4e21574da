//! How large an attack is: short in CI, whole in the nightly form; and which tests may run at the same time.

use std::{
    env,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Tests that use up the machine hold it alone, all others together.
static MACHINE: RwLock<()> = RwLock::new(());

/// Whether the whole attacks were asked for.
pub(crate) fn nightly() -> bool {
    env::var_os("KUBEVET_NIGHTLY").is_some_and(|value| value == "1")
}

/// The size of an attack.
pub(crate) fn scale<T>(short: T, whole: T) -> T {
    if nightly() { whole } else { short }
}

/// For a test that leaves the machine to others.
pub(crate) fn share_machine() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// For a test that uses up the machine, so that what it measures is its own doing.
pub(crate) fn claim_machine() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}
