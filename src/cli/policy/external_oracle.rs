//! The oracle as a process: a line of JSON in, a line of JSON out
//! (`tests/kubernetes/oracle/README.md`).

use anyhow::Context as _;
use kubevet_differential::Pipe;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

/// A running oracle. Dropping it kills the process.
pub(super) struct OracleProcess {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl OracleProcess {
    /// Starts the program.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(path: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the oracle {}", path.display()))?;
        let requests = child
            .stdin
            .take()
            .context("the oracle has no standard input")?;
        let answers = child
            .stdout
            .take()
            .context("the oracle has no standard output")?;
        Ok(Self {
            child,
            requests,
            answers: BufReader::new(answers),
        })
    }
}

impl Pipe for OracleProcess {
    fn exchange(&mut self, lines: &[String]) -> Result<Vec<String>, String> {
        let (requests, answers) = (&mut self.requests, &mut self.answers);
        thread::scope(|scope| {
            // Requests are written by another thread: the process stops reading once the pipe of
            // its answers is full, and both sides would wait for each other.
            let writer = scope.spawn(move || {
                lines.iter().try_for_each(|line| {
                    requests.write_all(line.as_bytes())?;
                    requests.write_all(b"\n")
                })
            });
            let mut read = Vec::with_capacity(lines.len());
            for _ in lines {
                let mut line = String::new();
                match answers.read_line(&mut line) {
                    Ok(0) => return Err("the oracle ended before it answered".to_owned()),
                    Ok(_) => read.push(line),
                    Err(error) => return Err(error.to_string()),
                }
            }
            match writer.join() {
                Ok(Ok(())) => Ok(read),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("writing to it failed".to_owned()),
            }
        })
    }
}

impl Drop for OracleProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
