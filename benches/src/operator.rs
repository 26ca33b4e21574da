//! `kubevet operator` on a simulated cluster: the time to the first full verdict, memory, CPU, and the
//! time from a change to its result. Beside it, in the same run, the reflectors of kube-rs over the
//! same kinds, which keep objects and evaluate nothing.

use crate::{process::Usage, sample::Samples, table};
use futures::StreamExt as _;
use kube::{
    Api, Client, Config, ResourceExt as _,
    api::{ApiResource, DynamicObject, GroupVersionKind},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{WatchStreamExt as _, reflector, watcher},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env, fs,
    future::ready,
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What is measured.
pub struct OperatorBench<'a> {
    pub kubevet: &'a str,
    pub controlplane: &'a str,
    pub cluster_sim: &'a str,
    pub objects: u32,
    /// Changes in a second.
    pub rate: u32,
    /// How long objects change.
    pub lasting: Duration,
}

/// The longest time for anything.
const TIMEOUT: Duration = Duration::from_secs(1_800);
/// Objects for each node.
const OBJECTS_PER_NODE: u32 = 200;
/// The time in which the last results of changes arrive.
const SETTLE: Duration = Duration::from_secs(10);

/// The kinds that reflectors keep: those that the controls of the framework `security` check.
const KINDS: &[(&str, &str, &str)] = &[
    ("", "v1", "Pod"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "Service"),
    ("", "v1", "Node"),
    ("", "v1", "PersistentVolume"),
    ("", "v1", "ReplicationController"),
    ("", "v1", "PodTemplate"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "ReplicaSet"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("batch", "v1", "Job"),
    ("batch", "v1", "CronJob"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("storage.k8s.io", "v1", "StorageClass"),
    ("argoproj.io", "v1alpha1", "Rollout"),
    ("serving.knative.dev", "v1", "Service"),
];

/// A process whose stdin is kept open, and that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command) -> Result<(Self, BufReader<ChildStdout>), String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let out = child.stdout.take().ok_or("no stdout")?;
        Ok((Self(child), BufReader::new(out)))
    }

    fn usage(&self) -> Result<Usage, String> {
        Usage::of(self.0.id()).map_err(|error| error.to_string())
    }
}

/// Reads a line; an error if the process has ended.
fn read_line(out: &mut impl std::io::BufRead, who: &str) -> Result<String, String> {
    let mut line = String::new();
    out.read_line(&mut line)
        .map_err(|error| error.to_string())?;
    if line.is_empty() {
        return Err(format!("{who} has ended"));
    }
    Ok(line.trim_end().to_owned())
}

/// Prints the rows of one size of cluster.
///
/// # Errors
/// A process does not start, or does not do its work.
pub fn run(bench: &OperatorBench<'_>) -> Result<(), String> {
    let dir = env::temp_dir().join(format!("kubevet-bench-operator-{}", std::process::id()));
    fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let outcome = measure(bench, &dir);
    let _ = fs::remove_dir_all(&dir);
    outcome
}

fn measure(bench: &OperatorBench<'_>, dir: &Path) -> Result<(), String> {
    let mut command = Command::new(bench.controlplane);
    // Room for many Services.
    command
        .arg(dir.join("data"))
        .arg("--service-cluster-ip-range=10.96.0.0/16");
    let (server, mut out) = Running::start(&mut command)?;
    let kubeconfig = PathBuf::from(read_line(&mut out, "the control plane")?);
    let mut command = Command::new(bench.cluster_sim);
    let nodes = (bench.objects / OBJECTS_PER_NODE).clamp(10, 500);
    command
        .args(["fill", "-kubeconfig"])
        .arg(&kubeconfig)
        .args(["-objects", &bench.objects.to_string()])
        .args(["-nodes", &nodes.to_string()]);
    let (_simulation, mut out) = Running::start(&mut command)?;
    let filled = read_line(&mut out, "cluster_sim")?;
    let filled: Value = serde_json::from_str(&filled).map_err(|error| error.to_string())?;
    let name = format!("cluster of {} objects", filled["objects"]);

    let operator = start_operator(bench, &kubeconfig, dir, &server, &name)?;
    let mut command = Command::new(env::current_exe().map_err(|error| error.to_string())?);
    command.arg("reflectors").arg(&kubeconfig);
    let begin = Instant::now();
    let (reflectors, mut out) = Running::start(&mut command)?;
    let kept = read_line(&mut out, "the reflectors")?;
    let mut time = Samples::default();
    time.add([nanos(begin.elapsed())]);
    table::print_times(
        &name,
        "kube-rs reflectors, synced",
        &time,
        None,
        &format!("{kept} objects"),
    );
    print_memory(
        &name,
        "kube-rs reflectors",
        &reflectors,
        "after the first list",
    )?;
    drop(reflectors);

    churn(bench, &kubeconfig, dir, &operator, &name)
}

