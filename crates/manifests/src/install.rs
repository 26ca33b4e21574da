//! The objects of an installation, and the values that fill their slots.

use super::{
    crd,
    error::InvalidOption,
    mounted_files::MountedFolder,
    options::{ExternalWebhook, InstallOptions},
    template::{Slots, render},
    webhook_configuration,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The path at which the CA of client certificates is mounted.
pub(crate) const CLIENT_CA_PATH: &str = "/etc/kubevet/client-ca/ca.crt";

/// The priority of the pods: a gate must not be preempted by the workloads that it checks.
const PRIORITY_CLASS: &str = "# Never preempted by the workloads that it checks.\npriorityClassName: system-cluster-critical";

/// The labels of every object.
pub(crate) const LABELS: &str =
    "app: kubevet\napp.kubernetes.io/name: kubevet\napp.kubernetes.io/part-of: kubevet";

/// Returns all objects in the order in which they must be applied, each with the name of its file.
///
/// # Errors
/// An option that would change its meaning in YAML.
pub fn objects(options: &InstallOptions) -> Result<Vec<(&'static str, String)>, InvalidOption> {
    options.validate()?;
    let slots = slots(options);
    let rendered = templates(options)
        .into_iter()
        .map(|(file, template)| (file, render(&template, &slots)));
    let mut objects: Vec<(&'static str, String)> = rendered.collect();
    // Files of users are no templates, so they are added to what is rendered.
    if !options.mounted.is_empty() {
        let maps = options.mounted.iter();
        let maps: Vec<String> = maps
            .map(|folder| folder.config_map(&options.namespace, LABELS))
            .collect();
        let before = objects
            .iter()
            .position(|(file, _)| *file == "deployment.yaml");
        let at = before.unwrap_or(objects.len());
        objects.insert(at, ("config-maps.yaml", maps.join("---\n")));
    }
    Ok(objects)
}

/// Returns all objects as one YAML stream.
///
/// # Errors
/// As [`objects`].
pub fn install(options: &InstallOptions) -> Result<String, InvalidOption> {
    let objects: Vec<String> = objects(options)?
        .into_iter()
        .map(|(_, yaml)| yaml)
        .collect();
    Ok(format!(
        "# Everything to install kubevet: written by `kubevet manifests`.\n{}",
        objects.join("---\n")
    ))
}

/// Returns the webhook configuration alone, for a server outside the cluster.
///
/// # Errors
/// A URL or CA that the API server would reject, or a private key among the certificates.
pub fn webhook(
    options: &InstallOptions,
    external: &ExternalWebhook,
) -> Result<String, InvalidOption> {
    options.validate()?;
    external.validate()?;
    let client_config = format!(
        "url: \"{}\"\ncaBundle: {}",
        external.url,
        STANDARD.encode(&external.ca)
    );
    let mut slots = slots(options);
    slots.insert("client", client_config);
    let template = webhook_configuration::template(options);
    Ok(render(&template, &slots))
}

/// Returns the templates of the objects, in the order in which they must be applied.
pub(crate) fn templates(options: &InstallOptions) -> Vec<(&'static str, String)> {
    let webhooks = webhook_configuration::template(options);
    let file = |name, template: &str| (name, template.to_owned());
    vec![
        file(
            "namespace.yaml",
            include_str!("../templates/namespace.yaml"),
        ),
        ("crd.yaml", crd::template()),
        file(
            "service-account.yaml",
            include_str!("../templates/service-account.yaml"),
        ),
        file("rbac.yaml", include_str!("../templates/rbac.yaml")),
        file("secret.yaml", include_str!("../templates/secret.yaml")),
        file("service.yaml", include_str!("../templates/service.yaml")),
        file(
            "network-policy.yaml",
            include_str!("../templates/network-policy.yaml"),
        ),
        file(
            "pod-disruption-budget.yaml",
            include_str!("../templates/pod-disruption-budget.yaml"),
        ),
        file(
            "resource-quota.yaml",
            include_str!("../templates/resource-quota.yaml"),
        ),
        file(
            "deployment.yaml",
            include_str!("../templates/deployment.yaml"),
        ),
        ("webhooks.yaml", webhooks),
    ]
}

/// Returns the slots of one installation. An empty value removes the line of its slot.
pub(crate) fn slots(options: &InstallOptions) -> Slots {
    let string = str::to_owned;
    Slots::from([
        ("namespace", options.namespace.clone()),
        ("image", options.image.clone()),
        ("replicas", options.replicas.to_string()),
        ("client", service_reference(&options.namespace)),
        ("labels", string(LABELS)),
        ("pull-policy", string("IfNotPresent")),
        ("cpu-request", string("100m")),
        ("memory-request", string("64Mi")),
        ("cpu-limit", string("\"2\"")),
        ("memory-limit", string("768Mi")),
        ("ephemeral-storage", string("1Gi")),
        ("crd-annotations", String::new()),
        ("scheduling", string(PRIORITY_CLASS)),
        ("api-servers", ingress_sources(&options.api_servers)),
        ("client-args", client_arguments(&options.client_names)),
        ("store-egress", String::new()),
        ("extra-args", lines(options, MountedFolder::argument)),
        ("extra-mounts", lines(options, MountedFolder::mount)),
        ("extra-volumes", lines(options, MountedFolder::volume)),
    ])
}

/// Returns the lines of all mounted folders.
fn lines(options: &InstallOptions, of: impl Fn(&MountedFolder) -> String) -> String {
    options.mounted.iter().map(of).collect()
}

/// Returns the `from` of the NetworkPolicy's ingress rule for reviews; empty if any address may
/// call.
fn ingress_sources(api_servers: &[String]) -> String {
    let blocks: String = api_servers
        .iter()
        .map(|range| format!("  - ipBlock:\n      cidr: \"{range}\"\n"))
        .collect();
    if blocks.is_empty() {
        blocks
    } else {
        format!("from:\n{blocks}")
    }
}

/// Returns the flags by which the server requires client certificates; empty if it requires none.
fn client_arguments(client_names: &[String]) -> String {
    let names: String = client_names
        .iter()
        .map(|name| format!("- --client-name={name}\n"))
        .collect();
    if names.is_empty() {
        names
    } else {
        format!("- --client-ca={CLIENT_CA_PATH}\n{names}")
    }
}

/// Returns the `clientConfig` of a webhook in the cluster.
pub(crate) fn service_reference(namespace: &str) -> String {
    format!(
        "# The CA is written by kubevet, which issues it.\nservice:\n  name: kubevet\n  namespace: {namespace}\n  path: \
         /validate\n  port: 443"
    )
}
