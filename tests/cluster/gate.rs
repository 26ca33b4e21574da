//! `kubevet serve` as a child process: started until it is ready, asked how it is, signalled, ended.

use crate::{client::Client, process::Running, waiting::until};
use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

/// A gate that is ready; it is killed with this value.
#[allow(dead_code, reason = "as below")]
pub(crate) struct Gate {
    /// `None` where somebody else keeps the process.
    running: Option<Running>,
    port: u16,
    metrics_port: u16,
    tls_dir: PathBuf,
}

#[allow(
    dead_code,
    reason = "tests of the gate itself come with `kubevet serve`"
)]
impl Gate {
    /// Starts a gate on free ports, with its certificates in `tls_dir` and more flags, and waits until it is ready. The
    /// error is what it wrote before it ended.
    pub(crate) fn start(tls_dir: &Path, flags: &[&str]) -> Result<Self, String> {
        Self::start_on(free_port(), tls_dir, flags)
    }

    /// As [`Self::start`], on a port that another gate may be serving, too.
    pub(crate) fn start_on(port: u16, tls_dir: &Path, flags: &[&str]) -> Result<Self, String> {
        Self::spawn_on(port, tls_dir, flags).ready()
    }

    fn ready(mut self) -> Result<Self, String> {
        until("the gate to be ready", || match self.running().ended() {
            Some(status) => Ok(Err(format!("the gate ended ({status}): {}", self.stderr()))),
            None => match self.readiness() {
                Some((200, _)) => Ok(Ok(())),
                other => Err(format!("{other:?}: {}", self.stderr())),
            },
        })?;
        Ok(self)
    }

    /// As [`Self::start_on`], as one of the Pods of a namespace is started.
    pub(crate) fn start_in(
        namespace: &str,
        port: u16,
        tls_dir: &Path,
        flags: &[&str],
    ) -> Result<Self, String> {
        Self::spawn(
            port,
            tls_dir,
            flags,
            &[("POD_NAMESPACE", namespace), ("POD_NAME", "kubevet-0")],
        )
        .ready()
    }

    /// Starts a gate and does not wait.
    pub(crate) fn spawn_on(port: u16, tls_dir: &Path, flags: &[&str]) -> Self {
        Self::spawn(port, tls_dir, flags, &[])
    }

    fn spawn(port: u16, tls_dir: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let metrics_port = free_port();
        let mut command = Command::new(program());
        command.arg("serve").arg("--tls-dir").arg(tls_dir);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--metrics-listen", &format!("127.0.0.1:{metrics_port}")]);
        command.args(flags).envs(environment.iter().copied());
        Self {
            running: Some(Running::start(&mut command)),
            port,
            metrics_port,
            tls_dir: tls_dir.to_owned(),
        }
    }

    /// A gate whose process somebody else keeps.
    pub(crate) fn of(port: u16, metrics_port: u16, tls_dir: &Path) -> Self {
        Self {
            running: None,
            port,
            metrics_port,
            tls_dir: tls_dir.to_owned(),
        }
    }

    fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("the process is ours")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where an API server sends its reviews.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}/validate", self.port)
    }

    /// The certificates to trust, as PEM.
    pub(crate) fn ca(&self) -> String {
        fs::read_to_string(self.tls_dir.join("ca.crt"))
            .expect("a gate that is ready has certificates")
    }

    /// A caller that trusts it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.port, &self.ca())
    }

    /// Status and text of `/readyz`; `None` where nobody answers.
    pub(crate) fn readiness(&self) -> Option<(u16, String)> {
        get(self.metrics_port, "/readyz")
    }

    /// The text of `/metrics`.
    pub(crate) fn metrics(&self) -> String {
        get(self.metrics_port, "/metrics")
            .expect("the gate answers")
            .1
    }

    /// The value of the line of `/metrics` that begins with `series`, name and labels as written there; 0 without one.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let metrics = self.metrics();
        let mut values = metrics
            .lines()
            .filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        values.next().map_or(0.0, |value| {
            value.trim().parse().expect("a metric is a number")
        })
    }

    /// What it logged so far.
    pub(crate) fn stderr(&self) -> String {
        self.running
            .as_ref()
            .map(Running::stderr)
            .unwrap_or_default()
    }

    /// Waits until its log has a text.
    pub(crate) fn until_logged(&self, text: &str) {
        until(&format!("{text:?} in the gate's log"), || {
            let log = self.stderr();
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    }

    /// Sends a signal by name, as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        self.running
            .as_ref()
            .expect("the process is ours")
            .signal(name);
    }

    pub(crate) fn id(&self) -> u32 {
        self.running.as_ref().expect("the process is ours").id()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.running().wait()
    }

    /// SIGTERM, and its end.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// SIGKILL, and its end.
    pub(crate) fn kill(mut self) {
        self.signal("KILL");
        self.wait();
    }
}

/// The program under test: `KUBEVET_BIN` where it is set, to run the tests against another build, else the one of this build.
#[allow(dead_code, reason = "as above")]
pub(crate) fn program() -> PathBuf {
    env::var_os("KUBEVET_BIN").map_or_else(|| env!("CARGO_BIN_EXE_kubevet").into(), PathBuf::from)
}

/// A port of loopback that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// Status and body of a plain GET; `None` where nobody answers as HTTP does.
fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    // HTTP/1.0: the body is not chunked and ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
