//! R1 to R3, A11.2s and B13.4: the attacks through a real API server, with the webhook as `kubevet
//! manifests webhook` prints it: failure policy `Ignore`, timeout five seconds. Admitted without a
//! verdict means: the object was created, and an annotation of the audit log says that the webhook
//! failed open.

use crate::{
    attack_connection::{ATTACKER_ADDRESS, AttackConnection, HANG_TIMEOUT, TlsConfig},
    attack_objects::{
        bare_pod, clean_pod, container, hostpath_deployment, privileged_pod, slow_pod,
        with_privileged_container, workload,
    },
    attack_scale::{claim_machine, scale},
    attacked_server::{Server, ServerSetup, binding},
    f05_connections::{hold, raise_file_limit},
};
use kubevet_testkit::{
    build_output::kubevet_binary, control_plane::ControlPlane, namespace::TestNamespace,
    polling::wait_for, process, webhook_process::free_port,
};
use serde_json::{Value, json};
use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// The token of a user with all rights.
const ADMIN: &str = "admin-token";
/// The token of a user who may create and change workloads, as the role `edit` allows.
const DEVELOPER: &str = "developer-token";

/// An API server, called over plain HTTP.
struct Api {
    port: u16,
    tls: TlsConfig,
}

impl Api {
    fn of(cluster: &ControlPlane) -> Self {
        let kubeconfig = fs::read_to_string(cluster.kubeconfig()).unwrap();
        let after = |key: &str| {
            let value = &kubeconfig[kubeconfig.find(key).unwrap() + key.len()..];
            let end = value.find([',', '}', '\n', '"']).unwrap();
            value[..end].trim().to_owned()
        };
        let port = after("https://127.0.0.1:").parse().unwrap();
        let ca = fs::read_to_string(after("certificate-authority: \"")).unwrap();
        Self {
            port,
            tls: TlsConfig::trusting(&ca, &[b"http/1.1"]),
        }
    }

    /// Status and body of the response; `None` without one.
    fn call(&self, token: &str, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let deadline = Instant::now() + 2 * HANG_TIMEOUT;
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        let mut line =
            AttackConnection::shake_hands(stream, &self.tls, "127.0.0.1", HANG_TIMEOUT).ok()?;
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        // HTTP/1.0: the body is not chunked and ends with the connection.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: \
             application/json\r\nAccept: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        line.send(head.as_bytes());
        line.send(body.as_bytes());
        while line.listen(Duration::from_secs(1)).is_ok() {
            if Instant::now() > deadline {
                return None;
            }
        }
        let bytes = std::mem::take(line.buffer());
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]);
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((
            status,
            serde_json::from_slice(&bytes[end + 4..]).unwrap_or_default(),
        ))
    }
}

/// The shared control plane, and its API for a test. `None` where it was not built.
fn cluster(test: &str) -> Option<(&'static ControlPlane, Api)> {
    let cluster = ControlPlane::shared(test)?;
    Some((cluster, Api::of(cluster)))
}

/// The installed webhook configuration; it is deleted with this value.
struct Installed<'c>(&'c ControlPlane);

impl<'c> Installed<'c> {
    fn of(cluster: &'c ControlPlane, server: &Server) -> Self {
        let mut command = Command::new(kubevet_binary());
        command.args([
            "manifests",
            "webhook",
            "--url",
            &format!("https://127.0.0.1:{}/validate", server.port()),
        ]);
        command.arg("--ca-file").arg(server.tls().join("ca.crt"));
        let kubeconfig = process::run(&mut command, "").ok();
        let this = Self(cluster);
        cluster.kubectl(&["apply", "-f", "-"], &kubeconfig).ok();
        cluster.wait_until_obeyed("kubevet");
        this
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        let _ = self.0.kubectl(
            &[
                "delete",
                "validatingwebhookconfiguration",
                "kubevet",
                "--ignore-not-found",
            ],
            "",
        );
    }
}

/// Takes the webhook that refuses broken bindings away, as if it were down when one is stored.
fn stop_review_of_bindings(cluster: &ControlPlane) {
    let get = [
        "get",
        "validatingwebhookconfiguration",
        "kubevet",
        "-o",
        "json",
    ];
    let mut configuration: Value =
        serde_json::from_str(&cluster.kubectl(&get, "").ok()).expect("kubectl prints JSON");
    let webhooks = configuration["webhooks"]
        .as_array_mut()
        .expect("webhooks are a list");
    let before = webhooks.len();
    webhooks.retain(|webhook| webhook["name"] != "bindings.kubevet.io");
    assert_eq!(webhooks.len(), before - 1);
    let replace = ["replace", "-f", "-"];
    cluster.kubectl(&replace, &configuration.to_string()).ok();
}

