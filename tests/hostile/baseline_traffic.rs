//! Ordinary clients during an attack: a GET of `/healthz`, a clean and a privileged review, each on
//! a new and on a kept connection. Every wrong, late or missing response is recorded.

use crate::{
    attack_connection::{AttackConnection, TlsConfig},
    attack_objects::{ordinary_bad, ordinary_clean},
    attacked_server::Server,
};
use kubevet_testkit::{polling::wait_for, raw_connection::RawResponse};
use serde_json::Value;
use std::{
    io,
    net::Ipv4Addr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// A slower response counts as missing: ten times the goal of 250 ms.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(2500);
/// The pause between two rounds.
const ROUND_INTERVAL: Duration = Duration::from_millis(100);

/// The failed calls of the ordinary clients.
#[derive(Debug, Default)]
pub(crate) struct BaselineResult {
    rounds: usize,
    failures: Vec<String>,
}

/// The progress of the ordinary clients.
pub(crate) struct Progress {
    stop: AtomicBool,
    rounds: AtomicUsize,
}

impl Progress {
    /// Waits until so many more rounds have begun and ended.
    pub(crate) fn rounds(&self, count: usize) {
        let wanted = self.rounds.load(Ordering::Relaxed) + count + 1;
        wait_for("ordinary calls", || {
            match self.rounds.load(Ordering::Relaxed) {
                value if value >= wanted => Ok(()),
                value => Err(format!("{value} of {wanted}")),
            }
        });
    }
}

/// Runs an attack while ordinary clients call from this address; they begin before it and end after
/// it.
pub(crate) fn with_baseline_traffic<T>(
    server: &Server,
    from: Ipv4Addr,
    attack: impl FnOnce(&Progress) -> T,
) -> (T, BaselineResult) {
    let progress = Progress {
        stop: AtomicBool::new(false),
        rounds: AtomicUsize::new(0),
    };
    let mut kept = AttackConnection::open(server, &TlsConfig::of(server), from, RESPONSE_TIMEOUT)
        .expect("a connection before the attack");
    check(
        &mut BaselineResult::default(),
        "before",
        kept.post(
            "/validate?timeout=5s",
            ordinary_clean().as_bytes(),
            RESPONSE_TIMEOUT,
        ),
        true,
    );
    thread::scope(|scope| {
        let caller = scope.spawn(|| {
            let mut baseline = BaselineResult::default();
            let start = Instant::now();
            while !progress.stop.load(Ordering::Relaxed) {
                round(server, from, &mut kept, &mut baseline, start);
                progress.rounds.fetch_add(1, Ordering::Relaxed);
                thread::sleep(ROUND_INTERVAL);
            }
            baseline
        });
        // The clients must end even if the attack panics.
        let ended = StopOnDrop(&progress.stop);
        let result = attack(&progress);
        drop(ended);
        (
            result,
            caller.join().expect("ordinary callers do not panic"),
        )
    })
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn round(
    server: &Server,
    from: Ipv4Addr,
    kept: &mut AttackConnection,
    baseline: &mut BaselineResult,
    start: Instant,
) {
    baseline.rounds += 1;
    let clean = baseline.rounds % 2 == 1;
    let body = if clean {
        ordinary_clean()
    } else {
        ordinary_bad()
    };
    let at = |description: &str| format!("{:.1} s: {description}", start.elapsed().as_secs_f64());
    match server.get("/healthz") {
        Some((200, _)) => {}
        other => baseline.failures.push(at(&format!("/healthz: {other:?}"))),
    }
    let new = AttackConnection::open(server, &TlsConfig::of(server), from, RESPONSE_TIMEOUT)
        .and_then(|mut connection| {
            connection.post("/validate?timeout=5s", body.as_bytes(), RESPONSE_TIMEOUT)
        });
    check(baseline, &at("new connection"), new, clean);
    let old = kept.post("/validate?timeout=5s", body.as_bytes(), RESPONSE_TIMEOUT);
    let broken = old.is_err();
    check(baseline, &at("kept connection"), old, clean);
    if broken
        && let Ok(connection) =
            AttackConnection::open(server, &TlsConfig::of(server), from, RESPONSE_TIMEOUT)
    {
        *kept = connection;
    }
}

fn check(baseline: &mut BaselineResult, at: &str, response: io::Result<RawResponse>, clean: bool) {
    let response = match response {
        Ok(response) => response,
        Err(error) => return baseline.failures.push(format!("{at}: no answer: {error}")),
    };
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let review = &answer["response"];
    let uid = if clean { "clean" } else { "bad" };
    let right = response.status == 200
        && review["uid"] == uid
        && review["allowed"] == clean
        && (clean || review["status"]["code"] == 403);
    if !right {
        let body_start: String = String::from_utf8_lossy(&response.body)
            .chars()
            .take(300)
            .collect();
        baseline
            .failures
            .push(format!("{at}: {uid}: {} {body_start}", response.status));
    }
}

impl BaselineResult {
    /// Every ordinary call got the right response in time.
    #[track_caller]
    pub(crate) fn assert_undisturbed(&self) {
        assert!(self.rounds > 0, "nobody called");
        assert!(
            self.failures.is_empty(),
            "ordinary calls went wrong {} times in {} rounds, first: {:?}",
            self.failures.len(),
            self.rounds,
            &self.failures[..self.failures.len().min(3)]
        );
    }
}
