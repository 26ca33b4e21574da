//! F1: the decision about an UPDATE had no deadline and quadratic cost, so one request was admitted
//! without a verdict and held the only permit for large reviews for half a minute.

use crate::{
    attack_connection::{ATTACKER_ADDRESS, AttackConnection, CLIENT_ADDRESS, TlsConfig},
    attack_objects::{
        Review, clean_pod, container, hostpath_deployment, padded, with_privileged_container,
        workload,
    },
    attack_scale::claim_machine,
    attacked_server::{EXAMPLE, ServerSetup, assert_allowed, binding},
    baseline_traffic::with_baseline_traffic,
};
use serde_json::json;
use std::{
    thread,
    time::{Duration, Instant},
};

/// The timeout of the installed webhook. After it, a request is admitted without a verdict.
const GRANTED: Duration = Duration::from_secs(5);
/// Ten times the goal for the most expensive of these requests. It took 29.5 s.
const CPU_MAX: Duration = Duration::from_secs(5);

#[test]
fn f1_b0_updates_with_one_long_path_are_answered_in_time() {
    let _machine = claim_machine();
    let clean = workload("Deployment", &json!({"containers": [container("c0")]}));
    let slashes = |length: usize| format!("/run{}", "/".repeat(length - 4));
    let controls = |length: usize| format!("/{}", "\u{1}".repeat(length));
    let same = |path: &str, mounts: usize| {
        let object = hostpath_deployment(path, mounts);
        Review::update(&object, &object)
    };
    let becomes_bad = |path: &str, mounts: usize| {
        let object = with_privileged_container(hostpath_deployment(path, mounts));
        (Review::update(&clean, &object), Review::create(&object))
    };
    let warn = "frameworks: [security], minSeverity: high, validationActions: [Warn]";
    let warn = binding("warn", "[]", warn).replace("controls: [], ", "");
    let (worst, worst_created) = becomes_bad(&controls(400_000), 9900);
    let (longest, longest_created) = becomes_bad(&slashes(1_100_000), 9900);
    for (name, bindings, review, denies) in [
        ("B0.1", warn.as_str(), same(&slashes(700_000), 3000), false),
        ("B0.3", &warn, same(&slashes(900_000), 9900), false),
        ("B0.4", EXAMPLE, longest, true),
        ("B0.5", EXAMPLE, longest_created, true),
        ("B0.6", EXAMPLE, worst, true),
        ("B0.6 as CREATE", EXAMPLE, worst_created, true),
    ] {
        let mut server = ServerSetup::with(&[bindings]).no_decision_log().start();
        let mut connection =
            AttackConnection::open(&server, &TlsConfig::of(&server), ATTACKER_ADDRESS, GRANTED)
                .unwrap();
        let response =
            connection.post("/validate?timeout=5s", review.to_json().as_bytes(), GRANTED);
        let response =
            response.unwrap_or_else(|error| panic!("{name}: no answer in {GRANTED:?}: {error}"));
        let response = response.review_response("u-1");
        // Denied for its findings, or because the deadline passed.
        assert_eq!(response["allowed"], !denies, "{name}: {response:?}");
        assert!(server.cpu() < CPU_MAX, "{name}: {:?} of CPU", server.cpu());
        server.assert_running();
    }
}

#[test]
fn f1_costly_update_does_not_delay_other_users() {
    let _machine = claim_machine();
    let server = ServerSetup::example().no_decision_log().start();
    let clean = workload("Deployment", &json!({"containers": [container("c0")]}));
    let object = with_privileged_container(hostpath_deployment(
        &format!("/{}", "\u{1}".repeat(400_000)),
        9900,
    ));
    let costly = Review::update(&clean, &object).user("mallory").to_json();
    let large = Review::create(&padded(&clean_pod(), 400_000))
        .uid("large")
        .to_json();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |progress| {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut connection = AttackConnection::open(
                    &server,
                    &TlsConfig::of(&server),
                    ATTACKER_ADDRESS,
                    GRANTED,
                )
                .unwrap();
                let _ = connection.post("/validate?timeout=5s", costly.as_bytes(), 2 * GRANTED);
            });
            progress.rounds(3);
            // Another user's review over 256 KiB needs the permit of the expensive one.
            let start = Instant::now();
            let mut connection =
                AttackConnection::open(&server, &TlsConfig::of(&server), CLIENT_ADDRESS, GRANTED)
                    .unwrap();
            let response = connection.post("/validate?timeout=10s", large.as_bytes(), 2 * GRANTED);
            let response = response
                .unwrap_or_else(|error| panic!("no answer in {:?}: {error}", start.elapsed()));
            assert_allowed(&response, "large");
        });
    });
    baseline.assert_undisturbed();
}
