//! The end of a process that does not come to its end by itself: whatever hangs, it is gone within the time that it was
//! given. It waits for signals on a thread of its own and knows nothing of what goes on.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{io, process, thread, time::Duration};

/// The status of a process that was ended by force.
const STATUS: i32 = 2;

/// From now on, TERM or INT ends the process after `within` at the latest.
///
/// # Errors
/// The system gives no thread or no handler.
pub(super) fn begin(within: Duration) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let watch = move || {
        if signals.forever().next().is_some() {
            thread::sleep(within);
            tracing::error!("the end took longer than {within:?} and is forced");
            // The log's own thread may have the time to write that.
            thread::sleep(Duration::from_millis(100));
            process::exit(STATUS);
        }
    };
    thread::Builder::new().name("watchdog".to_owned()).spawn(watch).map(drop)
}
