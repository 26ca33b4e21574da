//! The structure of the workspace, held by a test: which crate may depend on which, who owns heavy dependencies, that pure
//! crates neither wait nor reach out, and that no file is dead or silent about itself. It asks cargo and links no crate.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Every crate, and the crates of ours that it may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("document", &["model"]),
    ("k8s", &["model"]),
    ("policy", &["model", "document", "k8s"]),
    ("ir", &["model", "document", "k8s", "policy"]),
    ("rego", &["model", "k8s", "policy", "ir"]),
    (
        "engine",
        &["model", "document", "k8s", "policy", "ir", "rego"],
    ),
    ("cel", &["model", "k8s", "policy", "ir"]),
    (
        "vap",
        &["model", "document", "k8s", "policy", "ir", "engine", "cel"],
    ),
    ("admission", &["model", "document", "k8s", "policy"]),
    (
        "conformance",
        &["model", "document", "k8s", "policy", "engine"],
    ),
    (
        "differential",
        &[
            "model", "document", "k8s", "policy", "ir", "engine", "cel", "vap",
        ],
    ),
    ("scan", &["model", "document", "k8s", "policy", "engine"]),
    ("source", &["model", "document"]),
    ("report", &["model"]),
    ("manifests", &["model", "k8s", "policy"]),
    ("server", &["model"]),
    ("cluster", &["model", "k8s"]),
    (
        "webhook",
        &[
            "model",
            "document",
            "k8s",
            "policy",
            "engine",
            "admission",
            "server",
            "report",
        ],
    ),
    ("testkit", &[]),
];
/// Crates for tests alone: a normal dependency on them is forbidden.
const DEV_ONLY: &[&str] = &["testkit"];
/// The program itself, and the tasks of its developers.
const OTHERS: &[&str] = &["kubevet", "xtask"];
/// Crates that neither wait nor reach out: no runtime, no client, no sockets.
const PURE: &[&str] = &[
    "model",
    "document",
    "k8s",
    "policy",
    "ir",
    "rego",
    "engine",
    "cel",
    "vap",
    "admission",
    "conformance",
    "differential",
    "scan",
    "source",
    "report",
    "manifests",
];
/// Pure crates that may read files: what a policy folder and a path hold.
const READERS: &[&str] = &["policy", "source"];
/// What no pure crate is built with, at any depth.
const IMPURE: &[&str] = &["tokio", "hyper", "kube", "rustls", "axum"];
/// Crates that one of ours alone may depend on.
const OWNED: &[(&str, &[&str])] = &[
    ("regorus", &["rego", "engine"]),
    ("granit-parser", &["document"]),
    ("kube", &["cluster"]),
    ("k8s-openapi", &["cluster", "testkit"]),
    ("rcgen", &["server"]),
    ("clap", &[]),
    // These take the interpreter's errors as they come.
    ("anyhow", &["rego", "engine"]),
];

#[test]
fn crates_depend_only_on_those_below_them() {
    let packages = packages();
    let found: BTreeSet<&str> = packages
        .keys()
        .map(String::as_str)
        .filter(|it| !OTHERS.contains(it))
        .collect();
    assert_eq!(
        found,
        CRATES.iter().map(|(name, _)| *name).collect(),
        "every crate has its line in CRATES"
    );
    for (place, (name, allowed)) in CRATES.iter().enumerate() {
        let own: BTreeSet<&str> = packages[*name]
            .normal
            .iter()
            .filter_map(|it| it.strip_prefix("kubevet-"))
            .collect();
        let extra: Vec<&&str> = own.iter().filter(|it| !allowed.contains(*it)).collect();
        assert!(extra.is_empty(), "{name} may not depend on {extra:?}");
        let below: Vec<&str> = CRATES[..place].iter().map(|(name, _)| *name).collect();
        assert!(
            allowed.iter().all(|it| below.contains(it)),
            "{name} stands above what it may depend on"
        );
    }
}

#[test]
fn test_support_is_never_a_normal_dependency() {
    for (name, package) in packages() {
        let test_support: Vec<&String> = package
            .normal
            .iter()
            .filter(|dependency| {
                let crate_name = dependency.strip_prefix("kubevet-");
                crate_name.is_some_and(|crate_name| DEV_ONLY.contains(&crate_name))
            })
            .collect();
        assert!(
            test_support.is_empty(),
            "{name} depends on {test_support:?}: only tests may"
        );
    }
}

#[test]
fn heavy_dependencies_have_one_owner() {
    for (name, package) in packages()
        .iter()
        .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
    {
        for (heavy, owners) in OWNED
            .iter()
            .filter(|(heavy, _)| package.normal.contains(*heavy))
        {
            assert!(
                owners.contains(&name.as_str()),
                "{name} depends on {heavy}, which is for {owners:?}"
            );
        }
    }
}

