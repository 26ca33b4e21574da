//! F4: memory beyond the limit of the installation: findings copied for each binding, buffers of
//! kept connections, unread responses, and unbounded lines of the decision log.

use crate::{
    attack_connection::{ATTACKER_ADDRESS, AttackConnection, HANG_TIMEOUT, TlsConfig, post},
    attack_objects::{
        Review, bare_pod, clean_pod, config_map, container, defaulted_pod, merge, padded, pod,
        privileged, privileged_pod,
    },
    attack_scale::{claim_machine, scale, share_machine},
    attacked_server::{Server, ServerSetup, binding},
    http2_frames::{DATA, Http2Connection, RST_STREAM, frame},
};
use kubevet_testkit::polling::wait_for;
use serde_json::json;
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// The bound of a line of the decision log.
const LINE_MAX_BYTES: usize = 100_000;

fn bindings(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| binding(&format!("b{index}"), "['*']", "validationActions: [Deny]"))
        .collect()
}

/// Several clients at once, each with one review.
fn at_once(server: &Server, callers: usize, body: &str) {
    let tls = TlsConfig::of(server);
    thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                let mut line =
                    AttackConnection::open(server, &tls, ATTACKER_ADDRESS, HANG_TIMEOUT).unwrap();
                let response = line
                    .post("/validate?timeout=30s", body.as_bytes(), HANG_TIMEOUT)
                    .unwrap();
                assert_eq!(response.review_response("u-1")["allowed"], false);
            });
        }
    });
}

#[test]
fn f4_a14_findings_of_wide_objects_under_many_bindings_stay_within_memory_bounds() {
    let _machine = claim_machine();
    let bare = Review::create(&bare_pod(7900)).to_json();
    let wide = Review::create(&defaulted_pod(9900)).to_json();
    let twice = Review::update(&bare_pod(7900), &bare_pod(7900)).to_json();
    for (name, count, callers, body) in [
        ("A14.1", 1, 1, &bare),
        ("A14.3", 20, 1, &bare),
        ("A14.4", 5, 4, &bare),
        ("A14.5", 5, 1, &twice),
        ("A14.12", 1, scale(8, 16), &wide),
        ("R3", 5, 6, &wide),
    ] {
        let mut server = ServerSetup::with(&bindings(count))
            .no_decision_log()
            .start();
        match name {
            // Its findings exist already, so it is allowed or denied by policy.
            "A14.5" => drop(post(&server, body).review_response("u-1")),
            _ => at_once(&server, callers, body),
        }
        server.assert_memory_goals(name);
        server.assert_running();
    }
}

#[test]
fn f4_a11_9_kept_connections_release_the_buffers_of_large_reviews() {
    let _machine = claim_machine();
    let connections = scale(200, 3600);
    let server = ServerSetup::example().no_decision_log().start();
    let body = Review::create(&padded(&clean_pod(), 800_000)).to_json();
    let tls = TlsConfig::of(&server);
    let open = |_| {
        let mut line =
            AttackConnection::open(&server, &tls, ATTACKER_ADDRESS, HANG_TIMEOUT).unwrap();
        assert_eq!(
            line.post("/validate?timeout=10s", body.as_bytes(), HANG_TIMEOUT)
                .unwrap()
                .review_response("u-1")["allowed"],
            true
        );
        line
    };
    // The memory of a first set of reviews is not part of the measurement.
    let first: Vec<AttackConnection> = (0..8).map(open).collect();
    let before = server.rss_mib();
    let kept: Vec<AttackConnection> = (0..connections).map(open).collect();
    let grown_kib = server.rss_mib().saturating_sub(before) << 10;
    // It was 300 KiB; TLS and HTTP need some tens.
    let each_kib = grown_kib / u64::try_from(connections).unwrap();
    assert!(each_kib < 100, "{each_kib} KiB for each kept connection");
    drop((first, kept));
    server.assert_memory_goals("A11.9");
}

#[test]
fn f4_a11_10_unread_http2_responses_are_cut_despite_answered_pings() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let containers: Vec<_> = (0..40)
        .map(|index| {
            let capability = json!({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}});
            merge(
                privileged(&format!("container-number-{index:03}")),
                &capability,
            )
        })
        .collect();
    let body = Review::create(&pod(&containers)).to_json();
    let streams = scale(60, 245);
    let mut held: Vec<(Http2Connection, usize)> = (0..scale(8, 120))
        .map(|_| {
            let mut connection = Http2Connection::open(&server, ATTACKER_ADDRESS, Some(0)).unwrap();
            for _ in 0..streams {
                if !connection.send_review("/validate?timeout=10s", body.as_bytes()) {
                    break;
                }
            }
            (connection, 0)
        })
        .collect();
    let deadline = Instant::now() + Duration::from_secs(scale(60, 120));
    loop {
        held.retain_mut(|(connection, reset)| {
            *reset += connection
                .frames(Duration::from_millis(5))
                .iter()
                .filter(|frame| frame.kind == RST_STREAM)
                .count();
            *reset < streams && !connection.is_closed()
        });
        server.assert_peak_memory("A11.10");
        if held.is_empty() {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{} connections are kept for ever",
            held.len()
        );
    }
    server.assert_memory_goals("A11.10");
    server.assert_running();
}

