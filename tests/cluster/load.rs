//! Two replicas on one port under constant load, while certificates are rotated to another
//! authority, bindings are reloaded, and replicas are replaced and killed. There is no API server:
//! a failed call is not retried.

use crate::{
    certificate_store::TlsDir,
    review_requests::{self, UID, config_map, contains, deployment_in, service},
};
use hyper::body::Bytes;
use kubevet_testkit::{
    polling::wait_for,
    webhook_client::{CallFailure, LoadPlan, LoadStats, WebhookClient},
    webhook_process::{WebhookProcess, free_port},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::runtime::Runtime;

/// Two replicas, their configuration, and their clients.
struct Pair {
    replicas: [WebhookProcess; 2],
    dir: tempfile::TempDir,
    certificates: TlsDir,
    client: WebhookClient,
    runtime: Runtime,
}

impl Pair {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let certificates = TlsDir::with_a_successor(&dir.path().join("tls"));
        review_requests::bindings(dir.path());
        let port = free_port();
        let replicas = [start(port, dir.path()), start(port, dir.path())];
        let client = replicas[0].client();
        let runtime = Runtime::new().expect("a runtime starts");
        Self {
            replicas,
            dir,
            certificates,
            client,
            runtime,
        }
    }

    fn begin(&self, load: LoadPlan, stop: &Arc<AtomicBool>) -> Calls {
        let (client, stop) = (self.client.clone(), Arc::clone(stop));
        self.runtime
            .spawn(async move { load.run(&client, stop).await })
    }

    fn end(&self, calls: Calls) -> LoadStats {
        self.runtime.block_on(calls).expect("the callers end")
    }

    /// Issues another leaf from the newer authority, and waits until both replicas serve it.
    fn rotate(&self, name: &str) {
        let reloads = |webhook: &WebhookProcess| {
            webhook.metric("kubevet_certificate_reloads_total{result=\"taken\"}")
        };
        let before = self.replicas.each_ref().map(reloads);
        self.certificates.renew_for(name);
        self.hang_up();
        for (webhook, before) in self.replicas.iter().zip(before) {
            wait_for("the new certificate to be taken", || {
                let now = reloads(webhook);
                if now > before {
                    Ok(())
                } else {
                    Err(webhook.stderr())
                }
            });
        }
    }

    /// Renames the binding, and waits until both replicas deny by that name.
    fn rebind(&self, name: &str) {
        let generation = |webhook: &WebhookProcess| webhook.metric("kubevet_library_generation");
        let before = self.replicas.each_ref().map(generation);
        review_requests::bind(self.dir.path(), name);
        self.hang_up();
        for (webhook, before) in self.replicas.iter().zip(before) {
            wait_for("the new binding to be in force", || {
                if generation(webhook) > before {
                    Ok(())
                } else {
                    Err(webhook.stderr())
                }
            });
        }
        let answer = self
            .runtime
            .block_on(self.client.post("/validate", &deployment_in("shop")));
        let body = answer.expect("it answers").body;
        assert!(
            contains(&body, name),
            "not by {name}: {}",
            String::from_utf8_lossy(&body)
        );
    }

    /// Breaks the binding: the last valid one stays in force, and both replicas report it.
    fn break_bindings(&self) {
        review_requests::replace(self.dir.path(), "{kind: ControlBinding");
        self.hang_up();
        for webhook in &self.replicas {
            wait_for("the broken binding to be seen", || {
                match webhook.metric("kubevet_library_problems") {
                    0.0 => Err(webhook.stderr()),
                    _ => Ok(()),
                }
            });
        }
    }

    /// Starts a new replica before the older one is told to stop.
    fn replace(&mut self) {
        let mut old = start(self.replicas[0].port(), self.dir.path());
        self.replicas.swap(0, 1);
        std::mem::swap(&mut self.replicas[1], &mut old);
        let status = old.terminate();
        assert!(status.success(), "it ended with {status}");
    }

    fn hang_up(&self) {
        self.replicas
            .iter()
            .for_each(|webhook| webhook.signal("HUP"));
    }
}

type Calls = tokio::task::JoinHandle<LoadStats>;

fn start(port: u16, dir: &Path) -> WebhookProcess {
    let bindings = dir.join("bindings").display().to_string();
    let flags = [
        "--bindings",
        &bindings,
        "--decision-log",
        "/dev/null",
        "--drain-delay",
        "500ms",
        "--share-port",
    ];
    WebhookProcess::start_on(port, &dir.join("tls"), &flags).expect("it starts")
}

