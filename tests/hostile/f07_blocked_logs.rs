//! F7: unread standard error stopped the server, and strangers could fill it.

use crate::{
    attack_connection::{
        ATTACKER_ADDRESS, AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig,
    },
    attack_objects::ordinary_bad,
    attack_scale::{claim_machine, scale, share_machine},
    attacked_server::{EXAMPLE, Server, ServerSetup, assert_denied},
    baseline_traffic::with_baseline_traffic,
    http2_frames::{Http2Connection, RST_STREAM, frame},
};
use kubevet_testkit::polling::wait_for;
use rustix::{pipe::fcntl_setpipe_size, process::Signal};
use std::{
    fs,
    io::{PipeReader, PipeWriter, pipe},
    thread,
    time::Duration,
};

/// The grace period of the installation's Pod between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(40);

/// A pipe of this capacity.
fn pipe_of(bytes: usize) -> (PipeReader, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    fcntl_setpipe_size(&writer, bytes).unwrap();
    (reader, writer)
}

/// Sends SIGHUP until the log exceeds the capacity of the pipe.
fn hang_up(server: &Server) {
    for _ in 0..100 {
        server.signal(Signal::HUP);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn f7_c5_1_unread_stderr_loses_log_lines_only() {
    let _machine = share_machine();
    let (reader, writer) = pipe_of(4096);
    let server = ServerSetup::example()
        .stderr(writer)
        .flags(&["--drain-delay", "50ms"])
        .start();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |progress| {
        hang_up(&server);
        progress.rounds(3);
        let generation = || server.metric("kubevet_library_generation");
        let before = generation();
        server.bind("000.yaml", &format!("{EXAMPLE}\n# changed\n"));
        wait_for("the changed binding", || {
            if generation() > before {
                Ok(())
            } else {
                Err(before.to_string())
            }
        });
        for name in ["tls.crt", "tls.key"] {
            fs::remove_file(server.tls().join(name)).unwrap();
        }
        wait_for("the certificate to be written back", || {
            match server.tls().join("tls.key").exists() {
                true => Ok(()),
                false => Err("no tls.key".to_owned()),
            }
        });
        progress.rounds(3);
    });
    baseline.assert_undisturbed();
    drop(reader);
}

#[test]
fn f7_c5_2_sigterm_ends_a_server_with_unread_stderr() {
    let _machine = share_machine();
    let (reader, writer) = pipe_of(4096);
    let mut server = ServerSetup::example().stderr(writer).start();
    hang_up(&server);
    server.signal(Signal::TERM);
    let status = server.ends_within(GRACE);
    assert_eq!(
        status.and_then(|status| status.code()),
        Some(0),
        "it did not end in {GRACE:?}"
    );
    drop(reader);
}

#[test]
fn f7_sigterm_ends_a_server_with_unread_stdout() {
    let _machine = share_machine();
    let (reader, writer) = pipe_of(4096);
    let mut server = ServerSetup::example().stdout(writer).start();
    let mut connection = AttackConnection::ordinary(&server);
    for _ in 0..200 {
        assert_denied(
            &connection
                .post("/validate", ordinary_bad().as_bytes(), HANG_TIMEOUT)
                .unwrap(),
            "bad",
            403,
            "C-0057",
        );
    }
    server.signal(Signal::TERM);
    let status = server.ends_within(GRACE);
    assert_eq!(
        status.and_then(|status| status.code()),
        Some(0),
        "it did not end in {GRACE:?}"
    );
    drop(reader);
}

/// Opens and resets as many streams as the server accepts; false without a connection.
fn reset_streams(server: &Server) -> bool {
    let Ok(mut connection) = Http2Connection::open(server, ATTACKER_ADDRESS, None) else {
        return false;
    };
    connection.set_send_timeout(Duration::from_secs(1));
    let mut bytes = Vec::new();
    for _ in 0..300 {
        let (stream, head) = connection.review("/validate", 100, None);
        bytes.extend(head);
        bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    connection.send(&bytes);
    connection.frames(Duration::from_millis(20));
    true
}

#[test]
fn f7_c5_4_full_log_pipe_does_not_stop_the_server() {
    let _machine = claim_machine();
    let (reader, writer) = pipe_of(scale(4096, 65_536));
    let server = ServerSetup::example()
        .no_decision_log()
        .stderr(writer)
        .start();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |progress| {
        for place in 0..scale(80, 900) {
            assert!(reset_streams(&server), "no connection after {place}");
        }
        progress.rounds(5);
    });
    baseline.assert_undisturbed();
    drop(reader);
}

#[test]
fn f7_c5_3_failed_handshakes_are_logged_at_a_bounded_rate() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let before = server.stderr().lines().count();
    let connections = scale(100, 300);
    for _ in 0..connections {
        assert!(reset_streams(&server));
    }
    let tls = TlsConfig::of(&server);
    drop(AttackConnection::open(&server, &tls, CLIENT_ADDRESS, HANG_TIMEOUT).unwrap());
    let written = server.stderr().lines().count() - before;
    assert!(
        written < connections / 4,
        "{written} lines for {connections} connections"
    );
    server.assert_running();
}
