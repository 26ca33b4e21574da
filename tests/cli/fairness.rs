//! Clients that take more than their share: an ordinary client gets verdicts all the while, from
//! another address and from the same one.

use crate::serve_hostile_input::{assert_allowed, assert_denied, peak_memory_kib, start_webhook};
use kubevet_testkit::{
    polling::wait_for,
    raw_connection::{
        ORDINARY_ADDRESS, RawConnection, connect_from, container_spec, create_pod_review, post,
    },
    webhook_process::WebhookProcess,
};
use std::{
    fmt::Write as _,
    io::Read as _,
    net::{Ipv4Addr, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// The hang limit of an ordinary review, for busy machines.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Both verdicts reach an ordinary client.
#[track_caller]
fn assert_ordinary_reviews_answered(webhook: &WebhookProcess) {
    let start = Instant::now();
    assert_denied(
        &post(webhook, create_pod_review("u-1", &container_spec(true))),
        "u-1",
        403,
        "C-0057",
    );
    assert_allowed(
        &post(webhook, create_pod_review("u-2", &container_spec(false))),
        "u-2",
    );
    assert!(start.elapsed() < RESPONSE_TIMEOUT, "{:?}", start.elapsed());
}

fn head(length: usize) -> String {
    format!("POST /validate?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
}

/// An announced length reserves nothing.
#[test]
fn withheld_bodies_do_not_delay_ordinary_reviews() {
    let (webhook, _dir) = start_webhook();
    for address in [ATTACKER, ORDINARY_ADDRESS] {
        let mut held: Vec<RawConnection> = (0..8)
            .map(|_| RawConnection::open_from(address, &webhook))
            .collect();
        for line in &mut held {
            line.send(
                head(64 << 20)
                    .replace("timeout=30s", "timeout=2s")
                    .as_bytes(),
            );
        }
        assert_ordinary_reviews_answered(&webhook);
        // The server waits no longer for them than their callers wait.
        let start = Instant::now();
        for mut line in held {
            if let Some(response) = line.response() {
                response.assert_rejected(503);
            }
        }
        assert!(start.elapsed() < RESPONSE_TIMEOUT, "{:?}", start.elapsed());
    }
    assert!(
        peak_memory_kib(&webhook) < 100 << 20,
        "memory is taken before it is needed: {}",
        peak_memory_kib(&webhook) >> 20
    );
    assert_eq!(
        webhook.metric("kubevet_refused_requests_total{why=\"slow_body\"}"),
        16.0,
        "{}",
        webhook.metrics()
    );
}

/// More bytes arrive than the memory budget allows. Their sender is denied, and small reviews are
/// evaluated meanwhile.
#[test]
fn bodies_that_fill_the_memory_budget_do_not_delay_small_reviews() {
    let (webhook, _dir) = start_webhook();
    for address in [ATTACKER, ORDINARY_ADDRESS] {
        // 60 MiB each, without the last byte.
        let body = create_pod_review(
            "large",
            &format!(
                r#""x":"{}",{}"#,
                "x".repeat(60 << 20),
                container_spec(false)
            ),
        );
        let (missing, body) = (body.len() - 1, body.as_bytes());
        let before = webhook.metric("kubevet_shed_reviews_total{why=\"memory\"}");
        let held: Vec<RawConnection> = thread::scope(|scope| {
            let send = || {
                let mut line = RawConnection::open_from(address, &webhook);
                line.send(head(body.len()).as_bytes());
                line.send(&body[..missing]);
                line
            };
            let sending: Vec<_> = (0..5).map(|_| scope.spawn(send)).collect();
            sending
                .into_iter()
                .map(|sender| sender.join().unwrap())
                .collect()
        });
        assert_ordinary_reviews_answered(&webhook);
        let mut refused = 0;
        for mut line in held {
            line.send(&body[missing..]);
            let response = line.response().unwrap();
            refused += u32::from(response.review_response("large")["allowed"] == false);
        }
        assert!(refused >= 1, "five of 60 MiB were all taken");
        let after = webhook.metric("kubevet_shed_reviews_total{why=\"memory\"}");
        assert!(after - before >= 1.0, "{}", webhook.metrics());
    }
    assert!(
        peak_memory_kib(&webhook) < 512 << 20,
        "{} MiB",
        peak_memory_kib(&webhook) >> 20
    );
    wait_for("memory to be given back", || {
        let large = create_pod_review(
            "later",
            &format!(
                r#""x":"{}",{}"#,
                "x".repeat(30 << 20),
                container_spec(false)
            ),
        );
        if post(&webhook, large).review_response("later")["allowed"] == true {
            Ok(())
        } else {
            Err("denied".to_owned())
        }
    });
}

/// A Pod with many volumes and mounts: small in bytes, and slow to evaluate.
fn slow(user: &str, volumes: usize) -> String {
    let (mut list, mut mounts) = (String::new(), String::new());
    for index in 0..volumes {
        let comma = if index == 0 { "" } else { "," };
        write!(
            list,
            r#"{comma}{{"name":"v{index}","hostPath":{{"path":"/var/log"}}}}"#
        )
        .unwrap();
        write!(
            mounts,
            r#"{comma}{{"name":"v{index}","mountPath":"/m{index}"}}"#
        )
        .unwrap();
    }
    let pod = format!(
        r#""spec":{{"volumes":[{list}],"containers":[{{"name":"a","image":"b","volumeMounts":[{mounts}],"securityContext":{{"privileged":true}}}}]}}"#
    );
    create_pod_review("slow", &pod)
        .replace(r#""username":"ann""#, &format!(r#""username":"{user}""#))
}

/// Two users behind one API server: one sends slow reviews without pause, the other an ordinary one
/// now and then.
#[test]
fn flood_of_one_user_does_not_delay_other_users() {
    let (webhook, _dir) = start_webhook();
    let (over, body) = (AtomicBool::new(false), slow("flood", 2000));
    thread::scope(|scope| {
        let flood = || {
            let mut answers = 0;
            while !over.load(Ordering::SeqCst) {
                let mut line = RawConnection::open(&webhook);
                // A review that is not evaluated in time is denied by policy, and none is allowed.
                let response = line.post("/validate?timeout=5s", body.as_bytes());
                assert_eq!(response.review_response("slow")["allowed"], false);
                answers += 1;
            }
            answers
        };
        let floods: Vec<_> = (0..12).map(|_| scope.spawn(flood)).collect();
        for _ in 0..20 {
            assert_ordinary_reviews_answered(&webhook);
        }
        over.store(true, Ordering::SeqCst);
        assert!(
            floods
                .into_iter()
                .map(|flood| flood.join().unwrap())
                .all(|flood| flood > 0)
        );
    });
}

/// Silent connections from another address, and health on its own port.
#[test]
fn silent_connections_do_not_exclude_ordinary_clients() {
    let (webhook, _dir) = start_webhook();
    let mut kept = RawConnection::open(&webhook);
    assert_allowed(
        &kept.post(
            "/validate",
            create_pod_review("u-1", &container_spec(false)).as_bytes(),
        ),
        "u-1",
    );
    let silent: Vec<TcpStream> = (0..400).map(|_| connect_from(ATTACKER, &webhook)).collect();
    assert_ordinary_reviews_answered(&webhook);
    assert_eq!(webhook.readiness().map(|readiness| readiness.0), Some(200));
    assert_allowed(
        &kept.post(
            "/validate",
            create_pod_review("u-2", &container_spec(false)).as_bytes(),
        ),
        "u-2",
    );
    // A silent connection is closed after a while.
    for mut stream in silent {
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
}
