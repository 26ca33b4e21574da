//! `kubevet serve` as a child process: started, observed, signalled and ended.

use crate::{
    build_output::kubevet_binary, polling::wait_for, process::ChildProcess,
    webhook_client::WebhookClient,
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{self, Command, ExitStatus},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// A running webhook; it is killed with this value.
pub struct WebhookProcess {
    /// `None` where the test keeps the process itself.
    child: Option<ChildProcess>,
    port: u16,
    metrics_port: u16,
    tls_dir: PathBuf,
}

impl WebhookProcess {
    /// Starts a webhook on free ports, with its certificates in `tls_dir` and more flags, and waits
    /// until it is ready.
    ///
    /// # Errors
    /// The log of a process that ends before it is ready.
    pub fn start(tls_dir: &Path, flags: &[&str]) -> Result<Self, String> {
        Self::start_on(free_port(), tls_dir, flags)
    }

    /// As [`Self::start`], on a port that another webhook may be serving, too.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_on(port: u16, tls_dir: &Path, flags: &[&str]) -> Result<Self, String> {
        Self::spawn_on(port, tls_dir, flags).wait_until_ready()
    }

    /// As [`Self::start_on`], with the environment of a Pod in a namespace.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in(
        namespace: &str,
        port: u16,
        tls_dir: &Path,
        flags: &[&str],
    ) -> Result<Self, String> {
        let environment = [("POD_NAMESPACE", namespace), ("POD_NAME", "kubevet-0")];
        Self::spawn(port, tls_dir, flags, &environment).wait_until_ready()
    }

    /// Starts a webhook without waiting until it is ready.
    pub fn spawn_on(port: u16, tls_dir: &Path, flags: &[&str]) -> Self {
        Self::spawn(port, tls_dir, flags, &[])
    }

    fn spawn(port: u16, tls_dir: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let metrics_port = free_port();
        let mut command = Command::new(kubevet_binary());
        command.arg("serve").arg("--tls-dir").arg(tls_dir);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--metrics-listen", &format!("127.0.0.1:{metrics_port}")]);
        command.args(flags).envs(environment.iter().copied());
        Self {
            child: Some(ChildProcess::start(&mut command)),
            port,
            metrics_port,
            tls_dir: tls_dir.to_owned(),
        }
    }

    /// A webhook whose process the test keeps itself.
    pub fn attach(port: u16, metrics_port: u16, tls_dir: &Path) -> Self {
        Self {
            child: None,
            port,
            metrics_port,
            tls_dir: tls_dir.to_owned(),
        }
    }

    fn wait_until_ready(mut self) -> Result<Self, String> {
        wait_for("the webhook to be ready", || {
            match self.child_mut().exit_status() {
                Some(status) => Ok(Err(format!(
                    "the webhook ended ({status}): {}",
                    self.stderr()
                ))),
                None => match self.readiness() {
                    Some((200, _)) => Ok(Ok(())),
                    other => Err(format!("{other:?}: {}", self.stderr())),
                },
            }
        })?;
        Ok(self)
    }

    fn child(&self) -> &ChildProcess {
        self.child.as_ref().expect("the process is ours")
    }

    fn child_mut(&mut self) -> &mut ChildProcess {
        self.child.as_mut().expect("the process is ours")
    }

    /// The port of reviews.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL that an API server sends its reviews to.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/validate", self.port)
    }

    /// The certificates to trust, as PEM.
    pub fn ca(&self) -> String {
        fs::read_to_string(self.tls_dir.join("ca.crt")).expect("a ready webhook has certificates")
    }

    /// A client that trusts its certificates.
    pub fn client(&self) -> WebhookClient {
        WebhookClient::new(self.port, &self.ca())
    }

    /// Status and body of `/readyz`; `None` without an answer.
    pub fn readiness(&self) -> Option<(u16, String)> {
        http_get(self.metrics_port, "/readyz")
    }

    /// The body of `/metrics`.
    pub fn metrics(&self) -> String {
        let (_, body) = http_get(self.metrics_port, "/metrics").expect("the webhook answers");
        body
    }

    /// The value of a series of `/metrics`, given by name and labels as written there; 0 where the
    /// series is missing.
    pub fn metric(&self, series: &str) -> f64 {
        let metrics = self.metrics();
        let mut values = metrics
            .lines()
            .filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        values.next().map_or(0.0, |value| {
            value.trim().parse().expect("a metric is a number")
        })
    }

    /// Returns its log so far.
    pub fn stderr(&self) -> String {
        self.child
            .as_ref()
            .map(ChildProcess::stderr)
            .unwrap_or_default()
    }

    /// Waits until its log contains a string.
    pub fn wait_for_log(&self, expected: &str) {
        wait_for(&format!("{expected:?} in the webhook's log"), || {
            let log = self.stderr();
            if log.contains(expected) {
                Ok(())
            } else {
                Err(log)
            }
        });
    }

    /// Sends a signal by name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        self.child().signal(name);
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child().id()
    }

    /// Waits until it ends.
    pub fn wait(&mut self) -> ExitStatus {
        self.child_mut().wait()
    }

    /// Sends SIGTERM and waits until it ends.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Sends SIGKILL and waits until it ends.
    pub fn kill(mut self) {
        self.signal("KILL");
        self.wait();
    }
}

/// A port of loopback that is free at this moment, and that no later call in this process returns.
///
/// It is below the ephemeral range of Linux (from 32768 on): from that range the kernel takes the
/// source ports of connections, so a port could be in use again before the server binds it. Control
/// planes take ports above it (`tests/kubernetes/controlplane/files.go`).
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_240;
    const COUNT: u32 = 12_000;
    static CALLS: AtomicU32 = AtomicU32::new(0);
    // Test processes that run at the same time begin at different ports.
    let start = process::id().wrapping_mul(7_919);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset).expect("the range fits 16 bits");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free")
}

/// Status and body of a plain GET; `None` without an HTTP answer.
fn http_get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    // HTTP/1.0: the body is not chunked and ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).ok()?;
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
