//! A temporary folder, and the program run in it as its users run it.

use crate::{build_output::kubevet_binary, polling::HANG_TIMEOUT};
use std::{
    fs,
    io::{Read, Write as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

/// A folder that is removed with this value.
pub struct TestDir(tempfile::TempDir);

/// The result of a run of the program.
#[derive(Debug)]
pub struct ProgramRun {
    /// The exit code.
    pub code: i32,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Default for TestDir {
    fn default() -> Self {
        Self::new()
    }
}

impl TestDir {
    /// Creates an empty folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, and creates its parent folders.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Creates an empty folder.
    pub fn folder(self, path: &str) -> Self {
        fs::create_dir_all(self.path().join(path)).unwrap();
        self
    }

    /// Creates a symbolic link.
    pub fn link(self, path: &str, target: impl AsRef<Path>) -> Self {
        std::os::unix::fs::symlink(target, self.path().join(path)).unwrap();
        self
    }

    /// Returns the content of a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> ProgramRun {
        self.run_with_input(arguments, b"")
    }

    /// Runs the program to its end with this input. Panics where it panics, hangs, or is ended by a
    /// signal.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> ProgramRun {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // The program may end without having read its input.
        let feeder = thread::spawn(move || stdin.write_all(&input).is_ok());
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let status = wait(child, arguments);
        feeder.join().unwrap();
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        let code = status
            .code()
            .unwrap_or_else(|| panic!("{arguments:?} ended by {status}\n{stderr}"));
        assert!(
            !stderr.contains("panicked"),
            "{arguments:?} panicked\n{stderr}"
        );
        ProgramRun {
            code,
            stdout,
            stderr,
        }
    }

    /// Runs the program with a reader that closes the pipe after one byte, as `head` does.
    pub fn run_into_closed_pipe(&self, arguments: &[&str]) -> ProgramRun {
        let mut child = self.command(arguments).spawn().unwrap();
        drop(child.stdin.take());
        let mut first = [0; 1];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let stderr = collect(child.stderr.take().unwrap());
        let status = wait(child, arguments);
        let code = status
            .code()
            .unwrap_or_else(|| panic!("{arguments:?} ended by {status}"));
        ProgramRun {
            code,
            stdout: String::from_utf8_lossy(&first).into_owned(),
            stderr: stderr.join().unwrap(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(kubevet_binary());
        command
            .args(arguments)
            .current_dir(self.path())
            .env_remove("RUST_BACKTRACE")
            .env_remove("CLICOLOR_FORCE")
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl ProgramRun {
    /// Parses the report of a run with `-f json`.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON: {error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Returns `FILE:LINE:COLUMN: MESSAGE` for each problem of a JSON report.
    pub fn problems(&self) -> Vec<String> {
        let report = self.json();
        report["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(format_problem)
            .collect()
    }

    /// Returns `CONTROL OBJECT PATH` for each finding of a JSON report.
    pub fn findings(&self) -> Vec<String> {
        let report = self.json();
        let string = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| {
                format!(
                    "{} {} {}",
                    string(&finding["control"]),
                    string(&finding["object"]["name"]),
                    string(&finding["paths"][0])
                )
            })
            .collect()
    }

    /// Returns `FILE: REASON` for each skipped document of a JSON report.
    pub fn skipped(&self) -> Vec<String> {
        let report = self.json();
        let skipped = report["skipped"].as_array().unwrap().iter();
        skipped
            .map(|entry| {
                format!(
                    "{}: {}",
                    entry["file"].as_str().unwrap(),
                    entry["reason"].as_str().unwrap()
                )
            })
            .collect()
    }

    /// Returns a number of the summary of a JSON report.
    pub fn summary(&self, name: &str) -> u64 {
        self.json()["summary"][name].as_u64().unwrap()
    }

    /// True if standard output or standard error contains a string.
    pub fn prints(&self, expected: &str) -> bool {
        self.stdout.contains(expected) || self.stderr.contains(expected)
    }
}

fn format_problem(problem: &serde_json::Value) -> String {
    let file = problem["file"].as_str().unwrap();
    let message = problem["message"].as_str().unwrap();
    match (problem["line"].as_u64(), problem["column"].as_u64()) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}: {message}"),
        _ => format!("{file}: {message}"),
    }
}

fn collect(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the end. A run that exceeds [`HANG_TIMEOUT`] is killed, and its test fails.
fn wait(mut child: Child, arguments: &[&str]) -> ExitStatus {
    let id = child.id().to_string();
    let (sender, receiver) = mpsc::channel();
    let watcher = thread::spawn(move || {
        let in_time = receiver.recv_timeout(HANG_TIMEOUT).is_ok();
        if !in_time {
            let _ = Command::new("kill").args(["-9", &id]).status();
        }
        in_time
    });
    let status = child.wait().unwrap();
    let _ = sender.send(());
    assert!(
        watcher.join().unwrap(),
        "{arguments:?} did not end in {HANG_TIMEOUT:?}"
    );
    status
}
