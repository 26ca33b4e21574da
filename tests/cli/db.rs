//! `kubevet db`: a database from files, its status, and what is refused. `tests/images_suite` has the
//! update from a server.

use kubevet_testkit::test_dir::{ProgramRun, TestDir};
use serde_json::{Value, json};

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

#[test]
fn imported_records_are_found_and_compared() {
    let dir = TestDir::new()
        .file("a.json", osv("GHSA-1", "1.2"))
        .file("b/a.json", osv("GHSA-1", "1.3"))
        .file("b/b.json", osv("GHSA-2", "2"));
    let run = db(&dir, "import a.json --db old");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("osv a.json: built 2025-10-01T00:00:00Z"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("1 vulnerabilities, 1 affected packages"),
        "{}",
        run.stdout
    );
    assert_eq!(db(&dir, "import b --db new").code, 0);

    let run = db(&dir, "search LODASH --db old");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stdout,
        "GHSA-1 (github) = CVE-2025-1\n  npm lodash: <1.2, fixed in 1.2\n"
    );
    let run = db(&dir, "search cve-2025-1 --db new -f json");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(found["vulnerabilities"].as_array().unwrap().len(), 2);
    let run = db(&dir, "search lodash --in pypi --db old");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert_eq!(run.stderr, "nothing is known of lodash in pypi\n");

    let run = db(&dir, "diff old new");
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(
        run.stdout,
        "changed  GHSA-1 (github) npm lodash\nadded    GHSA-2 (github) npm lodash\n\
         1 records added, 0 removed, 1 changed\n"
    );
    assert_eq!(db(&dir, "diff new new").code, 0);
}

#[test]
fn status_fails_for_a_missing_stale_undated_or_damaged_database() {
    let dir = TestDir::new().file("a.json", osv("GHSA-1", "1.2")).file(
        "none.json",
        json!({"reponame": "main", "distroversion": "v3.18", "packages": []}).to_string(),
    );
    let check = |words: &str, code: i32, text: &str| {
        let run = db(&dir, words);
        let output = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.code, code, "{words}: {output}");
        assert!(output.contains(text), "{words}: {output}");
    };
    check(
        "status --db absent",
        2,
        "there is no vulnerability database at absent",
    );
    check("import a.json --db d", 0, "");
    check("status --db d", 0, "whole");
    check("status --db d --max-age 1d", 2, "--max-age is 1day");
    check(
        "status --db d --max-age 100000d",
        0,
        "built 2025-10-01T00:00:00Z",
    );
    check("import none.json --db e", 0, "built unknown");
    check(
        "status --db e --max-age 1d",
        2,
        "the age of the vulnerability database is unknown",
    );
    check(
        "import none.json --taken 2025-10-02 --db e",
        0,
        "built 2025-10-02T00:00:00Z",
    );
    check(
        "import none.json --taken yesterday --db e",
        2,
        "it is no time",
    );
    check("import absent.json --db d", 2, "cannot read absent.json");
    check("status --db d", 0, "whole");
    let file = dir.path().join("d/vulnerabilities.kvdb");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[17_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    check("status --db d", 2, "the vulnerability database is damaged");
}
