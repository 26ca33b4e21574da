//! A running control plane, and kubectl against it.

use crate::{
    build_output::{go_binary, target_tmp_dir},
    polling::wait_for,
    process::{self, ChildProcess, ProcessOutput},
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The rights of the user `developer`: the cluster role `edit` in every namespace, and what
/// `kubectl debug` needs.
const DEVELOPER_RBAC: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: developer}
rules:
- {apiGroups: [""], resources: [pods/ephemeralcontainers, pods/resize], verbs: [get, update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: developer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: developer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: developer}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: developer-edit}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: developer}]
"#;

/// A control plane that is ready; it ends with this value, and with the test process.
pub struct ControlPlane {
    binary: PathBuf,
    dir: PathBuf,
    args: Vec<OsString>,
    child: ChildProcess,
}

impl ControlPlane {
    /// The control plane that all tests of this process share, each in its own namespaces. `None`
    /// where it was not built: the test is then reported as not run.
    pub fn shared(test: &str) -> Option<&'static Self> {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        let binary = controlplane_binary(test)?;
        Some(SHARED.get_or_init(|| {
            // A static is never dropped: the control plane removes the folder itself when the test
            // process ends.
            let dir = tempfile::Builder::new()
                .prefix("cluster-")
                .tempdir_in(target_tmp_dir());
            let dir = dir.expect("a folder can be made").keep();
            Self::start(binary, &dir, &["--throw-away"], &[])
        }))
    }

    /// A control plane of this test alone, on the data of `dir`, with more flags; for tests that
    /// would disturb others.
    pub fn isolated(test: &str, dir: &Path, flags: &[&str]) -> Option<Self> {
        Some(Self::start(controlplane_binary(test)?, dir, flags, &[]))
    }

    /// As [`Self::isolated`], removed at the end, with flags for its API server.
    pub fn with_server_flags(test: &str, dir: &Path, flags: &[&str]) -> Option<Self> {
        let binary = controlplane_binary(test)?;
        Some(Self::start(binary, dir, &["--throw-away"], flags))
    }

    fn start(binary: PathBuf, dir: &Path, flags: &[&str], server_flags: &[&str]) -> Self {
        let mut args: Vec<OsString> = vec!["--audit-log".into(), dir.join("audit.log").into()];
        args.extend(flags.iter().map(Into::into));
        args.push(dir.into());
        args.extend(server_flags.iter().map(Into::into));
        let this = Self {
            child: run(&binary, &args),
            binary,
            dir: dir.to_owned(),
            args,
        };
        this.kubectl(&["apply", "-f", "-"], DEVELOPER_RBAC).ok();
        this
    }

    /// The kubeconfig of the admin, a member of `system:masters`.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// The kubeconfig of the user `developer`, who may create and change workloads in every
    /// namespace and nothing else.
    pub fn developer_kubeconfig(&self) -> PathBuf {
        self.dir.join("developer.kubeconfig")
    }

    /// Returns every request that ended so far, one JSON object per line.
    pub fn audit_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("audit.log")).unwrap_or_default())
            .into_owned()
    }

    /// Returns the log of the API server so far.
    pub fn log(&self) -> String {
        self.child.stderr()
    }

    /// Runs the real kubectl as the admin.
    pub fn kubectl(&self, args: &[&str], stdin: &str) -> ProcessOutput {
        self.kubectl_with(&self.kubeconfig(), args, stdin)
    }

    /// Runs the real kubectl as the developer.
    pub fn kubectl_as_developer(&self, args: &[&str], stdin: &str) -> ProcessOutput {
        self.kubectl_with(&self.developer_kubeconfig(), args, stdin)
    }

    /// Starts the real kubectl as the admin without waiting for its end.
    pub fn start_kubectl(&self, args: &[&str]) -> ChildProcess {
        let mut command = Command::new(&self.binary);
        command
            .arg("kubectl")
            .args(args)
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", &self.dir);
        ChildProcess::start(&mut command)
    }

    fn kubectl_with(&self, kubeconfig: &Path, args: &[&str], stdin: &str) -> ProcessOutput {
        let mut command = Command::new(&self.binary);
        command
            .arg("kubectl")
            .args(args)
            .env("KUBECONFIG", kubeconfig);
        // Neither preferences nor caches of the machine's own kubectl may take part.
        command
            .env("HOME", &self.dir)
            .env("KUBERC", "off")
            .env_remove("KUBECACHEDIR");
        process::run(&mut command, stdin)
    }

    /// Closes its stdin, as the end of the test process would, and waits until it ends.
    pub fn close_stdin(mut self) {
        self.child.close_stdin();
        self.child.wait();
    }

    /// Kills it, as a crash would, and starts it again on the same data and at the same address, after
    /// `meanwhile`.
    pub fn restart(&mut self, meanwhile: impl FnOnce()) {
        self.child.signal("KILL");
        self.child.wait();
        meanwhile();
        self.child = run(&self.binary, &self.args);
    }

    /// The process id of etcd and API server.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a crash would, and waits until it ended.
    pub fn crash(mut self) {
        self.child.signal("KILL");
        self.child.wait();
    }
}

/// Starts the program, and waits until the API server is ready.
fn run(binary: &Path, args: &[OsString]) -> ChildProcess {
    let mut child = ChildProcess::start(Command::new(binary).args(args));
    wait_for("the control plane", || match child.exit_status() {
        Some(status) => panic!("the control plane ended ({status}): {}", child.stderr()),
        None if child.stdout().ends_with('\n') => Ok(()),
        None => Err(child.stderr()),
    });
    child
}

fn controlplane_binary(test: &str) -> Option<PathBuf> {
    go_binary(test, "controlplane", "KUBEVET_CONTROLPLANE")
}
