//! C3: full disks and missing folders. A limit on the file size simulates a full disk without root.

use crate::{
    attack_connection::{AttackConnection, HANG_TIMEOUT, post},
    attack_objects::{Review, privileged_pod},
    attack_scale::share_machine,
    attacked_server::{ServerSetup, assert_denied},
};
use kubevet_testkit::{polling::wait_for, raw_connection::RawResponse};
use serde_json::{Value, json};
use std::fs;

fn denied_as(uid: &str) -> String {
    Review::create(&privileged_pod()).uid(uid).to_json()
}

#[test]
fn c3_1_full_disk_loses_whole_decision_lines_only() {
    let _machine = share_machine();
    let mut server = ServerSetup::example()
        .shell("trap '' XFSZ")
        .flag_with_path("--decision-log", "decisions.jsonl")
        .start();
    let path = server.path("decisions.jsonl");
    let mut line = AttackConnection::ordinary(&server);
    let mut call = |uid: &str| {
        line.post("/validate", denied_as(uid).as_bytes(), HANG_TIMEOUT)
            .unwrap()
    };
    let all_right = |response: &RawResponse, uid: &str| assert_denied(response, uid, 403, "C-0057");
    server.limit_files(Some(10_000));
    for index in 0..60 {
        let uid = format!("full-{index}");
        all_right(&call(&uid), &uid);
    }
    wait_for("lost lines", || {
        match server.metric("kubevet_unlogged_decisions_total") {
            0.0 => Err(server.stderr()),
            _ => Ok(()),
        }
    });
    server.limit_files(None);
    for index in 0..20 {
        let uid = format!("after-{index}");
        all_right(&call(&uid), &uid);
    }
    let log = wait_for("the last line", || {
        match fs::read_to_string(&path).unwrap() {
            value if value.contains("after-19") && value.ends_with('\n') => Ok(value),
            value => Err(value),
        }
    });
    for index in 0..20 {
        let uid = format!("\"after-{index}\"");
        let line = log
            .lines()
            .find(|line| line.contains(&uid))
            .expect("its line");
        serde_json::from_str::<Value>(line)
            .unwrap_or_else(|error| panic!("no JSON: {error}: {line}"));
    }
    server.assert_running();
}

#[test]
fn c3_2_full_disk_loses_records_and_leaves_no_partial_files() {
    let _machine = share_machine();
    let mut server = ServerSetup::example()
        .shell("trap '' XFSZ")
        .flag_with_path("--record", "records")
        .start();
    assert_denied(&post(&server, denied_as("first")), "first", 403, "C-0057");
    let folder = server.path("records");
    // A record gets its final name once it is complete.
    let is_whole = |dir_entry: &fs::DirEntry| {
        dir_entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "json")
    };
    wait_for("the first record", || {
        match fs::read_dir(&folder).map(|entry| entry.flatten().filter(is_whole).count()) {
            Ok(1..) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    server.limit_files(Some(100));
    for index in 0..50 {
        let uid = format!("u-{index}");
        assert_denied(&post(&server, denied_as(&uid)), &uid, 403, "C-0057");
    }
    wait_for("50 lost records", || {
        match server.metric("kubevet_unrecorded_reviews_total") {
            50.0 => Ok(()),
            value => Err(value.to_string()),
        }
    });
    let names = || -> Vec<String> {
        fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    };
    wait_for("no half file", || {
        match names().iter().filter(|name| name.contains("part")).count() {
            0 => Ok(()),
            value => Err(format!("{value} of {} files", names().len())),
        }
    });
    for name in names() {
        let json = fs::read_to_string(folder.join(&name)).unwrap();
        serde_json::from_str::<Value>(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    server.assert_running();
}

#[test]
fn c3_3_missing_record_folder_loses_records_only() {
    let _machine = share_machine();
    let mut server = ServerSetup::example()
        .flag_with_path("--record", "records")
        .start();
    fs::remove_dir_all(server.path("records")).unwrap();
    for index in 0..30 {
        let uid = format!("u-{index}");
        assert_denied(&post(&server, denied_as(&uid)), &uid, 403, "C-0057");
    }
    server.assert_running();
}

#[test]
fn c3_4_secret_is_never_recorded_in_any_spelling() {
    let _machine = share_machine();
    let server = ServerSetup::example()
        .flag_with_path("--record", "records")
        .start();
    let applied = r#"{"data":{"p":"VE9QU0VDUkVU"}}"#;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}},
        "data": {"p": "VE9QU0VDUkVU"}, "stringData": {"q": "TOPSECRET"},
    });
    let json = |uid: &str| Review::create(&secret).uid(uid).to_json();
    let deep = format!(
        r#""metadata":{{"managedFields":{}{},"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for body in [
        Review::update(&secret, &secret).to_json(),
        json("u-2").replacen(r#""data":{"#, r#""data":{"x":"VE9QU0VDUkVU"},"data":{"#, 1),
        json("u-3").replacen(r#""object""#, r#""ob\u006aect""#, 1),
        json("u-4").replacen(r#""metadata":{"#, &deep, 1),
        json("u-5")[..json("u-5").len() - 9].to_owned(),
        json("u-6").replacen(r#""data""#, r#""d\u0061ta""#, 1),
    ] {
        assert_eq!(post(&server, body).status, 200);
    }
    let folder = server.path("records");
    wait_for("records", || {
        match fs::read_dir(&folder).map(Iterator::count) {
            Ok(3..) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    for entry in fs::read_dir(&folder).unwrap() {
        let json = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(
            !json.contains("VE9QU0VDUkVU") && !json.contains("TOPSECRET"),
            "{json}"
        );
    }
    assert!(!server.stdout().contains("VE9QU0") && !server.stdout().contains("TOPSECRET"));
}
