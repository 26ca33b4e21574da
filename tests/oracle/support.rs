//! A small client of the oracle: a line of JSON in, a line out.

use serde_json::Value;
use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

/// A running oracle; it ends with this value.
pub(crate) struct Oracle {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts the oracle. `None` where it was not built: the test then says that it was not run, and fails under CI.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let path = env::var_os("KUBEVET_ORACLE").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/bin/oracle"),
            PathBuf::from,
        );
        if !path.exists() {
            not_run(
                test,
                &format!(
                    "no oracle at {}: cd tests/kubernetes && go build -o bin/ ./oracle",
                    path.display()
                ),
            );
            return None;
        }
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        let requests = child.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Some(Self {
            child,
            requests,
            answers,
        })
    }

    /// The answer to a request.
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").expect("the oracle takes requests");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the oracle answers");
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("the oracle answered {line:?} to {request}: {error}"))
    }

    /// The answers to many requests, which the oracle works on with all cores.
    pub(crate) fn ask_all(&mut self, lines: &[String]) -> Vec<String> {
        let (requests, answers) = (&mut self.requests, &mut self.answers);
        thread::scope(|scope| {
            // Written aside: the oracle stops reading while nobody takes its answers.
            scope.spawn(move || {
                for line in lines {
                    writeln!(requests, "{line}").expect("the oracle takes requests");
                }
            });
            let mut read = || {
                let mut line = String::new();
                answers.read_line(&mut line).expect("the oracle answers");
                line
            };
            lines.iter().map(|_| read()).collect()
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Files that are shared between machines and not in the repository, such as the corpus.
pub(crate) fn shared(test: &str, folder: &str) -> Option<PathBuf> {
    let root = env::var_os("KUBEVET_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = root.join(folder);
    if !path.is_dir() {
        not_run(
            test,
            &format!("no folder {}: set KUBEVET_SHARED", path.display()),
        );
        return None;
    }
    Some(path)
}

/// Says, past the capture of test output, that a test was not run; under CI that is a failure.
fn not_run(test: &str, reason: &str) {
    let _ = writeln!(io::stderr(), "not run: {test}: {reason}");
    assert!(env::var_os("CI").is_none(), "not run: {test}: {reason}");
}
