//! A watchdog: it ends a process whose shutdown hangs, after a deadline.
//!
//! It waits for signals on a thread of its own, so that it depends on nothing that can hang.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{io, process, thread, time::Duration};

/// The exit status of a process that was ended by force.
const FORCED_EXIT_STATUS: i32 = 2;

/// Starts the watchdog: from now on, SIGTERM or SIGINT ends the process after `deadline` at the
/// latest.
///
/// # Errors
/// The system allows no thread or no handler.
pub(super) fn start(deadline: Duration) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let watch = move || {
        if signals.forever().next().is_some() {
            thread::sleep(deadline);
            tracing::error!("the end took longer than {deadline:?} and is forced");
            // The log's own thread needs a moment to write the line.
            thread::sleep(Duration::from_millis(100));
            process::exit(FORCED_EXIT_STATUS);
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

    /// The variable that is set for the process that hangs.
    const HANGING_PROCESS: &str = "KUBEVET_TEST_HANGS";

    /// The process that only the watchdog ends. As a test of its own, it does nothing.
    #[test]
    fn process_that_never_ends() {
        if env::var_os(HANGING_PROCESS).is_none() {
            return;
        }
        start(Duration::from_millis(50)).unwrap();
        println!("ready");
        loop {
            thread::park();
        }
    }

    #[test]
    fn hanging_process_is_ended_after_sigterm() {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([
            "--exact",
            "cli::watchdog::tests::process_that_never_ends",
            "--nocapture",
        ]);
        let mut child = command
            .env(HANGING_PROCESS, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("ready")));
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
        assert_eq!(status.code(), Some(FORCED_EXIT_STATUS));
    }
}
