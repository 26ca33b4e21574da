//! A client of the two oracles: a line of JSON in, a line out. One answers with OPA's and the API
//! server's own Go code (`tests/kubernetes/oracle/README.md` lists its requests), the other with
//! Syft's and Grype's (`tests/images/README.md`).

use crate::build_output::{go_binary, image_binary};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

/// A running oracle; it is killed with this value.
pub struct Oracle {
    child: Child,
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts the oracle of OPA and Kubernetes. `None` where it was not built: the test is then
    /// reported as not run.
    pub fn start(test: &str) -> Option<Self> {
        Some(Self::run(&go_binary(test, "oracle", "KUBEVET_ORACLE")?))
    }

    /// Starts the oracle of Syft and Grype; as [`Oracle::start`].
    pub fn start_for_images(test: &str) -> Option<Self> {
        let program = image_binary(test, "oracle", "KUBEVET_IMAGE_ORACLE")?;
        Some(Self::run(&program))
    }

    fn run(program: &Path) -> Self {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        let requests = child.stdin.take().expect("stdin is piped");
        let responses = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self {
            child,
            requests,
            responses,
        }
    }

    /// Sends one request and returns the response.
    pub fn send(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").expect("the oracle takes requests");
        let line = read_line(&mut self.responses);
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("the oracle answered {line:?} to {request}: {error}"))
    }

    /// Sends many requests and returns the responses in order. The oracle of Kubernetes answers them
    /// on all cores.
    pub fn send_all(&mut self, requests: &[String]) -> Vec<String> {
        let (pipe, responses) = (&mut self.requests, &mut self.responses);
        thread::scope(|scope| {
            // The oracle stops reading while its responses are not read, so another thread writes.
            scope.spawn(move || {
                for request in requests {
                    writeln!(pipe, "{request}").expect("the oracle takes requests");
                }
            });
            requests.iter().map(|_| read_line(responses)).collect()
        })
    }
}

fn read_line(responses: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    responses.read_line(&mut line).expect("the oracle answers");
    line
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
