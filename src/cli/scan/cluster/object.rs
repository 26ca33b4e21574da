//! One object of a cluster, by kind and name.

use super::{ClusterScan, pages};
use anyhow::bail;
use kubevet_cluster::{ApiResource, ApiResources, Cluster};
use kubevet_k8s::schema::Schema;
use kubevet_model::{Kind, Scan};
use kubevet_scan::ScanOptions;
use tokio::runtime::Runtime;

/// Reads an object and evaluates it.
pub(super) fn scan(
    command: &ClusterScan<'_>,
    runtime: &Runtime,
    cluster: &Cluster,
    resources: &ApiResources,
    argument: &str,
    options: ScanOptions<'_>,
) -> anyhow::Result<Scan> {
    let Some((word, name)) = argument.rsplit_once('/') else {
        bail!("`{argument}`: write KIND/NAME, such as deployment/cart");
    };
    let resource = resource(resources, word)?;
    if resource.kind == Kind::new("", "Secret") && !command.cluster.read_secrets {
        bail!("a Secret is read only with --read-secrets");
    }
    let own = &cluster.server().namespace;
    let named = command.flags.namespace.as_ref();
    let namespace = named.or(command.cluster.namespaces.first()).unwrap_or(own);
    let namespace = resource.namespaced.then_some(namespace.as_str());
    let object = runtime.block_on(cluster.get_object(resource, namespace, name))?;
    Ok(pages::scan_objects(
        command,
        runtime,
        cluster,
        &[object],
        options,
    ))
}

/// Returns the resource that a word means. Of several, that of Kubernetes itself is meant.
fn resource<'r>(resources: &'r ApiResources, word: &str) -> anyhow::Result<&'r ApiResource> {
    let found = resources.named(word);
    let is_built_in = |found: &&&ApiResource| Schema::embedded().kind(&found.kind).is_some();
    match (found.as_slice(), found.iter().find(is_built_in)) {
        ([], _) => bail!("the cluster has no kind `{word}`"),
        ([only], _) => Ok(only),
        (_, Some(built_in)) => Ok(built_in),
        (several, None) => {
            let kinds: Vec<String> = several.iter().map(|found| found.kind.to_string()).collect();
            bail!(
                "`{word}` is one of {}: name the group too",
                kinds.join(", ")
            );
        }
    }
}
