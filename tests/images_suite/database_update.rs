//! `kubevet db update` from a server of this machine, with archives that Grype's own code wrote.

use kubevet_testkit::{
    oracle::Oracle,
    test_dir::{ProgramRun, TestDir},
};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

fn osv(id: &str, fixed: &str) -> String {
    json!({
        "id": id, "modified": "2025-10-01T00:00:00Z", "aliases": ["CVE-2025-1"], "details": "text",
        "affected": [{"package": {"ecosystem": "npm", "name": "lodash"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}],
    })
    .to_string()
}

/// Runs `kubevet db` with words.
fn db(dir: &TestDir, words: &str) -> ProgramRun {
    let mut arguments = vec!["db"];
    arguments.extend(words.split_whitespace());
    dir.run(&arguments)
}

/// Serves files over HTTP on this machine until the test ends. Returns its URL.
fn serve(files: Vec<(String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else {
                return;
            };
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match connection.read(&mut buffer) {
                    Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let file = files.iter().find(|(name, _)| name == path);
            let (status, body) = match file {
                Some((_, body)) => ("200 OK", body.as_slice()),
                None => ("404 Not Found", &b"no"[..]),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = connection
                .write_all(head.as_bytes())
                .and_then(|()| connection.write_all(body));
        }
    });
    url
}

#[test]
fn update_takes_the_archive_that_the_server_names() {
    let Some(mut oracle) = Oracle::start_for_images("update_takes_the_archive") else {
        return;
    };
    let dir = TestDir::new().file("a.json", osv("GHSA-1", "1.2"));
    let request = json!({
        "op": "makedb", "dir": dir.path().join("made"), "built": "2025-12-30T10:00:00Z",
        "advisories": [{"id": "CVE-2099-1", "provider": "nvd",
            "affected": [{"ecosystem": "npm", "package": "x"}]}],
    });
    let answer = oracle.send(&request);
    assert!(answer["error"].is_null(), "{answer}");
    let archive = std::fs::read(answer["archive"].as_str().unwrap()).unwrap();
    let latest = std::fs::read(dir.path().join("made/dist/v6/latest.json")).unwrap();
    let parsed: Value = serde_json::from_slice(&latest).unwrap();
    let name = parsed["path"].as_str().unwrap();
    let mut damaged = archive.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let escape = json!({"path": "../x.tar.zst", "checksum": "sha256:0"}).to_string();
    let url = serve(vec![
        ("/v6/latest.json".to_owned(), latest.clone()),
        (format!("/v6/{name}"), archive),
        ("/bad/v6/latest.json".to_owned(), latest.clone()),
        (format!("/bad/v6/{name}"), damaged),
        ("/gone/v6/latest.json".to_owned(), latest),
        ("/escape/latest.json".to_owned(), escape.into_bytes()),
        ("/text/latest.json".to_owned(), b"hello".to_vec()),
    ]);
    let check = |words: &str, code: i32, text: &str| {
        let run = db(&dir, &format!("update --db d {words}"));
        let output = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.code, code, "{words}: {output}");
        assert!(output.contains(text), "{words}: {output}");
    };
    check(&format!("--url {url}/bad"), 2, "the checksum of");
    check(&format!("--url {url}/gone"), 2, "cannot download");
    check(&format!("--url {url}/none"), 2, "404");
    check(
        &format!("--url {url}/escape/latest.json"),
        2,
        "which is not beside it",
    );
    check(
        &format!("--url {url}/text/latest.json"),
        2,
        "is no list of Grype's databases",
    );
    check("--url http://192.0.2.1/x", 2, "is plain HTTP");
    check("--url ftp://x", 2, "is no URL");
    assert_eq!(
        db(&dir, "status --db d").code,
        2,
        "no failed update leaves a database"
    );
    check(
        &format!("--url {url}"),
        0,
        "checksum of the publisher is right",
    );
    check(&format!("--url {url}"), 0, "the database is the newest");
    check(&format!("--url {url} a.json"), 0, "osv a.json");
    check(&format!("--url {url}"), 2, "the database also has a.json");
    // The other source is dropped by a new import, although the archive is the same.
    check(
        &format!("--url {url} --drop-other-sources"),
        0,
        "1 affected packages",
    );
    check(&format!("--url {url}"), 0, "the database is the newest");
}
