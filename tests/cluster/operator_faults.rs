//! `kubevet operator` while things go wrong: between it and the API server (a proxy with scripted
//! faults), with the API server, with the objects, with other replicas and with the clock.
//!
//! Objects change during each fault. After it, the results equal those of a new scan of the cluster.
//! One control plane serves all tests, each of which has a namespace.

use crate::operator_process::{FailedObjects, OperatorProcess, scan};
use kubevet_testkit::{
    control_plane::ControlPlane, fault_proxy::FaultProxy, polling::wait_for, skip::not_run,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::SystemTime,
};

const OBJECTS: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, labels: {app: cart}}
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
metadata: {name: report}
spec:
  schedule: '0 0 1 1 *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: r, image: busybox}]}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {DB_PASSWORD: correct-horse-battery}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: keys}
data: {API_TOKEN: correct-horse-battery}
";

const ALONE: &[&str] = &["--no-leader-election"];

/// The control plane of all faults. Whoever disturbs others takes it alone.
static CONTROL_PLANE: OnceLock<Option<RwLock<ControlPlane>>> = OnceLock::new();

fn control_plane(test: &str) -> Option<&'static RwLock<ControlPlane>> {
    let started = CONTROL_PLANE.get_or_init(|| {
        // A static is never dropped: the control plane removes the folder itself.
        let dir = tempfile::Builder::new().prefix("faults-").tempdir();
        let dir = dir.expect("a folder can be made").keep();
        let cluster = ControlPlane::isolated(test, &dir, &["--throw-away"])?;
        Some(RwLock::new(cluster))
    });
    started.as_ref()
}

/// A namespace with objects, and a folder for files.
struct Scene {
    kubeconfig: PathBuf,
    namespace: String,
    dir: tempfile::TempDir,
    cluster: RwLockReadGuard<'static, ControlPlane>,
}

impl Scene {
    /// `None` where no control plane was built.
    fn start(test: &str) -> Option<Self> {
        let cluster = control_plane(test)?;
        let cluster = cluster.read().unwrap_or_else(PoisonError::into_inner);
        let scene = Self {
            kubeconfig: cluster.kubeconfig(),
            namespace: format!("fault-{test}"),
            dir: tempfile::tempdir().expect("a folder can be made"),
            cluster,
        };
        make_namespace(&scene.cluster, &scene.namespace);
        Some(scene)
    }

    fn proxy(&self) -> Option<FaultProxy> {
        let dir = self.dir.path().join("proxy");
        FaultProxy::start(&self.namespace, &self.kubeconfig, &dir)
    }

    fn operator(&self, kubeconfig: &Path, replica: &str, args: &[&str]) -> OperatorProcess {
        OperatorProcess::start(kubeconfig, self.dir.path(), replica, args)
    }

    fn kubectl(&self, args: &[&str]) -> String {
        let args = [&["-n", &self.namespace], args].concat();
        self.cluster.kubectl(&args, "").ok()
    }

    fn create(&self, object: &Value) {
        let args = ["-n", &self.namespace, "create", "-f", "-"];
        self.cluster.kubectl(&args, &object.to_string()).ok();
    }

    /// Creates, changes and deletes objects; each time differently.
    fn change(&self, round: &str) {
        change(&self.cluster, &self.namespace, round);
    }

    /// Waits until the results of the namespace are those of a new scan.
    #[track_caller]
    fn wait_until_equal(&self, operator: &OperatorProcess) -> FailedObjects {
        wait_until_equal(&self.kubeconfig, &self.namespace, operator)
    }
}

fn make_namespace(cluster: &ControlPlane, namespace: &str) {
    cluster
        .kubectl(&["create", "namespace", namespace], "")
        .ok();
    // No Pod is made before a controller has created the service account of the namespace.
    let apply = ["-n", namespace, "apply", "-f", "-"];
    cluster.kubectl(&apply, OBJECTS).ok();
    wait_for("the Pods of the Deployment", || {
        let pods = cluster.kubectl(&["-n", namespace, "get", "pods", "-o", "name"], "");
        let pods = pods.ok();
        if pods.lines().count() == 2 {
            Ok(())
        } else {
            Err(pods)
        }
    });
}

