//! The differences between installations, and their validation: every option is inserted into YAML,
//! so an option that YAML could read as anything else is rejected.

use super::{error::InvalidOption, mounted_files::MountedFolder};
use kubevet_k8s::workload::{SelectKinds as _, custom::CustomWorkloads};
use kubevet_model::{Kind, names::is_dns_label};
use kubevet_policy::Library;
use std::collections::BTreeSet;

/// The differences between installations.
#[derive(Debug, Clone)]
pub struct InstallOptions {
    /// The namespace that kubevet is installed into.
    pub namespace: String,
    /// The container image.
    pub image: String,
    /// The number of replicas.
    pub replicas: u32,
    /// Every kind that a control applies to: see [`kinds`].
    pub kinds: BTreeSet<Kind>,
    /// The kinds of other software with pod specs.
    pub workloads: CustomWorkloads,
    /// The address ranges of the API servers, as `ADDRESS/BITS`; empty: any address may call.
    pub api_servers: Vec<String>,
    /// The common names of the certificates that callers must show; empty: none is required.
    pub client_names: Vec<String>,
    /// The failure policy for workloads; `None`: each namespace chooses by its label.
    pub failure_policy: Option<FailurePolicy>,
    /// The files that the pods read.
    pub mounted: Vec<MountedFolder>,
}

impl InstallOptions {
    /// Returns the default options.
    #[must_use]
    pub fn new(image: &str, kinds: BTreeSet<Kind>) -> Self {
        Self {
            namespace: "kubevet".to_owned(),
            image: image.to_owned(),
            replicas: 2,
            kinds,
            workloads: CustomWorkloads::shipped(),
            api_servers: Vec::new(),
            client_names: Vec::new(),
            failure_policy: None,
            mounted: Vec::new(),
        }
    }

    /// Checks that every option keeps its meaning once it is in YAML.
    ///
    /// # Errors
    /// The first option that does not.
    pub(crate) fn validate(&self) -> Result<(), InvalidOption> {
        validate_deployment(&self.namespace, &self.image, self.replicas)?;
        self.mounted.iter().try_for_each(MountedFolder::validate)?;
        let is_range = |range: &String| is_plain(range, ":./") && range.contains('/');
        if let Some(range) = self.api_servers.iter().find(|range| !is_range(range)) {
            return Err(InvalidOption::AddressRange(range.clone()));
        }
        let is_name = |name: &String| !name.is_empty() && is_plain(name, ":.-_@");
        if let Some(name) = self.client_names.iter().find(|name| !is_name(name)) {
            return Err(InvalidOption::ClientName(name.clone()));
        }
        Ok(())
    }
}

/// Checks what every installation has: its namespace, its image, the number of its replicas.
///
/// # Errors
/// The first of them that loses its meaning in YAML, or no replica.
pub(crate) fn validate_deployment(
    namespace: &str,
    image: &str,
    replicas: u32,
) -> Result<(), InvalidOption> {
    if !is_dns_label(namespace) {
        return Err(InvalidOption::Namespace(namespace.to_owned()));
    }
    if !is_image(image) {
        return Err(InvalidOption::Image(image.to_owned()));
    }
    if replicas == 0 {
        return Err(InvalidOption::NoReplicas);
    }
    Ok(())
}

/// A webhook server outside the cluster, as the API server calls it.
#[derive(Debug, Clone)]
pub struct ExternalWebhook {
    /// The URL: `https://…`, with the path.
    pub url: String,
    /// The CA certificates that the API server trusts, PEM.
    pub ca: String,
}

impl ExternalWebhook {
    /// Checks that the API server accepts the URL and the certificates.
    ///
    /// # Errors
    /// The first that it does not.
    pub(crate) fn validate(&self) -> Result<(), InvalidOption> {
        let url = &self.url;
        if !url.starts_with("https://") || !is_plain(url, ":/.-_%[]~") {
            return Err(InvalidOption::Url(url.clone()));
        }
        if self.ca.contains("PRIVATE KEY") {
            return Err(InvalidOption::PrivateKey);
        }
        if !self.ca.contains("-----BEGIN CERTIFICATE-----") {
            return Err(InvalidOption::NoCertificate);
        }
        Ok(())
    }
}

/// The API server's action on a request that the webhook does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
pub enum FailurePolicy {
    /// The request is rejected.
    Fail,
    /// The request is admitted without an evaluation.
    Ignore,
}

impl FailurePolicy {
    /// Returns the value of `failurePolicy`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Returns every kind that a library's controls apply to.
#[must_use]
pub fn kinds(library: &Library) -> BTreeSet<Kind> {
    let controls = library.controls.iter();
    controls
        .flat_map(|source| source.control.kinds.all_kinds())
        .collect()
}

/// True if a string consists of ASCII letters, digits and `also`: YAML reads it as a plain string.
pub(crate) fn is_plain(string: &str, also: &str) -> bool {
    string
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

/// True for a reference to a container image.
fn is_image(image: &str) -> bool {
    image.starts_with(|c: char| c.is_ascii_alphanumeric())
        && is_plain(image, ":/.-_@")
        // A trailing colon would make a YAML map of it.
        && !image.ends_with(':')
}