fn for_us(body: &[u8]) -> bool {
    contains(body, &format!(r#""uid":"{UID}""#))
}

fn allowed(body: &[u8]) -> bool {
    for_us(body) && contains(body, r#""allowed":true"#) && !contains(body, "warnings")
}

fn denied(body: &[u8]) -> bool {
    for_us(body)
        && contains(body, r#""allowed":false"#)
        && contains(body, r#""code":403"#)
        && contains(body, "C-0057")
}

fn load(
    clients: usize,
    calls: u64,
    per_connection: u64,
    body: Bytes,
    accept: fn(&[u8]) -> bool,
) -> LoadPlan {
    LoadPlan {
        clients,
        calls,
        calls_per_connection: per_connection,
        path: "/validate".into(),
        body,
        accept,
    }
}

/// Small objects and denials, on kept, reused and single-call connections.
fn mixture(calls: u64) -> [LoadPlan; 5] {
    let percent = calls / 100;
    [
        load(4, percent * 60, u64::MAX, service(), allowed),
        load(2, percent * 30, 50, config_map(), allowed),
        load(2, percent * 4, 1, config_map(), allowed),
        load(1, percent * 5, u64::MAX, deployment_in("shop"), denied),
        load(1, percent, 1, deployment_in("shop"), denied),
    ]
}

const CALLS: u64 = 100_000;
/// A round costs far more than the calls: a process starts, and two load their library twice.
const ROUNDS: u32 = 5;

#[test]
fn no_call_of_100_000_fails_during_rotation_and_replacement() {
    let mut pair = Pair::start();
    let stop = Arc::new(AtomicBool::new(false));
    let counted: Vec<_> = mixture(CALLS)
        .into_iter()
        .map(|load| pair.begin(load, &stop))
        .collect();
    // On a fast machine the calls end before everything has changed once; these calls last.
    let on_top = load(1, u64::MAX, 10, service(), allowed);
    let on_top = pair.begin(on_top, &stop);
    let mut round = 0;
    while round == 0 || (round < ROUNDS && !counted.iter().all(Calls::is_finished)) {
        round += 1;
        pair.rotate(&format!("round-{round}.example"));
        pair.break_bindings();
        pair.rebind(&format!("round-{round}-binding"));
        pair.replace();
    }
    let tallies: Vec<_> = counted.into_iter().map(|calls| pair.end(calls)).collect();
    stop.store(true, Ordering::Relaxed);
    let on_top = pair.end(on_top);

    let answered: u64 = tallies.iter().map(|tally| tally.answered).sum();
    let failures: Vec<_> = tallies
        .iter()
        .chain([&on_top])
        .map(|tally| &tally.failures)
        .collect();
    assert!(
        failures.iter().all(|failures| failures.is_empty()),
        "{failures:?}"
    );
    assert_eq!(answered, CALLS);
    assert!(on_top.answered > 0);
    let connections: u64 = tallies.iter().map(|tally| tally.connections).sum();
    assert!(connections > CALLS / 20, "{connections} connections only");
    let again: u64 = tallies.iter().map(|tally| tally.retries).sum();
    eprintln!(
        "{round} rounds, {connections} connections, {again} calls made again, {} on top",
        on_top.answered
    );
}

/// Clients of the killed replica lose their calls in flight, and no others.
#[test]
fn killed_replica_loses_in_flight_calls_only() {
    let pair = Pair::start();
    let stop = Arc::new(AtomicBool::new(false));
    let loads = [
        load(6, u64::MAX, u64::MAX, service(), allowed),
        load(2, u64::MAX, 1, config_map(), allowed),
        load(2, u64::MAX, 10, deployment_in("shop"), denied),
    ];
    let clients: usize = loads.iter().map(|load| load.clients).sum();
    let calls: Vec<_> = loads
        .into_iter()
        .map(|load| pair.begin(load, &stop))
        .collect();
    let reviews = |webhook: &WebhookProcess| {
        let metrics = webhook.metrics();
        let lines = metrics.lines().filter_map(|line| {
            line.strip_prefix("kubevet_reviews_total{")?
                .rsplit_once(' ')
        });
        lines
            .map(|(_, count)| count.parse::<f64>().expect("a metric is a number"))
            .sum::<f64>()
    };
    let wait_for_reviews = |webhook: &WebhookProcess, more: f64| {
        wait_for("more reviews", || {
            let now = reviews(webhook);
            if now >= more {
                Ok(now)
            } else {
                Err(format!("{now} of {more}"))
            }
        })
    };
    let Pair {
        replicas: [killed, stays],
        runtime,
        ..
    } = pair;
    wait_for_reviews(&killed, 200.0);
    killed.kill();
    let so_far = reviews(&stays);
    wait_for_reviews(&stays, so_far + 1000.0);
    stop.store(true, Ordering::Relaxed);
    let tallies: Vec<_> = calls
        .into_iter()
        .map(|call| runtime.block_on(call).expect("the callers end"))
        .collect();

    let lost: u64 = tallies
        .iter()
        .map(|tally| tally.failed() + tally.retries)
        .sum();
    assert!(
        lost <= clients as u64,
        "{lost} calls lost, {clients} at a time: {tallies:?}"
    );
    // A call may be lost, but never answered wrongly.
    let kinds = [
        CallFailure::Connect,
        CallFailure::Handshake,
        CallFailure::NoResponse,
        CallFailure::TruncatedBody,
    ];
    assert!(
        tallies
            .iter()
            .flat_map(|tally| tally.failures.keys())
            .all(|tally| kinds.contains(tally)),
        "{tallies:?}"
    );
    eprintln!("{lost} calls lost of {clients} at a time");
}