fn change(cluster: &ControlPlane, namespace: &str, round: &str) {
    let kubectl = |args: &[&str], stdin: &str| {
        cluster
            .kubectl(&[&["-n", namespace], args].concat(), stdin)
            .ok();
    };
    kubectl(
        &["create", "-f", "-"],
        &config_map(&format!("new-{round}")).to_string(),
    );
    // Settings are repaired and broken in turn, the keys deleted and created again.
    let is_first = round == "first";
    let password = if is_first {
        json!(null)
    } else {
        json!("correct-horse-battery")
    };
    let patch = json!({"data": {"DB_PASSWORD": password, "COLOUR": "green"}}).to_string();
    kubectl(
        &[
            "patch",
            "configmap",
            "settings",
            "--type",
            "merge",
            "-p",
            &patch,
        ],
        "",
    );
    if is_first {
        kubectl(&["delete", "configmap", "keys"], "");
    } else {
        kubectl(&["create", "-f", "-"], &config_map("keys").to_string());
    }
    let suspend = json!({"spec": {"suspend": is_first}}).to_string();
    kubectl(
        &[
            "patch", "cronjob", "report", "--type", "merge", "-p", &suspend,
        ],
        "",
    );
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"DB_PASSWORD": "correct-horse-battery"}})
}

#[track_caller]
fn wait_until_equal(
    kubeconfig: &Path,
    namespace: &str,
    operator: &OperatorProcess,
) -> FailedObjects {
    let expected = scan(kubeconfig, Some(namespace), &[]);
    operator.wait_for_failures(Some(namespace), &expected);
    expected
}

fn wait_until_applied(proxy: &FaultProxy, rule: &str, times: usize, operator: &OperatorProcess) {
    wait_for(rule, || {
        let applied = proxy.applied(rule);
        if applied >= times {
            return Ok(());
        }
        Err(format!(
            "applied to {applied} requests\n{}",
            operator.child.stderr()
        ))
    });
}

/// A fault between operator and API server: a rule, and the number of requests that it must have
/// applied to before it ends.
type Fault<'a> = (&'a str, usize);

/// Runs an operator through faults while it reads everything first, and through others while it
/// watches: all watches are broken then, and objects change. The name of each rule is `fault`.
fn check(test: &str, at_start: Fault<'_>, later: Fault<'_>) {
    let Some(scene) = Scene::start(test) else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    proxy.set_rules(&[at_start.0]);
    let operator = scene.operator(proxy.kubeconfig(), "only", ALONE);
    wait_until_applied(&proxy, "fault", at_start.1, &operator);
    scene.change("first");
    proxy.set_rules(&[]);
    let expected = scene.wait_until_equal(&operator);
    let new = format!("ConfigMap {}/new-first", scene.namespace);
    assert!(expected.contains_key(&new), "{expected:#?}");

    proxy.set_rules(&[later.0]);
    proxy.cut();
    scene.change("second");
    wait_until_applied(&proxy, "fault", later.1, &operator);
    proxy.set_rules(&[]);
    scene.wait_until_equal(&operator);
}

#[test]
fn expired_watches() {
    let gone = "{name: fault, verb: watch, times: 40, status: 410}";
    let gone_inside = "{name: fault, verb: watch, times: 40, goneAfter: 0}";
    check("expired-watches", (gone, 20), (gone_inside, 20));
}

#[test]
fn storm_of_429() {
    let storm = "{name: fault, times: 12, status: 429, retryAfter: 1}";
    check("storm-429", (storm, 3), (storm, 3));
}

#[test]
fn server_errors() {
    let lists = "{name: fault, verb: list, times: 12, status: 500}";
    let watches = "{name: fault, verb: watch, times: 30, status: 503}";
    check("errors-5xx", (lists, 12), (watches, 20));
    let unavailable = "{name: fault, verb: list, times: 8, status: 503, retryAfter: 1}";
    let failing = "{name: fault, verb: watch, times: 40, failAfter: 0}";
    check("errors-in-watches", (unavailable, 2), (failing, 20));
}

