//! `kubevet operator` against a real API server: results that come, change and go with their objects,
//! kinds that appear later, two replicas, and equality with a scan.

use kubevet_testkit::{
    build_output::kubevet_binary,
    control_plane::ControlPlane,
    polling::wait_for,
    process::{self, ChildProcess},
    webhook_process::free_port,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

const OBJECTS: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: cart, image: 'nginx:1.29', securityContext: {privileged: true}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report, namespace: shop}
spec:
  schedule: '0 0 1 1 *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: r, image: busybox}]}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {DB_PASSWORD: correct-horse-battery}
";

/// The definition of a kind of other software, whose pods are checked.
const ROLLOUTS: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.argoproj.io}
spec:
  group: argoproj.io
  scope: Namespaced
  names: {kind: Rollout, plural: rollouts, singular: rollout}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

const ROLLOUT: &str = r"
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: canary, namespace: shop}
spec:
  selector: {matchLabels: {app: canary}}
  template:
    metadata: {labels: {app: canary}}
    spec: {containers: [{name: c, image: x, securityContext: {privileged: true}}]}
";

/// A control plane with objects, and a folder for what operators write.
pub(crate) struct WatchedCluster {
    pub(crate) cluster: ControlPlane,
    pub(crate) dir: tempfile::TempDir,
}

impl WatchedCluster {
    /// `None` where no control plane was built.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let data = dir.path().join("data");
        let cluster = ControlPlane::isolated(test, &data, &["--throw-away"])?;
        let this = Self { cluster, dir };
        this.apply(OBJECTS);
        wait_for("the Pods of the Deployment", || {
            let pods = this.kubectl(&["get", "pods", "-n", "shop", "-o", "name"]);
            if pods.lines().count() == 2 {
                Ok(())
            } else {
                Err(pods)
            }
        });
        Some(this)
    }

    pub(crate) fn apply(&self, objects: &str) {
        self.cluster.kubectl(&["apply", "-f", "-"], objects).ok();
    }

    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        self.cluster.kubectl(args, "").ok()
    }

    pub(crate) fn operator(&self, replica: &str, args: &[&str]) -> Replica {
        self.operator_as(&self.cluster.kubeconfig(), replica, args)
    }

    /// Starts an operator with a store that only its environment names.
    pub(crate) fn operator_with_store(&self, replica: &str, store: &str, args: &[&str]) -> Replica {
        self.start_operator(&self.cluster.kubeconfig(), replica, Some(store), args)
    }

    /// Starts an operator with the rights of a kubeconfig.
    pub(crate) fn operator_as(&self, kubeconfig: &Path, replica: &str, args: &[&str]) -> Replica {
        self.start_operator(kubeconfig, replica, None, args)
    }

    fn start_operator(
        &self,
        kubeconfig: &Path,
        replica: &str,
        store: Option<&str>,
        args: &[&str],
    ) -> Replica {
        let log = self.dir.path().join(format!("{replica}.jsonl"));
        let mut command = Command::new(kubevet_binary());
        command
            .args(["operator", "--log-results"])
            .arg(&log)
            .args(args)
            .env("KUBECONFIG", kubeconfig)
            .env(
                "XDG_STATE_HOME",
                self.dir.path().join(format!("{replica}-state")),
            )
            .env_remove("STATE_DIRECTORY")
            .env_remove("KUBEVET_STORE")
            .envs(store.map(|store| ("KUBEVET_STORE", store)))
            .env("POD_NAME", replica);
        let child = ChildProcess::start(&mut command);
        Replica { log, child }
    }
}

/// A running operator.
pub(crate) struct Replica {
    log: PathBuf,
    pub(crate) child: ChildProcess,
}

