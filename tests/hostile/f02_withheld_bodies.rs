//! F2: an announced length reserved memory, and a pending body a permit, so 500 bytes from any pod
//! stopped all reviews; and admitted everything under a binding that only warns about reviews
//! without a verdict.

use crate::{
    attack_connection::{
        ATTACKER_ADDRESS, AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig, post,
    },
    attack_objects::{Review, clean_pod, ordinary_bad, padded, privileged_pod},
    attack_scale::claim_machine,
    attacked_server::{Server, ServerSetup, assert_allowed, assert_denied, binding},
    baseline_traffic::with_baseline_traffic,
    http2_frames::Http2Connection,
};
use serde_json::Value;
use std::net::Ipv4Addr;

/// The largest accepted body.
const LARGEST: usize = 64 << 20;
/// The number of rounds of ordinary calls during an attack.
const ROUNDS: usize = 10;

fn head(length: usize) -> String {
    format!("POST /validate?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
}

/// Connections that announce a body of this length and send a part of it.
fn announce(
    server: &Server,
    from: Ipv4Addr,
    connections: usize,
    length: usize,
    start: &[u8],
) -> Vec<AttackConnection> {
    let tls = TlsConfig::of(server);
    let open = |_| {
        let mut connection = AttackConnection::open(server, &tls, from, HANG_TIMEOUT).ok()?;
        connection.send(head(length).as_bytes());
        connection.send(start);
        Some(connection)
    };
    (0..connections).filter_map(open).collect()
}

/// Runs an attack from a separate address, and from the address of the ordinary clients.
fn from_two_addresses(case: &str, attack: impl Fn(&Server, Ipv4Addr)) {
    let _machine = claim_machine();
    for from in [ATTACKER_ADDRESS, CLIENT_ADDRESS] {
        let mut server = ServerSetup::example().no_decision_log().start();
        attack(&server, from);
        server.assert_memory_goals(&format!("{case} from {from}"));
        server.assert_running();
    }
}

#[test]
fn f2_a10_8_announced_large_bodies_do_not_disturb_ordinary_clients() {
    from_two_addresses("A10.8", |server, from| {
        let (_, baseline) = with_baseline_traffic(server, CLIENT_ADDRESS, |progress| {
            let held = announce(server, from, 4, LARGEST, b"");
            progress.rounds(ROUNDS);
            drop(held);
        });
        baseline.assert_undisturbed();
    });
}

#[test]
fn f2_a10_9_more_idle_bodies_than_permits_do_not_disturb_ordinary_clients() {
    from_two_addresses("A10.9", |server, from| {
        let (_, baseline) = with_baseline_traffic(server, CLIENT_ADDRESS, |progress| {
            let held = announce(server, from, 1030, 1000, b"");
            progress.rounds(ROUNDS);
            drop(held);
        });
        baseline.assert_undisturbed();
    });
}

#[test]
fn f2_a10_10_streams_with_withheld_bodies_do_not_disturb_ordinary_clients() {
    from_two_addresses("A10.10", |server, from| {
        let (_, baseline) = with_baseline_traffic(server, CLIENT_ADDRESS, |progress| {
            let mut held: Vec<Http2Connection> = (0..5)
                .map(|_| Http2Connection::open(server, from, None).unwrap())
                .collect();
            for connection in &mut held {
                let heads: Vec<u8> = (0..249)
                    .flat_map(|_| connection.review("/validate?timeout=30s", 1000, None).1)
                    .collect();
                connection.send(&heads);
            }
            progress.rounds(ROUNDS);
            drop(held);
        });
        baseline.assert_undisturbed();
    });
}

/// Bodies that fill the memory budget for all bodies, without their last bytes.
#[test]
fn f2_stalled_large_bodies_do_not_disturb_small_reviews() {
    let empty = Review::create(&padded(&clean_pod(), 0)).to_json().len();
    let review = Review::create(&padded(&clean_pod(), LARGEST - empty)).to_json();
    assert_eq!(review.len(), LARGEST);
    from_two_addresses("stalled bodies", |server, from| {
        let (_, baseline) = with_baseline_traffic(server, CLIENT_ADDRESS, |progress| {
            let held = announce(server, from, 4, LARGEST, &review.as_bytes()[..LARGEST - 10]);
            progress.rounds(ROUNDS);
            drop(held);
        });
        baseline.assert_undisturbed();
    });
}

#[test]
fn f2_a15_3_withheld_bodies_cannot_disable_evaluation_under_a_warning_binding() {
    let _machine = claim_machine();
    let warns = binding(
        "b",
        "[C-0057]",
        "validationActions: [Deny], onUnevaluated: Warn",
    );
    let server = ServerSetup::with(&[warns]).no_decision_log().start();
    assert_denied(&post(&server, ordinary_bad()), "bad", 403, "C-0057");
    let held = announce(&server, ATTACKER_ADDRESS, 8, LARGEST, b"");
    assert_eq!(held.len(), 8);
    for _ in 0..ROUNDS {
        assert_denied(&post(&server, ordinary_bad()), "bad", 403, "C-0057");
    }
}

#[test]
fn f2_a15_2_namespace_never_denied_is_not_denied_under_attack() {
    let _machine = claim_machine();
    let server = ServerSetup::example().no_decision_log().start();
    let held = announce(&server, ATTACKER_ADDRESS, 8, LARGEST, b"");
    assert_eq!(held.len(), 8);
    for review in [
        Review::of("DELETE", &Value::Null, &privileged_pod()),
        Review::update(&clean_pod(), &privileged_pod()).sub_resource("status"),
        Review::create(&privileged_pod()).with("namespace", "kube-system"),
        Review::create(&clean_pod()),
    ] {
        assert_allowed(&post(&server, review.to_json()), "u-1");
    }
}
