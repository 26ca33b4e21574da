//! Which resources of a cluster are read for the chosen controls: those that it serves, and that the
//! flags leave.

use super::ClusterScan;
use crate::cli::scan::kind_names::{did_you_mean, is_built_in};
use anyhow::bail;
use kubevet_cluster::{
    ApiResources, Cluster, ClusterError, ListOptions, ReadRequest, ResourceRequest,
};
use kubevet_engine::Explanation;
use kubevet_model::{Control, ControlId, Kind, Problem, ProblemCode};
use kubevet_scan::{ObjectFilter, PlannedKind, ReadPlan, UnreadLog};
use std::{collections::BTreeSet, sync::Arc};
use tokio::runtime::Runtime;

/// What will be read.
pub(super) struct Reading {
    pub(super) request: ReadRequest,
    /// The planned kinds, in the order of the resources of the request.
    pub(super) kinds: Vec<PlannedKind>,
    /// What cannot be read, or must not be.
    pub(super) unread: UnreadLog,
    /// What is wrong with the flags.
    pub(super) problems: Vec<Problem>,
}

impl Reading {
    /// Decides what is read.
    ///
    /// # Errors
    /// A namespace that a flag names does not exist.
    pub(super) fn new(
        command: &ClusterScan<'_>,
        runtime: &Runtime,
        cluster: &Cluster,
        resources: &ApiResources,
        controls: &[Arc<Control>],
    ) -> anyhow::Result<Self> {
        let filter = ObjectFilter {
            include_kinds: kinds_of_words(&command.flags.include_kinds, resources),
            exclude_kinds: kinds_of_words(&command.flags.exclude_kinds, resources),
            ..ObjectFilter::default()
        };
        let namespaces = namespaces(command);
        check_namespaces(runtime, cluster, &namespaces)?;
        let mut reading = Self {
            request: ReadRequest {
                resources: Vec::new(),
                own_namespace: cluster.server().namespace.clone(),
                options: ListOptions {
                    label_selector: command.cluster.label_selector.clone().unwrap_or_default(),
                    excluded_namespaces: command.flags.exclude_namespaces.clone(),
                    metadata_only: false,
                },
                namespaces,
            },
            kinds: Vec::new(),
            unread: UnreadLog::default(),
            problems: unknown_kinds(command, resources),
        };
        for planned in ReadPlan::new(controls).kinds {
            if filter.allows_kind(&planned.kind) {
                reading.add(command, resources, planned);
            }
        }
        if reading.kinds.is_empty() && reading.unread.is_empty() && reading.problems.is_empty() {
            let message = "nothing to scan: the flags leave no kind that the chosen controls check";
            let problem = Problem::in_file(ProblemCode::InputEmpty, "", message);
            reading.problems.push(problem);
        }
        Ok(reading)
    }

    /// The kinds whose objects will be read.
    pub(super) fn kind_set(&self) -> BTreeSet<Kind> {
        let kinds = self.kinds.iter().map(|planned| planned.kind.clone());
        kinds.collect()
    }

    fn add(&mut self, command: &ClusterScan<'_>, resources: &ApiResources, planned: PlannedKind) {
        let Some(resource) = resources.find(&planned.kind) else {
            // A kind that is not served has no objects. Whether it is served is not known if its
            // own server does not answer.
            if resources.is_stale(&planned.kind.group) {
                let reason = "the server of its API group does not answer";
                self.unread.everywhere(&planned.kind, reason);
            }
            return;
        };
        if !resource.namespaced && !self.request.namespaces.is_empty() {
            return;
        }
        let is_secret = planned.kind == Kind::new("", "Secret");
        let metadata_only = is_secret && !command.cluster.read_secrets;
        if metadata_only && !reads_metadata_alone(command, &planned.controls) {
            let reason = "a chosen control checks what they hold: --read-secrets reads them";
            self.unread.everywhere(&planned.kind, reason);
            return;
        }
        self.request.resources.push(ResourceRequest {
            resource: resource.clone(),
            metadata_only,
        });
        self.kinds.push(planned);
    }
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

/// True if the rules of the controls are known to read nothing of an object but its identity, labels
/// and annotations.
fn reads_metadata_alone(command: &ClusterScan<'_>, controls: &[ControlId]) -> bool {
    let is_metadata = |path: &String| {
        let first = path.split(['.', '[']).next().unwrap_or_default();
        ["metadata", "kind", "apiVersion", "params"].contains(&first)
    };
    controls.iter().all(|id| {
        let explained = command.session.engine.explain(id);
        matches!(explained, Some(Explanation::Compiled { reads, .. })
            if !reads.is_empty() && reads.iter().all(is_metadata))
    })
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
