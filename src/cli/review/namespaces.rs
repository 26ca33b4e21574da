//! The labels of namespaces, from a file of Namespace objects or from a cluster.

use crate::cli::{bounded_read::read_file, exit_status::ExitStatus, stderr};
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_cluster::{self as cluster, ApiAccess, Namespaces};
use kubevet_document::{self as document, Document, Limits, Node};
use kubevet_k8s::matching::Labels;
use kubevet_model::{Kind, truncate_bytes};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{runtime::Runtime, time::timeout};

/// The maximum size of a --namespaces file.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// The time within which a cluster must list its namespaces.
const LIST_TIMEOUT: Duration = Duration::from_secs(15);
/// The label that the API server gives each namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// The number of bytes of a name in a message.
const MAX_NAME_BYTES: usize = 253;

/// Where the labels of namespaces come from.
#[derive(Debug, Args)]
pub(super) struct NamespaceFlags {
    /// Take the labels of namespaces from this cluster, for bindings with a namespaceSelector
    #[arg(long, value_name = "FILE", conflicts_with = "namespaces")]
    kubeconfig: Option<PathBuf>,
    /// Take the labels of namespaces from this file of Namespace objects, such as the output of
    /// `kubectl get namespaces -o yaml`
    #[arg(long, value_name = "FILE")]
    namespaces: Option<PathBuf>,
}

/// The labels of namespaces, and the names that were looked up in vain.
pub(super) struct NamespaceLabels {
    source: Source,
    missing: RefCell<BTreeSet<String>>,
}

enum Source {
    None,
    File {
        name: String,
        labels: BTreeMap<String, Arc<Labels>>,
    },
    Cluster {
        namespaces: Namespaces,
        /// It must live as long as the watch.
        _runtime: Runtime,
    },
}

impl NamespaceFlags {
    /// The flags to give, if none is given.
    pub(super) fn missing_flags(&self) -> Option<&'static str> {
        let is_given = self.kubeconfig.is_some() || self.namespaces.is_some();
        (!is_given).then_some("--kubeconfig or --namespaces")
    }

    /// Loads the labels.
    ///
    /// # Errors
    /// The file has something else than namespaces, or the cluster does not list any.
    pub(super) fn load(&self) -> anyhow::Result<NamespaceLabels> {
        let source = match (&self.namespaces, &self.kubeconfig) {
            (Some(file), _) => Source::File {
                name: file.display().to_string(),
                labels: read_labels(file)?,
            },
            (None, Some(kubeconfig)) => list(kubeconfig)?,
            (None, None) => Source::None,
        };
        Ok(NamespaceLabels {
            source,
            missing: RefCell::default(),
        })
    }
}

impl NamespaceLabels {
    /// Returns the labels of a namespace; `None` if they are not known.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Labels>> {
        let labels = match &self.source {
            Source::None => None,
            Source::File { labels, .. } => labels.get(name).cloned(),
            Source::Cluster { namespaces, .. } => namespaces.cached(name),
        };
        if labels.is_none() {
            let name = truncate_bytes(name, MAX_NAME_BYTES).into_owned();
            self.missing.borrow_mut().insert(name);
        }
        labels
    }

    /// Prints the namespaces that were looked up in vain. Returns `Failure` if there are any.
    pub(super) fn print_missing(&self) -> ExitStatus {
        let missing = self.missing.borrow();
        for name in missing.iter() {
            stderr::print_line(&format!("error: {}", self.source.missing_message(name)));
        }
        if missing.is_empty() {
            ExitStatus::Success
        } else {
            ExitStatus::Failure
        }
    }
}

impl Source {
    fn missing_message(&self, name: &str) -> String {
        match self {
            Self::None => format!("the labels of the namespace {name} are not known"),
            Self::File { name: file, .. } => {
                format!("the namespace {name} is not in {file}: add it with its labels")
            }
            Self::Cluster { .. } => format!(
                "the namespace {name} is not in the cluster: give its labels in a file with --namespaces"
            ),
        }
    }
}

/// Lists the namespaces of a cluster.
fn list(kubeconfig: &Path) -> anyhow::Result<Source> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let access = ApiAccess::Kubeconfig(kubeconfig.to_owned());
    let namespaces = runtime.block_on(async {
        let namespaces = cluster::connect(&access).await?.watch_namespaces();
        if timeout(LIST_TIMEOUT, namespaces.synced()).await.is_err() {
            let error = namespaces.error();
            let error = error.unwrap_or_else(|| "the API server does not answer".to_owned());
            bail!("cannot list the namespaces: {error}");
        }
        Ok(namespaces)
    })?;
    Ok(Source::Cluster {
        namespaces,
        _runtime: runtime,
    })
}