#[test]
fn watches_that_are_cut_off() {
    let cut = "{name: fault, verb: watch, times: 60, cutAfter: 1}";
    let cut_inside = "{name: fault, verb: watch, resource: configmaps, times: 3, endAfter: 1}";
    check("cut-watches", (cut, 0), (cut_inside, 1));
    let garbage = "{name: fault, verb: watch, resource: configmaps, times: 3, garbageAfter: 1}";
    let twice = "{name: fault, verb: watch, twice: true, noBookmarks: true}";
    check("garbage-in-watches", (twice, 0), (garbage, 1));
}

#[test]
fn slow_pages() {
    let slow = "{name: fault, verb: list, delay: 300ms, pace: 20ms}";
    let slow_watches = "{name: fault, verb: watch, delay: 2s, pace: 100ms, times: 30}";
    check("slow-pages", (slow, 10), (slow_watches, 0));
}

#[test]
fn pages_that_are_cut_off() {
    let truncated = "{name: fault, verb: list, group: core, times: 3, endAfter: 200}";
    let broken = "{name: fault, verb: list, times: 20, cutAfter: 100}";
    let gone = "{name: fault, verb: watch, times: 20, status: 410}";
    check("cut-pages", (truncated, 3), (gone, 10));
    check("broken-pages", (broken, 10), (gone, 10));
}

#[test]
fn connections_that_the_server_gives_up() {
    let goaway = "{name: fault, goaway: true}";
    check("goaway", (goaway, 20), (goaway, 0));
}

#[test]
fn server_that_is_behind() {
    let Some(scene) = Scene::start("behind") else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    // The first list of ConfigMaps is given again after it has changed, since their watch expires.
    proxy.set_rules(&[
        "{name: old, verb: list, resource: configmaps, replay: true}",
        "{name: gone, verb: watch, resource: configmaps, skip: 1, times: 1, status: 410}",
    ]);
    let operator = scene.operator(proxy.kubeconfig(), "only", ALONE);
    operator.wait_for_sweep();
    scene.change("first");
    scene.wait_until_equal(&operator);
    proxy.cut();
    wait_until_applied(&proxy, "old", 2, &operator);
    scene.wait_until_equal(&operator);
    proxy.set_rules(&[]);
    scene.change("second");
    scene.wait_until_equal(&operator);
    // Versions that the API server does not have any more.
    proxy.set_rules(&["{name: old, verb: watch, times: 20, setVersion: '1'}"]);
    proxy.cut();
    wait_until_applied(&proxy, "old", 20, &operator);
    scene.kubectl(&["delete", "configmap", "new-first"]);
    scene.wait_until_equal(&operator);
}

#[test]
fn kinds_that_may_not_be_read() {
    let Some(scene) = Scene::start("forbidden") else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    let forbid = |verb: &str, resource: &str| {
        format!("{{name: {resource}, verb: {verb}, resource: {resource}, status: 403}}")
    };
    let (config_maps, cron_jobs) = (forbid("list", "configmaps"), forbid("list", "cronjobs"));
    proxy.set_rules(&[&config_maps, &cron_jobs]);
    let operator = scene.operator(proxy.kubeconfig(), "only", ALONE);
    operator.wait_for_sweep();
    let sweep = operator.last_sweep().expect("a sweep");
    let unread = sweep["unread"].as_array().expect("a list").iter();
    let kinds: BTreeSet<&str> = unread
        .map(|unread| unread["place"].as_str().expect("a place"))
        .map(|place| place.split(' ').next().unwrap_or_default())
        .collect();
    assert_eq!(kinds, BTreeSet::from(["ConfigMap", "CronJob"]), "{sweep:#}");
    // The rest is as in a scan.
    let mut expected = scan(&scene.kubeconfig, Some(&scene.namespace), &[]);
    expected.retain(|name, _| !name.starts_with("ConfigMap") && !name.starts_with("CronJob"));
    assert!(!expected.is_empty());
    operator.wait_for_failures(Some(&scene.namespace), &expected);
    proxy.set_rules(&[]);
    scene.wait_until_equal(&operator);

    // A right that is taken away while it watches: results stay, and are right once it is given back.
    let (watch, list) = (forbid("watch", "configmaps"), forbid("list", "configmaps"));
    proxy.set_rules(&[&watch, &list]);
    proxy.cut();
    scene.change("first");
    wait_until_applied(&proxy, "configmaps", 1, &operator);
    let keys = format!("ConfigMap {}/keys", scene.namespace);
    assert!(operator.failed_objects().contains_key(&keys));
    proxy.set_rules(&[]);
    let expected = scene.wait_until_equal(&operator);
    assert!(!expected.contains_key(&keys));
}

