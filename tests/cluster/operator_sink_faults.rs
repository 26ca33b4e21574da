//! What `kubevet operator` does where a place for results fails: a store that cannot be used, is full or
//! goes away, and result objects that are refused. Nothing unknown is shown as fixed or passed, and
//! the end of a fault needs no restart.

use crate::{
    operator::{ALONE, Replica, WatchedCluster, get, value},
    operator_sinks::{
        BAD, REPAIRED, SCANS, WatchedStore, install_definitions, names, sum, wait_for_status,
    },
    stub_webhook::StubWebhook,
};
use k8s_openapi::ByteString;
use kubevet_store::{FindingState, StoreLocation};
use kubevet_testkit::{
    polling::wait_for,
    postgres_server::{POSTGRES_PASSWORD, PostgresServer},
    skip::not_run,
    webhook_process::free_port,
};
use serde_json::json;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Waits until a scrape of an operator holds.
#[track_caller]
fn wait_for_metrics(port: u16, operator: &Replica, wanted: &str, holds: impl Fn(&str) -> bool) {
    wait_for(wanted, || {
        let (_, metrics) = get(port, "/metrics");
        if holds(&metrics) {
            Ok(())
        } else {
            let of_sinks = metrics.lines().filter(|line| line.contains("_sink_"));
            let of_sinks: Vec<&str> = of_sinks.collect();
            Err(format!("{of_sinks:#?}\n{}", operator.child.stderr()))
        }
    });
}

/// True if results of the store, or result objects, were not all kept.
fn has(metrics: &str, sink: &str, result: &str) -> bool {
    let series =
        format!("kubevet_operator_sink_calls_total{{sink=\"{sink}\",result=\"{result}\"}}");
    value(metrics, &series) > Some(0.0)
}

fn failures(metrics: &str, reason: &str) -> f64 {
    let series = format!("kubevet_operator_result_failures_total{{reason=\"{reason}\"}}");
    value(metrics, &series).unwrap_or_default()
}

#[test]
fn operator_does_not_start_with_a_store_that_it_can_never_use() {
    let Some(watched) = WatchedCluster::start("operator-unusable") else {
        return;
    };
    let folder = watched.dir.path().join("folder");
    fs::create_dir(&folder).expect("a folder can be made");
    let text = watched.dir.path().join("notes.txt");
    fs::write(&text, "not a store").expect("it can be written");
    let missing = watched.dir.path().join("none/store.db");
    for (path, expected) in [
        (&folder, "directory"),
        (&text, "give --store another place"),
        (&missing, "No such file"),
    ] {
        let path = path.to_str().expect("the path is UTF-8");
        let mut operator = watched.operator("only", &[ALONE, &["--store", path]].concat());
        let status = operator.child.wait();
        let log = operator.child.stderr();
        assert_eq!(status.code(), Some(2), "{log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(
            last.contains(path) && last.contains(expected),
            "{expected}: {log}"
        );
    }
    assert_eq!(
        fs::read_to_string(&text).expect("it can be read"),
        "not a store"
    );
}

/// Deployments without Pods that fail many controls.
fn deployments(number: usize) -> String {
    let deployments: Vec<_> = (0..number)
        .map(|index| {
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": format!("d{index}"), "namespace": "shop"},
                "spec": {
                    "replicas": 0,
                    "selector": {"matchLabels": {"app": "d"}},
                    "template": {
                        "metadata": {"labels": {"app": "d"}},
                        "spec": {
                            "hostNetwork": true, "hostPID": true,
                            "containers": [
                                {"name": "a", "image": "a", "securityContext": {"privileged": true}},
                                {"name": "b", "image": "b", "securityContext": {"privileged": true}}
                            ],
                        },
                    },
                },
            })
        })
        .collect();
    json!({"apiVersion": "v1", "kind": "List", "items": deployments}).to_string()
}