/// Reads the labels of all Namespace objects of a file.
fn read_labels(path: &Path) -> anyhow::Result<BTreeMap<String, Arc<Labels>>> {
    let name = path.display().to_string();
    let bytes = read_file(path, MAX_FILE_BYTES)?;
    let parsed = document::read(&Arc::from(name.as_str()), &bytes, &Limits::default());
    let expanded = document::expand_lists(parsed.documents);
    if let Some(problem) = parsed.problems.iter().chain(&expanded.problems).next() {
        bail!("{problem}");
    }
    if expanded.documents.is_empty() {
        bail!(
            "{name}: holds no Namespace: write the output of `kubectl get namespaces -o yaml` to it"
        );
    }
    let mut all = BTreeMap::new();
    for document in &expanded.documents {
        let (namespace, labels) =
            namespace(document).with_context(|| format!("{name}:{}", document.position()))?;
        if all.contains_key(&namespace) {
            bail!(
                "{name}:{}: a second Namespace {namespace}: keep one",
                document.position()
            );
        }
        all.insert(namespace, Arc::new(labels));
    }
    Ok(all)
}

/// Returns the name and labels of a Namespace.
fn namespace(document: &Document) -> anyhow::Result<(String, Labels)> {
    if document.id().group_kind() != Kind::new("", "Namespace") {
        bail!("not a Namespace: the file may hold nothing else");
    }
    let metadata = document.root().get("metadata");
    let name = metadata.and_then(|metadata| metadata.get("name"));
    let Some(name) = name.and_then(Node::as_str).filter(|name| !name.is_empty()) else {
        bail!("a Namespace without metadata.name");
    };
    let labels = metadata.and_then(|metadata| metadata.get("labels"));
    let labels = labels.filter(|labels| !labels.is_null());
    if labels.is_some_and(|labels| !labels.is_map()) {
        bail!("the labels of {name} are no map: write `labels: {{key: value}}`");
    }
    let entries = labels.into_iter().flat_map(Node::entries);
    let entries = entries.map(|entry| match entry.value.as_str() {
        Some(value) => Ok((entry.key.to_owned(), value.to_owned())),
        None => bail!(
            "the label {:?} of {name} is no string: put its value in quotes",
            entry.key
        ),
    });
    let mut labels: Labels = entries.collect::<anyhow::Result<_>>()?;
    labels.insert(NAME_LABEL.to_owned(), name.to_owned());
    Ok((name.to_owned(), labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(yaml: &str, expected: Result<&[&str], &str>) {
        let limits = Limits::default();
        let parsed = document::read(&Arc::from("-"), yaml.as_bytes(), &limits);
        let result = namespace(parsed.documents.first().unwrap());
        let described = result.map(|(name, labels)| {
            let labels = labels.iter().map(|(key, value)| format!("{key}={value}"));
            std::iter::once(name).chain(labels).collect::<Vec<_>>()
        });
        match (described, expected) {
            (Ok(described), Ok(expected)) => assert_eq!(described, expected, "{yaml}"),
            (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected, "{yaml}"),
            (described, expected) => panic!("{yaml}: {described:?}, not {expected:?}"),
        }
    }

    #[test]
    fn namespace_has_its_name_as_a_label() {
        let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: ";
        for (metadata, expected) in [
            (
                "{name: shop}",
                Ok(&["shop", "kubernetes.io/metadata.name=shop"][..]),
            ),
            (
                "{name: shop, labels: {tier: front}}",
                Ok(&["shop", "kubernetes.io/metadata.name=shop", "tier=front"][..]),
            ),
            (
                "{name: shop, labels: null}",
                Ok(&["shop", "kubernetes.io/metadata.name=shop"][..]),
            ),
            ("{}", Err("a Namespace without metadata.name")),
            (
                "{name: shop, labels: [tier]}",
                Err("the labels of shop are no map: write `labels: {key: value}`"),
            ),
            (
                "{name: shop, labels: {tier: 1}}",
                Err(r#"the label "tier" of shop is no string: put its value in quotes"#),
            ),
        ] {
            check(&format!("{namespace}{metadata}"), expected);
        }
        check(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}",
            Err("not a Namespace: the file may hold nothing else"),
        );
    }
}
