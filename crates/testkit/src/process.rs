//! Child processes: one that is run to its end, or one that is kept and observed. None outlives its
//! value.

use crate::polling::{HANG_TIMEOUT, wait_for};
use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The result of a command that ended.
#[derive(Debug)]
pub struct ProcessOutput {
    /// The exit code; -1 where a signal ended the process.
    pub code: i32,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl ProcessOutput {
    /// Returns standard output. Panics unless the command ended with 0.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.code == 0, "it failed: {self:?}");
        self.stdout
    }
}

/// The time after which a command counts as hanging: the API server compiles each exported policy of
/// the library, which takes minutes on a busy machine.
pub(crate) const RUN_TIMEOUT: Duration = Duration::from_secs(5 * HANG_TIMEOUT.as_secs());

/// Runs a command to its end with `stdin` as its input. Panics where it does not end within
/// [`RUN_TIMEOUT`].
pub fn run(command: &mut Command, stdin: &str) -> ProcessOutput {
    let mut child = spawn_piped(command);
    let mut input = child.stdin.take().expect("stdin is piped");
    let bytes = stdin.as_bytes().to_owned();
    let writer = thread::spawn(move || {
        // A command that fails early closes its input, and reports its reason itself.
        let _ = input.write_all(&bytes);
    });
    let stdout = read_all(child.stdout.take().expect("stdout is piped"));
    let stderr = read_all(child.stderr.take().expect("stderr is piped"));
    let status = wait_until_hang(&mut child, RUN_TIMEOUT).unwrap_or_else(|| {
        let _ = child.kill();
        panic!("{command:?} did not end")
    });
    writer.join().expect("the writer ends");
    ProcessOutput {
        code: status.code().unwrap_or(-1),
        stdout: stdout.join().expect("stdout ends"),
        stderr: stderr.join().expect("stderr ends"),
    }
}

fn spawn_piped(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn read_all(mut source: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = source.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a child to end; `None` where it does not within `timeout`.
fn wait_until_hang(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + timeout;
    loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => return Some(status),
            None if Instant::now() > deadline => return None,
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// A running process; it is killed with this value. Its stdin is a pipe that is never written to,
/// and that ends when the test process does.
pub struct ChildProcess {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: [JoinHandle<()>; 2],
}

impl ChildProcess {
    /// Starts a command and collects its output from then on.
    pub fn start(command: &mut Command) -> Self {
        let mut child = spawn_piped(command);
        let (stdout, stdout_reader) = collect_lines(child.stdout.take().expect("stdout is piped"));
        let (stderr, stderr_reader) = collect_lines(child.stderr.take().expect("stderr is piped"));
        Self {
            child,
            stdout,
            stderr,
            readers: [stdout_reader, stderr_reader],
        }
    }

    /// Returns standard output so far, in whole lines.
    pub fn stdout(&self) -> String {
        snapshot(&self.stdout)
    }

    /// Returns standard error so far, in whole lines.
    pub fn stderr(&self) -> String {
        snapshot(&self.stderr)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Closes its stdin, as the end of the test process would.
    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Returns the exit status once the process ended; all of its output is collected then.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("a child can be waited for")?;
        wait_for("the end of its output", || {
            if self.readers.iter().all(JoinHandle::is_finished) {
                Ok(())
            } else {
                Err(self.stderr())
            }
        });
        Some(status)
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.id())])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "signal {name} was not sent"
        );
    }

    /// Waits until it ends, and until its own children that share its output end.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the end of a process", || {
            self.exit_status().ok_or_else(|| self.stderr())
        })
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn snapshot(output: &Mutex<String>) -> String {
    output
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// Collects whole lines on a thread of its own, so that the process never blocks on a full pipe.
fn collect_lines(source: impl Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let collected = Arc::new(Mutex::new(String::new()));
    let output = Arc::clone(&collected);
    let reader = thread::spawn(move || {
        let mut lines = BufReader::new(source);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            output
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    (collected, reader)
}
