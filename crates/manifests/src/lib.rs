//! What is applied to a cluster to install kubevet, as text: data in, YAML out. It writes no files and asks no cluster.
//!
//! | file | is |
//! |---|---|
//! | `crd`, `rbac`, `workload`, `webhooks` | the objects, as templates with their reasons as comments |
//! | `admission` | what API servers read to show a client certificate |
//! | `kustomize`, `helm` | the same objects as a folder for Kustomize, as a Helm chart |
//! | `monitoring`, `dashboard` | alert rules and a dashboard over the metrics |
//! | `resources` | kinds → resources of webhook rules |
//! | `text` | fills a template |

mod admission;
mod crd;
mod dashboard;
mod helm;
mod kustomize;
mod monitoring;
mod rbac;
mod resources;
mod text;
mod webhooks;
mod workload;

#[cfg(test)]
mod tests;

pub use admission::admission;
pub use helm::chart;
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::{Kind, KindSelector};
use kubevet_policy::Library;
pub use kustomize::kustomization;
pub use monitoring::monitoring;
use std::collections::{BTreeMap, BTreeSet};

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
    /// From where API servers call, as `ADDRESS/BITS`; empty: from anywhere.
    pub api_servers: Vec<String>,
    /// Common names of the certificates that callers must show; empty: none is asked for.
    pub client_names: Vec<String>,
    /// What happens to workloads while nobody answers; `None`: what each namespace asks for by its label.
    pub failure_policy: Option<FailurePolicy>,
}

impl Options {
    /// The installation as it is where nobody says otherwise.
    #[must_use]
    pub fn new(image: &str, kinds: BTreeSet<Kind>) -> Self {
        Self {
            namespace: "kubevet".to_owned(),
            image: image.to_owned(),
            replicas: 2,
            kinds,
            api_servers: Vec::new(),
            client_names: Vec::new(),
            failure_policy: None,
        }
    }
}

/// Where the API server finds a server outside the cluster.
#[derive(Debug, Clone)]
pub struct Outside {
    /// `https://…`, with the path.
    pub url: String,
    /// The certificates to trust, PEM.
    pub ca: String,
}

/// What the API server does with a request when nobody answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It refuses it.
    Fail,
    /// It lets it through, unjudged.
    Ignore,
}