#[test]
fn pure_crates_are_built_without_runtime_and_client() {
    for name in PURE {
        let package = format!("kubevet-{name}");
        let flags = [
            "tree",
            "--offline",
            "--locked",
            "--edges=normal",
            "--prefix=none",
            "--format={lib}",
            "-p",
            &package,
        ];
        let built = cargo(&flags);
        let names: BTreeSet<&str> = built.lines().collect();
        assert!(
            names.contains(package.replace('-', "_").as_str()),
            "{package}: {built}"
        );
        let impure: Vec<&&str> = IMPURE.iter().filter(|it| names.contains(**it)).collect();
        assert!(impure.is_empty(), "{package} is built with {impure:?}");
    }
}

/// Clippy refuses files, environment, processes and sockets (`disallowed-methods` in clippy.toml); no pure crate may turn
/// that off outside its tests. Waiting has no method that could be named there.
#[test]
fn pure_crates_do_not_allow_input_and_output() {
    let mut errors = Vec::new();
    for name in PURE {
        let source = code(name);
        for word in ["async fn", ".await"] {
            if source.contains(word) {
                errors.push(format!("{name} contains `{word}`"));
            }
        }
        if source.contains("disallowed_methods") && !READERS.contains(name) {
            errors.push(format!("{name} allows `clippy::disallowed_methods`"));
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn nothing_reaches_past_its_own_folder() {
    for folder in source_folders() {
        for file in files(&folder) {
            let text = fs::read_to_string(&file).unwrap();
            for word in ["use super::super", "use crate::*", "pub(in crate"] {
                assert!(
                    !text.contains(word),
                    "{}: `{word}`: name the module instead",
                    file.display()
                );
            }
        }
    }
}

/// A file that no `mod` line names is dead.
#[test]
fn every_file_is_part_of_the_program() {
    let mut errors = Vec::new();
    for file in source_folders().iter().flat_map(|it| files(it)) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = file.parent().unwrap();
        if matches!(name.as_str(), "lib" | "main") {
            continue;
        }
        let (name, parents) = if name == "mod" {
            let above = folder.parent().unwrap();
            let own = folder.file_name().unwrap().to_string_lossy().into_owned();
            (own, vec![above.join("mod.rs"), above.join("lib.rs")])
        } else {
            let beside = folder.with_extension("rs");
            (
                name,
                vec![folder.join("mod.rs"), folder.join("lib.rs"), beside],
            )
        };
        let texts: String = parents
            .iter()
            .filter_map(|it| fs::read_to_string(it).ok())
            .collect();
        if !texts.contains(&format!("mod {name};")) {
            errors.push(file.display().to_string());
        }
    }
    assert!(
        errors.is_empty(),
        "no `mod` line for:\n{}",
        errors.join("\n")
    );
}

/// Each file says in its first lines what it is.
#[test]
fn every_file_opens_with_what_it_is() {
    let silent: Vec<String> = source_folders()
        .iter()
        .flat_map(|it| files(it))
        .filter(|it| !fs::read_to_string(it).unwrap().starts_with("//!"))
        .map(|it| it.display().to_string())
        .collect();
    assert!(
        silent.is_empty(),
        "no module doc in:\n{}",
        silent.join("\n")
    );
}

/// One package of the workspace.
struct Package {
    /// Names of the crates it is built with, tests left out.
    normal: BTreeSet<String>,
}

/// The packages of the workspace by name, without `kubevet-`.
fn packages() -> BTreeMap<String, Package> {
    let metadata = cargo(&[
        "metadata",
        "--format-version=1",
        "--offline",
        "--locked",
        "--no-deps",
    ]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let package = |it: &Value| {
        let name = it["name"].as_str().unwrap();
        let normal = it["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["kind"].is_null());
        let normal = normal
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        (
            name.strip_prefix("kubevet-").unwrap_or(name).to_owned(),
            Package { normal },
        )
    };
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(package)
        .collect()
}

fn cargo(flags: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(flags)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The code of a crate: no comment lines, no test files, and nothing of `#[cfg(test)]` at a file's end.
fn code(name: &str) -> String {
    let mut text = String::new();
    let is_test = |it: &&PathBuf| {
        it.file_stem()
            .is_some_and(|it| it.to_string_lossy().ends_with("tests"))
            || it.components().any(|it| it.as_os_str() == "tests")
    };
    for file in files(&root().join("crates").join(name).join("src"))
        .iter()
        .filter(|it| !is_test(it))
    {
        let source = fs::read_to_string(file).unwrap();
        let program = source.split("#[cfg(test)]\n").next().unwrap_or_default();
        text.extend(
            program
                .lines()
                .filter(|it| !it.trim_start().starts_with("//"))
                .flat_map(|it| [it, "\n"]),
        );
    }
    text
}

/// `src` of the program and of every crate.
fn source_folders() -> Vec<PathBuf> {
    let crates = CRATES
        .iter()
        .map(|(name, _)| root().join("crates").join(name).join("src"));
    [root().join("src")].into_iter().chain(crates).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