#[test]
fn lists_of_all_namespaces_that_may_not_be_read() {
    let Some(scene) = Scene::start("namespaces") else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    let places = [
        "configmaps",
        "deployments",
        "replicasets",
        "pods",
        "cronjobs",
    ]
    .map(|resource| {
        format!("{{name: all, verb: list, resource: {resource}, namespace: '*all*', status: 403}}")
    });
    let rules: Vec<&str> = places.iter().map(String::as_str).collect();
    proxy.set_rules(&rules);
    let operator = scene.operator(proxy.kubeconfig(), "only", ALONE);
    operator.wait_for_sweep();
    scene.wait_until_equal(&operator);
    scene.change("first");
    scene.wait_until_equal(&operator);
    scene.kubectl(&["delete", "namespace", &scene.namespace]);
    operator.wait_for_failures(Some(&scene.namespace), &FailedObjects::new());
}

#[test]
fn expired_continue_tokens() {
    let Some(scene) = Scene::start("continue") else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    // More than a page of them.
    let items: Vec<Value> = (0..300)
        .map(|number| config_map(&format!("c{number}")))
        .collect();
    scene.create(&json!({"apiVersion": "v1", "kind": "List", "items": items}));
    let rule = "{name: fault, verb: list, resource: configmaps, query: 'continue=', times: 2, expireContinue: true}";
    proxy.set_rules(&[rule]);
    let operator = scene.operator(proxy.kubeconfig(), "only", ALONE);
    wait_until_applied(&proxy, "fault", 1, &operator);
    let expected = scene.wait_until_equal(&operator);
    assert!(expected.len() > 300, "{}", expected.len());
    // The token expires while watches that have expired are listed again.
    let gone = "{name: gone, verb: watch, resource: configmaps, times: 1, status: 410}";
    proxy.set_rules(&[rule, gone]);
    proxy.cut();
    scene.change("first");
    scene.kubectl(&["delete", "configmap", "c0", "c299"]);
    wait_until_applied(&proxy, "fault", 1, &operator);
    scene.wait_until_equal(&operator);
}

#[test]
fn token_that_is_replaced() {
    let Some(scene) = Scene::start("token") else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    let operator = scene.operator(proxy.kubeconfig(), "only", ALONE);
    operator.wait_for_sweep();
    scene.change("first");
    scene.wait_until_equal(&operator);
    proxy.set_rules(&[]);
    proxy.rotate_token();
    proxy.cut();
    scene.change("second");
    wait_until_applied(&proxy, "token", 1, &operator);
    // The file with the token is read again within a minute.
    wait_for("a request with the new token", || {
        let log = proxy.log();
        let is_answered = log
            .iter()
            .skip_while(|entry| entry["rule"] != "token")
            .any(|entry| entry["code"] == 200);
        if is_answered {
            Ok(())
        } else {
            Err(operator.child.stderr())
        }
    });
    scene.wait_until_equal(&operator);
}

#[test]
fn api_server_that_is_killed_and_started_again() {
    let test = "restart";
    let Some(cluster) = control_plane(test) else {
        return;
    };
    let mut cluster: RwLockWriteGuard<'_, ControlPlane> =
        cluster.write().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().expect("a folder can be made");
    let namespace = format!("fault-{test}");
    make_namespace(&cluster, &namespace);
    let kubeconfig = cluster.kubeconfig();
    let operator = OperatorProcess::start(&kubeconfig, dir.path(), "only", ALONE);
    wait_until_equal(&kubeconfig, &namespace, &operator);
    change(&cluster, &namespace, "first");
    cluster.restart(|| operator.wait_for_log("trying again"));
    change(&cluster, &namespace, "second");
    wait_until_equal(&kubeconfig, &namespace, &operator);
}