#[test]
fn operator_with_a_full_store_keeps_what_it_has_and_fills_a_larger_one() {
    let Some(watched) = WatchedCluster::start("operator-full") else {
        return;
    };
    watched.apply(&deployments(60));
    let path = watched.dir.path().join("store.db");
    let store_argument = path.to_str().expect("the path is UTF-8");
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let args = [
        "--all",
        "--store",
        store_argument,
        "--metrics-listen",
        &listen,
    ];
    let small = [ALONE, &args, &["--store-max-size", "1Mi"]].concat();
    let mut operator = watched.operator("small", &small);
    operator.wait_for_log("the store is full");
    wait_for_metrics(port, &operator, "a lost write", |metrics| {
        has(metrics, "store", "lost")
    });
    operator.wait_for_log("reason=\"lost\"");
    let store = WatchedStore::new(&watched, StoreLocation::File(path.clone()));
    let number = |state| store.number("Deployment", state);
    // Nothing is fixed since its object was not written.
    assert_eq!(number(FindingState::Fixed), Some(0));
    operator.child.signal("TERM");
    operator.wait_for_log("ended");
    // Until then its port is in use.
    operator.child.wait();

    let operator = watched.operator("large", &[ALONE, &args].concat());
    wait_for("all findings in the store", || {
        let open = number(FindingState::Open);
        if open >= Some(60 * 10) {
            Ok(())
        } else {
            Err(format!("{open:?} {}", operator.child.stderr()))
        }
    });
    wait_for_metrics(port, &operator, "a sweep in the store", |metrics| {
        has(metrics, "store", "written") && !has(metrics, "store", "lost")
    });
    assert_eq!(number(FindingState::Fixed), Some(0));
}

