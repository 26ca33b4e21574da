//! The server under attack: started with the configuration of a test, measured through the kernel's
//! data about its process, and killed with its value.

use kubevet_testkit::{
    build_output::kubevet_binary, polling::wait_for, raw_connection::RawResponse,
    webhook_process::free_port,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// The example binding, which denies access to nodes and credentials.
pub(crate) const EXAMPLE: &str = include_str!("../../examples/gate/bindings/security.yaml");

/// The most memory that any attack may cost, in MiB.
const MAX_PEAK_MIB: u64 = 512;
/// The most memory that stays in use a minute after an attack, in MiB.
const MAX_RESIDENT_MIB: u64 = 100;

/// A binding with this name, these controls, and further fields of its spec.
pub(crate) fn binding(name: &str, controls: &str, spec: &str) -> String {
    format!(
        "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {{name: {name}}}\nspec: {{controls: \
         {controls}, {spec}}}\n"
    )
}

/// The configuration of a server.
pub(crate) struct ServerSetup {
    bindings: Vec<String>,
    flags: Vec<String>,
    shell: Option<String>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    metrics: bool,
    port: Option<u16>,
    tls: Option<PathBuf>,
    decisions_kept: bool,
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    dir: tempfile::TempDir,
    tls: PathBuf,
    port: u16,
    metrics_port: u16,
}

impl ServerSetup {
    /// A server with the example binding.
    pub(crate) fn example() -> Self {
        Self::with(&[EXAMPLE])
    }

    /// A server with these bindings, one file each.
    pub(crate) fn with(bindings: &[impl AsRef<str>]) -> Self {
        Self {
            bindings: bindings
                .iter()
                .map(|binding| binding.as_ref().to_owned())
                .collect(),
            flags: Vec::new(),
            shell: None,
            stdout: None,
            stderr: None,
            metrics: true,
            port: None,
            tls: None,
            decisions_kept: true,
        }
    }

    pub(crate) fn flags(mut self, flags: &[&str]) -> Self {
        self.flags
            .extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// Adds a flag with a path below the server's folder.
    pub(crate) fn flag_with_path(mut self, flag: &str, path: &str) -> Self {
        self.flags.extend([flag.to_owned(), format!("@{path}")]);
        self
    }

    /// Shell commands that run before the server in its process: limits, ignored signals, closed
    /// descriptors.
    pub(crate) fn shell(mut self, commands: &str) -> Self {
        self.shell = Some(commands.to_owned());
        self
    }

    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.stdout = Some(to.into());
        self
    }

    pub(crate) fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.stderr = Some(to.into());
        self
    }

    /// Leaves out `--metrics-listen`.
    pub(crate) fn without_metrics(mut self) -> Self {
        self.metrics = false;
        self
    }

    pub(crate) fn on(mut self, port: u16, tls: &Path) -> Self {
        self.port = Some(port);
        self.tls = Some(tls.to_owned());
        self
    }

    /// Discards the decision log, for attacks that would only fill it.
    pub(crate) fn no_decision_log(mut self) -> Self {
        self.decisions_kept = false;
        self
    }

    /// Starts the server and waits until it is ready.
    pub(crate) fn start(self) -> Server {
        let metrics = self.metrics;
        let mut server = self.spawn();
        wait_for("the server to be ready", || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended ({status}): {}", server.stderr());
            }
            let ready = match metrics {
                true => server
                    .get("/readyz")
                    .is_some_and(|(status, _)| status == 200),
                false => TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).is_ok(),
            };
            if ready { Ok(()) } else { Err(server.stderr()) }
        });
        server
    }

    /// Starts the server without waiting.
    pub(crate) fn spawn(self) -> Server {
        let dir = tempfile::tempdir().unwrap();
        let bindings = dir.path().join("bindings");
        fs::create_dir(&bindings).unwrap();
        for (index, content) in self.bindings.iter().enumerate() {
            fs::write(bindings.join(format!("{index:03}.yaml")), content).unwrap();
        }
        let tls = self.tls.unwrap_or_else(|| dir.path().join("tls"));
        let (port, metrics_port) = (self.port.unwrap_or_else(free_port), free_port());
        let mut command = match &self.shell {
            None => Command::new(kubevet_binary()),
            Some(commands) => {
                let mut shell = Command::new("sh");
                shell
                    .arg("-c")
                    .arg(format!("{commands}; exec \"$0\" \"$@\""))
                    .arg(kubevet_binary());
                shell
            }
        };
        command
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--tls-dir").arg(&tls);
        if self.metrics {
            command.args(["--metrics-listen", &format!("127.0.0.1:{metrics_port}")]);
        }
        if !self.bindings.is_empty() {
            command.arg("--bindings").arg(&bindings);
        }
        if !self.decisions_kept {
            command.args(["--decision-log", "/dev/null"]);
        }
        for flag in &self.flags {
            match flag.strip_prefix('@') {
                Some(path) => command.arg(dir.path().join(path)),
                None => command.arg(flag),
            };
        }
        for name in [
            "RUST_BACKTRACE",
            "KUBERNETES_SERVICE_HOST",
            "POD_NAMESPACE",
            "XDG_STATE_HOME",
            "KUBEVET_LOG",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", dir.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command.stdout(
            self.stdout
                .unwrap_or_else(|| File::create(dir.path().join("stdout")).unwrap().into()),
        );
        command.stderr(
            self.stderr
                .unwrap_or_else(|| File::create(dir.path().join("stderr")).unwrap().into()),
        );
        let child = command.spawn().unwrap();
        Server {
            child,
            dir,
            tls,
            port,
            metrics_port,
        }
    }
}

