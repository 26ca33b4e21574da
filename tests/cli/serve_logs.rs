//! The logs of a running webhook: an unread stream never blocks it, every line is bounded and free
//! of control characters, and a moved log file is reopened.

use kubevet_testkit::{
    build_output::kubevet_binary,
    polling::wait_for,
    raw_connection::{container_spec, create_pod_review, post},
    test_dir::TestDir,
    webhook_process::{WebhookProcess, free_port},
};
use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, ExitStatus, Stdio},
};

const STRICT: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec: {validationActions: [Deny], controls: [C-0057, K-0001]}
";
/// More than the bound of a line of the decision log.
const LINE_BYTES: usize = 128 << 10;

/// A child process; it is killed with this value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A stream that is full and whose other end is held open but not read.
fn full_stream() -> (UnixStream, Stdio) {
    let (held, mut written) = UnixStream::pair().unwrap();
    written.set_nonblocking(true).unwrap();
    while written.write(&[b'x'; 4096]).is_ok() {}
    while written.write(b"x").is_ok() {}
    written.set_nonblocking(false).unwrap();
    (held, Stdio::from(OwnedFd::from(written)))
}

/// Starts a webhook with these streams and waits until it is ready.
fn started(
    dir: &TestDir,
    flags: &[&str],
    stdout: Stdio,
    stderr: Stdio,
) -> (Killed, WebhookProcess) {
    let (port, metrics) = (free_port(), free_port());
    let listen = [format!("127.0.0.1:{port}"), format!("127.0.0.1:{metrics}")];
    let mut command = Command::new(kubevet_binary());
    command.args([
        "serve",
        "--listen",
        &listen[0],
        "--metrics-listen",
        &listen[1],
        "--tls-dir",
        "tls",
    ]);
    command
        .args(["--bindings", "b", "--drain-delay", "50ms"])
        .args(flags)
        .current_dir(dir.path());
    for name in [
        "RUST_BACKTRACE",
        "KUBERNETES_SERVICE_HOST",
        "POD_NAMESPACE",
        "KUBEVET_LOG",
    ] {
        command.env_remove(name);
    }
    let child = Killed(command.stdout(stdout).stderr(stderr).spawn().unwrap());
    let webhook = WebhookProcess::attach(port, metrics, &dir.path().join("tls"));
    wait_for("the gate to be ready", || match webhook.readiness() {
        Some((200, _)) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    (child, webhook)
}

fn signal(child: &Killed, name: &str) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {}", child.0.id())])
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

fn ended(child: &mut Killed) -> ExitStatus {
    wait_for("its end", || {
        child
            .0
            .try_wait()
            .unwrap()
            .ok_or_else(|| "it runs".to_owned())
    })
}

fn denies(webhook: &WebhookProcess) -> bool {
    post(webhook, create_pod_review("u", &container_spec(true))).review_response("u")["allowed"]
        == false
}

/// With unread standard error, reviews are answered, changed bindings are loaded, and SIGTERM ends
/// the process.
#[test]
fn unread_stderr_loses_log_lines_only() {
    let dir = TestDir::new().file("b/strict.yaml", STRICT);
    let (_held, stderr) = full_stream();
    let (mut child, webhook) = started(&dir, &[], Stdio::null(), stderr);
    let generation = || webhook.metric("kubevet_library_generation");
    for count in 2..6 {
        signal(&child, "HUP");
        wait_for("another generation", || {
            if generation() >= f64::from(count) {
                Ok(())
            } else {
                Err(webhook.metrics())
            }
        });
    }
    assert!(denies(&webhook));
    fs::write(
        dir.path().join("b/strict.yaml"),
        STRICT.replace("Deny", "Warn"),
    )
    .unwrap();
    wait_for("the changed binding", || {
        if denies(&webhook) {
            Err(webhook.metrics())
        } else {
            Ok(())
        }
    });
    signal(&child, "TERM");
    assert_eq!(ended(&mut child).code(), Some(0));
}

/// With unread standard output, decisions are queued, dropped and counted, and SIGTERM ends the
/// process.
#[test]
fn unread_stdout_loses_decision_lines_only() {
    let dir = TestDir::new().file("b/strict.yaml", STRICT);
    let (_held, stdout) = full_stream();
    let (mut child, webhook) = started(&dir, &[], stdout, Stdio::null());
    // The longest possible lines; at most 16 MiB of them are queued.
    let name = "n".repeat(1 << 20);
    for _ in 0..40 {
        let body = create_pod_review("u", &container_spec(true))
            .replace("\"web\"", &format!("\"{name}\""));
        assert_eq!(post(&webhook, body).review_response("u")["allowed"], false);
    }
    let memory = fs::read_to_string(format!("/proc/{}/status", child.0.id())).unwrap_or_default();
    let resident = memory
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    if let Some(kilobytes) = resident.and_then(|resident| resident.parse::<u64>().ok()) {
        assert!(
            kilobytes < 300 << 10,
            "{kilobytes} KiB after 40 names of 1 MiB"
        );
    }
    signal(&child, "TERM");
    assert_eq!(ended(&mut child).code(), Some(0));
}

#[test]
fn log_line_is_bounded_and_free_of_control_characters() {
    let dir = TestDir::new().file("b/strict.yaml", STRICT);
    let (mut child, webhook) = started(
        &dir,
        &["--decision-log", "log"],
        Stdio::null(),
        Stdio::null(),
    );
    let long = "\u{9b}x".repeat(1 << 18);
    for (from, to) in [
        (
            "\"name\":\"web\",\"namespace\":\"shop\",\"operation\"",
            format!("\"name\":\"{long}\",\"namespace\":\"shop\",\"operation\""),
        ),
        (
            "\"namespace\":\"shop\",\"operation\"",
            format!("\"namespace\":\"{long}\",\"operation\""),
        ),
        ("\"resource\":\"pods\"", format!("\"resource\":\"{long}\"")),
        (
            "\"operation\"",
            format!("\"subResource\":\"{long}\",\"operation\""),
        ),
        ("\"username\":\"ann\"", format!("\"username\":\"{long}\"")),
    ] {
        let body = create_pod_review("u", &container_spec(true)).replacen(from, &to, 1);
        assert!(body.len() > long.len(), "{from} is not there");
        post(&webhook, body).review_response("u");
    }
    // The review that an API server sends for `kubectl exec`.
    let command = r"\u009b31m\u202e\u2028\u007f\u3164";
    let exec = create_pod_review("exec", &format!(r#""command":["sh","-c","{command}"]"#))
        .replace("\"Pod\"", "\"PodExecOptions\"")
        .replace("CREATE", "CONNECT")
        .replace("\"operation\"", "\"subResource\":\"exec\",\"operation\"");
    assert_eq!(
        post(&webhook, exec).review_response("exec")["allowed"],
        false
    );
    post(
        &webhook,
        create_pod_review(&"u".repeat(129), &container_spec(true)),
    )
    .assert_rejected(400);
    signal(&child, "TERM");
    assert_eq!(ended(&mut child).code(), Some(0));

    let log = dir.read("log");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 6, "{log}");
    for line in &lines {
        assert!(line.len() < LINE_BYTES, "{} bytes", line.len());
        assert!(
            line.chars()
                .all(|c| !c.is_control() && !"\u{202e}\u{2028}\u{3164}".contains(c)),
            "{line}"
        );
    }
    let exec: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    let message = exec["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains('\u{9b}') || message.contains("31m"),
        "{message}"
    );
}

#[test]
fn moved_decision_log_is_reopened_on_sighup() {
    let dir = TestDir::new().file("b/strict.yaml", STRICT);
    let (mut child, webhook) = started(
        &dir,
        &["--decision-log", "log"],
        Stdio::null(),
        Stdio::null(),
    );
    assert!(denies(&webhook));
    wait_for("the line", || {
        if dir.read("log").contains("denied") {
            Ok(())
        } else {
            Err(dir.read("log"))
        }
    });
    fs::rename(dir.path().join("log"), dir.path().join("log.1")).unwrap();
    signal(&child, "HUP");
    wait_for("it was heard", || {
        match webhook.metric("kubevet_library_generation") {
            value if value >= 2.0 => Ok(()),
            value => Err(value.to_string()),
        }
    });
    assert!(denies(&webhook));
    signal(&child, "TERM");
    assert_eq!(ended(&mut child).code(), Some(0));
    assert_eq!(
        (
            dir.read("log.1").lines().count(),
            dir.read("log").lines().count()
        ),
        (1, 1)
    );
}

/// A record whose write blocks forever loses records and nothing else.
#[test]
fn hanging_record_folder_loses_records_only() {
    let dir = TestDir::new().file("b/strict.yaml", STRICT).folder("r");
    let pipe = dir.path().join("r/review-u.part");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let (mut child, webhook) = started(&dir, &["--record", "r"], Stdio::null(), Stdio::null());
    for _ in 0..300 {
        assert!(denies(&webhook));
    }
    let lost = || webhook.metric("kubevet_unrecorded_reviews_total");
    wait_for("lost records", || {
        if lost() >= 40.0 {
            Ok(())
        } else {
            Err(webhook.metrics())
        }
    });
    signal(&child, "TERM");
    assert_eq!(ended(&mut child).code(), Some(0));
}
