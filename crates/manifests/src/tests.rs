//! The installation in the repository, and what its parts must agree in.

#![allow(
    clippy::disallowed_methods,
    reason = "tests start programs and read files"
)]

use super::{
    install::{CLIENT_CA_PATH, slots},
    template::render,
    *,
};
use kubevet_document::{self as document, Document, Limits};
use kubevet_policy::{binding_enums, binding_keys};
use regex::Regex;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

fn options() -> InstallOptions {
    let (library, _) = kubevet_policy::embedded();
    let image = format!("ghcr.io/kubevet/kubevet:{}", env!("CARGO_PKG_VERSION"));
    InstallOptions::new(&image, kinds(&library))
}

/// Generates everything in `manifests/`, by path.
fn generated() -> BTreeMap<String, String> {
    let options = options();
    let mut files = BTreeMap::from([("install.yaml".to_owned(), install(&options).unwrap())]);
    let mut add_folder = |folder: &str, generated: Vec<(String, String)>| {
        let generated = generated.into_iter();
        files.extend(generated.map(|(file, content)| (format!("{folder}/{file}"), content)));
    };
    add_folder("kustomize", kustomization(&options).unwrap());
    add_folder("helm/kubevet", chart(&options).unwrap());
    add_folder("monitoring", monitoring(&options).unwrap());
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
    let slots = slots(&options());
    for (file, content) in generated() {
        for name in slots.keys() {
            assert!(!content.contains(&format!("@{name}@")), "{file}: {name}");
        }
    }
}

#[track_caller]
fn check_rejected(change: impl FnOnce(&mut InstallOptions)) {
    let mut options = options();
    change(&mut options);
    assert!(install(&options).is_err(), "{options:?}");
}

#[test]
fn option_that_yaml_would_read_otherwise_is_rejected() {
    check_rejected(|options| options.namespace = "a\nb".to_owned());
    check_rejected(|options| options.namespace = String::new());
    check_rejected(|options| options.image = "a b".to_owned());
    check_rejected(|options| options.image = "a: b".to_owned());
    check_rejected(|options| options.replicas = 0);
    check_rejected(|options| options.api_servers = vec!["10.0.0.1".to_owned()]);
    check_rejected(|options| options.api_servers = vec!["10.0.0.1/32\"".to_owned()]);
    check_rejected(|options| options.client_names = vec!["a b".to_owned()]);
    check_rejected(|options| options.client_names = vec![String::new()]);
}