impl Replica {
    /// The complete lines of results that it has written.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let lines = complete.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect()
    }

    /// The last result of each object that has one, by `Kind/name`.
    fn results(&self) -> BTreeMap<String, Value> {
        results(&self.lines())
    }

    /// Waits until the results are as wanted.
    #[track_caller]
    fn wait(&self, wanted: &str, holds: impl Fn(&BTreeMap<String, Value>) -> bool) {
        wait_for(wanted, || {
            let results = self.results();
            if holds(&results) {
                Ok(())
            } else {
                Err(format!("{results:#?}\n{}", self.child.stderr()))
            }
        });
    }

    /// Waits until it has finished a sweep.
    pub(crate) fn wait_for_sweep(&self) {
        wait_for("a sweep", || {
            let lines = self.lines();
            if lines.iter().any(|line| line["action"] == "sweep") {
                Ok(())
            } else {
                Err(self.child.stderr())
            }
        });
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_for(text, || {
            let log = self.child.stderr();
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    }
}

fn results(lines: &[Value]) -> BTreeMap<String, Value> {
    let mut by_uid: BTreeMap<&str, &Value> = BTreeMap::new();
    for line in lines {
        let uid = line["uid"].as_str().unwrap_or_default();
        match line["action"].as_str() {
            Some("write") => drop(by_uid.insert(uid, line)),
            Some("remove") => drop(by_uid.remove(uid)),
            _ => {}
        }
    }
    let named = by_uid.into_values().map(|line| {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        (format!("{}/{}", text("kind"), text("name")), line.clone())
    });
    named.collect()
}

/// The controls that a result fails.
pub(crate) fn failed(result: &Value) -> BTreeSet<String> {
    let failed = result["failed"].as_array().expect("a list").iter();
    failed
        .map(|id| id.as_str().expect("a string").to_owned())
        .collect()
}

fn fails(results: &BTreeMap<String, Value>, object: &str, control: &str) -> bool {
    let result = results.get(object);
    result.is_some_and(|result| failed(result).contains(control))
}

/// Returns status and body of a GET without TLS.
pub(crate) fn get(port: u16, path: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return (0, String::new());
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let read = stream.write_all(request.as_bytes());
    if read
        .and_then(|()| stream.read_to_string(&mut answer))
        .is_err()
    {
        return (0, answer);
    }
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.unwrap_or_default(), body.to_owned())
}

/// The value of a series in a scrape.
pub(crate) fn value(metrics: &str, series: &str) -> Option<f64> {
    let mut lines = metrics.lines();
    lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

pub(crate) const ALONE: &[&str] = &["--no-leader-election"];

#[test]
fn results_come_change_and_go_with_their_objects() {
    let Some(watched) = WatchedCluster::start("operator-follows") else {
        return;
    };
    let operator = watched.operator("only", ALONE);
    operator.wait_for_sweep();
    operator.wait("the Deployment fails", |results| {
        fails(results, "Deployment/cart", "C-0057")
    });
    // One result an owner: none of the ReplicaSet and its Pods.
    let owned = |results: &BTreeMap<String, Value>| {
        let mut names = results.keys();
        names.any(|name| name.starts_with("ReplicaSet/") || name.starts_with("Pod/cart"))
    };
    assert!(!owned(&operator.results()), "{:#?}", operator.results());

    watched.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: bad, namespace: shop}, \
         spec: {containers: [{name: c, image: x, securityContext: {privileged: true}}]}}",
    );
    operator.wait("a result comes", |results| {
        fails(results, "Pod/bad", "C-0057")
    });
    watched.apply(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: b}}",
    );
    operator.wait("a result changes", |results| {
        results.contains_key("ConfigMap/settings")
            && !fails(results, "ConfigMap/settings", "C-0012")
    });
    watched.kubectl(&["delete", "pod", "bad", "-n", "shop", "--force"]);
    operator.wait("a result vanishes", |results| {
        !results.contains_key("Pod/bad")
    });

    // A new revision of the Deployment is no result of its own.
    let patch =
        "[{\"op\": \"remove\", \"path\": \"/spec/template/spec/containers/0/securityContext\"}]";
    watched.kubectl(&[
        "patch",
        "deployment",
        "cart",
        "-n",
        "shop",
        "--type",
        "json",
        "-p",
        patch,
    ]);
    operator.wait("the Deployment is repaired", |results| {
        !fails(results, "Deployment/cart", "C-0057")
    });
    watched.kubectl(&["delete", "deployment", "cart", "-n", "shop"]);
    operator.wait("nothing of the Deployment is left", |results| {
        !results.contains_key("Deployment/cart") && !owned(results)
    });
}

#[test]
fn kind_of_other_software_is_read_once_it_is_defined() {
    let Some(watched) = WatchedCluster::start("operator-definition") else {
        return;
    };
    let operator = watched.operator("only", ALONE);
    operator.wait_for_sweep();
    watched.apply(ROLLOUTS);
    watched.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd/rollouts.argoproj.io",
    ]);
    watched.apply(ROLLOUT);
    operator.wait("the Rollout fails", |results| {
        fails(results, "Rollout/canary", "C-0057")
    });
    watched.kubectl(&["delete", "crd", "rollouts.argoproj.io"]);
    operator.wait("its result is gone", |results| {
        !results.contains_key("Rollout/canary")
    });
    // The rest is as before, and it comes again.
    assert!(operator.results().contains_key("Deployment/cart"));
    watched.apply(ROLLOUTS);
    watched.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd/rollouts.argoproj.io",
    ]);
    watched.apply(ROLLOUT);
    operator.wait("the Rollout fails again", |results| {
        fails(results, "Rollout/canary", "C-0057")
    });
}

