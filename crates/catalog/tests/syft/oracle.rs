//! The image oracle: a program that answers one line for each line.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A running oracle.
pub(crate) struct Oracle {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What Syft found.
#[derive(serde::Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) error: String,
    pub(crate) distro: Option<Distribution>,
    #[serde(default)]
    pub(crate) packages: Vec<FoundPackage>,
    #[serde(default)]
    pub(crate) relationships: Vec<Relationship>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Distribution {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) version_id: String,
    #[serde(default)]
    pub(crate) codename: String,
    #[serde(default)]
    pub(crate) id_like: Vec<String>,
}

#[derive(serde::Deserialize)]
pub(crate) struct FoundPackage {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) purl: String,
}

#[derive(serde::Deserialize)]
pub(crate) struct Relationship {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Oracle {
    /// Starts it; `None`, with a report, where it is missing.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let Some(program) = env::var_os("KUBEVET_IMAGE_ORACLE") else {
            kubevet_testkit::skip::not_run(test, "KUBEVET_IMAGE_ORACLE is not set");
            return None;
        };
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Oracle { child, requests, answers })
    }

    /// What Syft finds in a source, such as `oci-dir:PATH`.
    pub(crate) fn sbom(&mut self, source: &str) -> Answer {
        let request = serde_json::json!({"op": "sbom", "source": source});
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Answer = serde_json::from_str(&line).unwrap();
        assert_eq!(answer.error, "", "{source}");
        answer
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
