//! The files that pods mount: what the kubelet makes of ConfigMap and volume equals the folder.

#![allow(
    clippy::disallowed_methods,
    reason = "it builds the folder that a kubelet mounts"
)]

use super::{chart_files, find, options, parse_objects};
use crate::{InstallOptions, InvalidOption, MountedFolder, objects};
use serde_json::Value;
use std::{fs, path::Path};

const FILES: &[(&str, &str)] = &[
    (
        "controls/ACME-1-x/control.yaml",
        "id: ACME-1\nname: Image @image@\nseverity: low\ncategory: A\nrisk: r\ncheck: c\nremediation: r\nkinds: [Pod]\n",
    ),
    (
        "controls/ACME-1-x/rule.rego",
        "package controls.acme1\n\nimport rego.v1\n\ndeny contains finding if {\n\tinput.object.x == \"\\\\@\"\n\t\
         finding := {\"message\": \"m\", \"paths\": [\"x\"], \"fixes\": []}\n}\n",
    ),
    ("lib/acme.rego", "package lib.acme\n"),
];

fn folder(files: &[(&str, &str)]) -> MountedFolder {
    MountedFolder {
        name: "policies".to_owned(),
        flag: "--policies",
        file: None,
        files: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
    }
}

fn with(files: &[(&str, &str)]) -> InstallOptions {
    InstallOptions {
        mounted: vec![folder(files)],
        ..options()
    }
}

/// Makes a folder as the kubelet does: the files behind a link that is replaced as a whole.
fn mount(data: &Value, items: &Value, at: &Path) {
    let version = at.join("..v1");
    for item in items.as_array().unwrap() {
        let path = version.join(item["path"].as_str().unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, data[item["key"].as_str().unwrap()].as_str().unwrap()).unwrap();
    }
    std::os::unix::fs::symlink("..v1", at.join("..data")).unwrap();
    for entry in fs::read_dir(&version).unwrap().flatten() {
        let name = entry.file_name();
        let target = Path::new("..data").join(&name);
        std::os::unix::fs::symlink(target, at.join(&name)).unwrap();
    }
}

#[test]
fn mounted_folder_equals_the_folder() {
    let objects = objects(&with(FILES)).unwrap();
    let map = parse_objects(find(&objects, "config-maps.yaml")).remove(0);
    let deployment = parse_objects(find(&objects, "deployment.yaml")).remove(0);
    let pod = &deployment["spec"]["template"]["spec"];
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|volume| volume["name"] == "policies");
    let volume = &volume.unwrap()["configMap"];
    assert_eq!(volume["name"], map["metadata"]["name"]);
    let container = &pod["containers"][0];
    let mounts = container["volumeMounts"].as_array().unwrap();
    let path = mounts
        .iter()
        .find(|mount| mount["name"] == "policies")
        .unwrap()["mountPath"]
        .as_str()
        .unwrap();
    let flag = Value::from(format!("--policies={path}"));
    assert!(container["args"].as_array().unwrap().contains(&flag));

    let dir = tempfile::tempdir().unwrap();
    mount(&map["data"], &volume["items"], dir.path());
    for (path, text) in FILES {
        assert_eq!(fs::read_to_string(dir.path().join(path)).unwrap(), *text);
    }
    let (mut library, _) = kubevet_policy::embedded();
    assert_eq!(library.add_overlay(dir.path()), []);
    assert!(library.control("ACME-1").is_some());
}

#[test]
fn paths_with_equal_keys_stay_apart() {
    let options = with(&[
        ("a/b", "1"),
        ("a__b", "2"),
        ("\u{e9}", "3"),
        ("\u{e8}", "4"),
    ]);
    let objects = objects(&options).unwrap();
    let map = parse_objects(find(&objects, "config-maps.yaml")).remove(0);
    assert_eq!(
        map["data"].to_string(),
        r#"{"a__b":"1","a__b_2":"2","_":"3","__2":"4"}"#
    );
}

#[test]
fn files_beyond_the_size_of_a_config_map_are_refused() {
    let text = "x".repeat(1 << 20);
    assert_eq!(
        objects(&with(&[("a", &text)])).err(),
        Some(InvalidOption::TooLarge {
            flag: "--policies",
            bytes: (1 << 20) + 1
        })
    );
}

#[test]
fn chart_has_the_files_as_values() {
    let files = chart_files(&with(FILES));
    let (_, values) = files
        .iter()
        .find(|(name, _)| name == "values.yaml")
        .unwrap();
    let values = parse_objects(values).remove(0);
    for (path, text) in FILES {
        assert_eq!(values["customRules"][path], *text);
    }
}
