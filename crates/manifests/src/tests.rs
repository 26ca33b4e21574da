//! The installation as it stands in the repository, and what its parts must agree in.

use super::*;
use kubevet_document::{self as document, Document, Limits};
use kubevet_policy::{binding_enums, binding_keys};
use regex::Regex;
use serde_json::Value;
use std::{fs, path::Path, sync::Arc};

fn options() -> Options {
    let (library, _) = kubevet_policy::embedded();
    let image = format!("ghcr.io/kubevet/kubevet:{}", env!("CARGO_PKG_VERSION"));
    Options::new(&image, kinds(&library))
}

/// Everything under `manifests/`, by path.
fn repository() -> BTreeMap<String, String> {
    let options = options();
    let mut files = BTreeMap::from([("install.yaml".to_owned(), install(&options).unwrap())]);
    let mut folder = |name: &str, held: Vec<(String, String)>| {
        files.extend(
            held.into_iter()
                .map(|(file, text)| (format!("{name}/{file}"), text)),
        );
    };
    folder("kustomize", kustomization(&options).unwrap());
    folder("helm/kubevet", chart(&options).unwrap());
    folder("monitoring", monitoring(&options).unwrap());
    files
}

fn files(folder: &Path, under: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(folder, &path, found);
        } else {
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_repository_holds_what_is_generated() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("manifests");
    let expected = repository();
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        let _ = fs::remove_dir_all(&folder);
        for (file, text) in &expected {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let mut held = BTreeMap::new();
    files(&folder, &folder, &mut held);
    assert_eq!(
        held.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "run `UPDATE=1 cargo test --lib manifests` to rewrite them"
    );
    for (file, text) in expected {
        assert_eq!(
            held[&file], text,
            "{file}: run `UPDATE=1 cargo test --lib manifests` to rewrite it"
        );
    }
}

#[test]
fn no_slot_is_left_open() {
    let slots = slots(&options());
    for (file, text) in repository() {
        for name in slots.keys() {
            assert!(!text.contains(&format!("@{name}@")), "{file}: {name}");
        }
    }
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Options)) {
    let mut options = options();
    change(&mut options);
    assert!(install(&options).is_err(), "{options:?}");
}

#[test]
fn options_that_yaml_would_read_otherwise_are_refused() {
    check_refused(|it| it.namespace = "a\nb".to_owned());
    check_refused(|it| it.namespace = String::new());
    check_refused(|it| it.image = "a b".to_owned());
    check_refused(|it| it.image = "a: b".to_owned());
    check_refused(|it| it.replicas = 0);
    check_refused(|it| it.api_servers = vec!["10.0.0.1".to_owned()]);
    check_refused(|it| it.api_servers = vec!["10.0.0.1/32\"".to_owned()]);
    check_refused(|it| it.client_names = vec!["a b".to_owned()]);
    check_refused(|it| it.client_names = vec![String::new()]);
}

/// Reviews come from the addresses that are given, and from anywhere where none is.
#[test]
fn the_network_policy_admits_the_api_servers() {
    let ingress = |api_servers: &[&str]| {
        let api_servers = api_servers.iter().map(|it| (*it).to_owned()).collect();
        let objects = objects(&Options {
            api_servers,
            ..options()
        })
        .unwrap();
        let text = &objects
            .iter()
            .find(|it| it.0 == "network-policy.yaml")
            .unwrap()
            .1;
        objects_of(text)[0]["spec"]["ingress"][0].to_string()
    };
    let ports = r#""ports":[{"port":8443,"protocol":"TCP"}]"#;
    assert_eq!(ingress(&[]), format!("{{{ports}}}"));
    assert_eq!(
        ingress(&["10.0.0.2/32", "fd00::/64"]),
        format!(
            r#"{{{ports},"from":[{{"ipBlock":{{"cidr":"10.0.0.2/32"}}}},{{"ipBlock":{{"cidr":"fd00::/64"}}}}]}}"#
        )
    );
}

