//! The oracle as a process: lines in, lines out (`tests/kubernetes/oracle/README.md`).

use anyhow::Context as _;
use kubevet_differential::Pipe;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

/// A running oracle; it ends with this value.
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
        let started = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child =
            started.with_context(|| format!("cannot start the oracle {}", path.display()))?;
        let requests = child
            .stdin
            .take()
            .context("the oracle has no standard input")?;
        let answers = BufReader::new(
            child
                .stdout
                .take()
                .context("the oracle has no standard output")?,
        );
        Ok(Self {
            child,
            requests,
            answers,
        })
    }
}

impl Pipe for OracleProcess {
    fn exchange(&mut self, lines: &[String]) -> Result<Vec<String>, String> {
        let (requests, answers) = (&mut self.requests, &mut self.answers);
        thread::scope(|scope| {
            // Written aside: the process stops reading while nobody takes its answers.
            let writing = scope.spawn(move || {
                lines.iter().try_for_each(|it| {
                    requests
                        .write_all(it.as_bytes())
                        .and_then(|()| requests.write_all(b"\n"))
                })
            });
            let mut read = Vec::with_capacity(lines.len());
            for _ in lines {
                let mut line = String::new();
                match answers.read_line(&mut line) {
                    Ok(0) => return Err("it ended".to_owned()),
                    Ok(_) => read.push(line),
                    Err(error) => return Err(error.to_string()),
                }
            }
            match writing.join() {
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