/// The library that lets a test set the clock of a process; Debian's package `faketime`.
fn clock_library(test: &str) -> Option<PathBuf> {
    let folder = format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH);
    let library = Path::new(&folder).join("libfaketimeMT.so.1");
    if !library.exists() {
        not_run(test, "no libfaketime (Debian's package `faketime`)");
        return None;
    }
    Some(library)
}

#[test]
fn clock_that_jumps() {
    let Some(library) = clock_library("clock") else {
        return;
    };
    let Some(scene) = Scene::start("clock") else {
        return;
    };
    let clock = scene.dir.path().join("clock");
    let set_clock = |offset: &str| {
        let new = scene.dir.path().join("clock.new");
        std::fs::write(&new, offset).expect("it can be written");
        std::fs::rename(&new, &clock).expect("it can be renamed");
    };
    set_clock("+0");
    let args = ["--lease-namespace", &scene.namespace];
    let operator = OperatorProcess::start_with(
        &scene.kubeconfig,
        scene.dir.path(),
        "only",
        &args,
        |command| {
            command
                .env("LD_PRELOAD", &library)
                .env("FAKETIME_TIMESTAMP_FILE", &clock)
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        },
    );
    operator.wait_for_sweep();
    scene.wait_until_equal(&operator);
    // A day ahead: a sweep is due, and nothing is written until the Lease is renewed.
    set_clock("+1d");
    scene.change("first");
    operator.wait_for_log("reason=\"schedule\"");
    scene.wait_until_equal(&operator);
    // Back by two days.
    set_clock("-1d");
    scene.change("second");
    scene.wait_until_equal(&operator);
}

/// The times of the lines that a replica has written, in milliseconds.
fn times(replica: &OperatorProcess) -> Vec<u64> {
    let lines = replica.lines();
    lines
        .iter()
        .filter_map(|line| line["time"].as_u64())
        .collect()
}

/// Starts two replicas, of which the first one leads.
fn replicas(scene: &Scene, first: &Path) -> (OperatorProcess, OperatorProcess) {
    let args = ["--lease-namespace", &scene.namespace];
    let first = scene.operator(first, "first", &args);
    first.wait_for_sweep();
    let second = scene.operator(&scene.kubeconfig, "second", &args);
    second.wait_for_log("the sweep has ended");
    scene.wait_until_equal(&first);
    assert_eq!(second.lines(), [] as [Value; 0]);
    (first, second)
}

#[test]
fn leader_that_is_killed() {
    let Some(scene) = Scene::start("killed") else {
        return;
    };
    let (first, second) = replicas(&scene, &scene.kubeconfig);
    first.child.signal("KILL");
    let killed = SystemTime::now();
    scene.change("first");
    second.wait_for_log("this replica leads");
    let took = killed.elapsed().expect("time goes on");
    assert!(took.as_secs() < 20, "{took:?}");
    scene.wait_until_equal(&second);
    assert!(times(&first).iter().max() < times(&second).iter().min());
}

#[test]
fn leader_that_is_cut_off_from_the_api_server() {
    let Some(scene) = Scene::start("partition") else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    let (first, second) = replicas(&scene, proxy.kubeconfig());
    proxy.stop();
    let stopped = SystemTime::now();
    scene.change("first");
    second.wait_for_log("this replica leads");
    let took = stopped.elapsed().expect("time goes on");
    assert!(took.as_secs() < 20, "{took:?}");
    first.wait_for_log("does not lead any more");
    scene.wait_until_equal(&second);
    let written = first.lines().len();
    proxy.go_on();
    // It sees all changes, and writes none of them.
    scene.change("second");
    scene.wait_until_equal(&second);
    assert!(times(&first).iter().max() < times(&second).iter().min());
    assert_eq!(first.lines().len(), written, "{}", first.child.stderr());
    // It takes over again, with results of everything that it has missed.
    second.child.signal("TERM");
    wait_for("the results of the first replica", || {
        let is_more = first.lines().len() > written;
        if is_more {
            Ok(())
        } else {
            Err(first.child.stderr())
        }
    });
    scene.wait_until_equal(&first);
}

