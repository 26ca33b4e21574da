//! A folder to work in and the program run in it. Knows nothing of what is expected.

use std::{
    fs,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long a run may take before it counts as hanging. Far more than any takes, for busy machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that is gone when the test ends.
pub(crate) struct Dir(tempfile::TempDir);

/// How a run ended and what it printed.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Dir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, and the folders it stands in.
    pub(crate) fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Makes an empty folder.
    pub(crate) fn folder(self, path: &str) -> Self {
        fs::create_dir_all(self.path().join(path)).unwrap();
        self
    }

    /// Makes a symbolic link.
    pub(crate) fn link(self, path: &str, target: impl AsRef<Path>) -> Self {
        std::os::unix::fs::symlink(target, self.path().join(path)).unwrap();
        self
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with_input(arguments, b"")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // A program that does not read its input closes it early, which is no fault.
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
        Run {
            code,
            stdout,
            stderr,
        }
    }

    /// Runs with a reader that takes the first bytes and goes away, as `head` does.
    pub(crate) fn run_into_closed_pipe(&self, arguments: &[&str]) -> Run {
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
        Run {
            code,
            stdout: String::from_utf8_lossy(&first).into_owned(),
            stderr: stderr.join().unwrap(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubevet"));
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

impl Run {
    /// The report of a run with `-f json`.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON: {error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// `FILE:LINE:COLUMN: MESSAGE` for each problem of a JSON report.
    pub(crate) fn problems(&self) -> Vec<String> {
        let report = self.json();
        report["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(located)
            .collect()
    }

    /// `CONTROL OBJECT PATH` for each finding of a JSON report.
    pub(crate) fn findings(&self) -> Vec<String> {
        let report = self.json();
        let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .map(|it| {
                format!(
                    "{} {} {}",
                    text(&it["control"]),
                    text(&it["object"]["name"]),
                    text(&it["paths"][0])
                )
            })
            .collect()
    }

    /// `FILE: REASON` for everything that was skipped.
    pub(crate) fn skipped(&self) -> Vec<String> {
        let report = self.json();
        let skipped = report["skipped"].as_array().unwrap().iter();
        skipped
            .map(|it| {
                format!(
                    "{}: {}",
                    it["file"].as_str().unwrap(),
                    it["reason"].as_str().unwrap()
                )
            })
            .collect()
    }

    /// What the summary of a JSON report says of this.
    pub(crate) fn summary(&self, name: &str) -> u64 {
        self.json()["summary"][name].as_u64().unwrap()
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

fn located(problem: &serde_json::Value) -> String {
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

/// Waits for the end; a run that does not come to one is killed, and its test fails.
fn wait(mut child: Child, arguments: &[&str]) -> ExitStatus {
    let id = child.id().to_string();
    let (done, ended) = mpsc::channel();
    let watcher = thread::spawn(move || {
        let patient = ended.recv_timeout(PATIENCE).is_ok();
        if !patient {
            let _ = Command::new("kill").args(["-9", &id]).status();
        }
        patient
    });
    let status = child.wait().unwrap();
    let _ = done.send(());
    assert!(
        watcher.join().unwrap(),
        "{arguments:?} did not end in {PATIENCE:?}"
    );
    status
}

/// Compares with a file beside these tests; `UPDATE=1 cargo test --test suite` rewrites it.
pub(crate) fn snapshot(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/suite/snapshots")
        .join(name);
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} differs; UPDATE=1 rewrites it\n--- expected\n{expected}\n--- actual\n{actual}"
    );
}
