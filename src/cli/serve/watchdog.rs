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
    thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(watch)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        env,
        io::{BufRead as _, BufReader},
        process::{Command, Stdio},
        time::Instant,
    };

    /// Set for a test that is run as a process of its own.
    const HANGS: &str = "KUBEVET_TEST_HANGS";

    /// A process that nothing ends but the watchdog. Run as a test, it does nothing.
    #[test]
    fn hangs() {
        if env::var_os(HANGS).is_none() {
            return;
        }
        begin(Duration::from_millis(50)).unwrap();
        println!("ready");
        loop {
            thread::park();
        }
    }

    #[test]
    fn a_process_that_hangs_is_ended_by_term() {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([
            "--exact",
            "cli::serve::watchdog::tests::hangs",
            "--nocapture",
        ]);
        let mut child = command
            .env(HANGS, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|it| it.unwrap().contains("ready")));
        let sent = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    let _ = child.kill();
                    panic!("it still runs");
                }
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        assert_eq!(status.code(), Some(STATUS));
    }
}