/// The NetworkPolicy admits the given addresses, and any address if none is given.
#[test]
fn network_policy_admits_the_api_servers() {
    let ingress = |api_servers: &[&str]| {
        let api_servers = api_servers
            .iter()
            .map(|string| (*string).to_owned())
            .collect();
        let objects = objects(&InstallOptions {
            api_servers,
            ..options()
        })
        .unwrap();
        let yaml = find(&objects, "network-policy.yaml");
        parse_objects(yaml)[0]["spec"]["ingress"][0].to_string()
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

/// With client names, the Deployment requires client certificates and mounts their CA.
#[test]
fn client_names_require_client_certificates() {
    let args = |names: &[&str]| {
        let client_names = names.iter().map(|string| (*string).to_owned()).collect();
        let objects = objects(&InstallOptions {
            client_names,
            ..options()
        })
        .unwrap();
        let yaml = find(&objects, "deployment.yaml");
        let pod = &parse_objects(yaml)[0]["spec"]["template"]["spec"];
        let args = pod["containers"][0]["args"].as_array().unwrap().clone();
        let mounts = pod["containers"][0]["volumeMounts"].to_string();
        assert!(
            CLIENT_CA_PATH.starts_with("/etc/kubevet/client-ca/")
                && mounts.contains("/etc/kubevet/client-ca")
        );
        args.iter()
            .filter_map(|arg| arg.as_str()?.strip_prefix("--client-").map(str::to_owned))
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
fn external_webhook_with_a_private_key_is_rejected() {
    let external = |url: &str, ca: &str| ExternalWebhook {
        url: url.to_owned(),
        ca: ca.to_owned(),
    };
    let certificate = "-----BEGIN CERTIFICATE-----\n";
    assert!(
        webhook(
            &options(),
            &external("https://10.0.0.1:8443/validate", certificate)
        )
        .is_ok()
    );
    assert!(
        webhook(
            &options(),
            &external("http://10.0.0.1/validate", certificate)
        )
        .is_err()
    );
    assert!(webhook(&options(), &external("https://10.0.0.1/\"x", certificate)).is_err());
    let key = format!("{certificate}-----BEGIN PRIVATE KEY-----");
    assert!(webhook(&options(), &external("https://10.0.0.1/validate", &key)).is_err());
    assert!(webhook(&options(), &external("https://10.0.0.1/validate", "")).is_err());
}

fn find<'o>(objects: &'o [(&str, String)], file: &str) -> &'o str {
    let (_, yaml) = objects.iter().find(|(name, _)| *name == file).unwrap();
    yaml
}

/// Parses the objects of a YAML stream.
fn parse_objects(yaml: &str) -> Vec<Value> {
    let file: Arc<str> = "x".into();
    let parsed = document::read_yaml(&file, yaml.as_bytes(), &Limits::default());
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let json = |document: &Document| {
        let mut json = String::new();
        document.root().write_json(&mut json);
        serde_json::from_str(&json).unwrap()
    };
    parsed.documents.iter().map(json).collect()
}

/// Sets of strings by the path in a schema.
type SetsByPath = BTreeMap<String, BTreeSet<String>>;

fn set<'a>(strings: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    strings.into_iter().map(str::to_owned).collect()
}

/// The parts of a schema that the CRD and the reader of bindings must agree in.
#[derive(Default)]
struct SchemaFacts {
    /// The keys of every map.
    keys: SetsByPath,
    /// The required keys of every map.
    required: SetsByPath,
    /// The values of every enum.
    enums: SetsByPath,
}

impl SchemaFacts {
    fn collect(&mut self, schema: &Value, path: &str) {
        let strings =
            |list: &Value| set(list.as_array().unwrap().iter().map(|s| s.as_str().unwrap()));
        if let Some(values) = schema.get("enum") {
            self.enums.insert(path.to_owned(), strings(values));
        }
        if let Some(items) = schema.get("items") {
            self.collect(items, &format!("{path}[]"));
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let keys = set(properties.keys().map(String::as_str));
            let required = schema.get("required").map(strings).unwrap_or_default();
            self.keys.insert(path.to_owned(), keys);
            self.required.insert(path.to_owned(), required);
            for (name, schema) in properties {
                let path = format!("{path}.{name}");
                self.collect(schema, path.trim_start_matches('.'));
            }
        }
    }
}

#[test]
fn crd_and_reader_accept_the_same_bindings() {
    let crd = parse_objects(&render(&crd::template(), &slots(&options()))).remove(0);
    let version = &crd["spec"]["versions"][0];
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    // The reader does not look into the status, which kubevet itself writes.
    schema["properties"]["status"] = Value::Null;
    let mut facts = SchemaFacts::default();
    facts.collect(&schema, "");
    let table = binding_keys();
    let expected: SetsByPath = table
        .iter()
        .map(|entry| (entry.at.to_owned(), set(entry.keys.iter().copied())))
        .collect();
    assert_eq!(facts.keys, expected);
    // The API server itself requires what every object needs.
    let remove_object_keys = |sets: &mut SetsByPath| {
        for key in ["apiVersion", "kind", "metadata"] {
            sets.get_mut("").unwrap().remove(key);
        }
    };
    let mut expected: SetsByPath = table
        .iter()
        .map(|entry| (entry.at.to_owned(), set(entry.required.iter().copied())))
        .collect();
    remove_object_keys(&mut facts.required);
    remove_object_keys(&mut expected);
    assert_eq!(facts.required, expected);
    let mut expected: SetsByPath = binding_enums()
        .into_iter()
        .map(|(path, values)| (path.to_owned(), set(values)))
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
    assert_eq!(facts.enums, expected);
}

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
    let files: BTreeMap<String, String> = chart(&options()).unwrap().into_iter().collect();
    let values = parse_objects(&files["values.yaml"]).remove(0);
    let (mut given, mut used) = (BTreeSet::new(), BTreeSet::new());
    leaf_paths(&values, "", &mut given);
    let path = Regex::new(r"\.Values((?:\.\w+)+)").unwrap();
    let templates = files
        .iter()
        .filter(|(file, _)| file.starts_with("templates/"));
    for (_, template) in templates {
        used.extend(
            path.captures_iter(template)
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
    let chart: BTreeMap<_, _> = chart(&InstallOptions { image, ..options() })
        .unwrap()
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

#[track_caller]
fn check_failure_policies(wanted: Option<FailurePolicy>, expected: &[(&str, &str)]) {
    let ca = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let external = ExternalWebhook {
        url: "https://10.0.0.1/validate".to_owned(),
        ca,
    };
    let options = InstallOptions {
        failure_policy: wanted,
        ..options()
    };
    let installed = objects(&options).unwrap().pop().unwrap().1;
    for yaml in [webhook(&options, &external).unwrap(), installed] {
        let configuration = parse_objects(&yaml).remove(0);
        let webhooks = configuration["webhooks"].as_array().unwrap();
        let policies = webhooks.iter().map(|webhook| {
            (
                webhook["name"].as_str().unwrap(),
                webhook["failurePolicy"].as_str().unwrap(),
            )
        });
        assert_eq!(policies.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn failure_policy_applies_to_workloads_only() {
    let rest = ("rest.kubevet.io", "Ignore");
    check_failure_policies(
        None,
        &[
            ("fail.kubevet.io", "Fail"),
            ("ignore.kubevet.io", "Ignore"),
            rest,
        ],
    );
    check_failure_policies(
        Some(FailurePolicy::Fail),
        &[("workloads.kubevet.io", "Fail"), rest],
    );
    check_failure_policies(
        Some(FailurePolicy::Ignore),
        &[("workloads.kubevet.io", "Ignore"), rest],
    );
}
