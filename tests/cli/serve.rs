//! `kubevet serve` as a process: start and start errors, reloading, output, and shutdown.

use kubevet_testkit::{
    build_output::kubevet_binary,
    polling::wait_for,
    process::ChildProcess,
    raw_connection::{RawConnection, container_spec, create_pod_review, post},
    test_dir::TestDir,
    webhook_process::{WebhookProcess, free_port},
};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

const STRICT: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec: {controls: [C-0057], validationActions: [Deny]}
";

/// The command of a webhook on free ports.
fn command(dir: &TestDir, flags: &[&str]) -> Command {
    let mut command = Command::new(kubevet_binary());
    command.arg("serve").args(flags).current_dir(dir.path());
    for name in [
        "RUST_BACKTRACE",
        "KUBERNETES_SERVICE_HOST",
        "POD_NAMESPACE",
        "XDG_STATE_HOME",
    ] {
        command.env_remove(name);
    }
    command.env("HOME", dir.path()).env("NO_COLOR", "1");
    command
}

fn started(dir: &TestDir, flags: &[&str]) -> WebhookProcess {
    // There is no API server that must be told about the shutdown.
    WebhookProcess::start(
        &dir.path().join("tls"),
        &[&["--drain-delay", "50ms"], flags].concat(),
    )
    .unwrap()
}

