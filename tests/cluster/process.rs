//! Child processes: run one to its end, or keep one and see what it writes. None outlives its value.

use crate::waiting::{PATIENCE, until};
use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How a command ended and what it printed.
#[derive(Debug)]
pub(crate) struct Output {
    /// The exit code; -1 where a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// The standard output of a command that had to work.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert!(self.code == 0, "it failed: {self:?}");
        self.stdout
    }
}

/// Runs a command to its end, feeding it `stdin`.
pub(crate) fn run(command: &mut Command, stdin: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut input = child.stdin.take().expect("stdin is piped");
    let text = stdin.to_owned();
    let writer = thread::spawn(move || {
        let _ = input.write_all(text.as_bytes()); // a command that does not read it says why itself
    });
    let stdout = read_all(child.stdout.take().expect("stdout is piped"));
    let stderr = read_all(child.stderr.take().expect("stderr is piped"));
    let status = wait(&mut child).unwrap_or_else(|| {
        let _ = child.kill();
        panic!("{command:?} did not end")
    });
    writer.join().expect("the writer ends");
    Output {
        code: status.code().unwrap_or(-1),
        stdout: stdout.join().expect("stdout ends"),
        stderr: stderr.join().expect("stderr ends"),
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a child to end; `None` where it has not within [`PATIENCE`].
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => return Some(status),
            None if Instant::now() > deadline => return None,
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// A process that goes on; it is killed with this value. Its stdin is a pipe that nothing is written to, which ends, too,
/// when this process does.
pub(crate) struct Running {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: [JoinHandle<()>; 2],
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdout, reader) = collect(child.stdout.take().expect("stdout is piped"));
        let (stderr, other) = collect(child.stderr.take().expect("stderr is piped"));
        Self {
            child,
            stdout,
            stderr,
            readers: [reader, other],
        }
    }

    /// What it wrote to its standard output so far, in whole lines.
    pub(crate) fn stdout(&self) -> String {
        self.stdout
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What it wrote to its standard error so far, in whole lines.
    pub(crate) fn stderr(&self) -> String {
        self.stderr
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Closes its stdin, as the end of this process would.
    pub(crate) fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// How it ended, where it has; all that it wrote can be read then.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("a child can be waited for")?;
        until("the end of its output", || {
            if self.readers.iter().all(JoinHandle::is_finished) {
                Ok(())
            } else {
                Err(self.stderr())
            }
        });
        Some(status)
    }

    /// Sends it a signal by name, as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.id())])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "signal {name} was not sent"
        );
    }

    /// Waits for it to end, and for its own children that write where it wrote.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        until("the end of a process", || {
            self.ended().ok_or_else(|| self.stderr())
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let text = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&text);
    let reader = thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            into.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    (text, reader)
}