#[test]
fn namespace_that_is_deleted_while_it_is_read() {
    let Some(scene) = Scene::start("deleted") else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    // Pods and ConfigMaps are listed before the deletion, and what is slow after it.
    let slow = "{name: slow, verb: list, resource: deployments, delay: 3s}";
    let slow_watches = "{name: slow, verb: watch, delay: 1s, times: 20}";
    proxy.set_rules(&[slow, slow_watches]);
    let operator = scene.operator(proxy.kubeconfig(), "only", ALONE);
    operator.wait_for_log("a sweep begins");
    scene.kubectl(&["delete", "namespace", &scene.namespace, "--wait=false"]);
    operator.wait_for_sweep();
    wait_for("the end of the namespace", || {
        let namespaces = scene
            .cluster
            .kubectl(&["get", "namespaces", "-o", "name"], "");
        let namespaces = namespaces.ok();
        if namespaces.contains(&scene.namespace) {
            Err(namespaces)
        } else {
            Ok(())
        }
    });
    operator.wait_for_failures(Some(&scene.namespace), &FailedObjects::new());
}

#[test]
fn definition_that_is_removed_and_comes_back() {
    let Some(scene) = Scene::start("definition") else {
        return;
    };
    let Some(proxy) = scene.proxy() else { return };
    let definition = |version: &str| {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "rollouts.argoproj.io"},
            "spec": {
                "group": "argoproj.io", "scope": "Namespaced",
                "names": {"kind": "Rollout", "plural": "rollouts", "singular": "rollout"},
                "versions": [{"name": version, "served": true, "storage": true, "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
            },
        })
    };
    let define = |version: &str| {
        scene.create(&definition(version));
        scene.kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd/rollouts.argoproj.io",
        ]);
        let rollout = json!({
            "apiVersion": format!("argoproj.io/{version}"), "kind": "Rollout", "metadata": {"name": "canary"},
            "spec": {"selector": {"matchLabels": {"app": "canary"}}, "template": {
                "metadata": {"labels": {"app": "canary"}},
                "spec": {"containers": [{"name": "c", "image": "x", "securityContext": {"privileged": true}}]}}},
        });
        wait_for("the new kind", || {
            let args = ["-n", &scene.namespace, "create", "-f", "-"];
            let created = scene.cluster.kubectl(&args, &rollout.to_string());
            if created.code == 0 {
                Ok(())
            } else {
                Err(created.stderr)
            }
        });
    };
    let rollout = format!("Rollout {}/canary", scene.namespace);
    let operator = scene.operator(proxy.kubeconfig(), "only", ALONE);
    operator.wait_for_sweep();
    define("v1alpha1");
    assert!(scene.wait_until_equal(&operator).contains_key(&rollout));
    // It is removed while the API server answers every list of it by an error.
    proxy.set_rules(&["{name: fault, resource: rollouts, status: 500}"]);
    proxy.cut();
    scene.kubectl(&["delete", "crd", "rollouts.argoproj.io"]);
    assert!(!scene.wait_until_equal(&operator).contains_key(&rollout));
    proxy.set_rules(&[]);
    // It comes back in another version, and again while no watch is open.
    define("v1beta1");
    assert!(scene.wait_until_equal(&operator).contains_key(&rollout));
    proxy.set_rules(&["{name: fault, verb: watch, status: 503, times: 60}"]);
    proxy.cut();
    scene.kubectl(&["delete", "crd", "rollouts.argoproj.io"]);
    define("v1");
    proxy.set_rules(&[]);
    assert!(scene.wait_until_equal(&operator).contains_key(&rollout));
    scene.kubectl(&["delete", "crd", "rollouts.argoproj.io"]);
    assert!(!scene.wait_until_equal(&operator).contains_key(&rollout));
}

