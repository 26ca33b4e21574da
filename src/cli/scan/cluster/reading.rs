//! Which resources of a cluster are read for the chosen controls: those that it serves, and that the
//! flags leave.

use super::ClusterScan;
use crate::cli::scan::kind_names::{did_you_mean, is_built_in};
use anyhow::bail;
use kubevet_cluster::{ApiResources, Cluster, ClusterError};
use kubevet_model::{Control, Problem, ProblemCode};
use kubevet_operator::{Reading, ReadingOptions};
use kubevet_scan::ObjectFilter;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Decides what is read. Also returns what is wrong with the flags.
///
/// # Errors
/// A namespace that a flag names does not exist.
pub(super) fn plan(
    command: &ClusterScan<'_>,
    runtime: &Runtime,
    cluster: &Cluster,
    resources: &ApiResources,
    controls: &[Arc<Control>],
) -> anyhow::Result<(Reading, Vec<Problem>)> {
    let kinds = ObjectFilter {
        include_kinds: kinds_of_words(&command.flags.include_kinds, resources),
        exclude_kinds: kinds_of_words(&command.flags.exclude_kinds, resources),
        ..ObjectFilter::default()
    };
    let namespaces = namespaces(command);
    check_namespaces(runtime, cluster, &namespaces)?;
    let options = ReadingOptions {
        kinds,
        namespaces,
        excluded_namespaces: command.flags.exclude_namespaces.clone(),
        own_namespace: cluster.server().namespace.clone(),
        label_selector: command.cluster.label_selector.clone().unwrap_or_default(),
        read_secrets: command.cluster.read_secrets,
    };
    let mut problems = unknown_kinds(command, resources);
    let reading = Reading::new(&options, resources, controls, &command.session.engine);
    if reading.kinds.is_empty() && reading.unread.is_empty() && problems.is_empty() {
        let message = "nothing to scan: the flags leave no kind that the chosen controls check";
        problems.push(Problem::in_file(ProblemCode::InputEmpty, "", message));
    }
    Ok((reading, problems))
}

/// Returns the namespaces that the flags name; none for all.
fn namespaces(command: &ClusterScan<'_>) -> Vec<String> {
    let flags = command.flags;
    let named = command.cluster.namespaces.iter();
    let named = named
        .chain(&flags.include_namespaces)
        .chain(&flags.namespace);
    let excluded = &flags.exclude_namespaces;
    let mut names: Vec<String> = named
        .filter(|name| !excluded.contains(name))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Fails if a namespace does not exist: an empty list would look like a clean namespace.
fn check_namespaces(
    runtime: &Runtime,
    cluster: &Cluster,
    namespaces: &[String],
) -> anyhow::Result<()> {
    for name in namespaces {
        match runtime.block_on(cluster.namespace_exists(name)) {
            Ok(true) => {}
            Ok(false) => bail!("the cluster has no namespace {name}"),
            // With rights in the namespace alone this cannot be known.
            Err(error) if error.is_forbidden() => {}
            Err(error @ ClusterError::Unusable { .. }) => return Err(error.into()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Returns the kinds that words of a flag mean, as `group/Kind`; a word that the cluster does not
/// know stays.
fn kinds_of_words(words: &[String], resources: &ApiResources) -> Vec<String> {
    let mut kinds = Vec::new();
    for word in words {
        let found = resources.named(word);
        if found.is_empty() {
            kinds.push(word.clone());
        }
        let found = found.into_iter();
        kinds.extend(found.map(|found| format!("{}/{}", found.kind.group, found.kind.name)));
    }
    kinds
}

/// Returns a problem for each word of the flags that is no kind of the cluster or of Kubernetes.
fn unknown_kinds(command: &ClusterScan<'_>, resources: &ApiResources) -> Vec<Problem> {
    let flags = [
        ("--include-kinds", &command.flags.include_kinds),
        ("--exclude-kinds", &command.flags.exclude_kinds),
    ];
    let mut problems = Vec::new();
    for (flag, words) in flags {
        for word in words {
            if is_built_in(word) || !resources.named(word).is_empty() {
                continue;
            }
            let meant = did_you_mean(word).unwrap_or_default();
            let message = format!("{flag}: the cluster has no kind {word:?}{meant}");
            problems.push(Problem::in_file(ProblemCode::InputEmpty, "", message));
        }
    }
    problems
}