impl FailurePolicy {
    /// The word of Kubernetes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

/// Every kind that a library's controls look at.
#[must_use]
pub fn kinds(library: &Library) -> BTreeSet<Kind> {
    let selectors = library.controls.iter().flat_map(|it| &it.control.kinds);
    selectors
        .flat_map(|it| match it {
            KindSelector::Workloads => WORKLOADS
                .iter()
                .map(|it| Kind::new(it.group, it.name))
                .collect(),
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
    let slots = slots(options);
    Ok(templates(options)
        .into_iter()
        .map(|(file, text)| (file, fill(&text, &slots)))
        .collect())
}

/// All objects as one stream of YAML.
///
/// # Errors
/// As [`objects`].
pub fn install(options: &Options) -> Result<String, String> {
    let texts: Vec<String> = objects(options)?
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    Ok(format!(
        "# Everything to install kubevet: written by `kubevet manifests`.\n{}",
        texts.join("---\n")
    ))
}

/// The webhook configuration alone, for a server outside the cluster.
///
/// # Errors
/// A URL or CA that the API server would refuse, or a private key among the certificates; in words.
pub fn webhook(options: &Options, outside: &Outside) -> Result<String, String> {
    check(options)?;
    let url = &outside.url;
    if !url.starts_with("https://") || !plain(url, ":/.-_%[]~") {
        return Err(format!(
            "{url:?} is no URL that the API server calls: https://HOST[:PORT]/validate"
        ));
    }
    if outside.ca.contains("PRIVATE KEY") {
        return Err(
            "the CA file holds a private key, which must not go into the cluster: give the certificate alone".into()
        );
    }
    if !outside.ca.contains("-----BEGIN CERTIFICATE-----") {
        return Err("the CA file holds no certificate in PEM form".into());
    }
    let mut slots = slots(options);
    slots.insert(
        "client",
        format!(
            "url: \"{url}\"\ncaBundle: {}",
            text::base64(outside.ca.as_bytes())
        ),
    );
    Ok(fill(
        &webhooks::configuration(&options.kinds, options.failure_policy),
        &slots,
    ))
}

/// The objects with open slots, in the order in which they must be applied.
fn templates(options: &Options) -> Vec<(&'static str, String)> {
    vec![
        ("namespace.yaml", workload::NAMESPACE.to_owned()),
        ("crd.yaml", crd::crd()),
        ("service-account.yaml", rbac::SERVICE_ACCOUNT.to_owned()),
        ("rbac.yaml", rbac::RBAC.to_owned()),
        ("secret.yaml", workload::SECRET.to_owned()),
        ("service.yaml", workload::SERVICE.to_owned()),
        ("network-policy.yaml", workload::NETWORK_POLICY.to_owned()),
        ("pod-disruption-budget.yaml", workload::BUDGET.to_owned()),
        ("deployment.yaml", workload::DEPLOYMENT.to_owned()),
        (
            "webhooks.yaml",
            webhooks::configuration(&options.kinds, options.failure_policy),
        ),
    ]
}

/// What stands in the slots of the templates, by name.
type Slots = BTreeMap<&'static str, String>;

const LABELS: &str =
    "app: kubevet\napp.kubernetes.io/name: kubevet\napp.kubernetes.io/part-of: kubevet";

/// The slots of one installation. A slot that is empty takes its line with it.
fn slots(options: &Options) -> Slots {
    let text = |it: &str| it.to_owned();
    Slots::from([
        ("namespace", text(&options.namespace)),
        ("image", text(&options.image)),
        ("replicas", options.replicas.to_string()),
        ("client", service(&options.namespace)),
        ("labels", text(LABELS)),
        ("pull-policy", text("IfNotPresent")),
        ("cpu-request", text("100m")),
        ("memory-request", text("64Mi")),
        ("cpu-limit", text("\"2\"")),
        ("memory-limit", text("768Mi")),
        ("crd-annotations", String::new()),
        ("scheduling", String::new()),
        ("api-servers", api_servers(&options.api_servers)),
        ("client-args", client_args(&options.client_names)),
        ("extra-args", String::new()),
    ])
}

/// Who may send reviews, in the NetworkPolicy; nothing where that is anybody.
fn api_servers(addresses: &[String]) -> String {
    let blocks: String = addresses
        .iter()
        .map(|it| format!("  - ipBlock:\n      cidr: \"{it}\"\n"))
        .collect();
    if blocks.is_empty() {
        blocks
    } else {
        format!("from:\n{blocks}")
    }
}

/// The flags that ask callers for a certificate; nothing where none is asked for.
fn client_args(names: &[String]) -> String {
    let named: String = names
        .iter()
        .map(|it| format!("- --client-name={it}\n"))
        .collect();
    if named.is_empty() {
        named
    } else {
        format!("- --client-ca={}\n{named}", workload::CLIENT_CA)
    }
}

/// Where the API server finds a server in the cluster.
fn service(namespace: &str) -> String {
    format!(
        "# The CA is written by kubevet, which issues it.\nservice:\n  name: kubevet\n  namespace: {namespace}\n  path: \
         /validate\n  port: 443"
    )
}

fn fill(template: &str, slots: &Slots) -> String {
    text::fill(template, |name| slots.get(name).map(String::as_str))
}

fn check(options: &Options) -> Result<(), String> {
    let Options {
        namespace,
        image,
        replicas,
        api_servers,
        client_names,
        ..
    } = options;
    let lower = namespace
        .bytes()
        .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    if !lower
        || namespace.is_empty()
        || namespace.len() > 63
        || namespace.starts_with('-')
        || namespace.ends_with('-')
    {
        return Err(format!(
            "{namespace:?} is no name of a namespace: a-z, 0-9 and - inside, at most 63"
        ));
    }
    let opens = image.starts_with(|it: char| it.is_ascii_alphanumeric());
    if !opens || !plain(image, ":/.-_@") || image.ends_with(':') {
        return Err(format!(
            "{image:?} is no container image: REGISTRY/NAME:TAG or …@sha256:DIGEST"
        ));
    }
    if *replicas == 0 {
        return Err("0 replicas answer nobody: 1 or more".into());
    }
    if let Some(it) = api_servers
        .iter()
        .find(|it| !plain(it, ":./") || !it.contains('/'))
    {
        return Err(format!("{it:?} is no range of addresses: ADDRESS/BITS"));
    }
    if let Some(it) = client_names
        .iter()
        .find(|it| it.is_empty() || !plain(it, ":.-_@"))
    {
        return Err(format!(
            "{it:?} is no common name that fits into a flag: letters, digits and :.-_@"
        ));
    }
    Ok(())
}

fn plain(text: &str, also: &str) -> bool {
    text.chars()
        .all(|it| it.is_ascii_alphanumeric() || also.contains(it))
}
