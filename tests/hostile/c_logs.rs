//! C4: standard output that is closed, unread, or whose reader has ended. Lines are lost and
//! counted; reviews are not.

use crate::{
    attack_connection::{AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT},
    attack_objects::ordinary_bad,
    attack_scale::{scale, share_machine},
    attacked_server::{Server, ServerSetup, assert_denied},
    baseline_traffic::with_baseline_traffic,
};
use kubevet_testkit::polling::wait_for;
use std::{fs, io::pipe};

fn deny(server: &Server, count: usize) {
    let mut connection = AttackConnection::ordinary(server);
    for _ in 0..count {
        assert_denied(
            &connection
                .post("/validate", ordinary_bad().as_bytes(), HANG_TIMEOUT)
                .unwrap(),
            "bad",
            403,
            "C-0057",
        );
    }
}

#[test]
fn c4_1_unread_stdout_loses_counted_lines() {
    let _machine = share_machine();
    let (reader, writer) = pipe().unwrap();
    let mut server = ServerSetup::example().stdout(writer).start();
    let ((), baseline) = with_baseline_traffic(&server, CLIENT_ADDRESS, |_| {
        deny(&server, scale(6000, 12_000))
    });
    baseline.assert_undisturbed();
    assert!(server.metric("kubevet_unlogged_decisions_total") > 0.0);
    assert!(server.peak_mib() < 200, "{} MiB", server.peak_mib());
    server.assert_running();
    drop(reader);
}

#[test]
fn c4_6_c4_7_closed_stdout_loses_decision_lines_only() {
    let _machine = share_machine();
    let mut closed = ServerSetup::example().shell("exec 1>&-").start();
    deny(&closed, 50);
    // The descriptor number of standard output must not be reused for a socket or a file.
    let first = fs::read_link(format!("/proc/{}/fd/1", closed.id()));
    assert!(
        first.as_ref().is_ok_and(|byte| byte.ends_with("null")) || first.is_err(),
        "{first:?}"
    );
    closed.assert_running();

    let (reader, writer) = pipe().unwrap();
    let mut gone = ServerSetup::example().stdout(writer).start();
    drop(reader);
    deny(&gone, 50);
    wait_for("50 lost lines", || {
        match gone.metric("kubevet_unlogged_decisions_total") {
            50.0 => Ok(()),
            value => Err(value.to_string()),
        }
    });
    gone.assert_running();
}
