//! The installation in the repository is the generated one.

#![allow(
    clippy::disallowed_methods,
    reason = "the test reads the repository, and rewrites it on request"
)]

use super::{chart_files, operator_options, options};
use crate::{
    ResultCrds, install, install::slots, install_operator, kustomization, monitoring,
    operator_install::operator_slots, results_crds, scan_request_crd,
};
use std::{collections::BTreeMap, fs, path::Path};

/// Generates everything in `manifests/`, by path.
fn generated() -> BTreeMap<String, String> {
    let options = options();
    let mut files = BTreeMap::from([("install.yaml".to_owned(), install(&options).unwrap())]);
    let mut add_folder = |folder: &str, generated: Vec<(String, String)>| {
        let generated = generated.into_iter();
        files.extend(generated.map(|(file, content)| (format!("{folder}/{file}"), content)));
    };
    add_folder("kustomize", kustomization(&options).unwrap());
    add_folder("helm/kubevet", chart_files(&options));
    add_folder("monitoring", monitoring(&options).unwrap());
    for (file, group) in [
        ("kubescape.yaml", ResultCrds::Kubescape),
        ("policy-reports.yaml", ResultCrds::PolicyReports),
        ("open-reports.yaml", ResultCrds::OpenReports),
    ] {
        files.insert(format!("results-crds/{file}"), results_crds(&[group]));
    }
    let operator = install_operator(&operator_options()).unwrap();
    files.insert("operator.yaml".to_owned(), operator);
    files.insert("operator-crds.yaml".to_owned(), scan_request_crd());
    files
}

/// Reads every file below `folder`, by its path relative to `root`.
fn read_files(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_files(root, &path, files);
        } else {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn repository_has_the_generated_manifests() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("manifests");
    let expected = generated();
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        let _ = fs::remove_dir_all(&folder);
        for (file, content) in &expected {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    let mut committed = BTreeMap::new();
    read_files(&folder, &folder, &mut committed);
    assert_eq!(
        committed.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "run `UPDATE=1 cargo test -p kubevet-manifests` to rewrite them"
    );
    for (file, content) in expected {
        assert_eq!(
            committed[&file], content,
            "{file}: run `UPDATE=1 cargo test -p kubevet-manifests` to rewrite it"
        );
    }
}

#[test]
fn every_slot_is_filled() {
    let mut slots = slots(&options());
    slots.extend(operator_slots(&operator_options()));
    for (file, content) in generated() {
        for name in slots.keys() {
            assert!(!content.contains(&format!("@{name}@")), "{file}: {name}");
        }
    }
}
