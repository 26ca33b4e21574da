//! Waiting for something that another process does: look, and look again, until it is there or time is up.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before it counts as never coming. Far more than anything takes, for busy machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What `look` finds, once it finds something. Panics, with what was waited for and what was seen last, after
/// [`PATIENCE`].
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if Instant::now() > deadline => panic!("waited in vain for {what}: {seen}"),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}
