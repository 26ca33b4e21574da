//! A control plane that is filled with objects, and whose objects change: `tests/kubernetes/cluster_sim`.

use crate::{
    build_output::go_binary,
    process::{self, ChildProcess},
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// The flags of an API server that has room for the Services of a large cluster.
pub const SERVER_FLAGS: &[&str] = &["--service-cluster-ip-range=10.96.0.0/16"];

/// The time for one object. It takes a twentieth of it on two cores.
const TIME_PER_OBJECT: Duration = Duration::from_millis(100);

/// A filled cluster. While it exists, Pods are run.
pub struct ClusterSimulation {
    binary: PathBuf,
    kubeconfig: PathBuf,
    /// The number of objects by the plural of their kind.
    pub report: Value,
    _child: ChildProcess,
}

/// The changes that were made.
#[derive(Debug)]
pub struct Churn {
    /// The changes that a result follows: `change` (`create` or `delete`), `uid`, and `time` in
    /// milliseconds.
    pub changes: Vec<Value>,
    /// The number of all changes by their kind.
    pub number: Value,
}

impl ClusterSimulation {
    /// Fills a cluster with about so many objects. `None` where the program was not built: the test is
    /// then reported as not run.
    pub fn fill(test: &str, kubeconfig: &Path, objects: u32, nodes: u32) -> Option<Self> {
        let binary = go_binary(test, "cluster_sim", "KUBEVET_CLUSTER_SIM")?;
        let mut command = Command::new(&binary);
        command
            .args(["fill", "-kubeconfig"])
            .arg(kubeconfig)
            .args(["-objects", &objects.to_string()])
            .args(["-nodes", &nodes.to_string()]);
        let mut child = ChildProcess::start(&mut command);
        let deadline = Instant::now() + TIME_PER_OBJECT * objects.max(600);
        while !child.stdout().ends_with('\n') {
            assert!(
                child.exit_status().is_none() && Instant::now() < deadline,
                "the cluster was not filled: {}",
                child.stderr()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let report = serde_json::from_str(&child.stdout()).expect("the report is JSON");
        Some(Self {
            binary,
            kubeconfig: kubeconfig.to_owned(),
            report,
            _child: child,
        })
    }

    /// Changes objects at a rate for a time, and returns when it is over.
    pub fn churn(&self, per_second: u32, lasting: Duration) -> Churn {
        let mut command = Command::new(&self.binary);
        command
            .args(["churn", "-kubeconfig"])
            .arg(&self.kubeconfig)
            .args(["-rate", &per_second.to_string()])
            .args(["-for", &format!("{}ms", lasting.as_millis())]);
        // Its stdin must stay open: it ends with it.
        let mut child = ChildProcess::start(&mut command);
        let deadline = Instant::now() + lasting + process::RUN_TIMEOUT;
        while child.exit_status().is_none() {
            assert!(Instant::now() < deadline, "{}", child.stderr());
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.stdout();
        let lines = output.lines();
        let mut changes: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect();
        let last = changes.pop().unwrap_or_default();
        assert!(last["changes"].is_object(), "{}", child.stderr());
        Churn {
            changes,
            number: last["changes"].clone(),
        }
    }
}