#[test]
fn results_are_those_of_a_scan() {
    let Some(watched) = WatchedCluster::start("operator-equal") else {
        return;
    };
    let operator = watched.operator("only", &["--no-leader-election", "--all"]);
    operator.wait_for_sweep();
    let mut command = Command::new(kubevet_binary());
    command
        .args(["scan", "cluster", "--all", "-f", "json"])
        .env("KUBECONFIG", watched.cluster.kubeconfig());
    let scan = process::run(&mut command, "");
    let report: Value = serde_json::from_str(&scan.stdout).expect("the report is JSON");
    let mut scanned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in report["findings"].as_array().expect("a list") {
        let object = &finding["object"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!(
            "{} {}/{}",
            text(&object["kind"]),
            text(&object["namespace"]),
            text(&object["name"])
        );
        let id = text(&finding["control"]);
        scanned.entry(name).or_default().insert(id);
    }
    let operated = || -> BTreeMap<String, BTreeSet<String>> {
        let results = operator.lines();
        let results = results_by_uid(&results);
        let results = results.into_iter().map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            let name = format!("{} {}/{}", text("kind"), text("namespace"), text("name"));
            (name, failed(&line))
        });
        results.filter(|(_, failed)| !failed.is_empty()).collect()
    };
    wait_for("equal results", || {
        let operated = operated();
        if operated == scanned {
            Ok(())
        } else {
            let differing: Vec<_> = operated
                .iter()
                .filter(|(name, failed)| scanned.get(*name) != Some(failed))
                .collect();
            Err(format!(
                "{differing:#?}\nof {} and {}",
                operated.len(),
                scanned.len()
            ))
        }
    });
}

pub(crate) fn results_by_uid(lines: &[Value]) -> Vec<Value> {
    let mut by_uid: BTreeMap<&str, &Value> = BTreeMap::new();
    for line in lines {
        let uid = line["uid"].as_str().unwrap_or_default();
        match line["action"].as_str() {
            Some("write") => drop(by_uid.insert(uid, line)),
            Some("remove") => drop(by_uid.remove(uid)),
            _ => {}
        }
    }
    by_uid.into_values().cloned().collect()
}

/// Creates a ConfigMap with a finding.
fn create(watched: &WatchedCluster, name: &str) {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"},
        "data": {"DB_PASSWORD": "correct-horse-battery"},
    });
    watched.apply(&object.to_string());
}

/// The time of the first or last line of results, in milliseconds.
fn times(replica: &Replica) -> (u64, u64) {
    let lines = replica.lines();
    let times = lines.iter().filter_map(|line| line["time"].as_u64());
    (
        times.clone().min().expect("a line"),
        times.max().expect("a line"),
    )
}

#[test]
fn standby_takes_over_when_the_leader_is_killed_and_only_one_writes() {
    let Some(watched) = WatchedCluster::start("operator-replicas") else {
        return;
    };
    let args = ["--lease-namespace", "shop"];
    let first = watched.operator("first", &args);
    first.wait_for_sweep();
    let second = watched.operator("second", &args);
    second.wait_for_log("the sweep has ended");
    create(&watched, "before");
    let has = |name: &str| {
        let name = format!("ConfigMap/{name}");
        move |results: &BTreeMap<String, Value>| results.contains_key(&name)
    };
    first.wait("the leader writes", has("before"));
    assert_eq!(second.lines(), [] as [Value; 0]);

    // The leader stands still for longer than its Lease: it must not write when it goes on.
    first.child.signal("STOP");
    let stopped = std::time::SystemTime::now();
    create(&watched, "meanwhile");
    second.wait("the standby writes", has("meanwhile"));
    let took = stopped.elapsed().expect("time goes on");
    assert!(took.as_secs() < 20, "{took:?}");
    let before = first.lines().len();
    first.child.signal("CONT");
    create(&watched, "after");
    second.wait("the new leader writes", has("after"));
    first.wait_for_log("does not lead any more");
    create(&watched, "later");
    second.wait("the new leader writes on", has("later"));
    assert_eq!(first.lines().len(), before, "{}", first.child.stderr());

    // The leader is killed: the one before leads again.
    second.child.signal("KILL");
    let killed = std::time::SystemTime::now();
    create(&watched, "last");
    first.wait("the first replica writes again", has("last"));
    let took = killed.elapsed().expect("time goes on");
    assert!(took.as_secs() < 20, "{took:?}");
    // The times of the second replica are between two lines of the first one.
    let (begin, end) = times(&second);
    let lines = first.lines();
    let within = lines
        .iter()
        .filter_map(|line| line["time"].as_u64())
        .filter(|time| (begin..=end).contains(time));
    assert_eq!(within.count(), 0);

    // One that ends gives up its Lease.
    let third = watched.operator("third", &args);
    third.wait_for_log("the sweep has ended");
    first.child.signal("TERM");
    let ended = std::time::SystemTime::now();
    third.wait_for_log("this replica leads");
    let took = ended.elapsed().expect("time goes on");
    assert!(took.as_secs() < 8, "{took:?}");
}

