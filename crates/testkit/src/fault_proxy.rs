//! A proxy before an API server, with faults that a test scripts: `tests/kubernetes/fault_proxy`.

use crate::{build_output::go_binary, polling::wait_for, process::ChildProcess};
use serde_json::Value;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

/// A running proxy.
pub struct FaultProxy {
    kubeconfig: PathBuf,
    control: String,
    child: ChildProcess,
}

impl FaultProxy {
    /// Starts a proxy before the API server of a kubeconfig; its files are put into `dir`. `None` where
    /// it was not built: the test is then reported as not run.
    pub fn start(test: &str, upstream: &Path, dir: &Path) -> Option<Self> {
        let binary = go_binary(test, "fault_proxy", "KUBEVET_FAULT_PROXY")?;
        let mut command = Command::new(binary);
        command.arg("-upstream").arg(upstream).arg("-dir").arg(dir);
        let child = ChildProcess::start(&mut command);
        let started = wait_for("the proxy", || {
            let output = child.stdout();
            let line = output.lines().next();
            line.map(str::to_owned).ok_or_else(|| child.stderr())
        });
        let started: Value = serde_json::from_str(&started).expect("the line is JSON");
        let text = |key: &str| started[key].as_str().expect("a string").to_owned();
        Some(Self {
            kubeconfig: text("kubeconfig").into(),
            control: text("control"),
            child,
        })
    }

    /// The kubeconfig that leads through the proxy.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Sets the rules, each as YAML in one line, and clears the log.
    pub fn set_rules(&self, rules: &[&str]) {
        self.request(
            "PUT",
            "/rules",
            &format!("{{rules: [{}]}}", rules.join(",")),
        );
    }

    /// Breaks every request that is under way.
    pub fn cut(&self) {
        self.request("POST", "/cut", "");
    }

    /// Makes a new token. The old one is not accepted any more.
    pub fn rotate_token(&self) {
        self.request("POST", "/token", "");
    }

    /// Returns the requests that ended since the rules were set.
    pub fn log(&self) -> Vec<Value> {
        let log = self.request("GET", "/log", "");
        let log: Option<Vec<Value>> = serde_json::from_str(&log).expect("the log is JSON");
        log.unwrap_or_default()
    }

    /// Returns how many requests ended to which a rule has applied.
    pub fn applied(&self, rule: &str) -> usize {
        let log = self.log();
        log.iter().filter(|entry| entry["rule"] == rule).count()
    }

    /// Swallows everything from now on: no answer comes, and no connection breaks.
    pub fn stop(&self) {
        self.child.signal("STOP");
    }

    /// Goes on.
    pub fn go_on(&self) {
        self.child.signal("CONT");
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.control).expect("the control listens");
        // HTTP/1.0 has no chunks.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut answer = String::new();
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .and_then(|()| stream.read_to_string(&mut answer))
            .expect("the control answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it is HTTP");
        assert!(head.contains(" 200 "), "{method} {path}: {answer}");
        body.to_owned()
    }
}