#[test]
fn objects_of_a_megabyte() {
    let Some(scene) = Scene::start("large") else {
        return;
    };
    let operator = scene.operator(&scene.kubeconfig, "only", ALONE);
    operator.wait_for_sweep();
    let text = "x".repeat(1_000_000);
    for number in 0..6 {
        let mut large = config_map(&format!("large-{number}"));
        large["data"]["text"] = json!(text);
        scene.create(&large);
    }
    // Many small values rather than one large one.
    let variables: Vec<Value> = (0..9_000)
        .map(|number| json!({"name": format!("VARIABLE_{number}"), "value": "v".repeat(60)}))
        .collect();
    let pod = json!({"containers": [{"name": "c", "image": "x", "env": variables, "securityContext": {"privileged": true}}]});
    scene.create(
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "large"}, "spec": pod}),
    );
    let expected = scene.wait_until_equal(&operator);
    for name in ["ConfigMap", "Pod"] {
        let is_large = |key: &String| key.starts_with(name) && key.contains("/large");
        assert!(expected.keys().any(is_large), "{expected:#?}");
    }
    // The same in lists.
    let second = scene.operator(&scene.kubeconfig, "second", ALONE);
    second.wait_for_sweep();
    scene.wait_until_equal(&second);
    let sweep = second.last_sweep().expect("a sweep");
    let mut unread = sweep["unread"].as_array().expect("a list").iter();
    // Another test has an object that cannot be read.
    let is_elsewhere = |unread: &Value| {
        let place = unread["place"].as_str().unwrap_or_default();
        place.contains(" in ") && !place.ends_with(&scene.namespace)
    };
    assert!(unread.all(is_elsewhere), "{sweep}");
    scene.kubectl(&["delete", "configmap", "large-0", "large-5"]);
    scene.wait_until_equal(&operator);
    scene.wait_until_equal(&second);
}

/// Whoever may create one object of a kind must not hide all others of it.
#[test]
fn object_that_is_nested_too_deeply() {
    let Some(scene) = Scene::start("deep") else {
        return;
    };
    scene.create(&json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "clonesets.apps.kruise.io"},
        "spec": {
            "group": "apps.kruise.io", "scope": "Namespaced",
            "names": {"kind": "CloneSet", "plural": "clonesets", "singular": "cloneset"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    }));
    scene.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd/clonesets.apps.kruise.io",
    ]);
    let clone_set = |name: &str, depth: usize| {
        let deep = (0..depth).fold(json!(1), |value, _| json!({"a": value}));
        json!({
            "apiVersion": "apps.kruise.io/v1alpha1", "kind": "CloneSet", "metadata": {"name": name},
            "spec": {"deep": deep, "template": {"spec": {"containers": [
                {"name": "c", "image": "x", "securityContext": {"privileged": true}}]}}},
        })
    };
    wait_for("the new kind", || {
        let args = ["-n", &scene.namespace, "create", "-f", "-"];
        let created = scene
            .cluster
            .kubectl(&args, &clone_set("first", 1).to_string());
        if created.code == 0 {
            Ok(())
        } else {
            Err(created.stderr)
        }
    });
    let unread = |operator: &OperatorProcess| -> Vec<String> {
        let sweep = operator.last_sweep().expect("a sweep");
        let unread = sweep["unread"].as_array().expect("a list").iter();
        unread.map(|unread| unread["place"].to_string()).collect()
    };
    let name = |name: &str| format!("CloneSet {}/{name}", scene.namespace);
    let operator = scene.operator(&scene.kubeconfig, "only", ALONE);
    operator.wait_for_sweep();
    assert!(
        scene
            .wait_until_equal(&operator)
            .contains_key(&name("first"))
    );
    // By a watch.
    scene.create(&clone_set("deep", 600));
    operator.wait_for_log("deep cannot be read");
    scene.create(&clone_set("second", 1));
    assert!(
        scene
            .wait_until_equal(&operator)
            .contains_key(&name("second"))
    );
    // In a list.
    let listed = scene.operator(&scene.kubeconfig, "listed", ALONE);
    listed.wait_for_sweep();
    let found = scene.wait_until_equal(&listed);
    assert!(found.contains_key(&name("first")) && found.contains_key(&name("second")));
    let places = unread(&listed);
    let is_named = |place: &String| place.contains("CloneSet") && place.contains(&scene.namespace);
    assert!(
        places.len() == 1 && places.iter().all(is_named),
        "{places:?}"
    );
    scene.kubectl(&["delete", "cloneset", "deep", "first"]);
    scene.wait_until_equal(&operator);
    scene.wait_until_equal(&listed);
    scene.kubectl(&["delete", "crd", "clonesets.apps.kruise.io"]);
}
