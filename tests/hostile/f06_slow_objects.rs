//! F6: objects below every size limit cost seconds, because the cost was the product of their
//! mounts and volumes.

use crate::{
    attack_connection::{
        ATTACKER_ADDRESS, AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig,
    },
    attack_objects::{Review, slow_pod},
    attack_scale::{claim_machine, scale},
    attacked_server::ServerSetup,
    baseline_traffic::with_baseline_traffic,
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

/// Volumes, mounts, clients, and the maximum CPU time of one review: at least ten times the goal.
const CASES: [(&str, usize, usize, usize, Duration); 3] = [
    ("A13.1", 2500, 3000, 12, Duration::from_millis(1000)),
    ("A13.2", 500, 1000, 16, Duration::from_millis(500)),
    ("A13.3", 6000, 30_000, 12, Duration::from_millis(2000)),
];

#[test]
fn f6_a13_many_volumes_and_mounts_cost_linear_time() {
    let _machine = claim_machine();
    for (name, volumes, mounts, _, cpu_max) in CASES {
        let mut server = ServerSetup::example().no_decision_log().start();
        let body = Review::create(&slow_pod(volumes, mounts)).to_json();
        let mut connection = AttackConnection::open(
            &server,
            &TlsConfig::of(&server),
            ATTACKER_ADDRESS,
            HANG_TIMEOUT,
        )
        .unwrap();
        let before = server.cpu();
        for _ in 0..3 {
            let response = connection
                .post("/validate?timeout=5s", body.as_bytes(), HANG_TIMEOUT)
                .unwrap();
            // Denied for its findings, or for too many findings.
            assert_eq!(response.review_response("u-1")["allowed"], false, "{name}");
        }
        let each = (server.cpu() - before) / 3;
        assert!(
            each < cpu_max,
            "{name}: {each:?} of CPU for each review of {} bytes",
            body.len()
        );
        server.assert_running();
    }
}

#[test]
fn f6_a13_slow_objects_do_not_delay_other_clients() {
    let _machine = claim_machine();
    for (name, volumes, mounts, callers, _) in CASES {
        for from in [ATTACKER_ADDRESS, CLIENT_ADDRESS] {
            let mut server = ServerSetup::example().no_decision_log().start();
            let body = Review::create(&slow_pod(volumes, mounts))
                .user("mallory")
                .to_json();
            let tls = TlsConfig::of(&server);
            let left = AtomicUsize::new(callers * scale(2, 6));
            let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
                thread::scope(|scope| {
                    for _ in 0..callers {
                        scope.spawn(|| {
                            let mut connection =
                                AttackConnection::open(&server, &tls, from, HANG_TIMEOUT).unwrap();
                            let next = || {
                                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |value| {
                                    value.checked_sub(1)
                                })
                            };
                            while next().is_ok() {
                                let response = connection
                                    .post("/validate?timeout=5s", body.as_bytes(), HANG_TIMEOUT)
                                    .unwrap();
                                assert_eq!(
                                    response.review_response("u-1")["allowed"],
                                    false,
                                    "{name}"
                                );
                            }
                        });
                    }
                });
            });
            baseline.assert_undisturbed();
            server.assert_running();
        }
    }
}