#[test]
fn health_and_metrics_tell_the_state() {
    let Some(watched) = WatchedCluster::start("operator-metrics") else {
        return;
    };
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let operator = watched.operator(
        "only",
        &["--no-leader-election", "--metrics-listen", &listen],
    );
    operator.wait_for_sweep();
    wait_for("readiness", || match get(port, "/readyz") {
        (200, _) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(get(port, "/livez"), (200, "ok\n".to_owned()));
    create(&watched, "changed");
    operator.wait("a result", |results| {
        results.contains_key("ConfigMap/changed")
    });
    let expected: &[(&str, f64)] = &[
        ("kubevet_operator_leader", 1.0),
        (
            "kubevet_operator_objects{group=\"apps\",kind=\"Deployment\"}",
            1.0,
        ),
        (
            "kubevet_operator_watches{group=\"apps\",kind=\"Deployment\"}",
            1.0,
        ),
        (
            "kubevet_operator_failed_watches{group=\"apps\",kind=\"Deployment\"}",
            0.0,
        ),
        ("kubevet_operator_sweeps_total{reason=\"start\"}", 1.0),
        (
            "kubevet_operator_not_evaluated_controls{why=\"unread\"}",
            0.0,
        ),
        ("kubevet_operator_queued_changes", 0.0),
    ];
    let positive = [
        "kubescape_controls_total_cluster_critical",
        "kubescape_controls_total_namespace_critical{namespace=\"shop\"}",
        "kubevet_operator_compliance_percent{framework=\"security\"}",
        "kubevet_operator_coverage_percent{framework=\"security\"}",
        "kubevet_operator_evaluated_objects_total",
        "kubevet_operator_lag_seconds_count",
        "kubevet_operator_last_sweep_timestamp_seconds",
        "kubevet_operator_sink_calls_total{sink=\"log\",result=\"written\"}",
    ];
    wait_for("the metrics", || {
        let (_, metrics) = get(port, "/metrics");
        let differing = expected
            .iter()
            .filter(|(series, expected)| value(&metrics, series) != Some(*expected))
            .map(|(series, _)| *series);
        let missing = positive
            .iter()
            .copied()
            .filter(|series| value(&metrics, series).is_none_or(|value| value <= 0.0));
        let wrong: Vec<&str> = differing.chain(missing).collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("{wrong:#?}\n{metrics}"))
        }
    });
}

#[test]
fn kind_that_may_not_be_read_is_named_and_read_once_it_may() {
    let Some(watched) = WatchedCluster::start("operator-rights") else {
        return;
    };
    watched.kubectl(&["create", "serviceaccount", "reader", "-n", "shop"]);
    let grant = |resources: &str| {
        watched.apply(&format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: reader}}, rules: [
                {{apiGroups: ['*'], resources: [{resources}], verbs: [get, list, watch]}}]}}"
        ));
    };
    let without_config_maps = "pods, namespaces, deployments, replicasets";
    grant(without_config_maps);
    let binding = [
        "create",
        "clusterrolebinding",
        "reader",
        "--clusterrole=reader",
        "--serviceaccount=shop:reader",
    ];
    watched.kubectl(&binding);
    let token = watched.kubectl(&["create", "token", "reader", "-n", "shop"]);
    let view = ["config", "view", "--raw", "--minify", "-o", "json"];
    let mut config: Value = serde_json::from_str(&watched.kubectl(&view)).expect("it is JSON");
    config["users"][0]["user"] = json!({"token": token.trim()});
    let kubeconfig = watched.dir.path().join("reader.kubeconfig");
    fs::write(&kubeconfig, config.to_string()).expect("it can be written");
    let args = ["--no-leader-election", "--control", "C-0012,C-0057"];
    let operator = watched.operator_as(&kubeconfig, "reader", &args);
    operator.wait_for_sweep();
    let unread = |lines: &[Value]| -> BTreeSet<String> {
        let sweep = lines.iter().rfind(|line| line["action"] == "sweep");
        let unread = sweep.expect("a sweep")["unread"]
            .as_array()
            .expect("a list");
        let places = unread
            .iter()
            .map(|unread| unread["place"].as_str().expect("a place"));
        places.map(str::to_owned).collect()
    };
    let places = unread(&operator.lines());
    assert!(places.contains("ConfigMap"), "{places:?}");
    assert!(!places.contains("Deployment of apps"), "{places:?}");
    assert!(fails(&operator.results(), "Deployment/cart", "C-0057"));
    grant(&format!("{without_config_maps}, configmaps"));
    operator.wait("the ConfigMap is read", |results| {
        fails(results, "ConfigMap/settings", "C-0012")
    });
}