/// A way to a server that can be cut.
struct Bridge {
    port: u16,
    is_cut: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Bridge {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let is_cut = Arc::new(AtomicBool::new(false));
        let connections: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (cut, known) = (Arc::clone(&is_cut), Arc::clone(&connections));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let ends = [&client, &server].map(|end| end.try_clone().expect("it is open"));
                known
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(ends);
                copy(&client, &server);
                copy(&server, &client);
            }
        });
        Self {
            port,
            is_cut,
            connections,
        }
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for connection in connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn restore(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

/// Copies bytes until an end is closed.
fn copy(from: &TcpStream, to: &TcpStream) {
    let mut from = from.try_clone().expect("it is open");
    let mut to = to.try_clone().expect("it is open");
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(number @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..number]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

#[test]
fn operator_outlives_its_database_and_catches_up() {
    let Some(watched) = WatchedCluster::start("operator-database") else {
        return;
    };
    let server = match PostgresServer::start(&[], &[]) {
        Ok(server) => server,
        Err(reason) => {
            return not_run("operator_outlives_its_database_and_catches_up", &reason);
        }
    };
    watched.apply(BAD);
    let bridge = Bridge::to(server.port());
    bridge.cut();
    let url =
        |port: u16| format!("postgres://postgres:{POSTGRES_PASSWORD}@127.0.0.1:{port}/postgres");
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let operator = watched.operator_with_store(
        "only",
        &url(bridge.port),
        &[ALONE, &["--metrics-listen", &listen]].concat(),
    );
    // It starts without the database, and evaluates.
    operator.wait_for_log("the store is opened later");
    operator.wait_for_sweep();
    wait_for_metrics(port, &operator, "a lost write", |metrics| {
        has(metrics, "store", "lost")
    });
    bridge.restore();
    let location = url(server.port()).parse().expect("it is a location");
    let store = WatchedStore::new(&watched, location);
    store.wait("a finding in the database", &operator, |store| {
        store.has(FindingState::Open)
    });

    // The database goes away, and something is repaired meanwhile.
    bridge.cut();
    watched.apply(REPAIRED);
    let lost = |metrics: &str| {
        let series = "kubevet_operator_sink_calls_total{sink=\"store\",result=\"lost\"}";
        value(metrics, series).unwrap_or_default()
    };
    let before = lost(&get(port, "/metrics").1);
    wait_for_metrics(port, &operator, "another lost write", |metrics| {
        lost(metrics) > before
    });
    assert!(store.has(FindingState::Open));
    bridge.restore();
    store.wait("the finding is fixed", &operator, |store| {
        store.has(FindingState::Fixed) && !store.has(FindingState::Open)
    });
    let log = operator.child.stderr();
    assert!(!log.contains(POSTGRES_PASSWORD), "{log}");
}

#[test]
fn operator_fills_a_database_that_was_begun_anew() {
    let Some(watched) = WatchedCluster::start("operator-anew") else {
        return;
    };
    let server = match PostgresServer::start(&[], &[]) {
        Ok(server) => server,
        Err(reason) => {
            return not_run("operator_fills_a_database_that_was_begun_anew", &reason);
        }
    };
    let bridge = Bridge::to(server.port());
    let url = |port: u16| {
        format!("postgres://postgres:{POSTGRES_PASSWORD}@127.0.0.1:{port}/postgres?schema=kept")
    };
    let operator = watched.operator_with_store("only", &url(bridge.port), ALONE);
    operator.wait_for_log("old history was deleted");
    let location = url(server.port()).parse().expect("it is a location");
    let store = WatchedStore::new(&watched, location);
    let number = store.number("Deployment", FindingState::Open);
    assert!(number > Some(0));
    // Somebody removes everything, and the connection is lost.
    bridge.cut();
    server.sql("postgres", "DROP SCHEMA kept CASCADE");
    bridge.restore();
    watched.apply(BAD);
    operator.wait_for_log("the store was begun anew");
    store.wait("what has not changed is there again", &operator, |store| {
        store.has(FindingState::Open) && store.number("Deployment", FindingState::Open) == number
    });
}

#[test]
fn operator_with_the_url_of_a_database_in_a_file_keeps_results_there() {
    let Some(watched) = WatchedCluster::start("operator-url-file") else {
        return;
    };
    let server = match PostgresServer::start(&[], &[]) {
        Ok(server) => server,
        Err(reason) => {
            let test = "operator_with_the_url_of_a_database_in_a_file_keeps_results_there";
            return not_run(test, &reason);
        }
    };
    watched.apply(BAD);
    let url = format!(
        "postgres://postgres:{POSTGRES_PASSWORD}@127.0.0.1:{}/postgres",
        server.port()
    );
    let file = watched.dir.path().join("url");
    fs::write(&file, format!("{url}\n")).expect("it can be written");
    let file = file.to_str().expect("the path is UTF-8");
    let args = [ALONE, &["--store-url-file", file]].concat();
    let mut operator = watched.operator("first", &args);
    let store = WatchedStore::new(&watched, url.parse().expect("it is a location"));
    store.wait("a finding in the database", &operator, |store| {
        store.has(FindingState::Open)
    });
    operator.child.signal("TERM");
    operator.wait_for_log("ended");
    // Until then its port is in use.
    operator.child.wait();
    // A process that starts later goes on with the same history.
    watched.apply(REPAIRED);
    let second = watched.operator("second", &args);
    store.wait("the finding is fixed", &second, |store| {
        store.has(FindingState::Fixed) && !store.has(FindingState::Open)
    });
    for log in [operator.child.stderr(), second.child.stderr()] {
        assert!(log.contains("results are kept in the store"), "{log}");
        assert!(!log.contains(POSTGRES_PASSWORD), "{log}");
    }
}

/// A webhook for writes of results.
fn webhook(url: &str, ca: &str) -> serde_json::Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "no-results"},
        "webhooks": [{
            "name": "no-results.kubevet.test",
            "clientConfig": {"url": url, "caBundle": ByteString(ca.as_bytes().to_vec())},
            "failurePolicy": "Fail",
            "timeoutSeconds": 1,
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "rules": [{
                "apiGroups": ["spdx.softwarecomposition.kubescape.io"], "apiVersions": ["*"],
                "resources": ["*"], "operations": ["CREATE", "UPDATE"],
            }],
        }],
    })
}

