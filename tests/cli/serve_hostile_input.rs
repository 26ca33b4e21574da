//! Hostile bodies and connections: each gets a verdict or an answer by policy, within time and
//! memory bounds, and none is mistaken for allowed.

use kubevet_testkit::{
    raw_connection::{RawConnection, RawResponse, container_spec, create_pod_review, post},
    test_dir::TestDir,
    webhook_process::WebhookProcess,
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::{Duration, Instant},
};

const DENIES_PRIVILEGED: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec: {controls: [C-0057], validationActions: [Deny]}
";

/// A webhook that denies privileged containers, with its temporary folder.
pub(crate) fn start_webhook() -> (WebhookProcess, TestDir) {
    let dir = TestDir::new().file("bindings/strict.yaml", DENIES_PRIVILEGED);
    let bindings = dir.path().join("bindings");
    let webhook = WebhookProcess::start(
        &dir.path().join("tls"),
        &["--bindings", bindings.to_str().unwrap()],
    )
    .unwrap();
    (webhook, dir)
}

/// The review is denied with this code and a message that contains this string.
#[track_caller]
pub(crate) fn assert_denied(response: &RawResponse, uid: &str, code: u16, expected: &str) {
    let response = response.review_response(uid);
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["code"], code, "{response:?}");
    assert!(
        response["status"]["message"]
            .as_str()
            .unwrap()
            .contains(expected),
        "{response:?}"
    );
}

#[track_caller]
pub(crate) fn assert_allowed(response: &RawResponse, uid: &str) {
    assert_eq!(response.review_response(uid)["allowed"], true);
}

/// The peak memory of a process in bytes.
pub(crate) fn peak_memory_kib(webhook: &WebhookProcess) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", webhook.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim()
        .trim_end_matches(" kB")
        .parse::<usize>()
        .unwrap()
        << 10
}

