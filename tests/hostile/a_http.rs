//! A7: odd HTTP requests. A malformed request gets no verdict, a valid one the right verdict, and
//! neither costs memory.

use crate::{
    attack_connection::{AttackConnection, HANG_TIMEOUT},
    attack_objects::{ordinary_bad, ordinary_clean},
    attack_scale::{scale, share_machine},
    attacked_server::{Server, ServerSetup, assert_denied},
};
use kubevet_testkit::raw_connection::RawResponse;
use std::io;

/// Sends a head followed by a body, on a new connection.
fn exchange(
    server: &Server,
    request_line: &str,
    head: &str,
    body: &[u8],
) -> io::Result<RawResponse> {
    let mut connection = AttackConnection::ordinary(server);
    connection.send(format!("{request_line}\r\nHost: localhost\r\n{head}\r\n").as_bytes());
    connection.send(body);
    connection.response(HANG_TIMEOUT)
}

/// The required result of a request.
#[derive(Clone, Copy, Debug)]
enum Want {
    /// The verdict of the review.
    Denied,
    /// One of these statuses.
    Status(&'static [u16]),
    /// One of these statuses, or no response.
    Ended(&'static [u16]),
    /// Anything but "allowed".
    Never,
}

#[track_caller]
fn check(name: &str, response: io::Result<RawResponse>, want: Want) {
    let allowed = response
        .as_ref()
        .is_ok_and(|response| String::from_utf8_lossy(&response.body).contains("\"allowed\":true"));
    assert!(!allowed, "{name}: allowed");
    match (want, response) {
        (Want::Denied, Ok(response)) => assert_denied(&response, "bad", 403, "C-0057"),
        (Want::Status(known) | Want::Ended(known), Ok(response)) => {
            assert!(
                known.contains(&response.status),
                "{name}: {} {}",
                response.status,
                response.head
            );
        }
        (Want::Ended(_) | Want::Never, Err(_)) | (Want::Never, Ok(_)) => {}
        (want, Err(error)) => panic!("{name}: {want:?}, but {error}"),
    }
}

#[test]
fn a7_malformed_heads_and_lengths_get_no_verdict() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let body = ordinary_bad();
    let length = body.len();
    let bytes = body.as_bytes();
    let known = format!("Content-Length: {length}\r\n");
    let chunks: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| [b"1\r\n", &[*byte][..], b"\r\n"].concat())
        .collect();
    let single = [&chunks[..], b"0\r\n\r\n"].concat();
    let extended = format!(
        "{length:x};{}\r\n{body}\r\n0\r\n\r\n",
        "x".repeat(1_000_000)
    );
    let endless = format!("ffffffffffffffff\r\n{body}");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let many: String = (0..10_000)
        .map(|index| format!("X{index}: a\r\n"))
        .collect();
    let post = "POST /validate?timeout=3s HTTP/1.1";
    let long_path = format!("POST /validate?{} HTTP/1.1", "a".repeat(1_000_000));
    let long_header = format!("X: {}\r\n{known}", "a".repeat(1_000_000));
    for (name, request_line, head, body, want) in [
        ("A7.1", post, chunked, &single[..], Want::Denied),
        ("A7.2", post, chunked, extended.as_bytes(), Want::Never),
        ("A7.3", post, chunked, endless.as_bytes(), Want::Never),
        (
            "A7.6",
            post,
            "Content-Length: 18446744073709551615\r\n",
            bytes,
            Want::Ended(&[400, 413, 431]),
        ),
        (
            "A7.7a",
            post,
            "Content-Length: -1\r\n",
            bytes,
            Want::Status(&[400]),
        ),
        (
            "A7.7b",
            post,
            "Content-Length: abc\r\n",
            bytes,
            Want::Status(&[400]),
        ),
        ("A7.16", post, &long_header, bytes, Want::Ended(&[400, 431])),
        (
            "A7.17",
            post,
            &format!("{many}{known}"),
            bytes,
            Want::Ended(&[400, 431]),
        ),
        (
            "A7.18",
            &long_path,
            &known,
            bytes,
            Want::Ended(&[400, 414, 431]),
        ),
        (
            "A7.21",
            "POST /validate HTTP/1.0",
            &known,
            bytes,
            Want::Denied,
        ),
        (
            "A7.22a",
            "POST /validate HTTP/9.9",
            "",
            b"",
            Want::Ended(&[400, 505]),
        ),
        (
            "A7.22b",
            "\u{1}\u{2} nonsense",
            "",
            b"",
            Want::Ended(&[400]),
        ),
        (
            "A7.24a",
            post,
            &format!("Connection: Upgrade\r\nUpgrade: h2c\r\n{known}"),
            bytes,
            Want::Denied,
        ),
        (
            "A7.24b",
            post,
            &format!("Connection: Upgrade\r\nUpgrade: websocket\r\n{known}"),
            bytes,
            Want::Denied,
        ),
        (
            "A7.25a",
            post,
            "X: a\0b\r\nContent-Length: 2\r\n",
            b"{}",
            Want::Ended(&[400]),
        ),
        (
            "A7.25b",
            post,
            "X: a\r\n b\r\nContent-Length: 2\r\n",
            b"{}",
            Want::Ended(&[400]),
        ),
    ] {
        check(name, exchange(&server, request_line, head, body), want);
    }
    // Compressed bodies are never decompressed, so a decompression bomb has no effect.
    let bomb = vec![0x1f; 60_000];
    let head = format!(
        "Content-Encoding: gzip\r\nContent-Length: {}\r\n",
        bomb.len()
    );
    check(
        "A7.11",
        exchange(&server, post, &head, &bomb),
        Want::Status(&[415]),
    );
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "FOO"] {
        let request_line = format!("{method} /validate HTTP/1.1");
        check(
            "A7.14",
            exchange(&server, &request_line, "Content-Length: 0\r\n", b""),
            Want::Status(&[400, 404, 405]),
        );
    }
    for path in [
        "/validate/",
        "//validate",
        "/validate/../validate",
        "/VALIDATE",
        "/metrics",
        "/debug/pprof",
    ] {
        let request_line = format!("POST {path} HTTP/1.1");
        check(
            "A7.15",
            exchange(&server, &request_line, &known, bytes),
            Want::Status(&[404, 405]),
        );
    }
    for time in [
        "1ns",
        "1e300h",
        "-5s",
        "",
        "10s&timeout=1ns",
        "99999999999999999999s",
    ] {
        let request_line = format!("POST /validate?timeout={time} HTTP/1.1");
        let response = exchange(&server, &request_line, &known, bytes).unwrap();
        assert_eq!(
            response.review_response("bad")["allowed"],
            false,
            "A7.23 {time}"
        );
    }
    assert!(server.peak_mib() < 256, "{} MiB", server.peak_mib());
    server.assert_running();
}