fn path_str(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The process exits with 2 and prints these messages.
#[track_caller]
fn refuses(dir: &TestDir, flags: &[&str], expected: &[&str]) {
    let listen = format!("127.0.0.1:{}", free_port());
    let mut running =
        ChildProcess::start(&mut command(dir, &[&["--listen", &listen], flags].concat()));
    let status = running.wait();
    assert_eq!(status.code(), Some(2), "{flags:?}: {}", running.stderr());
    for expected in expected {
        assert!(
            running.stderr().contains(expected),
            "{expected:?} is not said: {}",
            running.stderr()
        );
    }
}

#[test]
fn broken_input_at_start_is_reported_with_its_position() {
    let dir = TestDir::new()
        .file("unknown/b.yaml", STRICT.replace("C-0057", "C-0058x"))
        .file(
            "unknown/c.yaml",
            STRICT.replace("validationActions", "validationAction"),
        )
        .file("rules/bad.rego", "package x\nthis is no rego\n")
        .file(
            "labels/b.yaml",
            STRICT.replace(
                "[Deny]}",
                "[Deny], matchResources: {namespaceSelector: {matchLabels: {a: b}}}}",
            ),
        )
        .folder("empty");
    refuses(
        &dir,
        &["--bindings", "unknown"],
        &["unknown/b.yaml:4:", "unknown/c.yaml:4:", "C-0058x"],
    );
    refuses(&dir, &["--bindings", "none"], &["none"]);
    refuses(&dir, &["--bindings", "empty"], &["empty"]);
    refuses(&dir, &["--custom-rules", "rules"], &["rules/bad.rego:"]);
    refuses(&dir, &["--policies", "none"], &["none"]);
    refuses(
        &dir,
        &["--bindings", "labels"],
        &[
            "binding strict selects namespaces by their labels",
            "--kubeconfig",
        ],
    );
    refuses(&dir, &["--kubeconfig", "none"], &["none"]);
    refuses(&dir, &["--client-ca", "none"], &["none"]);
    refuses(
        &dir,
        &["--decision-log", "none/log"],
        &["cannot write the decision log none/log"],
    );
    refuses(
        &dir,
        &["--record", "rules/bad.rego"],
        &["cannot record reviews into rules/bad.rego"],
    );
    refuses(
        &dir,
        &["--tls-secret", "x"],
        &["--tls-secret needs a cluster"],
    );
}

#[test]
fn address_in_use_is_reported() {
    let dir = TestDir::new();
    // A socket without SO_REUSEPORT.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .unwrap();
    socket.listen(1).unwrap();
    let address = socket
        .local_addr()
        .unwrap()
        .as_socket()
        .unwrap()
        .to_string();
    let expected = format!("cannot listen on {address}");
    let mut running = ChildProcess::start(&mut command(&dir, &["--listen", &address]));
    assert_eq!(running.wait().code(), Some(2));
    assert!(
        running.stderr().contains(&expected) && running.stderr().contains("in use"),
        "{}",
        running.stderr()
    );
    refuses(&dir, &["--metrics-listen", &address], &[&expected]);
}

/// A second process would answer half of the calls, with its own certificates.
#[test]
fn second_process_on_a_port_is_rejected_unless_both_share_it() {
    let dir = TestDir::new();
    let start = |port: u16, tls: &str, share: bool| {
        let flags: &[&str] = if share { &["--share-port"] } else { &[] };
        WebhookProcess::start_on(port, &dir.path().join(tls), flags)
    };
    let alone = start(free_port(), "a", false).unwrap();
    for share in [false, true] {
        let refused = start(alone.port(), "b", share).err().unwrap();
        assert!(refused.contains("cannot listen on 127.0.0.1:"), "{refused}");
        assert_eq!(
            refused.contains("--share-port lets two gates share it"),
            !share,
            "{refused}"
        );
    }
    let shared = start(free_port(), "c", true).unwrap();
    start(shared.port(), "c", true).unwrap();
}

#[test]
fn serve_without_flags_uses_the_state_folder_or_reports_it_missing() {
    let dir = TestDir::new();
    let port = free_port();
    let running = ChildProcess::start(&mut command(
        &dir,
        &["--listen", &format!("127.0.0.1:{port}")],
    ));
    let ca = dir.path().join(".local/state/kubevet/tls/ca.crt");
    let line = format!(
        "try it: kubevet review --request FILE.yaml | curl -s --cacert {} --data-binary @- https://localhost:{port}/validate",
        ca.display()
    );
    wait_for("the line to try it with", || {
        if running.stderr().contains(&line) {
            Ok(())
        } else {
            Err(running.stderr())
        }
    });
    assert!(
        running.stderr().contains("nothing is warned or denied")
            && running.stderr().contains("--bindings FOLDER")
    );
    assert!(
        fs::read_to_string(ca)
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );
    drop(running);

    let mut homeless = command(&dir, &["--listen", &format!("127.0.0.1:{}", free_port())]);
    let mut running = ChildProcess::start(homeless.env_remove("HOME"));
    assert_eq!(running.wait().code(), Some(2));
    assert!(
        running
            .stderr()
            .contains("neither XDG_STATE_HOME nor HOME is set; name one with --tls-dir")
    );
}

#[test]
fn broken_file_leaves_the_last_valid_configuration_in_force() {
    let dir = TestDir::new().file("b/strict.yaml", STRICT);
    let file = dir.path().join("b/strict.yaml");
    let webhook = started(&dir, &["--bindings", path_str(&dir.path().join("b"))]);
    let denies = || {
        post(&webhook, create_pod_review("u", &container_spec(true))).review_response("u")["allowed"]
            == false
    };
    let problems = || webhook.metric("kubevet_library_problems");
    assert!(denies() && problems() == 0.0);

    fs::write(&file, STRICT.replace("C-0057", "C-9999")).unwrap();
    webhook.wait_for_log("the previous library and bindings stay in force");
    assert!(
        webhook.stderr().contains("strict.yaml:4:"),
        "{}",
        webhook.stderr()
    );
    assert!(denies() && problems() == 1.0, "{}", webhook.metrics());

    fs::write(&file, STRICT.replace("Deny", "Warn")).unwrap();
    wait_for("the fixed binding", || {
        if denies() {
            Err(webhook.stderr())
        } else {
            Ok(())
        }
    });
    assert!(
        problems() == 0.0 && webhook.metric("kubevet_library_generation") == 2.0,
        "{}",
        webhook.metrics()
    );

    // SIGHUP reads the same files again.
    webhook.signal("HUP");
    webhook.wait_for_log("HUP: reading everything anew");
    wait_for("another generation", || {
        match webhook.metric("kubevet_library_generation") {
            value if value >= 3.0 => Ok(()),
            value => Err(value.to_string()),
        }
    });
    assert_eq!(webhook.terminate().code(), Some(0));
}

#[test]
fn decisions_are_logged_and_recorded_reviews_replay_identically() {
    let dir = TestDir::new().file("b/strict.yaml", STRICT);
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let flags = [
        "--bindings",
        &path("b"),
        "--record",
        &path("r"),
        "--decision-log",
        &path("log"),
        "--decision-sample",
        "2",
    ];
    let mut webhook = started(&dir, &flags);
    let secret = create_pod_review(
        "secret-1",
        r#""type":"Opaque","data":{"key":"aHVzaA=="},"stringData":{"k":"hush"}"#,
    )
    .replace("\"Pod\"", "\"Secret\"")
    .replace("\"pods\"", "\"secrets\"");
    let bodies = [
        (
            "denied-1",
            create_pod_review("denied-1", &container_spec(true)),
        ),
        (
            "clean-1",
            create_pod_review("clean-1", &container_spec(false)),
        ),
        (
            "clean-2",
            create_pod_review("clean-2", &container_spec(false)),
        ),
        (
            "clean-3",
            create_pod_review("clean-3", &container_spec(false)),
        ),
        ("secret-1", secret),
    ];
    for (uid, body) in &bodies {
        let answer = post(&webhook, body);
        answer.review_response(uid);
        let record = format!("r/review-{uid}.json");
        wait_for("the record", || {
            dir.path()
                .join(&record)
                .exists()
                .then_some(())
                .ok_or_else(|| webhook.stderr())
        });
        let again = dir.run(&["review", "--bindings", "b", &record]);
        assert_eq!(again.stdout.trim_end().as_bytes(), answer.body, "{uid}");
        if *uid != "secret-1" {
            assert_eq!(dir.read(&record), *body);
        }
    }
    let kept = dir.read("r/review-secret-1.json");
    assert!(!kept.contains("hush") && !kept.contains("aHVzaA"), "{kept}");
    // Decisions are in the log at the latest when the process has ended.
    webhook.signal("TERM");
    assert_eq!(webhook.wait().code(), Some(0));
    let lines: Vec<Value> = dir
        .read("log")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let uids: Vec<&str> = lines
        .iter()
        .map(|line| line["uid"].as_str().unwrap())
        .collect();
    assert_eq!(uids, ["denied-1", "clean-1", "clean-3"]);
    assert_eq!(
        (&lines[0]["decision"], &lines[0]["user"]),
        (&"denied".into(), &"ann".into())
    );
    assert_eq!(lines[0]["findings"][0]["control"], "C-0057");
}

/// A child process; it is killed with this value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn closed_stdout_loses_decision_lines_only() {
    let dir = TestDir::new().file("b/strict.yaml", STRICT);
    let (port, metrics) = (free_port(), free_port());
    let listen = [format!("127.0.0.1:{port}"), format!("127.0.0.1:{metrics}")];
    let flags = [
        "--listen",
        &listen[0],
        "--metrics-listen",
        &listen[1],
        "--tls-dir",
        "tls",
        "--bindings",
        "b",
    ];
    let mut child = Killed(
        command(&dir, &flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    drop(child.0.stdout.take());
    let webhook = WebhookProcess::attach(port, metrics, &dir.path().join("tls"));
    wait_for("the gate to be ready", || match webhook.readiness() {
        Some((200, _)) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    for _ in 0..3 {
        assert_eq!(
            post(&webhook, create_pod_review("u", &container_spec(true))).review_response("u")["allowed"],
            false
        );
    }
    wait_for("three lost lines", || {
        match webhook.metric("kubevet_unlogged_decisions_total") {
            3.0 => Ok(()),
            value => Err(value.to_string()),
        }
    });
    assert!(child.0.try_wait().unwrap().is_none(), "it lives");
}

#[test]
fn health_and_metrics_report_the_state() {
    let dir = TestDir::new();
    let webhook = started(&dir, &[]);
    let get = |path: &str| {
        let mut line = RawConnection::open(&webhook);
        line.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        line.response().unwrap().status
    };
    // Without a separate address they are served beside /validate.
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(path), 404, "{path}");
    }
    assert_eq!(webhook.readiness().unwrap().0, 200);
    post(&webhook, create_pod_review("u", &container_spec(true))).review_response("u");
    post(&webhook, "no review").assert_rejected(400);
    let series = "kubevet_reviews_total{verdict=\"allowed\",operation=\"CREATE\",kind=\"Pod\"}";
    assert!(webhook.metric(series) == 1.0, "{}", webhook.metrics());
    assert!(
        webhook.metric("kubevet_refused_requests_total{why=\"no_review\"}") == 1.0,
        "{}",
        webhook.metrics()
    );
    for phase in ["read", "parse", "judge", "decide", "write", "total"] {
        let count = format!("kubevet_review_duration_seconds_count{{phase=\"{phase}\"}}");
        assert!(
            webhook.metric(&count) >= 1.0,
            "{phase}: {}",
            webhook.metrics()
        );
    }
    assert!(
        webhook.metric("kubevet_certificate_expiry_timestamp_seconds{which=\"leaf\"}") > 1e9,
        "{}",
        webhook.metrics()
    );

    let port = free_port();
    let running = ChildProcess::start(&mut command(
        &dir,
        &["--listen", &format!("127.0.0.1:{port}"), "--tls-dir", "tls"],
    ));
    wait_for(
        "a gate without an address for metrics",
        || match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => Ok(()),
            Err(_) => Err(running.stderr()),
        },
    );
    let beside = WebhookProcess::attach(port, port, &dir.path().join("tls"));
    // Metrics are served only if an address is given for them.
    for (path, expected) in [("/healthz", 200), ("/readyz", 200), ("/metrics", 404)] {
        let status = wait_for("it to be ready", || {
            let mut line = RawConnection::open(&beside);
            line.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
            match line.response().unwrap().status {
                503 => Err("503".to_owned()),
                status => Ok(status),
            }
        });
        assert_eq!(status, expected, "{path}");
    }
    webhook.terminate();
}
