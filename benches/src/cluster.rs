//! A real API server with what judges on it, and creates that change nothing.

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

/// How long policies or the webhook may take to be obeyed.
const PATIENCE: Duration = Duration::from_secs(90);

/// A control plane, with a gate beside it or without. Both end with it.
pub struct Cluster {
    binary: String,
    dir: PathBuf,
    running: Vec<Child>,
    client: Client,
}

/// What the API server said to a create.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Created,
    Denied(String),
}

impl Cluster {
    /// Starts one with a namespace.
    ///
    /// # Errors
    /// What it said before it ended.
    pub async fn start(binary: &str, dir: PathBuf, namespace: &str) -> Result<Self, String> {
        fs::create_dir_all(&dir).map_err(|it| it.to_string())?;
        let mut command = Command::new(binary);
        command
            .arg("--throw-away")
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().map_err(|it| format!("{binary}: {it}"))?;
        let mut kubeconfig = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out)
                .read_line(&mut kubeconfig)
                .map_err(|it| it.to_string())?;
        }
        if kubeconfig.trim().is_empty() {
            return Err("the control plane did not start".to_owned());
        }
        let read = Kubeconfig::read_from(dir.join("kubeconfig")).map_err(|it| it.to_string())?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(read, &options)
            .await
            .map_err(|it| it.to_string())?;
        let client = Client::try_from(config).map_err(|it| it.to_string())?;
        let cluster = Self {
            binary: binary.to_owned(),
            dir,
            running: vec![child],
            client,
        };
        cluster.kubectl(&["create", "namespace", namespace], "")?;
        Ok(cluster)
    }

    /// Runs kubectl.
    ///
    /// # Errors
    /// What it said as it failed.
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
        let mut child = command.spawn().map_err(|it| it.to_string())?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(stdin.as_bytes())
                .map_err(|it| it.to_string())?;
        }
        let output = child.wait_with_output().map_err(|it| it.to_string())?;
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Starts our webhook, every control denied, and makes the API server ask it.
    ///
    /// # Errors
    /// It does not start, or the server does not take its configuration.
    pub fn add_gate(&mut self, kubevet: &str) -> Result<(), String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|it| it.to_string())?;
        let port = listener.local_addr().map_err(|it| it.to_string())?.port();
        drop(listener);
        let (tls, bindings) = (self.dir.join("tls"), self.dir.join("bindings"));
        fs::create_dir_all(&bindings).map_err(|it| it.to_string())?;
        let binding = "{apiVersion: kubevet.io/v1alpha1, kind: ControlBinding, metadata: {name: all}, \
            spec: {controls: ['*'], validationActions: [Deny]}}";
        fs::write(bindings.join("all.yaml"), binding).map_err(|it| it.to_string())?;
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
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.running
            .push(quiet.spawn().map_err(|it| format!("{kubevet}: {it}"))?);
        let ca = tls.join("ca.crt");
        let begin = Instant::now();
        while !ca.exists() {
            if begin.elapsed() > PATIENCE {
                return Err("the gate made no certificates".to_owned());
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
        let manifest = command.output().map_err(|it| it.to_string())?;
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
    /// The server did not answer, or refused it for another reason than admission.
    pub async fn create(&self, path: &str, object: &[u8]) -> Result<Answer, String> {
        let request = http::Request::post(format!("{path}?dryRun=All"))
            .header("content-type", "application/json");
        let request = request.body(object.to_vec()).map_err(|it| it.to_string())?;
        match self.client.request_text(request).await {
            Ok(_) => Ok(Answer::Created),
            Err(Error::Api(status)) if [400, 403, 422].contains(&status.code) => {
                Ok(Answer::Denied(status.message.clone()))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits until an object is denied: then what was applied is obeyed.
    ///
    /// # Errors
    /// It is not denied in time.
    pub async fn until_denied(&self, path: &str, object: &[u8]) -> Result<String, String> {
        let begin = Instant::now();
        loop {
            match self.create(path, object).await {
                Ok(Answer::Denied(why)) => return Ok(why),
                other if begin.elapsed() > PATIENCE => {
                    return Err(format!("never denied what it should deny: {other:?}"));
                }
                _ => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// Waits until the controller manager has checked the types of all policies, which takes a core for a while.
    ///
    /// # Errors
    /// It does not come to an end in time.
    pub async fn until_type_checked(&self) -> Result<(), String> {
        let begin = Instant::now();
        loop {
            let request = http::Request::get(
                "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            );
            let request = request.body(Vec::new()).map_err(|it| it.to_string())?;
            let list: serde_json::Value = self
                .client
                .request(request)
                .await
                .map_err(|it| it.to_string())?;
            let checked = |it: &serde_json::Value| {
                it.pointer("/status/observedGeneration")
                    .is_some_and(|seen| Some(seen) == it.pointer("/metadata/generation"))
            };
            if list
                .get("items")
                .and_then(serde_json::Value::as_array)
                .is_some_and(|it| it.iter().all(checked))
            {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                return Err("the types of the policies were never checked".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Nanoseconds on a core so far of all threads of the control plane and the gate.
    pub fn cpu(&self) -> u64 {
        self.running.iter().map(|it| cpu_of(it.id())).sum()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.running.iter_mut().rev() {
            // The control plane ends with its stdin and removes its folder; whoever has none is killed.
            if child.stdin.take().is_none() {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }
}

fn cpu_of(id: u32) -> u64 {
    let threads = fs::read_dir(Path::new("/proc").join(id.to_string()).join("task"));
    let first = |text: String| {
        text.split_whitespace()
            .next()
            .and_then(|it| it.parse::<u64>().ok())
    };
    let of = |thread: fs::DirEntry| {
        fs::read_to_string(thread.path().join("schedstat"))
            .ok()
            .and_then(first)
    };
    threads.into_iter().flatten().flatten().filter_map(of).sum()
}