fn pods(namespace: &TestNamespace<'_>) -> String {
    format!("/api/v1/namespaces/{}/pods?dryRun=All", namespace.name())
}

/// An object as a user sends it in this namespace, without fields that cost the API server more
/// than the webhook.
fn in_namespace(namespace: &TestNamespace<'_>, object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"] =
        json!({"generateName": "p-", "namespace": namespace.name(), "managedFields": [{}]});
    object
}

/// A container that the API server accepts.
fn valid(mut container: Value) -> Value {
    // It rejects a privileged container without privilege escalation.
    container["securityContext"]
        .as_object_mut()
        .unwrap()
        .remove("allowPrivilegeEscalation");
    container
}

/// The reasons that the API server logged for failing open.
fn failing_open(cluster: &ControlPlane) -> String {
    let log = cluster.log();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("failing open"))
        .collect();
    lines
        .iter()
        .rev()
        .take(5)
        .map(|line| format!("{line:.500}\n"))
        .collect()
}

#[track_caller]
fn nothing_was_let_in(cluster: &ControlPlane, namespace: &TestNamespace<'_>) {
    let log = cluster.audit_log();
    let open: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(namespace.name()) && line.contains("failed-open"))
        .collect();
    let reasons = || failing_open(cluster);
    assert!(
        open.is_empty(),
        "{} requests were let in unjudged: {:.600}: {}",
        open.len(),
        open[0],
        reasons()
    );
}

#[test]
fn r1_costly_update_is_denied() {
    let _machine = claim_machine();
    let Some((cluster, api)) = cluster("r1") else {
        return;
    };
    let server = ServerSetup::example().start();
    let _installed = Installed::of(cluster, &server);
    let namespace = cluster.namespace("r1");
    let here = |mut deployment: Value| {
        deployment["metadata"]["namespace"] = namespace.name().into();
        deployment["spec"]["replicas"] = 0.into();
        let template = &mut deployment["spec"]["template"]["spec"]["containers"][0];
        *template = valid(template.take());
        deployment
    };
    let all = format!("/apis/apps/v1/namespaces/{}/deployments", namespace.name());
    let path = format!("{all}/w");
    let clean = here(workload(
        "Deployment",
        &json!({"containers": [container("c0")]}),
    ));
    let (status, answer) = api.call(DEVELOPER, "POST", &all, &clean).unwrap();
    assert_eq!(status, 201, "{answer}");
    let small = here(with_privileged_container(workload(
        "Deployment",
        &json!({"containers": [container("c0")]}),
    )));
    let (status, answer) = api.call(DEVELOPER, "PUT", &path, &small).unwrap();
    assert_eq!(status, 403, "{answer}");
    let large = here(with_privileged_container(hostpath_deployment(
        &format!("/{}", "\u{1}".repeat(400_000)),
        9900,
    )));
    for run in 0..scale(1, 20) {
        let (status, answer) = api.call(DEVELOPER, "PUT", &path, &large).unwrap();
        assert!(status >= 400, "run {run}: HTTP {status}");
        assert!(
            answer.to_string().contains("workloads.kubevet.io"),
            "run {run}: {answer}"
        );
        let (status, answer) = api.call(DEVELOPER, "PUT", &path, &small).unwrap();
        assert!(status >= 400, "run {run}: HTTP {status} {answer}");
    }
    let (_, stored) = api.call(DEVELOPER, "GET", &path, &Value::Null).unwrap();
    let context = &stored["spec"]["template"]["spec"]["containers"][0]["securityContext"];
    assert!(context["privileged"] != true, "{context}");
    nothing_was_let_in(cluster, &namespace);
}