/// A Pod with an annotation of so many bytes.
fn heavy(uid: &str, bytes: usize, privileged: bool) -> String {
    let value = "\\u0001".repeat(bytes / 6);
    create_pod_review(uid, &container_spec(privileged)).replacen(
        r#""metadata":{"#,
        &format!(r#""metadata":{{"annotations":{{"a":"{value}"}},"#),
        1,
    )
}

#[test]
fn largest_review_is_evaluated_and_larger_one_denied_within_memory_bounds() {
    let (webhook, _dir) = start_webhook();
    for megabytes in [3, 6, 27] {
        let uid = format!("u-{megabytes}");
        assert_denied(
            &post(&webhook, heavy(&uid, megabytes << 20, true)),
            &uid,
            403,
            "C-0057",
        );
        assert_allowed(&post(&webhook, heavy(&uid, megabytes << 20, false)), &uid);
    }
    let before = peak_memory_kib(&webhook);
    assert!(before < 400 << 20, "{} MiB", before >> 20);
    let body = heavy("u-65", 65 << 20, false);
    assert_denied(&post(&webhook, &body), "u-65", 413, "64 MiB");
    let mut line = RawConnection::open(&webhook);
    line.send(b"POST /validate HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for piece in body.as_bytes().chunks(1 << 20) {
        line.send(format!("{:x}\r\n", piece.len()).as_bytes());
        line.send(piece);
        line.send(b"\r\n");
    }
    line.send(b"0\r\n\r\n");
    assert_denied(&line.response().unwrap(), "u-65", 413, "64 MiB");
    // An announced body costs nothing; a chunked one costs 64 MiB and the growth of its vector.
    assert!(
        peak_memory_kib(&webhook) < before.max(300 << 20),
        "{} after {} MiB",
        peak_memory_kib(&webhook) >> 20,
        before >> 20
    );
    // A body that announces too much, without a uid in its prefix.
    let none = "x".repeat(65 << 20);
    post(&webhook, none).assert_rejected(503);
    assert!(
        webhook.metric("kubevet_shed_reviews_total{why=\"too_large\"}") == 2.0,
        "{}",
        webhook.metrics()
    );
}

#[test]
fn ambiguous_json_is_read_as_by_the_api_server_or_denied() {
    let (webhook, _dir) = start_webhook();
    let pod = |spec: &str| create_pod_review("u-1", spec);
    let twice = |first: bool, last: bool| {
        container_spec(last).replace(
            "{\"privileged\":",
            &format!("{{\"privileged\":{first},\"privileged\":"),
        )
    };
    assert_denied(
        &post(&webhook, pod(&twice(false, true))),
        "u-1",
        403,
        "C-0057",
    );
    assert_allowed(&post(&webhook, pod(&twice(true, false))), "u-1");
    for value in [r"a\u0000b", r"\ud800", r"\udc00\ud800", r"\ufeff"] {
        let with = |privileged| {
            pod(&container_spec(privileged)).replace(
                "\"shop\"}",
                &format!("\"shop\",\"labels\":{{\"a\":\"{value}\"}}}}"),
            )
        };
        assert_denied(&post(&webhook, with(true)), "u-1", 403, "C-0057");
        let reply = post(&webhook, with(false));
        let status = reply.review_response("u-1").get("status").cloned();
        assert!(status.is_none_or(|status| status["code"] == 400), "{value}");
    }
    for number in [
        "1e400",
        "-1e400",
        "123456789012345678901234567890",
        "9007199254740993",
        "1e-400",
    ] {
        let reply = post(
            &webhook,
            pod(&format!(r#""x":{number},{}"#, container_spec(true))),
        );
        let response = reply.review_response("u-1");
        assert_eq!(response["allowed"], false, "{number}");
    }
    for (broken, expected) in [
        (
            pod(&format!(r#""x":NaN,{}"#, container_spec(false))),
            "invalid JSON",
        ),
        (
            pod(&container_spec(false)).replace("\"b\"", "\"\u{1}\""),
            "control character",
        ),
    ] {
        assert_denied(&post(&webhook, broken), "u-1", 400, expected);
    }
    // Go replaces invalid UTF-8 by U+FFFD and accepts the rest.
    let not_utf8 = |privileged, at: u8| -> Vec<u8> {
        pod(&container_spec(privileged))
            .replace("\"b\"", "\"~\"")
            .bytes()
            .map(|byte| if byte == at { 0xff } else { byte })
            .collect()
    };
    assert_denied(&post(&webhook, not_utf8(true, b'~')), "u-1", 403, "C-0057");
    assert_allowed(&post(&webhook, not_utf8(false, b'~')), "u-1");
    // Invalid UTF-8 in the keys of the envelope, `object` among them.
    assert_denied(
        &post(&webhook, not_utf8(false, b'j')),
        "u-1",
        400,
        "no object",
    );
    let marked = [b"\xef\xbb\xbf", pod(&container_spec(true)).as_bytes()].concat();
    let reply = post(&webhook, marked);
    assert!(
        reply.status == 400 || reply.review_response("u-1")["allowed"] == false,
        "{reply:?}"
    );
}

#[test]
fn deep_and_wide_reviews_are_answered_within_bounds() {
    let (webhook, _dir) = start_webhook();
    let nested = |open: &str, close: &str, count: usize| {
        create_pod_review(
            "u-1",
            &format!(
                r#""x":{}1{},{}"#,
                open.repeat(count),
                close.repeat(count),
                container_spec(false)
            ),
        )
    };
    for body in [
        nested("[", "]", 10_000),
        nested("{\"a\":", "}", 10_000),
        nested("[", "]", 1_000_000),
    ] {
        assert_denied(&post(&webhook, body), "u-1", 400, "deep");
    }
    // Brackets that are never closed, so that the end of the envelope is missing as well.
    let open = create_pod_review("u-1", &format!(r#""x":{}"#, "[".repeat(1_000_000)));
    assert_denied(&post(&webhook, open), "u-1", 400, "deep");
    let flat = create_pod_review(
        "u-1",
        &format!(
            r#""x":[{}1],{}"#,
            "[],".repeat(300_000),
            container_spec(true)
        ),
    );
    assert_denied(&post(&webhook, flat), "u-1", 403, "C-0057");

    let containers: Vec<String> = (0..10_000)
        .map(|index| {
            format!(r#"{{"name":"c{index}","image":"b","securityContext":{{"privileged":true}}}}"#)
        })
        .collect();
    let labels: Vec<String> = (0..200_000)
        .map(|index| format!(r#""l{index}":"v""#))
        .collect();
    let env = format!(r#"[{{"name":"E","value":"{}"}}]"#, "(a+)+$".repeat(170_000));
    for (name, body) in [
        (
            "containers",
            create_pod_review(
                "u-1",
                &format!(r#""spec":{{"containers":[{}]}}"#, containers.join(",")),
            ),
        ),
        (
            "labels",
            create_pod_review("u-1", &container_spec(true)).replace(
                "\"shop\"}",
                &format!("\"shop\",\"labels\":{{{}}}}}", labels.join(",")),
            ),
        ),
        (
            "env",
            create_pod_review(
                "u-1",
                &container_spec(true).replace("\"image\"", &format!("\"env\":{env},\"image\"")),
            ),
        ),
    ] {
        let start = Instant::now();
        let reply = RawConnection::open(&webhook).post("/validate?timeout=4s", body.as_bytes());
        let took = start.elapsed();
        assert_eq!(reply.review_response("u-1")["allowed"], false, "{name}");
        assert!(took < Duration::from_secs(10), "{name}: {took:?}");
        assert!(
            reply.body.len() < 64 << 10,
            "{name}: {} bytes",
            reply.body.len()
        );
    }
}

#[test]
fn body_that_is_not_a_review_gets_400() {
    let (webhook, _dir) = start_webhook();
    let good = create_pod_review("u-1", &container_spec(false));
    assert_allowed(&post(&webhook, &good), "u-1");
    for body in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "hello".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#.to_owned(),
        r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":null}"#
            .to_owned(),
        good.replacen(
            "\"request\":",
            "\"response\":{\"uid\":\"u-1\",\"allowed\":true},\"request\":",
            1,
        ),
        good.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
        good.replace("admission.k8s.io/v1", "admission.k8s.io/v9"),
        good.replace("\"AdmissionReview\"", "\"admissionreview\""),
        good.replace("u-1", ""),
        good.replacen("\"u-1\"", "7", 1),
    ] {
        let reply = post(&webhook, &body);
        // Two documents begin like one review, which is denied by policy.
        match reply.status {
            200 => assert_denied(&reply, "u-1", 400, "JSON"),
            _ => reply.assert_rejected(400),
        }
    }
    for (path, method) in [
        ("/validate", "GET"),
        ("/", "POST"),
        ("/validate/x", "POST"),
        ("/validate", "PUT"),
    ] {
        let mut line = RawConnection::open(&webhook);
        line.send(
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        );
        let status = line.response().unwrap().status;
        assert!(matches!(status, 404 | 405), "{method} {path}: {status}");
    }
}

#[test]
fn odd_http_requests_are_answered() {
    let (webhook, _dir) = start_webhook();
    let body = create_pod_review("u-1", &container_spec(true));
    let length = body.len();
    let exchange = |head: &str, body: &[u8]| {
        let mut line = RawConnection::open(&webhook);
        line.send(format!("POST /validate HTTP/1.1\r\nHost: localhost\r\n{head}\r\n").as_bytes());
        line.send(body);
        line.response()
    };
    for head in [
        format!("Content-Type: text/plain\r\nContent-Length: {length}\r\n"),
        format!("Content-Encoding: identity\r\nContent-Length: {length}\r\n"),
        format!(
            "Content-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n"
        ),
    ] {
        assert_denied(
            &exchange(&head, body.as_bytes()).unwrap(),
            "u-1",
            403,
            "C-0057",
        );
    }
    let chunked = format!("{length:x};x=y\r\n{body}\r\n0\r\nTrailer: x\r\n\r\n");
    assert_denied(
        &exchange("Transfer-Encoding: chunked\r\n", chunked.as_bytes()).unwrap(),
        "u-1",
        403,
        "C-0057",
    );
    // With neither a length nor chunks, HTTP says that there is no body.
    exchange("", body.as_bytes()).unwrap().assert_rejected(400);
    exchange(
        &format!("Content-Encoding: gzip\r\nContent-Length: {length}\r\n"),
        body.as_bytes(),
    )
    .unwrap()
    .assert_rejected(415);
    // A request with both could be used for request smuggling.
    let both = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
    if let Some(reply) = exchange(both, chunked.as_bytes()) {
        assert!(
            reply.status == 400 || reply.review_response("u-1")["allowed"] == false,
            "{reply:?}"
        );
    }
    let two = exchange(
        &format!("Content-Length: {length}\r\nContent-Length: 3\r\n"),
        body.as_bytes(),
    )
    .unwrap();
    two.assert_rejected(400);

    let mut line = RawConnection::open(&webhook);
    let expects = format!(
        "POST /validate HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    );
    line.send(expects.as_bytes());
    assert_eq!(line.response().unwrap().status, 100);
    line.send(body.as_bytes());
    assert_denied(&line.response().unwrap(), "u-1", 403, "C-0057");

    // Pipelined requests are answered in order on one connection.
    let mut line = RawConnection::open(&webhook);
    let request = |uid: &str, privileged| {
        let body = create_pod_review(uid, &container_spec(privileged));
        format!(
            "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    line.send(
        format!(
            "{}{}{}",
            request("p-1", true),
            request("p-2", false),
            request("p-3", true)
        )
        .as_bytes(),
    );
    assert_denied(&line.response().unwrap(), "p-1", 403, "C-0057");
    assert_allowed(&line.response().unwrap(), "p-2");
    assert_denied(&line.response().unwrap(), "p-3", 403, "C-0057");

    // A client that closes its sending direction after a whole request still gets the response.
    let mut line = RawConnection::open(&webhook);
    line.send(request("h-1", true).as_bytes());
    line.half_close();
    if let Some(reply) = line.response() {
        assert_denied(&reply, "h-1", 403, "C-0057");
    }
    // A client that closes it within the body gets no verdict.
    let mut line = RawConnection::open(&webhook);
    line.send(request("h-2", true).as_bytes().split_at(300).0);
    line.half_close();
    if let Some(reply) = line.response() {
        reply.assert_rejected(400);
    }
    assert_allowed(
        &post(&webhook, create_pod_review("u-2", &container_spec(false))),
        "u-2",
    );
}

#[test]
fn withheld_body_is_answered_before_the_caller_timeout() {
    let (webhook, _dir) = start_webhook();
    let body = create_pod_review("slow-1", &container_spec(false));
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
    };
    let start = Instant::now();
    let mut line = RawConnection::open(&webhook);
    line.send(head("/validate?timeout=1s").as_bytes());
    line.send(&body.as_bytes()[..400]);
    if let Some(reply) = line.response() {
        assert_denied(&reply, "slow-1", 504, "");
    }
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert!(
        webhook.metric("kubevet_shed_reviews_total{why=\"slow_body\"}") == 1.0,
        "{}",
        webhook.metrics()
    );
    let mut line = RawConnection::open(&webhook);
    line.send(head("/validate?timeout=500ms").as_bytes());
    if let Some(reply) = line.response() {
        reply.assert_rejected(503);
    }
    assert_allowed(&post(&webhook, &body), "slow-1");
}

#[test]
fn connection_without_tls_is_closed() {
    let (webhook, _dir) = start_webhook();
    let garbage: Vec<u8> = (0..100_000_u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(),
        b"POST /validate HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        &garbage,
        &[0; 10_000],
        b"\x16\x03\x01\xff\xff",
        b"",
    ] {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, webhook.port())).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        // The server may send a TLS alert or reset the connection, but never answers in plain text.
        assert!(
            ended.is_ok()
                || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        );
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    assert!(
        webhook.metric("kubevet_tls_handshake_failures_total") >= 5.0,
        "{}",
        webhook.metrics()
    );
    assert_allowed(
        &post(&webhook, create_pod_review("u-1", &container_spec(false))),
        "u-1",
    );
}

/// The deepest rules that are accepted must fit the stack of the threads that evaluate reviews.
#[test]
fn deepest_accepted_rule_fits_the_stack_of_a_review() {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| {
        (1..=count).map(line).collect::<Vec<_>>().join("\n")
    };
    let metadata = |id: usize| {
        format!(
            "# METADATA\n# title: Deep\n# custom:\n#   id: C-{id}\n#   severity: low\n#   kinds: [workloads]\n#   \
             remediation: none\npackage controls.c{id}\nimport rego.v1\n"
        )
    };
    let deny = |statements: &str| {
        format!(
            "deny contains {{\"message\": \"m\", \"paths\": [\"metadata.name\"], \"fixes\": []}} if {{\n{statements}\n}}\n"
        )
    };
    let bodies = [
        deny(&lines(210, &|index| format!("\tsome x{index} in [1]"))),
        deny(&lines(210, &|index| format!("\tx{index} := {index}"))),
        format!(
            "f0(x) := x\n{}\n{}",
            lines(50, &|index| format!("f{index}(x) := f{}(x)", index - 1)),
            deny("\tf50(1) == 1")
        ),
        format!(
            "p0 := 1\n{}\n{}",
            lines(65, &|index| format!("p{index} := p{}", index - 1)),
            deny("\tp65 == 1")
        ),
        deny(&format!("\tx := {}", vec!["1"; 60].join(" - "))),
        deny(&format!(
            "\t{}true{}",
            "every x in [1] { ".repeat(9),
            " }".repeat(9)
        )),
    ];
    let mut dir = TestDir::new().file(
        "bindings/all.yaml",
        DENIES_PRIVILEGED.replace("[C-0057]", "['*']"),
    );
    for (index, body) in bodies.iter().enumerate() {
        dir = dir.file(
            &format!("rules/{index}.rego"),
            format!("{}{body}", metadata(9001 + index)),
        );
    }
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let flags = [
        "--bindings",
        &path("bindings"),
        "--custom-rules",
        &path("rules"),
    ];
    let webhook = WebhookProcess::start(&dir.path().join("tls"), &flags).unwrap();
    let response =
        post(&webhook, create_pod_review("u-1", &container_spec(true))).review_response("u-1");
    let found = response["auditAnnotations"]["denied"].as_str().unwrap();
    for index in 0..bodies.len() {
        assert!(
            found.contains(&format!("C-{} ", 9001 + index)),
            "{response:?}"
        );
    }
}