/// Starts the operator, and prints what its first sweep costs.
fn start_operator(
    bench: &OperatorBench<'_>,
    kubeconfig: &Path,
    dir: &Path,
    server: &Running,
    name: &str,
) -> Result<Running, String> {
    let log = dir.join("results.jsonl");
    let mut command = Command::new(bench.kubevet);
    command
        .args(["operator", "--no-leader-election", "--log-results"])
        .arg(&log)
        .env("KUBECONFIG", kubeconfig)
        .env("XDG_STATE_HOME", dir.join("state"));
    let server_before = server.usage()?;
    let begin = Instant::now();
    let (operator, _) = Running::start(&mut command)?;
    let sweep = loop {
        if let Some(sweep) = lines(&log)?
            .into_iter()
            .find(|line| line["action"] == "sweep")
        {
            break sweep;
        }
        if begin.elapsed() > TIMEOUT {
            return Err("the operator has not read everything".to_owned());
        }
        thread::sleep(Duration::from_millis(5));
    };
    let mut time = Samples::default();
    time.add([nanos(begin.elapsed())]);
    let usage = operator.usage()?;
    let server_cpu = server.usage()?.cpu - server_before.cpu;
    let remarks = format!(
        "{} objects evaluated; CPU {:.2} s, and {:.2} s of the API server",
        sweep["objects"],
        usage.cpu.as_secs_f64(),
        server_cpu.as_secs_f64()
    );
    table::print_times(name, "first full verdict", &time, None, &remarks);
    print_memory(name, "operator", &operator, "after the first sweep")?;
    Ok(operator)
}

/// Changes objects, and prints how soon their results follow.
fn churn(
    bench: &OperatorBench<'_>,
    kubeconfig: &Path,
    dir: &Path,
    operator: &Running,
    name: &str,
) -> Result<(), String> {
    let mut command = Command::new(bench.cluster_sim);
    command
        .args(["churn", "-kubeconfig"])
        .arg(kubeconfig)
        .args(["-rate", &bench.rate.to_string()])
        .args(["-for", &format!("{}s", bench.lasting.as_secs())]);
    let before = operator.usage()?;
    let begin = Instant::now();
    let (churn, mut out) = Running::start(&mut command)?;
    let mut changes = String::new();
    out.read_to_string(&mut changes)
        .map_err(|error| error.to_string())?;
    drop(churn);
    let cpu = operator.usage()?.cpu - before.cpu;
    let percent = 100.0 * cpu.as_secs_f64() / begin.elapsed().as_secs_f64();
    let changes: Vec<Value> = changes
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let (total, changes) = changes.split_last().ok_or("cluster_sim made no change")?;
    let log = dir.join("results.jsonl");
    let settled = Instant::now();
    let (delays, missing) = loop {
        let (delays, missing) = delays(&lines(&log)?, changes);
        if missing == 0 || settled.elapsed() > SETTLE {
            break (delays, missing);
        }
        thread::sleep(Duration::from_millis(200));
    };
    let what = format!("{} changes a second", bench.rate);
    let remarks = format!(
        "{} followed, {missing} without a result; all: {}",
        changes.len(),
        total["changes"]
    );
    table::print_times(name, "change to written result", &delays, None, &remarks);
    table::print_figure(name, "operator, % of a core", percent, None, &what);
    print_memory(
        name,
        "operator",
        operator,
        &format!("after {} s of {what}", bench.lasting.as_secs()),
    )
}

/// The times from changes to their results, and the number of changes without one.
fn delays(lines: &[Value], changes: &[Value]) -> (Samples, usize) {
    // The first line of each object counts: it has been created, or is gone.
    let mut times: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for line in lines {
        if let (Some(action), Some(uid), Some(time)) = (
            line["action"].as_str(),
            line["uid"].as_str(),
            line["time"].as_u64(),
        ) {
            times.entry((action, uid)).or_insert(time);
        }
    }
    let mut delays = Samples::default();
    let mut missing = 0;
    for change in changes {
        let action = if change["change"] == "create" {
            "write"
        } else {
            "remove"
        };
        let (uid, changed_at) = (change["uid"].as_str(), change["time"].as_u64());
        match (uid.and_then(|uid| times.get(&(action, uid))), changed_at) {
            (Some(time), Some(changed_at)) => {
                delays.add([time.saturating_sub(changed_at) * 1_000_000]);
            }
            _ => missing += 1,
        }
    }
    (delays, missing)
}

/// The complete lines of a file of results.
fn lines(file: &Path) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let lines = complete.lines();
    lines
        .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
        .collect()
}

fn print_memory(name: &str, who: &str, process: &Running, when: &str) -> Result<(), String> {
    let usage = process.usage()?;
    let remarks = format!("{when}; {:.1} MiB then", usage.mebibytes);
    table::print_figure(
        name,
        &format!("{who}, peak MiB"),
        usage.peak_mebibytes,
        None,
        &remarks,
    );
    Ok(())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Keeps the objects of all kinds in reflectors, prints their number once all are listed, and goes on
/// until stdin ends.
///
/// # Errors
/// The API server cannot be reached.
pub fn reflectors(kubeconfig: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).map_err(|error| error.to_string())?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|error| error.to_string())?;
        let client = Client::try_from(config).map_err(|error| error.to_string())?;
        let mut stores = Vec::new();
        for (group, version, kind) in KINDS {
            let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
            let writer = reflector::store::Writer::new(kind);
            stores.push(writer.as_reader());
            let objects = reflector(writer, watcher(api, watcher::Config::default()));
            tokio::spawn(objects.applied_objects().for_each(|_| ready(())));
        }
        let mut kept = 0;
        for store in &stores {
            store
                .wait_until_ready()
                .await
                .map_err(|error| error.to_string())?;
            kept += store
                .state()
                .iter()
                .filter(|object| !object.name_any().is_empty())
                .count();
        }
        println!("{kept}");
        let mut rest = Vec::new();
        std::io::stdin()
            .read_to_end(&mut rest)
            .map_err(|error| error.to_string())?;
        Ok(())
    })
}