/// The results of a flood, and of ordinary Pods meanwhile.
fn flooded(
    api: &Api,
    namespace: &TestNamespace<'_>,
    heavy: &Value,
    callers: usize,
    time: Duration,
) {
    let ended = AtomicBool::new(false);
    let path = pods(namespace);
    let here = |containers: &Value| in_namespace(namespace, containers);
    let clean = here(&clean_pod());
    let mut bad = privileged_pod();
    bad["spec"]["containers"][0] = valid(bad["spec"]["containers"][0].take());
    let bad = here(&bad);
    let failures: Vec<String> = thread::scope(|scope| {
        let flood = || {
            let mut failures = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                if let Some((status, answer)) = api.call(DEVELOPER, "POST", &path, heavy)
                    && status < 400
                {
                    failures.push(format!("heavy: {status} {:.200}", answer["status"]));
                }
            }
            failures
        };
        let callers: Vec<_> = (0..callers).map(|_| scope.spawn(flood)).collect();
        let mut failures = Vec::new();
        let end = Instant::now() + time;
        while Instant::now() < end {
            for (name, object, right) in [("clean", &clean, 201), ("privileged", &bad, 403)] {
                match api.call(ADMIN, "POST", &path, object) {
                    Some((status, _)) if status == right => {}
                    other => failures.push(format!("{name}: {:.400}", format!("{other:?}"))),
                }
            }
        }
        ended.store(true, Ordering::Relaxed);
        failures.extend(
            callers
                .into_iter()
                .flat_map(|caller| caller.join().unwrap()),
        );
        failures
    });
    let first = &failures[..failures.len().min(3)];
    let reasons = || failing_open(namespace.cluster());
    assert!(
        failures.is_empty(),
        "{} answers were wrong, the first: {first:?}: {}",
        failures.len(),
        reasons()
    );
}

#[test]
fn r2_flood_of_slow_pods_admits_none_and_delays_no_other_client() {
    let _machine = claim_machine();
    let Some((cluster, api)) = cluster("r2") else {
        return;
    };
    let mut server = ServerSetup::example()
        .flags(&["--decision-sample", "1"])
        .start();
    let _installed = Installed::of(cluster, &server);
    let namespace = cluster.namespace("r2");
    let heavy = in_namespace(&namespace, &slow_pod(2000, 2000));
    flooded(
        &api,
        &namespace,
        &heavy,
        60,
        Duration::from_secs(scale(8, 20)),
    );
    nothing_was_let_in(cluster, &namespace);
    server.assert_running();
    assert_ordinary_reviews_are_not_delayed(&server);
}

/// The goal for ordinary reviews during a flood, from the first byte to the decision, in the
/// webhook's own measurement. The test allows ten times as much.
const ORDINARY_REVIEW_GOAL: Duration = Duration::from_secs(1);

/// Checks the decisions on the administrator's Pods, and prints how long they took.
#[track_caller]
fn assert_ordinary_reviews_are_not_delayed(server: &Server) {
    let log = server.stdout();
    let decisions: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|decision| decision["user"] == "admin")
        .collect();
    let durations = |field: &str| {
        let values = decisions.iter().map(|decision| decision[field].as_u64());
        let mut durations: Vec<u64> = values.map(Option::unwrap).collect();
        durations.sort_unstable();
        durations
    };
    let (read, total) = (durations("readUs"), durations("totalUs"));
    assert!(total.len() > 4, "{} ordinary reviews", total.len());
    let p99 = total.len() * 99 / 100;
    eprintln!(
        "{} ordinary reviews during the flood: p50 {} µs, p99 {} µs; the body alone p99 {} µs",
        total.len(),
        total[total.len() / 2],
        total[p99],
        read[p99]
    );
    let slowest = Duration::from_micros(total[total.len() - 1]);
    assert!(slowest < 10 * ORDINARY_REVIEW_GOAL, "{slowest:?}");
}

#[test]
fn r3_wide_pods_under_many_bindings_admit_none_within_memory_bounds() {
    let _machine = claim_machine();
    let Some((cluster, api)) = cluster("r3") else {
        return;
    };
    let bindings: Vec<String> = (0..5)
        .map(|index| binding(&format!("b{index}"), "['*']", "validationActions: [Deny]"))
        .collect();
    let mut server = ServerSetup::with(&bindings).no_decision_log().start();
    // The bindings deny a namespace without Pod Security labels, too.
    let namespace = cluster.namespace("r3");
    let _installed = Installed::of(cluster, &server);
    let wide = in_namespace(&namespace, &bare_pod(9900));
    let path = pods(&namespace);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let (status, answer) = api.call(DEVELOPER, "POST", &path, &wide).unwrap();
                assert!(status >= 400, "HTTP {status} {:.300}", answer.to_string());
            });
        }
    });
    nothing_was_let_in(cluster, &namespace);
    server.assert_memory_goals("R3 behind an API server");
    server.assert_running();
}