/// Each connection sends as many bytes as its window takes, in bodies that never end.
#[test]
fn f4_a10_11_unfinished_bodies_on_many_connections_stay_within_memory_bounds() {
    let _machine = claim_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let piece = vec![b' '; 16_000];
    let mut held = Vec::new();
    for _ in 0..scale(12, 60) {
        let mut connection = Http2Connection::open(&server, ATTACKER_ADDRESS, None).unwrap();
        connection.set_send_timeout(Duration::from_millis(500));
        for _ in 0..90 {
            let (stream, head) = connection.review("/validate?timeout=30s", 60 << 20, None);
            let pieces = vec![frame(DATA, 0, stream, &piece); 16].concat();
            if !connection.send(&[head, pieces].concat()) {
                break;
            }
            connection.frames(Duration::from_millis(1));
        }
        held.push(connection);
        server.assert_peak_memory(&format!("A10.11 on {} connections", held.len()));
        let answer = post(&server, Review::create(&clean_pod()).to_json());
        assert_eq!(answer.review_response("u-1")["allowed"], true);
    }
    drop(held);
    server.assert_memory_goals("A10.11");
    server.assert_running();
}

/// Unread standard output, and reviews with long decision lines.
#[test]
fn f4_c4_queued_decision_lines_are_bounded_in_bytes() {
    let _machine = claim_machine();
    let long_name = Review::create(&privileged_pod())
        .with("name", "n".repeat(1_000_000))
        .to_json();
    let containers: Vec<_> = (0..100)
        .map(|index| privileged(&format!("container-{index:03}")))
        .collect();
    let many = Review::create(&pod(&containers)).to_json();
    for (name, body, count) in [
        ("C4.4", long_name, scale(250, 1500)),
        ("C4.3", many, scale(1500, 4500)),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut server = ServerSetup::example().stdout(writer).start();
        let before = server.rss_mib();
        let mut line = AttackConnection::open(
            &server,
            &TlsConfig::of(&server),
            ATTACKER_ADDRESS,
            HANG_TIMEOUT,
        )
        .unwrap();
        for _ in 0..count {
            let response = line
                .post("/validate?timeout=10s", body.as_bytes(), HANG_TIMEOUT)
                .unwrap();
            assert_eq!(response.review_response("u-1")["allowed"], false);
        }
        let grown = server.rss_mib().saturating_sub(before);
        // Up to 16 MiB of lines are queued; the other memory is for reviews of a megabyte.
        assert!(grown < 100, "{name}: {grown} MiB more");
        server.assert_running();
        drop(reader);
        server.assert_memory_goals(name);
    }
}

#[test]
fn f4_c4_5_b11_decision_line_is_bounded_for_every_part_of_a_review() {
    let _machine = share_machine();
    let deny_all = binding("all", "['*']", "validationActions: [Deny]");
    let mut server = ServerSetup::with(&[deny_all]).start();
    let long = "x".repeat(scale(1_000_000, 5_000_000));
    let bad = || Review::create(&privileged_pod());
    let with_env = merge(
        container("a"),
        &json!({"env": [{"name": format!("password{long}"), "value": "x"}]}),
    );
    let capabilities: Vec<&str> = vec!["SYS_ADMIN"; 20_000];
    let capable = merge(
        container("a"),
        &json!({"securityContext": {"capabilities": {"add": capabilities}}}),
    );
    let many: Vec<_> = (0..200)
        .map(|index| privileged(&format!("c{index}")))
        .collect();
    for (name, review) in [
        ("name", bad().with("name", long.as_str())),
        ("user", bad().user(&long)),
        ("namespace", bad().with("namespace", long.as_str())),
        ("subResource", bad().sub_resource(&long)),
        ("resource", bad().resource("", "v1", &long)),
        ("container", Review::create(&pod(&[privileged(&long)]))),
        ("environment", Review::create(&pod(&[with_env]))),
        (
            "ConfigMap key",
            Review::create(&config_map(&[(&format!("password{long}"), "x")])),
        ),
        (
            "image",
            Review::create(&pod(&[merge(
                container("a"),
                &json!({"image": format!("{long}:latest")}),
            )])),
        ),
        ("capabilities", Review::create(&pod(&[capable]))),
        ("containers", Review::create(&pod(&many))),
    ] {
        let before = fs::metadata(server.path("stdout")).unwrap().len();
        let response = post(&server, review.to_json());
        response.review_response("u-1");
        assert!(
            response.body.len() < 64 << 10,
            "{name}: an answer of {} bytes",
            response.body.len()
        );
        let log = wait_for("the line", || {
            match fs::read(server.path("stdout")).unwrap() {
                value if value.len() as u64 > before && value.ends_with(b"\n") => Ok(value),
                value => Err(format!("{name}: {} bytes", value.len())),
            }
        });
        let line = log.len() - usize::try_from(before).unwrap();
        assert!(line < LINE_MAX_BYTES, "{name}: a line of {line} bytes");
        assert_eq!(
            log.iter().filter(|byte| **byte == b'\n').count(),
            server.stdout().lines().count()
        );
    }
    // An odd uid is rejected, or at least truncated in the log.
    let response = post(&server, bad().uid(&long).to_json());
    assert!(
        response.status == 400 || response.body.len() < 64 << 10,
        "{} {} bytes",
        response.status,
        response.body.len()
    );
    let longest = server.stdout().lines().map(str::len).max().unwrap();
    assert!(longest < LINE_MAX_BYTES, "a line of {longest} bytes");
    server.assert_running();
}
