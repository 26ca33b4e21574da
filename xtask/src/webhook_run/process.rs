//! The server as a child process, on free ports of the loopback address. It is killed with its
//! value.

use super::client;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The longest time that a start or an end may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The pause between two polls of the server's state.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Variables that would connect the server to a cluster or change what it logs.
const UNSET: &[&str] = &[
    "KUBERNETES_SERVICE_HOST",
    "KUBEVET_LOG",
    "POD_NAME",
    "POD_NAMESPACE",
    "RUST_BACKTRACE",
    "XDG_STATE_HOME",
];

/// A server that is ready.
pub(super) struct Server {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
    metrics: SocketAddr,
}

impl Server {
    /// Starts the server in `folder`, which holds `bindings`. It writes its decision log there to
    /// `log`.
    pub(super) fn start(program: &Path, folder: &Path) -> Result<Self, String> {
        let (address, metrics) =
            free_addresses().map_err(|error| format!("no free port: {error}"))?;
        let stderr = folder.join("stderr");
        let stderr =
            File::create(&stderr).map_err(|error| format!("{}: {error}", stderr.display()))?;
        let mut command = Command::new(program);
        command
            .args(["serve", "--listen", &address.to_string()])
            .args(["--metrics-listen", &metrics.to_string()])
            .args(["--bindings", "bindings", "--tls-dir", "tls"])
            .args(["--decision-log", "log", "--decision-sample", "1"])
            .args(["--drain-delay", "50ms"])
            .current_dir(folder)
            .env("HOME", folder)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        for variable in UNSET {
            command.env_remove(variable);
        }
        let child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut server = Self {
            child,
            folder: folder.to_owned(),
            address,
            metrics,
        };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if client::get_plain(self.metrics, "/readyz")
                .is_ok_and(|response| response.status == 200)
            {
                return Ok(());
            }
            let has_ended = self.child.try_wait().is_ok_and(|status| status.is_some());
            if has_ended || Instant::now() > deadline {
                return Err(format!("the server is not ready: {}", self.program_log()?));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// The address of the webhook.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of metrics and health, without TLS.
    pub(super) fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// The certificate authority of the server's certificate, in PEM.
    pub(super) fn ca(&self) -> Result<String, String> {
        self.read("tls/ca.crt")
    }

    /// Sends TERM and waits for the end. Returns the exit status and what was written to standard
    /// error.
    pub(super) fn terminate(mut self) -> Result<(String, String), String> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|error| error.to_string())?;
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => return Ok((status.to_string(), self.program_log()?)),
                None if Instant::now() > deadline => {
                    return Err("the server does not end".to_owned());
                }
                None => thread::sleep(POLL_INTERVAL),
            }
        }
    }

    fn program_log(&self) -> Result<String, String> {
        self.read("stderr")
    }

    fn read(&self, name: &str) -> Result<String, String> {
        let path = self.folder.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail where the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two different addresses that no process listens on now.
fn free_addresses() -> std::io::Result<(SocketAddr, SocketAddr)> {
    // Both sockets are open at the same time, so that the addresses differ.
    let listeners = [
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
    ];
    let [first, second] = &listeners;
    Ok((first.local_addr()?, second.local_addr()?))
}
