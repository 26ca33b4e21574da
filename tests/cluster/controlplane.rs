//! A control plane that is running, and kubectl towards it.

use crate::{
    process::{self, Output, Running},
    waiting::until,
};
use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// What the user `developer` may do: all that makers of workloads do, everywhere, and what `kubectl debug` needs.
const DEVELOPER: &str = r#"
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

/// A control plane that is ready; it ends with this value, and with this process.
pub(crate) struct ControlPlane {
    binary: PathBuf,
    dir: PathBuf,
    running: Running,
}

impl ControlPlane {
    /// The control plane that all tests of this process share, in namespaces of their own. `None` where it was not built:
    /// the test then says that it was not run, and fails under CI.
    pub(crate) fn shared(test: &str) -> Option<&'static Self> {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        let binary = binary(test)?;
        Some(SHARED.get_or_init(|| {
            // A static is never dropped: the control plane removes the folder itself as this process ends.
            let dir = tempfile::Builder::new()
                .prefix("cluster-")
                .tempdir_in(env!("CARGO_TARGET_TMPDIR"));
            let dir = dir.expect("a folder can be made").keep();
            Self::start(binary, &dir, &["--throw-away"], &[])
        }))
    }

    /// A control plane of this test alone, on the data of `dir`, with more flags; for what would disturb others.
    pub(crate) fn own(test: &str, dir: &Path, flags: &[&str]) -> Option<Self> {
        Some(Self::start(binary(test)?, dir, flags, &[]))
    }

    /// As [`Self::own`], thrown away at the end, with an API server that is given these flags.
    pub(crate) fn with_server_flags(test: &str, dir: &Path, flags: &[&str]) -> Option<Self> {
        Some(Self::start(binary(test)?, dir, &["--throw-away"], flags))
    }

    fn start(binary: PathBuf, dir: &Path, flags: &[&str], server_flags: &[&str]) -> Self {
        let mut command = Command::new(&binary);
        command
            .arg("--audit-log")
            .arg(dir.join("audit.log"))
            .args(flags)
            .arg(dir)
            .args(server_flags);
        let mut running = Running::start(&mut command);
        until("the control plane", || match running.ended() {
            Some(status) => panic!("the control plane ended ({status}): {}", running.stderr()),
            None if running.stdout().ends_with('\n') => Ok(()),
            None => Err(running.stderr()),
        });
        let this = Self {
            binary,
            dir: dir.to_owned(),
            running,
        };
        this.kubectl(&["apply", "-f", "-"], DEVELOPER).ok();
        this
    }

    /// The admin's kubeconfig: a member of `system:masters`.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// Of a user who may create and change workloads everywhere and nothing else.
    pub(crate) fn developer_kubeconfig(&self) -> PathBuf {
        self.dir.join("developer.kubeconfig")
    }

    /// Every request that ended so far, a JSON object a line.
    pub(crate) fn audit_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("audit.log")).unwrap_or_default())
            .into_owned()
    }

    /// What the API server logged so far.
    #[allow(
        dead_code,
        reason = "only some of those who share this file look at it"
    )]
    pub(crate) fn log(&self) -> String {
        self.running.stderr()
    }

    /// Runs the real kubectl as the admin.
    pub(crate) fn kubectl(&self, args: &[&str], stdin: &str) -> Output {
        self.kubectl_with(&self.kubeconfig(), args, stdin)
    }

    /// Runs the real kubectl as the developer.
    pub(crate) fn kubectl_as_developer(&self, args: &[&str], stdin: &str) -> Output {
        self.kubectl_with(&self.developer_kubeconfig(), args, stdin)
    }

    /// Starts the real kubectl as the admin and does not wait for its end.
    pub(crate) fn kubectl_running(&self, args: &[&str]) -> Running {
        let mut command = Command::new(&self.binary);
        command
            .arg("kubectl")
            .args(args)
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", &self.dir);
        Running::start(&mut command)
    }

    fn kubectl_with(&self, kubeconfig: &Path, args: &[&str], stdin: &str) -> Output {
        let mut command = Command::new(&self.binary);
        command
            .arg("kubectl")
            .args(args)
            .env("KUBECONFIG", kubeconfig);
        // Nothing of the machine's own kubectl: neither preferences nor what it knows of other clusters.
        command
            .env("HOME", &self.dir)
            .env("KUBERC", "off")
            .env_remove("KUBECACHEDIR");
        process::run(&mut command, stdin)
    }

    /// Lets go of its stdin, as the end of this process would, and waits for its end.
    pub(crate) fn let_go(mut self) {
        self.running.close_stdin();
        self.running.wait();
    }

    /// Ends it as a crash would, and waits for that.
    pub(crate) fn crash(mut self) {
        self.running.signal("KILL");
        self.running.wait();
    }
}

/// The binary; `None`, after saying so, where it was not built.
fn binary(test: &str) -> Option<PathBuf> {
    let path = env::var_os("KUBEVET_CONTROLPLANE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/bin/controlplane"),
        PathBuf::from,
    );
    if path.exists() {
        return Some(path);
    }
    not_run(
        test,
        &format!(
            "no control plane at {}: tests/kubernetes/README.md builds it",
            path.display()
        ),
    );
    None
}

/// Says, past the capture of test output, that a test was not run; under CI that is a failure.
pub(crate) fn not_run(test: &str, reason: &str) {
    let _ = writeln!(io::stderr(), "not run: {test}: {reason}");
    assert!(env::var_os("CI").is_none(), "not run: {test}: {reason}");
}
