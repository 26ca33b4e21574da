//! F5: silent connections took every slot for ten seconds, repeatedly; and with few file
//! descriptors neither the review port nor `/healthz` was served.

use crate::{
    attack_connection::{
        ATTACKER_ADDRESS, AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig, connect, post,
    },
    attack_objects::{ordinary_bad, ordinary_clean},
    attack_scale::{claim_machine, nightly, scale},
    attacked_server::{Server, ServerSetup, assert_denied},
    baseline_traffic::{Progress, with_baseline_traffic},
};
use kubevet_testkit::polling::wait_for;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io::{ErrorKind, Read as _},
    net::{Ipv4Addr, TcpStream},
    time::{Duration, Instant},
};

/// The number of rounds of ordinary calls during an attack.
const ROUNDS: usize = 10;
/// A timeout that is long enough for loopback, and short where no connection is accepted.
const BRIEF: Duration = Duration::from_secs(2);

/// Raises the file limit of the test process to its maximum.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )
    .unwrap();
}

/// Holds so many silent connections, and reopens closed ones, until `is_over`, which is called each
/// time all are open.
pub(crate) fn hold(
    server: &Server,
    from: Ipv4Addr,
    count: usize,
    mut is_over: impl FnMut(usize) -> bool,
) {
    let mut held: Vec<TcpStream> = Vec::new();
    for turn in 0.. {
        let deadline = Instant::now() + Duration::from_secs(20);
        while held.len() < count && Instant::now() < deadline {
            let Ok(stream) = connect(server, from, BRIEF) else {
                continue;
            };
            stream.set_nonblocking(true).unwrap();
            held.push(stream);
        }
        if is_over(turn) {
            break;
        }
        held.retain_mut(
            |connection| matches!(connection.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock),
        );
    }
}

/// True once the ordinary clients have completed so many rounds.
fn after(progress: &Progress, rounds: usize) -> impl FnMut(usize) -> bool {
    move |turn| {
        progress.rounds(1);
        turn + 1 >= rounds
    }
}

#[test]
fn f5_a11_2_silent_connections_at_the_file_limit_yield_to_ordinary_clients() {
    let _machine = claim_machine();
    raise_file_limit();
    for from in [ATTACKER_ADDRESS, CLIENT_ADDRESS] {
        let mut server = ServerSetup::example()
            .no_decision_log()
            .shell("ulimit -n 700")
            .start();
        let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |progress| {
            hold(&server, from, 800, after(progress, ROUNDS))
        });
        baseline.assert_undisturbed();
        server.assert_running();
    }
}

#[test]
fn f5_a11_2_silent_connections_beyond_the_bound_yield_to_ordinary_clients() {
    let _machine = claim_machine();
    raise_file_limit();
    if getrlimit(Resource::Nofile)
        .maximum
        .is_some_and(|limit| limit < 12_000)
    {
        eprintln!("not run: 10,100 connections need 12,000 files");
        return;
    }
    for from in scale(&[ATTACKER_ADDRESS][..], &[ATTACKER_ADDRESS, CLIENT_ADDRESS]) {
        let mut server = ServerSetup::example().no_decision_log().start();
        let rounds = scale(5, 100);
        let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |progress| {
            hold(&server, *from, 10_100, after(progress, rounds))
        });
        baseline.assert_undisturbed();
        server.assert_memory_goals(&format!("A11.2 from {from}"));
        server.assert_running();
    }
}

#[test]
fn f5_a11_3_soft_file_limit_is_raised() {
    let _machine = claim_machine();
    raise_file_limit();
    let mut server = ServerSetup::example()
        .no_decision_log()
        .shell("ulimit -Sn 1024")
        .start();
    let tls = TlsConfig::of(&server);
    let (failed, baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |progress| {
        let mut failed = 0;
        let mut held = Vec::new();
        for _ in 0..1100 {
            let connection = AttackConnection::open(&server, &tls, ATTACKER_ADDRESS, BRIEF)
                .and_then(|mut connection| {
                    connection
                        .post("/validate?timeout=5s", ordinary_clean().as_bytes(), BRIEF)
                        .map(|_| connection)
                });
            failed += usize::from(connection.is_err());
            held.extend(connection);
            if failed > 3 {
                break;
            }
        }
        progress.rounds(3);
        failed
    });
    assert_eq!(failed, 0, "connections that were not served");
    baseline.assert_undisturbed();
    // Descriptors are left for files: a changed binding is read.
    server.bind(
        "000.yaml",
        &crate::attacked_server::EXAMPLE.replace("[Deny]", "[Warn]"),
    );
    wait_for("the changed binding", || {
        match post(&server, ordinary_bad()).review_response("bad")["allowed"] == true {
            true => Ok(()),
            false => Err(server.stderr()),
        }
    });
    server.assert_running();
}

/// Connections that stop after the handshake, and some that stop within a request.
#[test]
fn f5_stalled_connections_yield_to_ordinary_clients() {
    let _machine = claim_machine();
    raise_file_limit();
    for start in ["", "POST /validate HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut server = ServerSetup::example()
            .no_decision_log()
            .shell("ulimit -n 600")
            .start();
        let tls = TlsConfig::of(&server);
        let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |progress| {
            let mut held: Vec<AttackConnection> = Vec::new();
            for _ in 0..scale(650, 2000) {
                let Ok(mut connection) =
                    AttackConnection::open(&server, &tls, ATTACKER_ADDRESS, BRIEF)
                else {
                    continue;
                };
                connection.send(start.as_bytes());
                held.push(connection);
            }
            progress.rounds(ROUNDS);
        });
        baseline.assert_undisturbed();
        server.assert_running();
    }
}

/// A connection that delivered a review is never closed to make room, such as a kept one of an API
/// server.
#[test]
fn f5_connection_that_delivered_reviews_never_yields() {
    let _machine = claim_machine();
    raise_file_limit();
    let server = ServerSetup::example()
        .no_decision_log()
        .shell("ulimit -n 600")
        .start();
    let mut kept = AttackConnection::ordinary(&server);
    assert_denied(
        &kept
            .post("/validate", ordinary_bad().as_bytes(), HANG_TIMEOUT)
            .unwrap(),
        "bad",
        403,
        "C-0057",
    );
    let mut held = Vec::new();
    for _ in 0..scale(1500, 5000) {
        held.extend(connect(&server, CLIENT_ADDRESS, BRIEF));
    }
    assert!(!nightly() || held.len() > 2000);
    assert_denied(
        &kept
            .post("/validate", ordinary_bad().as_bytes(), HANG_TIMEOUT)
            .unwrap(),
        "bad",
        403,
        "C-0057",
    );
}
