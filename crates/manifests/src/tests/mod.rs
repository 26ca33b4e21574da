//! Installations with different options; in the files below, what their parts must agree in.

mod alert_runbooks;
mod binding_schema;
mod helm_chart;
mod kubelet_mount;
mod operator;
mod repository;
mod result_definitions;

use super::{install::CLIENT_CA_PATH, *};
use kubevet_document::{self as document, Document, Limits};
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::Scope;
use serde_json::Value;
use std::sync::Arc;

fn options() -> InstallOptions {
    let (mut library, _) = kubevet_policy::embedded();
    library.set_workloads(CustomWorkloads::shipped());
    let image = format!("ghcr.io/kubevet/kubevet:{}", env!("CARGO_PKG_VERSION"));
    InstallOptions::new(&image, kinds(&library))
}

/// The operator with the controls that it chooses by default.
fn operator_options() -> OperatorOptions {
    let (library, _) = kubevet_policy::embedded();
    let security = library.framework("security").unwrap().controls();
    let mut controls = library.metadata();
    controls.retain(|control| {
        control.scope.contains(&Scope::Cluster) && security.contains(&control.id)
    });
    OperatorOptions::new(&options().image, controls)
}

fn chart_files(options: &InstallOptions) -> Vec<(String, String)> {
    let (mut library, _) = kubevet_policy::embedded();
    library.set_workloads(CustomWorkloads::shipped());
    let rights = FrameworkRights::of(&library);
    chart(options, &operator_options(), &rights).unwrap()
}

#[track_caller]
fn check_rejected(change: impl FnOnce(&mut InstallOptions), expected: InvalidOption) {
    let mut options = options();
    change(&mut options);
    assert_eq!(install(&options).err(), Some(expected));
}

#[test]
fn option_that_yaml_would_read_otherwise_is_rejected() {
    for namespace in ["a\nb", ""] {
        let expected = InvalidOption::Namespace(namespace.to_owned());
        check_rejected(|options| options.namespace = namespace.to_owned(), expected);
    }
    for image in ["a b", "a: b"] {
        let expected = InvalidOption::Image(image.to_owned());
        check_rejected(|options| options.image = image.to_owned(), expected);
    }
    check_rejected(|options| options.replicas = 0, InvalidOption::NoReplicas);
    for range in ["10.0.0.1", "10.0.0.1/32\""] {
        let expected = InvalidOption::AddressRange(range.to_owned());
        check_rejected(
            |options| options.api_servers = vec![range.to_owned()],
            expected,
        );
    }
    for name in ["a b", ""] {
        let expected = InvalidOption::ClientName(name.to_owned());
        check_rejected(
            |options| options.client_names = vec![name.to_owned()],
            expected,
        );
    }
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
fn external_webhook_that_the_api_server_cannot_call_is_rejected() {
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n";
    const URL: &str = "https://10.0.0.1:8443/validate";
    let key = format!("{CERTIFICATE}-----BEGIN PRIVATE KEY-----");
    let wrong_url = |url: &str| Some(InvalidOption::Url(url.to_owned()));
    for (url, ca, expected) in [
        (URL, CERTIFICATE, None),
        (
            "http://10.0.0.1/validate",
            CERTIFICATE,
            wrong_url("http://10.0.0.1/validate"),
        ),
        (
            "https://10.0.0.1/\"x",
            CERTIFICATE,
            wrong_url("https://10.0.0.1/\"x"),
        ),
        (URL, &key, Some(InvalidOption::PrivateKey)),
        (URL, "", Some(InvalidOption::NoCertificate)),
    ] {
        let external = ExternalWebhook {
            url: url.to_owned(),
            ca: ca.to_owned(),
        };
        assert_eq!(webhook(&options(), &external).err(), expected, "{url}");
    }
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
    let other = ("other.kubevet.io", "Ignore");
    let bindings = ("bindings.kubevet.io", "Ignore");
    check_failure_policies(
        None,
        &[
            ("workloads-strict.kubevet.io", "Fail"),
            ("workloads.kubevet.io", "Ignore"),
            other,
            bindings,
        ],
    );
    check_failure_policies(
        Some(FailurePolicy::Fail),
        &[("workloads-strict.kubevet.io", "Fail"), other, bindings],
    );
    check_failure_policies(
        Some(FailurePolicy::Ignore),
        &[("workloads.kubevet.io", "Ignore"), other, bindings],
    );
}
