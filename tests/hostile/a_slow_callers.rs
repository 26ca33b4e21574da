//! A9, A11.5 and A11.7: heads, handshakes and bodies that arrive slowly or never, and responses
//! that are not read. Each connection is cut or answered by policy.

use crate::{
    attack_connection::{
        ATTACKER_ADDRESS, AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig, connect,
    },
    attack_objects::{Review, ordinary_bad, pod, privileged},
    attack_scale::{scale, share_machine},
    attacked_server::{Server, ServerSetup},
    baseline_traffic::with_baseline_traffic,
};
use kubevet_testkit::polling::wait_for;
use std::{
    io::{ErrorKind, Read as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

/// Slow clients are cut after ten seconds; this is the hang limit.
const CUT: Duration = Duration::from_secs(40);

fn server() -> Server {
    ServerSetup::example().no_decision_log().start()
}

/// Opens several TLS connections.
fn lines(server: &Server, count: usize) -> Vec<AttackConnection> {
    let tls = TlsConfig::of(server);
    (0..count)
        .map(|_| AttackConnection::open(server, &tls, ATTACKER_ADDRESS, HANG_TIMEOUT).unwrap())
        .collect()
}

/// Waits until all connections are closed, with this action on each meanwhile.
fn until_cut(mut held: Vec<AttackConnection>, mut poke: impl FnMut(&mut AttackConnection)) {
    let deadline = Instant::now() + CUT;
    while !held.is_empty() {
        assert!(
            Instant::now() < deadline,
            "{} are kept for ever",
            held.len()
        );
        held.retain_mut(|connection| {
            poke(connection);
            !connection.is_closed()
        });
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a9_1_slow_request_heads_are_cut() {
    let _machine = share_machine();
    let server = server();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
        let mut held = lines(&server, scale(80, 500));
        for connection in &mut held {
            connection.send(b"POST /validate HTTP/1.1\r\nHost: x\r\n");
        }
        until_cut(held, |connection| {
            connection.send(b"X-Slow: a\r\n");
        });
    });
    baseline.assert_undisturbed();
}

#[test]
fn a9_2_idle_connections_are_cut() {
    let _machine = share_machine();
    let server = server();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
        until_cut(lines(&server, scale(80, 500)), |_| ())
    });
    baseline.assert_undisturbed();
}

#[test]
fn a9_3_connections_without_handshake_are_cut() {
    let _machine = share_machine();
    let server = server();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
        let open = |_| {
            let stream = connect(&server, ATTACKER_ADDRESS, HANG_TIMEOUT).unwrap();
            stream.set_nonblocking(true).unwrap();
            stream
        };
        let mut held: Vec<TcpStream> = (0..scale(500, 2000)).map(open).collect();
        let deadline = Instant::now() + CUT;
        while !held.is_empty() {
            assert!(
                Instant::now() < deadline,
                "{} are kept for ever",
                held.len()
            );
            held.retain_mut(|connection| matches!(connection.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock));
            thread::sleep(Duration::from_millis(100));
        }
    });
    baseline.assert_undisturbed();
}

/// The uid arrives and the rest does not: the answer by policy comes before the caller's timeout.
#[test]
fn a9_4_stalled_bodies_are_answered_before_the_caller_timeout() {
    let _machine = share_machine();
    let server = server();
    let body = ordinary_bad();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
        let mut held = lines(&server, scale(60, 200));
        let start = Instant::now();
        for connection in &mut held {
            let head = format!(
                "POST /validate?timeout=10s HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            connection.send(head.as_bytes());
            connection.send(&body.as_bytes()[..600]);
        }
        let granted = start + Duration::from_secs(10);
        for mut connection in held {
            let response = connection
                .response(granted.saturating_duration_since(Instant::now()))
                .expect("an answer in time");
            assert_eq!(response.review_response("bad")["allowed"], false);
        }
    });
    baseline.assert_undisturbed();
}

/// One byte a second does not keep a permit: there is a minimum rate.
#[test]
fn a11_7_slow_bodies_are_answered_before_the_caller_timeout() {
    let _machine = share_machine();
    let server = server();
    let body = ordinary_bad();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
        let mut held = lines(&server, scale(20, 100));
        let head = format!(
            "POST /validate?timeout=20s HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let granted = Instant::now() + Duration::from_secs(20);
        for connection in &mut held {
            connection.send(head.as_bytes());
            connection.send(&body.as_bytes()[..600]);
        }
        let mut open_count = 600;
        while !held.is_empty() {
            assert!(Instant::now() < granted, "{} without an answer", held.len());
            held.retain_mut(|connection| {
                connection.send(&body.as_bytes()[open_count..=open_count]);
                match connection.response(Duration::from_millis(1)) {
                    Ok(response) => {
                        assert_eq!(response.review_response("bad")["allowed"], false);
                        false
                    }
                    Err(error) => {
                        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
                    }
                }
            });
            open_count += 1;
            thread::sleep(Duration::from_millis(300));
        }
    });
    baseline.assert_undisturbed();
}

#[test]
fn a11_5_clients_that_read_no_response_are_cut_within_memory_bounds() {
    let _machine = share_machine();
    let mut server = server();
    let containers: Vec<_> = (0..60)
        .map(|index| privileged(&format!("c{index}")))
        .collect();
    let body = Review::create(&pod(&containers)).to_json();
    let request = format!(
        "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let connections = scale(12, 50);
    let mut held = lines(&server, connections);
    for connection in &mut held {
        connection.set_send_timeout(Duration::from_millis(500));
        for _ in 0..400 {
            if !connection.send(request.as_bytes()) {
                break;
            }
        }
    }
    let before = server.metric("kubevet_connections");
    assert!(before > 1.0, "{before}");
    wait_for("them to be cut", || {
        match server.metric("kubevet_connections") {
            ..3.0 => Ok(()),
            value => Err(format!("{value} of {connections} are open")),
        }
    });
    assert!(server.peak_mib() < 256, "{} MiB", server.peak_mib());
    server.assert_running();
    drop(held);
}
