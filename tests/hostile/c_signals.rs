//! C6: storms of signals, signals during shutdown, and during work.

use crate::{
    attack_connection::{AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig},
    attack_objects::ordinary_bad,
    attack_scale::{scale, share_machine},
    attacked_server::{ServerSetup, assert_denied},
    baseline_traffic::with_baseline_traffic,
};
use rustix::process::Signal;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// The grace period of the installation's Pod between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(40);

#[test]
fn c6_1_storm_of_sighups_loses_no_call() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let ended = AtomicBool::new(false);
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
        thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    server.signal(Signal::HUP);
                    thread::sleep(Duration::from_millis(5));
                }
            });
            let calls = || {
                let mut connection = AttackConnection::ordinary(&server);
                for _ in 0..scale(300, 5000) {
                    let response = connection.post(
                        "/validate?timeout=10s",
                        ordinary_bad().as_bytes(),
                        HANG_TIMEOUT,
                    );
                    assert_denied(&response.unwrap(), "bad", 403, "C-0057");
                }
            };
            let callers: Vec<_> = (0..4).map(|_| scope.spawn(calls)).collect();
            let results: Vec<_> = callers
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect();
            ended.store(true, Ordering::Relaxed);
            results.into_iter().for_each(|result| result.unwrap());
        });
    });
    baseline.assert_undisturbed();
    assert!(server.peak_mib() < 256, "{} MiB", server.peak_mib());
    server.assert_running();
}

#[test]
fn c6_3_half_sent_bodies_are_answered_after_sigterm() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let body = ordinary_bad();
    let (first, second) = body.as_bytes().split_at(200);
    let tls = TlsConfig::of(&server);
    let mut held: Vec<AttackConnection> = (0..10)
        .map(|_| AttackConnection::open(&server, &tls, CLIENT_ADDRESS, HANG_TIMEOUT).unwrap())
        .collect();
    let idle: Vec<AttackConnection> = (0..10)
        .map(|_| AttackConnection::ordinary(&server))
        .collect();
    for connection in &mut held {
        let head = format!(
            "POST /validate?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        assert!(connection.send(head.as_bytes()) && connection.send(first));
    }
    server.signal(Signal::TERM);
    let mut readiness = server.get("/readyz");
    while readiness
        .as_ref()
        .is_some_and(|readiness| readiness.0 == 200)
    {
        readiness = server.get("/readyz");
    }
    assert!(readiness.is_none_or(|readiness| readiness.0 == 503));
    for mut connection in held {
        assert!(connection.send(second));
        assert_denied(
            &connection.response(HANG_TIMEOUT).unwrap(),
            "bad",
            403,
            "C-0057",
        );
    }
    assert_eq!(
        server.ends_within(GRACE).and_then(|status| status.code()),
        Some(0)
    );
    drop(idle);
}

#[test]
fn c6_4_withheld_bodies_do_not_delay_the_shutdown() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let mut held: Vec<AttackConnection> = (0..50)
        .map(|_| AttackConnection::ordinary(&server))
        .collect();
    for connection in &mut held {
        connection.send(
            b"POST /validate?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{",
        );
    }
    server.signal(Signal::TERM);
    assert_eq!(
        server.ends_within(GRACE).and_then(|status| status.code()),
        Some(0),
        "it did not end in {GRACE:?}"
    );
}

#[test]
fn c6_5_signals_after_the_first_have_no_effect() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    server.signal(Signal::TERM);
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        thread::sleep(Duration::from_millis(50));
        server.signal(signal);
    }
    assert_eq!(
        server.ends_within(GRACE).and_then(|status| status.code()),
        Some(0)
    );
}
