//! The structure of the workspace: which crate may depend on which, who owns heavy dependencies, and
//! that pure crates have no input and output (this file); files, names and documents beside it.
//! The tests read the sources and ask cargo; they link no crate of the workspace.

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

mod documents;
mod licences;
mod module_cycles;
mod names;
mod source_files;

use serde_json::Value;
use source_files::{program_code, root};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

/// Every crate, and the crates of the workspace that it may depend on; lower crates first.
const CRATES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("document", &["model"]),
    ("k8s", &["model"]),
    ("policy", &["model", "document", "k8s"]),
    ("ir", &["model", "document"]),
    ("rego", &["model", "k8s", "policy", "ir"]),
    (
        "engine",
        &["model", "document", "k8s", "policy", "ir", "rego"],
    ),
    ("prebuilt", &["model", "policy", "ir", "engine"]),
    ("cel", &["model", "k8s", "policy", "ir"]),
    (
        "vap",
        &["model", "document", "k8s", "policy", "ir", "engine", "cel"],
    ),
    ("admission", &["model", "document", "k8s", "policy"]),
    ("validation", &["model", "document", "k8s", "policy", "ir"]),
    (
        "conformance",
        &["model", "document", "k8s", "policy", "engine", "validation"],
    ),
    (
        "differential",
        &[
            "model", "document", "k8s", "policy", "ir", "engine", "cel", "vap",
        ],
    ),
    (
        "scan",
        &["model", "document", "k8s", "policy", "engine", "validation"],
    ),
    ("source", &["model", "document"]),
    ("report", &["model"]),
    ("results", &["model", "k8s"]),
    ("manifests", &["model", "document", "k8s", "policy"]),
    ("store", &["model"]),
    ("image", &["model"]),
    ("catalog", &["model", "image"]),
    ("sbom", &["model"]),
    ("registry", &["model", "image"]),
    ("version", &[]),
    ("vulnerability", &["version"]),
    ("server", &["model"]),
    ("cluster", &["model", "document", "k8s"]),
    (
        "operator",
        &[
            "model",
            "document",
            "k8s",
            "policy",
            "engine",
            "admission",
            "scan",
            "cluster",
        ],
    ),
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
/// Crates without input and output: no runtime, no client, no sockets.
const PURE: &[&str] = &[
    "model",
    "document",
    "k8s",
    "policy",
    "ir",
    "rego",
    "engine",
    "prebuilt",
    "cel",
    "vap",
    "admission",
    "validation",
    "conformance",
    "differential",
    "scan",
    "source",
    "report",
    "results",
    "manifests",
    "catalog",
    "sbom",
    "version",
];
/// Pure crates that may read files: policy folders, and the paths of a scan.
const READERS: &[&str] = &["policy", "source"];
/// Dependencies that no pure crate is built with, at any depth.
const IMPURE: &[&str] = &["tokio", "hyper", "kube", "rustls", "axum"];
/// Dependencies of few owners: only these crates may depend on them.
const OWNED: &[(&str, &[&str])] = &[
    ("regorus", &["rego", "engine"]),
    ("granit-parser", &["document"]),
    ("kube", &["cluster"]),
    ("k8s-openapi", &["cluster", "testkit"]),
    ("rcgen", &["server"]),
    // Grype's database is a SQLite file, too.
    ("rusqlite", &["store", "vulnerability"]),
    ("memmap2", &["vulnerability"]),
    ("tokio-postgres", &["store"]),
    ("croner", &["operator"]),
    ("jiff", &["operator"]),
    ("clap", &[]),
    // The interpreter (regorus) returns its errors.
    ("anyhow", &["rego", "engine"]),
];

#[test]
fn crates_depend_only_on_those_below_them() {
    let packages = packages();
    let found: BTreeSet<&str> = packages
        .keys()
        .map(String::as_str)
        .filter(|name| !OTHERS.contains(name))
        .collect();
    assert_eq!(
        found,
        CRATES.iter().map(|(name, _)| *name).collect(),
        "every crate has its line in CRATES"
    );
    for (index, (name, allowed)) in CRATES.iter().enumerate() {
        let actual: BTreeSet<&str> = packages[*name]
            .normal
            .iter()
            .filter_map(|dependency| dependency.strip_prefix("kubevet-"))
            .collect();
        let extra: Vec<&&str> = actual
            .iter()
            .filter(|dependency| !allowed.contains(*dependency))
            .collect();
        assert!(extra.is_empty(), "{name} may not depend on {extra:?}");
        let below: Vec<&str> = CRATES[..index].iter().map(|(name, _)| *name).collect();
        assert!(
            allowed.iter().all(|dependency| below.contains(dependency)),
            "{name} comes before a crate that it may depend on"
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

/// The benches are a workspace of their own, built with `--locked`.
#[test]
fn lock_file_of_the_benches_has_the_dependencies_of_every_crate() {
    let lock = fs::read_to_string(root().join("benches/Cargo.lock")).unwrap();
    let packages = packages();
    let mut found = 0;
    for entry in lock.split("[[package]]\n") {
        let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
        let name = entry.lines().next().and_then(quoted).unwrap_or_default();
        let name = name.strip_prefix("kubevet-").unwrap_or_default();
        let Some(package) = packages.get(name).filter(|_| !DEV_ONLY.contains(&name)) else {
            continue;
        };
        found += 1;
        let dependencies = entry
            .split_once("dependencies = [")
            .map_or("", |(_, rest)| rest);
        // A version follows the name where there are several.
        let locked: BTreeSet<String> = dependencies
            .lines()
            .filter_map(quoted)
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(
            locked, package.normal,
            "kubevet-{name}: run `cargo update --workspace` in benches/"
        );
    }
    assert!(found > 10, "{found} crates in the lock file");
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
        let impure: Vec<&&str> = IMPURE
            .iter()
            .filter(|dependency| names.contains(**dependency))
            .collect();
        assert!(impure.is_empty(), "{package} is built with {impure:?}");
    }
}

/// Clippy refuses files, environment, processes and sockets (`disallowed-methods` in clippy.toml).
/// No pure crate may turn that off outside its tests. Awaiting has no method to list there.
#[test]
fn pure_crates_do_not_allow_input_and_output() {
    let mut errors = Vec::new();
    for name in PURE {
        let source = program_code(name);
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

/// One package of the workspace.
struct Package {
    /// The names of its dependencies, without those of its tests.
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
    let package = |package: &Value| {
        let name = package["name"].as_str().unwrap();
        let normal = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null());
        let normal = normal
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
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

/// The standard output of a cargo command, which must succeed.
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
