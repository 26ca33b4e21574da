//! The Helm chart: its templates, its values and their schema agree.

use super::{chart_files, options, parse_objects};
use crate::InstallOptions;
use regex::Regex;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Collects the paths of all leaves of a value. An empty map is a leaf.
fn leaf_paths(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value.as_object().filter(|map| !map.is_empty()) {
        Some(map) => {
            for (name, value) in map {
                leaf_paths(value, &format!("{path}.{name}"), paths);
            }
        }
        None => {
            paths.insert(path.to_owned());
        }
    }
}

#[test]
fn chart_templates_and_values_have_the_same_paths() {
    let files: BTreeMap<String, String> = chart_files(&options()).into_iter().collect();
    let values = parse_objects(&files["values.yaml"]).remove(0);
    let (mut given, mut used) = (BTreeSet::new(), BTreeSet::new());
    leaf_paths(&values, "", &mut given);
    let path = Regex::new(r"\.Values((?:\.\w+)+)").unwrap();
    let templates = files
        .iter()
        .filter(|(file, _)| file.starts_with("templates/"));
    for (_, template) in templates {
        // Where values of an older chart may have none of it.
        let template = template.replace("(.Values.operator)", ".Values.operator");
        used.extend(
            path.captures_iter(&template)
                .map(|found| found[1].to_owned()),
        );
    }
    assert_eq!(used, given);
    let schema: Value = serde_json::from_str(&files["values.schema.json"]).unwrap();
    let errors = |values: &Value| {
        jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(values)
            .count()
    };
    assert_eq!(errors(&values), 0);
    for path in given {
        let mut values = values.clone();
        let (parent, name) = path.rsplit_once('.').unwrap();
        let parent = values
            .pointer_mut(&parent.replace('.', "/"))
            .unwrap()
            .as_object_mut()
            .unwrap();
        let value = parent.shift_remove(name).unwrap();
        parent.insert(format!("{name}x"), value);
        assert_ne!(errors(&values), 0, "a mistyped {path} goes through");
    }
}

#[track_caller]
fn check_image(image: &str, repository: &str, tag: &str, digest: &str) {
    let image = image.to_owned();
    let chart: BTreeMap<_, _> = chart_files(&InstallOptions { image, ..options() })
        .into_iter()
        .collect();
    let image = &parse_objects(&chart["values.yaml"])[0]["image"];
    let part = |name: &str| image[name].as_str().unwrap();
    assert_eq!(
        (part("repository"), part("tag"), part("digest")),
        (repository, tag, digest)
    );
}

#[test]
fn image_is_split_into_values() {
    check_image(&options().image, "ghcr.io/kubevet/kubevet", "", "");
    check_image("localhost:5000/kubevet", "localhost:5000/kubevet", "", "");
    check_image(
        "localhost:5000/kubevet:1.10",
        "localhost:5000/kubevet",
        "1.10",
        "",
    );
    check_image("kubevet:1@sha256:ab", "kubevet", "1", "sha256:ab");
}