#[test]
fn a7_19_pipelined_reviews_are_answered_in_order() {
    let _machine = share_machine();
    let server = ServerSetup::example().no_decision_log().start();
    let request = |body: &str| {
        format!(
            "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let pair = format!("{}{}", request(&ordinary_bad()), request(&ordinary_clean()));
    let mut request_line = AttackConnection::ordinary(&server);
    // The requests fit the buffers of loopback at once; otherwise responses are read in between.
    for _ in 0..scale(5, 25) {
        assert!(request_line.send(pair.repeat(20).as_bytes()));
        for _ in 0..20 {
            assert_denied(
                &request_line.response(HANG_TIMEOUT).unwrap(),
                "bad",
                403,
                "C-0057",
            );
            assert_eq!(
                request_line
                    .response(HANG_TIMEOUT)
                    .unwrap()
                    .review_response("clean")["allowed"],
                true
            );
        }
    }
}

#[test]
fn a7_8_a7_20_half_closed_connection_gets_no_verdict_without_a_whole_request() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let body = ordinary_bad();
    for announced in [body.len(), body.len() + 100] {
        let mut request_line = AttackConnection::ordinary(&server);
        request_line.send(
            format!(
                "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        request_line.half_close();
        check("A7.20", request_line.response(HANG_TIMEOUT), Want::Never);
    }
    server.assert_running();
}