/// Where callers must show a certificate, the Deployment says so and mounts what it is held to.
#[test]
fn callers_are_asked_for_a_certificate_where_names_are_given() {
    let args = |names: &[&str]| {
        let client_names = names.iter().map(|it| (*it).to_owned()).collect();
        let objects = objects(&Options {
            client_names,
            ..options()
        })
        .unwrap();
        let text = &objects
            .iter()
            .find(|it| it.0 == "deployment.yaml")
            .unwrap()
            .1;
        let pod = &objects_of(text)[0]["spec"]["template"]["spec"];
        let args = pod["containers"][0]["args"].as_array().unwrap().clone();
        let mounts = pod["containers"][0]["volumeMounts"].to_string();
        assert!(
            workload::CLIENT_CA.starts_with("/etc/kubevet/client-ca/")
                && mounts.contains("/etc/kubevet/client-ca")
        );
        args.iter()
            .filter_map(|it| it.as_str()?.strip_prefix("--client-").map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert!(args(&[]).is_empty());
    assert_eq!(
        args(&["apiserver", "b"]),
        [
            "ca=/etc/kubevet/client-ca/ca.crt",
            "name=apiserver",
            "name=b"
        ]
    );
}

#[test]
fn a_key_never_goes_into_the_cluster() {
    let outside = |url: &str, ca: &str| Outside {
        url: url.to_owned(),
        ca: ca.to_owned(),
    };
    let certificate = "-----BEGIN CERTIFICATE-----\n";
    assert!(
        webhook(
            &options(),
            &outside("https://10.0.0.1:8443/validate", certificate)
        )
        .is_ok()
    );
    assert!(
        webhook(
            &options(),
            &outside("http://10.0.0.1/validate", certificate)
        )
        .is_err()
    );
    assert!(webhook(&options(), &outside("https://10.0.0.1/\"x", certificate)).is_err());
    let key = format!("{certificate}-----BEGIN PRIVATE KEY-----");
    assert!(webhook(&options(), &outside("https://10.0.0.1/validate", &key)).is_err());
    assert!(webhook(&options(), &outside("https://10.0.0.1/validate", "")).is_err());
}

/// The objects of a YAML text.
fn objects_of(text: &str) -> Vec<Value> {
    let file: Arc<str> = "x".into();
    let reading = document::read_yaml(&file, text.as_bytes(), &Limits::default());
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let json = |it: &Document| {
        let mut json = String::new();
        it.root().write_json(&mut json);
        serde_json::from_str(&json).unwrap()
    };
    reading.documents.iter().map(json).collect()
}

type Sets = BTreeMap<String, BTreeSet<String>>;

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

/// Keys of every map, required keys, and words of every enum of a schema, by place.
fn walk(schema: &Value, at: &str, keys: &mut Sets, required: &mut Sets, words: &mut Sets) {
    let strings = |it: &Value| set(it.as_array().unwrap().iter().map(|it| it.as_str().unwrap()));
    if let Some(it) = schema.get("enum") {
        words.insert(at.to_owned(), strings(it));
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{at}[]"), keys, required, words);
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        keys.insert(at.to_owned(), set(properties.keys().map(String::as_str)));
        required.insert(
            at.to_owned(),
            schema.get("required").map(strings).unwrap_or_default(),
        );
        for (name, schema) in properties {
            walk(
                schema,
                format!("{at}.{name}").trim_start_matches('.'),
                keys,
                required,
                words,
            );
        }
    }
}

#[test]
fn the_crd_and_the_reader_know_the_same_bindings() {
    let crd = objects_of(&fill(&crd::crd(), &slots(&options()))).remove(0);
    let version = &crd["spec"]["versions"][0];
    let (mut keys, mut required, mut words) = (Sets::new(), Sets::new(), Sets::new());
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    // The reader takes it and looks no further: kubevet itself writes it.
    schema["properties"]["status"] = Value::Null;
    walk(&schema, "", &mut keys, &mut required, &mut words);
    let table = binding_keys();
    let expected: Sets = table
        .iter()
        .map(|it| (it.at.to_owned(), set(it.keys.iter().copied())))
        .collect();
    assert_eq!(keys, expected);
    // What every object needs is for the API server to ask.
    let beyond = |sets: &mut Sets| {
        for word in ["apiVersion", "kind", "metadata"] {
            sets.get_mut("").unwrap().remove(word);
        }
    };
    let mut expected: Sets = table
        .iter()
        .map(|it| (it.at.to_owned(), set(it.required.iter().copied())))
        .collect();
    beyond(&mut required);
    beyond(&mut expected);
    assert_eq!(required, expected);
    let mut expected: Sets = binding_enums()
        .into_iter()
        .map(|(at, words)| (at.to_owned(), set(words)))
        .collect();
    let group = crd["spec"]["group"].as_str().unwrap();
    let api_version = format!("{group}/{}", version["name"].as_str().unwrap());
    assert_eq!(
        expected.remove("apiVersion"),
        Some(set([api_version.as_str()]))
    );
    assert_eq!(
        expected.remove("kind"),
        Some(set([crd["spec"]["names"]["kind"].as_str().unwrap()]))
    );
    assert_eq!(words, expected);
}

/// Paths of everything in a tree of values that is no map with something in it.
fn leaves(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value.as_object().filter(|it| !it.is_empty()) {
        Some(map) => map
            .iter()
            .for_each(|(name, value)| leaves(value, &format!("{at}.{name}"), found)),
        None => {
            found.insert(at.to_owned());
        }
    }
}

#[test]
fn templates_and_values_of_the_chart_name_the_same() {
    let files: BTreeMap<String, String> = chart(&options()).unwrap().into_iter().collect();
    let values = objects_of(&files["values.yaml"]).remove(0);
    let (mut given, mut used) = (BTreeSet::new(), BTreeSet::new());
    leaves(&values, "", &mut given);
    let word = Regex::new(r"\.Values((?:\.\w+)+)").unwrap();
    for (_, text) in files
        .iter()
        .filter(|(file, _)| file.starts_with("templates/"))
    {
        used.extend(word.captures_iter(text).map(|it| it[1].to_owned()));
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
    let chart: BTreeMap<_, _> = chart(&Options { image, ..options() })
        .unwrap()
        .into_iter()
        .collect();
    let image = &objects_of(&chart["values.yaml"])[0]["image"];
    let held = |name: &str| image[name].as_str().unwrap();
    assert_eq!(
        (held("repository"), held("tag"), held("digest")),
        (repository, tag, digest)
    );
}

#[test]
fn an_image_comes_apart_into_values() {
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

#[track_caller]
fn check_policies(wanted: Option<FailurePolicy>, expected: &[(&str, &str)]) {
    let ca = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let outside = Outside {
        url: "https://10.0.0.1/validate".to_owned(),
        ca,
    };
    let options = Options {
        failure_policy: wanted,
        ..options()
    };
    let whole = objects(&options).unwrap().pop().unwrap().1;
    for text in [webhook(&options, &outside).unwrap(), whole] {
        let configuration = objects_of(&text).remove(0);
        let webhooks = configuration["webhooks"].as_array().unwrap();
        let held = webhooks.iter().map(|it| {
            (
                it["name"].as_str().unwrap(),
                it["failurePolicy"].as_str().unwrap(),
            )
        });
        assert_eq!(held.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_failure_policy_is_for_workloads_alone() {
    let rest = ("rest.kubevet.io", "Ignore");
    check_policies(
        None,
        &[
            ("fail.kubevet.io", "Fail"),
            ("ignore.kubevet.io", "Ignore"),
            rest,
        ],
    );
    check_policies(
        Some(FailurePolicy::Fail),
        &[("workloads.kubevet.io", "Fail"), rest],
    );
    check_policies(
        Some(FailurePolicy::Ignore),
        &[("workloads.kubevet.io", "Ignore"), rest],
    );
}