impl Server {
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A path in its folder, which has `bindings`, `stdout` and `stderr`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn tls(&self) -> &Path {
        &self.tls
    }

    /// The certificates to trust now, as PEM.
    pub(crate) fn ca(&self) -> String {
        fs::read_to_string(self.tls.join("ca.crt"))
            .expect("a server that is ready has certificates")
    }

    pub(crate) fn stderr(&self) -> String {
        lossy(&self.path("stderr"))
    }

    pub(crate) fn stdout(&self) -> String {
        lossy(&self.path("stdout"))
    }

    /// Status and body of a GET on the metrics port; `None` without a response within a second, ten
    /// times the goal.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        get(self.metrics_port, path, Duration::from_secs(1))
    }

    /// The body of `/metrics`.
    pub(crate) fn metrics(&self) -> String {
        get(self.metrics_port, "/metrics", Duration::from_secs(30))
            .expect("metrics are answered")
            .1
    }

    /// The sum of the series that begin with this prefix.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let metrics = self.metrics();
        let lines = metrics.lines().filter(|line| line.starts_with(series));
        lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// The resident memory in MiB.
    pub(crate) fn rss_mib(&self) -> u64 {
        self.status_kib("VmRSS:") >> 10
    }

    /// The peak resident memory in MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        self.status_kib("VmHWM:") >> 10
    }

    /// Checks that the server has never had more memory than the goal.
    #[track_caller]
    pub(crate) fn assert_peak_memory(&self, case: &str) {
        let peak = self.peak_mib();
        assert!(peak < MAX_PEAK_MIB, "{case}: peak {peak} MiB");
    }

    /// Checks the goals after an attack, and prints the figures: the peak, and the memory once it
    /// is given back.
    #[track_caller]
    pub(crate) fn assert_memory_goals(&self, case: &str) {
        self.assert_peak_memory(case);
        let after = wait_for("memory to be given back", || match self.rss_mib() {
            resident if resident < MAX_RESIDENT_MIB => Ok(resident),
            resident => Err(format!("{case}: {resident} MiB")),
        });
        let peak = self.peak_mib();
        eprintln!("{case}: peak {peak} MiB, after {after} MiB");
    }

    fn status_kib(&self, key: &str) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the server lives");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .expect("the kernel says it");
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The CPU time so far.
    pub(crate) fn cpu(&self) -> Duration {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("the server lives");
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        // The unit is 10 ms on every Linux that Rust supports.
        Duration::from_millis(
            10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()),
        )
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    #[track_caller]
    pub(crate) fn assert_running(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "the server ended ({ended:?}): {}",
            self.stderr()
        );
        assert!(!self.stderr().contains("panicked"), "{}", self.stderr());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Limits the size of each file that the server writes from now on; `None` for no limit. At the
    /// limit a write fails as on a full disk, if the server was started with SIGXFSZ ignored.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(self.pid()), Resource::Fsize, limit).unwrap();
    }

    /// The exit status, if the server ends within this time.
    pub(crate) fn ends_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + time;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return Some(status),
                None if Instant::now() > deadline => return None,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Overwrites one of its bindings.
    pub(crate) fn bind(&self, name: &str, content: &str) {
        let path = self.path("bindings").join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Status and body of a plain GET; `None` without a response within this time.
pub(crate) fn get(port: u16, path: &str, timeout: Duration) -> Option<(u16, String)> {
    let deadline = Instant::now() + timeout;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, timeout).ok()?;
    // HTTP/1.0: the body is not chunked and ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        let left = deadline
            .checked_duration_since(Instant::now())
            .filter(|remaining| !remaining.is_zero())?;
        stream.set_read_timeout(Some(left)).ok()?;
        match stream.read(&mut piece).ok()? {
            0 => break,
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// The review is denied with this code and a message that contains this string.
#[track_caller]
pub(crate) fn assert_denied(response: &RawResponse, uid: &str, code: u16, expected: &str) {
    let response = response.review_response(uid);
    assert_eq!(response["allowed"], false, "{response:?}");
    assert_eq!(response["status"]["code"], code, "{response:?}");
    assert!(
        response["status"]["message"]
            .as_str()
            .unwrap()
            .contains(expected),
        "{response:?}"
    );
}

#[track_caller]
pub(crate) fn assert_allowed(response: &RawResponse, uid: &str) {
    let response = response.review_response(uid);
    assert_eq!(response["allowed"], true, "{response:?}");
}