/// The API server has no connection to the webhook yet, and silent strangers hold all slots.
#[test]
fn a11_2s_silent_connections_admit_no_pod() {
    let _machine = claim_machine();
    let Some((cluster, api)) = cluster("a11.2s") else {
        return;
    };
    raise_file_limit();
    let server = ServerSetup::example().no_decision_log().start();
    let namespace = cluster.namespace("a11");
    let mut bad = privileged_pod();
    bad["spec"]["containers"][0] = valid(bad["spec"]["containers"][0].take());
    let bad = in_namespace(&namespace, &bad);
    let ended = AtomicBool::new(false);
    let answers = thread::scope(|scope| {
        scope.spawn(|| {
            hold(&server, ATTACKER_ADDRESS, 10_100, |_| {
                ended.load(Ordering::Relaxed)
            })
        });
        let _installed = Installed::of(cluster, &server);
        let answers: Vec<_> = (0..scale(5, 20))
            .map(|_| api.call(DEVELOPER, "POST", &pods(&namespace), &bad))
            .collect();
        ended.store(true, Ordering::Relaxed);
        answers
    });
    for answer in answers {
        assert!(
            answer.as_ref().is_some_and(|answer| answer.0 == 403),
            "{answer:?}"
        );
    }
    nothing_was_let_in(cluster, &namespace);
}

/// A broken binding has a last valid state, which a new process must restore, or not become ready.
#[test]
fn doubt_b13_4_last_valid_binding_survives_a_restart() {
    let _machine = claim_machine();
    let Some((cluster, api)) = cluster("b13.4") else {
        return;
    };
    let crd = include_str!("../../manifests/kustomize/crd.yaml");
    cluster.kubectl(&["apply", "-f", "-"], crd).ok();
    let established = [
        "wait",
        "--for=condition=Established",
        "crd/controlbindings.kubevet.io",
        "--timeout=60s",
    ];
    cluster.kubectl(&established, "").ok();
    let name = format!("red-{}", std::process::id());
    let form = |controls: &str| {
        let spec = json!({"controls": [controls], "validationActions": ["Deny"]});
        json!({
            "apiVersion": "kubevet.io/v1alpha1", "kind": "ControlBinding", "metadata": {"name": name}, "spec": spec,
        })
        .to_string()
    };
    cluster.kubectl(&["apply", "-f", "-"], &form("C-0057")).ok();
    let tls = tempfile::tempdir().unwrap();
    let kubeconfig = cluster.kubeconfig();
    let none: &[&str] = &[];
    let start = |port: u16| {
        let flags = [
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
            "--drain-delay",
            "50ms",
        ];
        ServerSetup::with(none)
            .no_decision_log()
            .flags(&flags)
            .on(port, tls.path())
    };
    let first = start(free_port()).start();
    let installed = Installed::of(cluster, &first);
    let namespace = cluster.namespace("b13");
    let mut bad = privileged_pod();
    bad["spec"]["containers"][0] = valid(bad["spec"]["containers"][0].take());
    let bad = in_namespace(&namespace, &bad);
    let created = || {
        api.call(DEVELOPER, "POST", &pods(&namespace), &bad)
            .unwrap()
            .0
    };
    wait_for("the binding", || {
        if created() == 403 {
            Ok(())
        } else {
            Err(first.stderr())
        }
    });
    stop_review_of_bindings(cluster);
    wait_for("the broken form to be stored", || {
        let applied = cluster.kubectl(&["apply", "-f", "-"], &form("C-9999"));
        if applied.code == 0 {
            Ok(())
        } else {
            Err(applied.stderr)
        }
    });
    wait_for("the broken form to be seen", || {
        let path = [
            "get",
            "controlbinding",
            &name,
            "-o",
            "jsonpath={.status.conditions[?(@.type=='Accepted')].status}",
        ];
        match cluster.kubectl(&path, "").stdout {
            value if value == "False" => Ok(()),
            value => Err(format!("{value:?}: {}", first.stderr())),
        }
    });
    assert_eq!(created(), 403, "B13.3");
    let port = first.port();
    drop(first);
    let second = start(port).spawn();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let ready = second
            .get("/readyz")
            .is_some_and(|readiness| readiness.0 == 200);
        if ready {
            assert_eq!(
                created(),
                403,
                "ready, and it forgot what it denied: {}",
                second.stderr()
            );
            break;
        }
        if Instant::now() > deadline {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    drop(installed);
    let _ = cluster.kubectl(&["delete", "controlbinding", &name], "");
}
