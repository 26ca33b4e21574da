//! A real API server, its policies or webhook, and dry-run creates on it.

use kube::{
    Client, Config, Error,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The time within which policies or the webhook must be in effect.
const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// A control plane, with or without a webhook. Its processes end when it is dropped.
pub struct Cluster {
    binary: String,
    dir: PathBuf,
    /// The control plane first, then the webhook.
    processes: Vec<Child>,
    client: Client,
}

/// The API server's answer to a create.
#[derive(Debug, PartialEq, Eq)]
pub enum CreateOutcome {
    Created,
    /// The message of the rejection.
    Denied(String),
}

impl Cluster {
    /// Starts a control plane in `dir` and creates a namespace.
    ///
    /// # Errors
    /// The reason why it does not start.
    pub async fn start(binary: &str, dir: PathBuf, namespace: &str) -> Result<Self, String> {
        fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
        let mut command = Command::new(binary);
        command
            .arg("--throw-away")
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{binary}: {error}"))?;
        let mut first_line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out)
                .read_line(&mut first_line)
                .map_err(|error| error.to_string())?;
        }
        if first_line.trim().is_empty() {
            return Err("the control plane did not start".to_owned());
        }
        let kubeconfig =
            Kubeconfig::read_from(dir.join("kubeconfig")).map_err(|error| error.to_string())?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| error.to_string())?;
        let client = Client::try_from(config).map_err(|error| error.to_string())?;
        let cluster = Self {
            binary: binary.to_owned(),
            dir,
            processes: vec![child],
            client,
        };
        cluster.kubectl(&["create", "namespace", namespace], "")?;
        Ok(cluster)
    }

    /// Runs kubectl.
    ///
    /// # Errors
    /// Its stderr, if it fails.
    pub fn kubectl(&self, arguments: &[&str], stdin: &str) -> Result<(), String> {
        let mut command = Command::new(&self.binary);
        command
            .arg("kubectl")
            .args(arguments)
            .env("KUBECONFIG", self.dir.join("kubeconfig"))
            .env("HOME", &self.dir);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(stdin.as_bytes())
                .map_err(|error| error.to_string())?;
        }
        let output = child
            .wait_with_output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Starts the webhook with every control bound to Deny, and registers it at the API server.
    ///
    /// # Errors
    /// The webhook does not start, or the server rejects its configuration.
    pub fn add_webhook(&mut self, kubevet: &str) -> Result<(), String> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
        let port = listener
            .local_addr()
            .map_err(|error| error.to_string())?
            .port();
        drop(listener);
        let (tls, bindings) = (self.dir.join("tls"), self.dir.join("bindings"));
        fs::create_dir_all(&bindings).map_err(|error| error.to_string())?;
        let binding = "{apiVersion: kubevet.io/v1alpha1, kind: ControlBinding, metadata: {name: all}, \
            spec: {controls: ['*'], validationActions: [Deny]}}";
        fs::write(bindings.join("all.yaml"), binding).map_err(|error| error.to_string())?;
        let mut command = Command::new(kubevet);
        command
            .arg("serve")
            .arg("--tls-dir")
            .arg(&tls)
            .arg("--bindings")
            .arg(&bindings);
        command
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .args(["--decision-log", "/dev/null"]);
        let silent = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.processes.push(
            silent
                .spawn()
                .map_err(|error| format!("{kubevet}: {error}"))?,
        );
        let ca = tls.join("ca.crt");
        let begin = Instant::now();
        while !ca.exists() {
            if begin.elapsed() > READY_TIMEOUT {
                return Err("the webhook made no certificates".to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut command = Command::new(kubevet);
        command.args(["manifests", "webhook", "--failure-policy", "Fail"]);
        command
            .arg("--url")
            .arg(format!("https://127.0.0.1:{port}/validate"))
            .arg("--ca-file")
            .arg(&ca);
        let manifest = command.output().map_err(|error| error.to_string())?;
        if !manifest.status.success() {
            return Err(String::from_utf8_lossy(&manifest.stderr).into_owned());
        }
        self.kubectl(
            &["apply", "-f", "-"],
            &String::from_utf8_lossy(&manifest.stdout),
        )
    }

    /// Creates an object by a dry run on the server.
    ///
    /// # Errors
    /// The server did not answer, or rejected the object for a reason other than admission.
    pub async fn create(&self, path: &str, object: &[u8]) -> Result<CreateOutcome, String> {
        let request = http::Request::post(format!("{path}?dryRun=All"))
            .header("content-type", "application/json");
        let request = request
            .body(object.to_vec())
            .map_err(|error| error.to_string())?;
        match self.client.request_text(request).await {
            Ok(_) => Ok(CreateOutcome::Created),
            Err(Error::Api(status)) if [400, 403, 422].contains(&status.code) => {
                Ok(CreateOutcome::Denied(status.message.clone()))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits until an object is denied, which shows that what was applied is in effect. Returns the
    /// message.
    ///
    /// # Errors
    /// The object is not denied in time.
    pub async fn until_denied(&self, path: &str, object: &[u8]) -> Result<String, String> {
        let begin = Instant::now();
        loop {
            match self.create(path, object).await {
                Ok(CreateOutcome::Denied(message)) => return Ok(message),
                other if begin.elapsed() > READY_TIMEOUT => {
                    return Err(format!("the failing object was never denied: {other:?}"));
                }
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// Waits until the controller manager has type-checked all policies, which occupies a core for
    /// some seconds.
    ///
    /// # Errors
    /// It does not finish in time.
    pub async fn until_type_checked(&self) -> Result<(), String> {
        let begin = Instant::now();
        loop {
            let request = http::Request::get(
                "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            );
            let request = request
                .body(Vec::new())
                .map_err(|error| error.to_string())?;
            let list: serde_json::Value = self
                .client
                .request(request)
                .await
                .map_err(|error| error.to_string())?;
            let is_checked = |policy: &serde_json::Value| {
                policy
                    .pointer("/status/observedGeneration")
                    .is_some_and(|observed| {
                        Some(observed) == policy.pointer("/metadata/generation")
                    })
            };
            if list
                .get("items")
                .and_then(serde_json::Value::as_array)
                .is_some_and(|policies| policies.iter().all(is_checked))
            {
                return Ok(());
            }
            if begin.elapsed() > READY_TIMEOUT {
                return Err("the types of the policies were never checked".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The CPU time so far of all threads of the control plane and the webhook, in nanoseconds.
    pub fn cpu_nanos(&self) -> u64 {
        self.processes
            .iter()
            .map(|process| process_cpu_nanos(process.id()))
            .sum()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().rev() {
            // The control plane ends when its stdin is closed and then removes its directory. The
            // webhook has no stdin and is killed.
            if child.stdin.take().is_none() {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }
}

/// The CPU time of all threads of a process, in nanoseconds: the first field of
/// `/proc/PID/task/TID/schedstat`.
fn process_cpu_nanos(id: u32) -> u64 {
    let threads = fs::read_dir(Path::new("/proc").join(id.to_string()).join("task"));
    let first_field = |schedstat: String| {
        schedstat
            .split_whitespace()
            .next()
            .and_then(|field| field.parse::<u64>().ok())
    };
    let thread_nanos = |thread: fs::DirEntry| {
        fs::read_to_string(thread.path().join("schedstat"))
            .ok()
            .and_then(first_field)
    };
    threads
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(thread_nanos)
        .sum()
}
