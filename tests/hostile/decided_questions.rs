//! Questions that the security report left open, each with the behavior that was decided.

use crate::{
    attack_connection::{AttackConnection, CLIENT_ADDRESS, HANG_TIMEOUT, TlsConfig, post},
    attack_objects::{Review, ordinary_bad, ordinary_clean},
    attack_scale::{scale, share_machine},
    attacked_server::{EXAMPLE, Server, ServerSetup, assert_allowed, assert_denied, binding},
};
use kubevet_testkit::{build_output::kubevet_binary, polling::wait_for, process};
use rustix::process::Signal;
use serde_json::json;
use std::{
    fs::{self, File},
    io::Write as _,
    thread,
    time::{Duration, Instant},
};

fn denies(server: &Server) -> bool {
    post(server, ordinary_bad()).review_response("bad")["allowed"] == false
}

/// A writer pauses in the middle of a file, whose first part is a complete and weaker binding.
#[test]
fn doubt_c2_7_half_written_binding_file_is_not_loaded() {
    let _machine = share_machine();
    let server = ServerSetup::example().no_decision_log().start();
    // A binding as a user may write it, with the strict part at its end.
    let yaml = format!(
        "{}  validationActions: [Deny]\n",
        binding("late", "[C-0057]", "").replace(
            "spec: {controls: [C-0057], }\n",
            "spec:\n  controls: [C-0057]\n  matchResources:\n    excludeNamespaces: [kube-system]\n",
        )
    );
    server.bind("000.yaml", &yaml);
    wait_for("the binding", || {
        match server.metric("kubevet_library_generation") {
            value if value >= 2.0 => Ok(()),
            value => Err(format!("{value}: {}", server.stderr())),
        }
    });
    assert!(denies(&server));
    let generation = server.metric("kubevet_library_generation");
    // The same file is written line by line, with pauses shorter than the poll interval.
    let mut file = File::create(server.path("bindings").join("000.yaml")).unwrap();
    for line in format!("{yaml}# written anew\n").split_inclusive('\n') {
        file.write_all(line.as_bytes()).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(1200) {
            assert!(
                denies(&server),
                "half of a file is in force: {}",
                server.stderr()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }
    wait_for("the file as it is now", || {
        match server.metric("kubevet_library_generation") {
            value if value > generation => Ok(()),
            value => Err(value.to_string()),
        }
    });
    assert!(denies(&server));
}

/// No prefix of the example denies less than the whole.
#[test]
fn doubt_c2_7_no_prefix_of_the_example_is_a_weaker_binding() {
    let _machine = share_machine();
    let dir = tempfile::tempdir().unwrap();
    let bindings = dir.path().join("b");
    fs::create_dir(&bindings).unwrap();
    let review = dir.path().join("review.json");
    fs::write(&review, ordinary_bad()).unwrap();
    // A reader sees whole lines; the nightly form checks every byte.
    let ends = EXAMPLE
        .char_indices()
        .filter(|position| position.1 == '\n')
        .map(|position| position.0 + 1);
    let ends: Vec<usize> = if scale(false, true) {
        (0..EXAMPLE.len()).collect()
    } else {
        ends.collect()
    };
    for end in ends {
        fs::write(bindings.join("b.yaml"), &EXAMPLE[..end]).unwrap();
        let mut command = std::process::Command::new(kubevet_binary());
        command
            .arg("review")
            .arg("--bindings")
            .arg(&bindings)
            .arg(&review);
        let output = process::run(&mut command, "");
        assert!(
            matches!(output.code, 1 | 2),
            "{} bytes let it in: {output:?}",
            end
        );
    }
}

#[test]
fn doubt_a15_1_metrics_are_not_served_on_the_review_port() {
    let _machine = share_machine();
    let server = ServerSetup::example().without_metrics().start();
    let get = |path: &str| {
        let mut line = AttackConnection::open(
            &server,
            &TlsConfig::of(&server),
            CLIENT_ADDRESS,
            HANG_TIMEOUT,
        )
        .unwrap();
        line.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        line.response(HANG_TIMEOUT).unwrap()
    };
    wait_for("it to be ready", || match get("/readyz").status {
        200 => Ok(()),
        value => Err(value.to_string()),
    });
    assert_eq!(get("/healthz").status, 200);
    assert_denied(&post(&server, ordinary_bad()), "bad", 403, "C-0057");
    let response = get("/metrics");
    assert!(
        response.status != 200 && !String::from_utf8_lossy(&response.body).contains("kubevet_"),
        "{}",
        response.head
    );
}

/// The API of a Pod or node behind a proxy can run commands, as `exec` can.
#[test]
fn doubt_b3_58_proxies_are_denied_with_exec_and_port_forward() {
    let _machine = share_machine();
    let mut server = ServerSetup::with(&[binding(
        "b",
        "['K-0001', 'K-0002']",
        "validationActions: [Deny]",
    )])
    .start();
    for (kind, path) in [
        ("PodProxyOptions", "/"),
        ("NodeProxyOptions", "/exec/shop/p/a?command=sh"),
        ("ServiceProxyOptions", "/"),
    ] {
        let options = json!({"apiVersion": "v1", "kind": kind, "path": path});
        let response = post(
            &server,
            Review::connect("proxy", &options)
                .with("name", "p")
                .to_json(),
        );
        assert_eq!(response.review_response("u-1")["allowed"], false, "{kind}");
    }
    assert_allowed(&post(&server, ordinary_clean()), "clean");
    server.assert_running();
}

#[test]
fn doubt_c8_1_renamed_decision_log_is_reopened_on_sighup() {
    let _machine = share_machine();
    let server = ServerSetup::example()
        .flag_with_path("--decision-log", "decisions.jsonl")
        .start();
    let path = server.path("decisions.jsonl");
    assert_denied(&post(&server, ordinary_bad()), "bad", 403, "C-0057");
    wait_for("its line", || {
        match fs::read_to_string(&path)
            .unwrap_or_default()
            .lines()
            .count()
        {
            1 => Ok(()),
            value => Err(value.to_string()),
        }
    });
    fs::rename(&path, server.path("decisions.jsonl.1")).unwrap();
    server.signal(Signal::HUP);
    wait_for("a new file with a line", || {
        assert_denied(&post(&server, ordinary_bad()), "bad", 403, "C-0057");
        match fs::read_to_string(&path) {
            Ok(value) if value.ends_with('\n') => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

#[test]
fn doubt_c6_6_second_server_on_a_port_is_rejected_unless_shared() {
    let _machine = share_machine();
    let mut server = ServerSetup::example().no_decision_log().start();
    let other = tempfile::tempdir().unwrap();
    let mut second = ServerSetup::example()
        .no_decision_log()
        .on(server.port(), &other.path().join("tls"))
        .spawn();
    let status = second.ends_within(HANG_TIMEOUT);
    assert_eq!(
        status.and_then(|status| status.code()),
        Some(2),
        "{}",
        second.stderr()
    );
    assert!(second.stderr().contains("in use"), "{}", second.stderr());
    assert_denied(&post(&server, ordinary_bad()), "bad", 403, "C-0057");
    server.assert_running();
}
