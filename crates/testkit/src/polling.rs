//! Waiting for a condition that another process brings about: it is polled until it holds or the
//! time is up. Nothing here measures how long something takes.

use std::{
    thread,
    time::{Duration, Instant},
};

/// The time after which anything counts as hanging. Far longer than anything takes on a busy
/// machine.
pub const HANG_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Returns the value of `poll` as soon as it is `Ok`. Panics with `description` and the last error
/// after [`HANG_TIMEOUT`].
pub fn wait_for<T>(description: &str, mut poll: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + HANG_TIMEOUT;
    loop {
        match poll() {
            Ok(value) => return value,
            Err(state) if Instant::now() > deadline => {
                panic!("timed out waiting for {description}: {state}")
            }
            Err(_) => thread::sleep(POLL_INTERVAL),
        }
    }
}
