//! What is applied to a cluster to install kubevet, as text: data in, YAML out. It writes no files and asks no cluster.
//!
//! | file | is |
//! |---|---|
//! | `crd`, `rbac`, `workload`, `webhooks` | the objects, as templates with their reasons as comments |
//! | `resources` | kinds → resources of webhook rules |
//! | `text` | fills a template |

mod crd;
mod rbac;
mod resources;
mod text;
mod webhooks;
mod workload;

use crate::{
    model::{Kind, KindSelector},
    policy::Library,
    workload::WORKLOADS,
};
use std::collections::BTreeSet;

/// What differs between installations.
#[derive(Debug, Clone)]
pub struct Options {
    /// The namespace it lives in.
    pub namespace: String,
    /// The container image.
    pub image: String,
    /// How many answer.
    pub replicas: u32,
    /// Every kind that a control looks at: see [`kinds`].
    pub kinds: BTreeSet<Kind>,
}

/// Where the API server finds a server outside the cluster, and what happens when it is not there.
#[derive(Debug, Clone)]
pub struct Outside {
    /// `https://…`, with the path.
    pub url: String,
    /// The certificates to trust, PEM.
    pub ca: String,
}

/// Every kind that a library's controls look at.
#[must_use]
pub fn kinds(library: &Library) -> BTreeSet<Kind> {
    let selectors = library.controls.iter().flat_map(|it| &it.control.kinds);
    selectors
        .flat_map(|it| match it {
            KindSelector::Workloads => WORKLOADS.iter().map(|it| Kind::new(it.group, it.name)).collect(),
            KindSelector::Kind(kind) => vec![kind.clone()],
        })
        .collect()
}

/// All objects in the order in which they must be applied, each with the name of its file.
///
/// # Errors
/// An option that would not be the same once it stands in YAML, in words.
pub fn objects(options: &Options) -> Result<Vec<(&'static str, String)>, String> {
    check(options)?;
    let webhooks = webhooks::configuration(&options.kinds);
    let client = "# The CA is written by kubevet, which issues it.\nservice:\n  name: kubevet\n  namespace: @namespace@\n  path: /validate\n  port: 443";
    let client = client.replace("@namespace@", &options.namespace);
    let crd = crd::crd();
    let templates = [
        ("namespace.yaml", workload::NAMESPACE),
        ("crd.yaml", &crd),
        ("service-account.yaml", rbac::SERVICE_ACCOUNT),
        ("rbac.yaml", rbac::RBAC),
        ("secret.yaml", workload::SECRET),
        ("service.yaml", workload::SERVICE),
        ("network-policy.yaml", workload::NETWORK_POLICY),
        ("pod-disruption-budget.yaml", workload::BUDGET),
        ("deployment.yaml", workload::DEPLOYMENT),
        ("webhooks.yaml", &webhooks),
    ];
    Ok(templates.map(|(file, text)| (file, fill(text, options, &client))).into())
}

/// All objects as one stream of YAML.
///
/// # Errors
/// As [`objects`].
pub fn install(options: &Options) -> Result<String, String> {
    let texts: Vec<String> = objects(options)?.into_iter().map(|(_, text)| text).collect();
    Ok(format!("# Everything to install kubevet: written by `kubevet manifests`.\n{}", texts.join("---\n")))
}

/// The webhook configuration alone, for a server outside the cluster.
///
/// # Errors
/// A URL or CA that the API server would refuse, or a private key among the certificates; in words.
pub fn webhook(options: &Options, outside: &Outside) -> Result<String, String> {
    check(options)?;
    let url = &outside.url;
    if !url.starts_with("https://") || !plain(url, ":/.-_%[]~") {
        return Err(format!("{url:?} is no URL that the API server calls: https://HOST[:PORT]/validate"));
    }
    if outside.ca.contains("PRIVATE KEY") {
        return Err(
            "the CA file holds a private key, which must not go into the cluster: give the certificate alone".into()
        );
    }
    if !outside.ca.contains("-----BEGIN CERTIFICATE-----") {
        return Err("the CA file holds no certificate in PEM form".into());
    }
    let client = format!("url: \"{url}\"\ncaBundle: {}", text::base64(outside.ca.as_bytes()));
    Ok(fill(&webhooks::configuration(&options.kinds), options, &client))
}

fn fill(template: &str, options: &Options, client: &str) -> String {
    let replicas = options.replicas.to_string();
    text::fill(template, |name| {
        Some(match name {
            "namespace" => &options.namespace,
            "image" => &options.image,
            "replicas" => &replicas,
            "client" => client,
            "labels" => "app: kubevet\napp.kubernetes.io/name: kubevet\napp.kubernetes.io/part-of: kubevet",
            "pull-policy" => "IfNotPresent",
            "cpu-request" => "100m",
            "memory-request" => "64Mi",
            "cpu-limit" => "\"2\"",
            "memory-limit" => "512Mi",
            "scheduling" | "extra-args" => "",
            _ => return None,
        })
    })
}

fn check(options: &Options) -> Result<(), String> {
    let Options { namespace, image, replicas, .. } = options;
    let lower = namespace.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    if !lower || namespace.is_empty() || namespace.len() > 63 || namespace.starts_with('-') || namespace.ends_with('-')
    {
        return Err(format!("{namespace:?} is no name of a namespace: a-z, 0-9 and - inside, at most 63"));
    }
    let opens = image.starts_with(|it: char| it.is_ascii_alphanumeric());
    if !opens || !plain(image, ":/.-_@") || image.ends_with(':') {
        return Err(format!("{image:?} is no container image: REGISTRY/NAME:TAG or …@sha256:DIGEST"));
    }
    if *replicas == 0 {
        return Err("0 replicas answer nobody: 1 or more".into());
    }
    Ok(())
}

fn plain(text: &str, also: &str) -> bool {
    text.chars().all(|it| it.is_ascii_alphanumeric() || also.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn options() -> Options {
        let (library, _) = crate::policy::embedded();
        let image = format!("ghcr.io/kubevet/kubevet:{}", env!("CARGO_PKG_VERSION"));
        Options { namespace: "kubevet".to_owned(), image, replicas: 2, kinds: kinds(&library) }
    }

    #[test]
    fn the_repository_holds_what_is_generated() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/install.yaml");
        let text = install(&options()).unwrap();
        if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
            fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/manifests")).unwrap();
            fs::write(file, &text).unwrap();
        }
        assert_eq!(fs::read_to_string(file).unwrap(), text, "run `UPDATE=1 cargo test` to rewrite it");
    }

    #[test]
    fn no_slot_is_left_open() {
        for line in install(&options()).unwrap().lines().filter(|it| it.contains('@')) {
            assert!(line.contains("?(@.type"), "{line}");
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
    }

    #[test]
    fn a_key_never_goes_into_the_cluster() {
        let outside = |url: &str, ca: &str| Outside { url: url.to_owned(), ca: ca.to_owned() };
        let certificate = "-----BEGIN CERTIFICATE-----\n";
        assert!(webhook(&options(), &outside("https://10.0.0.1:8443/validate", certificate)).is_ok());
        assert!(webhook(&options(), &outside("http://10.0.0.1/validate", certificate)).is_err());
        assert!(webhook(&options(), &outside("https://10.0.0.1/\"x", certificate)).is_err());
        let key = format!("{certificate}-----BEGIN PRIVATE KEY-----");
        assert!(webhook(&options(), &outside("https://10.0.0.1/validate", &key)).is_err());
        assert!(webhook(&options(), &outside("https://10.0.0.1/validate", "")).is_err());
    }
}