#[test]
fn operator_makes_good_results_that_a_webhook_denied_or_did_not_answer_for() {
    let Some(watched) = WatchedCluster::start("operator-webhook") else {
        return;
    };
    install_definitions(&watched);
    watched.apply(BAD);
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let args = [
        "--store",
        "none",
        "--results",
        "kubescape",
        "--metrics-listen",
        &listen,
    ];
    let operator = watched.operator("only", &[ALONE, &args].concat());
    wait_for_status(&watched, &operator, Some("failed"));
    let stub = StubWebhook::start();
    // Nobody listens on the port of the first; the state alternates so that each has something to write.
    for (url, reason, object, meanwhile, status) in [
        // That may pass in a moment: the older state stays until then.
        (
            "https://127.0.0.1:1/".to_owned(),
            "server_error",
            REPAIRED,
            Some("failed"),
            "passed",
        ),
        // The older state must not stand.
        (stub.denying_url(), "denied", BAD, None, "failed"),
    ] {
        let registered = watched.cluster.register(webhook(&url, stub.ca()));
        watched.apply(object);
        wait_for_metrics(port, &operator, reason, |metrics| {
            failures(metrics, reason) > 0.0
        });
        wait_for_status(&watched, &operator, meanwhile);
        drop(registered);
        operator.child.signal("HUP");
        wait_for_status(&watched, &operator, Some(status));
    }
    let log = operator.child.stderr();
    assert!(log.contains("exempt kubevet's service account"), "{log}");
}

/// Refuses results by a policy, as a webhook does.
const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-results}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {apiGroups: [spdx.softwarecomposition.kubescape.io], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: ["*"]}
  validations: [{expression: "object.metadata.name != 'configmap-keys'"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-results}
spec: {policyName: no-results, validationActions: [Deny]}
"#;

const QUOTA: &str = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: few, namespace: shop}, \
    spec: {hard: {count/policyreports.wgpolicyk8s.io: 0}}}";

#[test]
fn operator_makes_good_results_that_were_refused_and_leaves_no_outdated_one() {
    let Some(watched) = WatchedCluster::start("operator-refused") else {
        return;
    };
    watched.apply(BAD);
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let args = [
        "--store",
        "none",
        "--results",
        "kubescape,policy-reports",
        "--metrics-listen",
        &listen,
    ];
    // The definitions are missing.
    let operator = watched.operator("only", &[ALONE, &args].concat());
    operator.wait_for_sweep();
    wait_for_metrics(port, &operator, "definitions are missing", |metrics| {
        failures(metrics, "not_installed") > 0.0 && has(metrics, "resources", "partial")
    });
    let log = operator.child.stderr();
    assert!(log.contains("kubevet manifests results-crds"), "{log}");

    // They come, and a quota with them. No restart is needed.
    watched.apply(QUOTA);
    install_definitions(&watched);
    wait_for_status(&watched, &operator, Some("failed"));
    wait_for_metrics(port, &operator, "the quota refuses", |metrics| {
        failures(metrics, "quota") > 0.0
    });
    assert!(names(&watched, "policyreports", "shop").is_empty());

    // A policy refuses the new state of a result: the old one must not stand.
    watched.apply(POLICY);
    wait_for("the policy is in force", || {
        let args = [
            "annotate",
            SCANS,
            "configmap-keys",
            "-n",
            "shop",
            "--dry-run=server",
        ];
        let annotated = watched
            .cluster
            .kubectl(&[&args[..], &["a=b", "--overwrite"]].concat(), "");
        if annotated.code == 0 {
            Err(annotated.stdout)
        } else {
            Ok(())
        }
    });
    watched.apply(REPAIRED);
    wait_for_metrics(port, &operator, "the policy refuses", |metrics| {
        failures(metrics, "denied") > 0.0
    });
    wait_for_status(&watched, &operator, None);

    // All reasons end.
    watched.kubectl(&["delete", "validatingadmissionpolicybinding", "no-results"]);
    watched.kubectl(&["delete", "resourcequota", "few", "-n", "shop"]);
    operator.child.signal("HUP");
    wait_for_status(&watched, &operator, Some("passed"));
    wait_for("the policy reports", || {
        let reports = names(&watched, "policyreports", "shop");
        if reports.is_empty() {
            Err(operator.child.stderr())
        } else {
            Ok(())
        }
    });
    let (_, metrics) = get(port, "/metrics");
    assert!(sum(&metrics, "kubevet_operator_result_failures_total") > 0.0);
}
