//! Entries of params that can match nothing are refused.

use super::{check, pod};
use kubevet_testkit::test_dir::TestDir;

#[test]
fn entry_that_can_match_nothing_is_a_problem() {
    for (entry, expected) in [
        ("evil.example", "-the entry"),
        ("evil.example/*", "+is a pattern"),
        ("*.example", "+is a pattern"),
        (r"^evil\\.example", "+is a pattern"),
        ("https://evil.example", "+has a scheme"),
        (" evil.example ", "+cannot be a registry"),
    ] {
        for param in [
            "untrustedRegistries",
            "publicRegistries",
            "imageRepositoryAllowList",
        ] {
            let dir = TestDir::new()
                .file(
                    "pod.yaml",
                    pod("a").replace("hostPID: true", "containers: [{name: a, image: b}]"),
                )
                .file("inputs.json", format!(r#"{{"{param}": ["{entry}"]}}"#));
            let control = if param == "imageRepositoryAllowList" {
                "C-0078"
            } else {
                "C-0001"
            };
            let arguments = [
                "scan",
                "control",
                control,
                "pod.yaml",
                "--controls-config",
                "inputs.json",
            ];
            let code = match (expected.starts_with('-'), control) {
                (false, _) => 2,
                (true, "C-0078") => 1,
                (true, _) => 0,
            };
            check(&dir, &arguments, code, &[expected]);
        }
    }
}

#[test]
fn pattern_where_a_part_of_a_name_is_meant_is_a_problem() {
    for (entry, code, expected) in [
        ("login_code", 0, "-the entry"),
        (".*token", 2, "+is a pattern"),
        ("^token", 2, "+is a pattern"),
        ("token|key", 2, "+is a pattern"),
        ("my token", 2, "+cannot be a name"),
    ] {
        for param in ["sensitiveKeyNames", "sensitiveKeyNamesAllowed"] {
            let dir = TestDir::new()
                .file(
                    "pod.yaml",
                    pod("a").replace("hostPID: true", "containers: [{name: a, image: b}]"),
                )
                .file("inputs.json", format!(r#"{{"{param}": ["{entry}"]}}"#));
            let arguments = [
                "scan",
                "control",
                "C-0012",
                "pod.yaml",
                "--controls-config",
                "inputs.json",
            ];
            check(&dir, &arguments, code, &[expected]);
        }
    }
}
