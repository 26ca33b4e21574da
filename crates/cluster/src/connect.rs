//! The connection to an API server, from a kubeconfig or a service account.

use super::{ClusterError, api_call::sanitize, backoff::Backoff, request_budget::RequestBudget};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The most bytes of a kubeconfig.
const MAX_KUBECONFIG_BYTES: u64 = 4 << 20;
/// The time for credentials: a kubeconfig may name a program that prints them.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(30);
/// The time for a TCP connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The source of an API server's address and credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiAccess {
    /// The current context of a kubeconfig file.
    Kubeconfig(PathBuf),
    /// A context of kubeconfig files, which are merged as kubectl does.
    Context {
        /// The files; those that do not exist are left out, unless all are.
        files: Vec<PathBuf>,
        /// The context; `None` for the current one.
        context: Option<String>,
    },
    /// The service account of the Pod in which this process runs.
    InCluster,
}

/// The timeouts of calls and watches.
#[derive(Debug, Clone)]
pub(super) struct Timeouts {
    /// The time for one call: a page of a list, the opening of a watch, a write.
    pub(super) call: Duration,
    /// The time for a page of a whole object list, which may be large.
    pub(super) page: Duration,
    /// The time after which the API server ends a watch and it is opened again, in whole seconds:
    /// the longest time for which a healthy watch may be silent.
    pub(super) watch: Duration,
    /// The time beyond `watch` for which a silent watch is awaited. Then the connection counts as
    /// dead.
    pub(super) grace: Duration,
    /// The pauses between attempts.
    pub(super) backoff: Backoff,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            page: Duration::from_secs(30),
            watch: Duration::from_secs(60),
            grace: Duration::from_secs(15),
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(30)),
        }
    }
}

/// An API server. Clones are cheap.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: Client,
    pub(super) timeouts: Timeouts,
    pub(super) server: Server,
    /// The budget of requests for objects; `None` if they are not limited.
    pub(super) budget: Option<RequestBudget>,
}

/// The API server by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// The context of the kubeconfig; empty for the service account of a Pod.
    pub context: String,
    /// The URL.
    pub url: String,
    /// The namespace of the context, or of the Pod.
    pub namespace: String,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Cluster")
    }
}

/// Reads the address and credentials of an API server. It makes no call: a process may start while
/// its API server is down.
///
/// # Errors
/// [`ClusterError::Access`] if the file or the service account cannot be used.
pub async fn connect(access: &ApiAccess) -> Result<Cluster, ClusterError> {
    connect_within(access, None).await
}

/// As [`connect`], with a budget of requests for objects. What the API server puts off is then
/// repeated by the budget, and not by the client.
///
/// # Errors
/// [`ClusterError::Access`] if the file or the service account cannot be used.
pub async fn connect_within(
    access: &ApiAccess,
    budget: Option<RequestBudget>,
) -> Result<Cluster, ClusterError> {
    let (mut config, context) = match access {
        ApiAccess::Kubeconfig(file) => read_config(std::slice::from_ref(file), None).await?,
        ApiAccess::Context { files, context } => read_config(files, context.as_deref()).await?,
        ApiAccess::InCluster => {
            let config = Config::incluster().map_err(|error| {
                ClusterError::Access(format!(
                    "no service account of a Pod: {}; give a kubeconfig",
                    sanitize(&error.to_string())
                ))
            })?;
            (config, String::new())
        }
    };
    let server = Server {
        context,
        url: config.cluster_url.to_string(),
        namespace: config.default_namespace.clone(),
    };
    if config.accept_invalid_certs {
        tracing::warn!(
            "the certificate of the API server is not verified: the kubeconfig has insecure-skip-tls-verify"
        );
    }
    config.default_retry = budget.is_none();
    // A program that a kubeconfig names for credentials runs here and may hang.
    let client = tokio::task::spawn_blocking(move || build_client(config));
    match tokio::time::timeout(CREDENTIALS_TIMEOUT, client).await {
        Ok(Ok(Ok(client))) => Ok(Cluster {
            client,
            timeouts: Timeouts::default(),
            server,
            budget,
        }),
        Ok(Ok(Err(error))) => Err(unusable_access(access, &error.to_string())),
        Ok(Err(error)) => Err(unusable_access(access, &error.to_string())),
        Err(_) => Err(unusable_access(
            access,
            &format!("no credentials within {} s", CREDENTIALS_TIMEOUT.as_secs()),
        )),
    }
}

pub(super) fn build_client(mut config: Config) -> kube::Result<Client> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let agent =
        hyper::header::HeaderValue::from_static(concat!("kubevet/", env!("CARGO_PKG_VERSION")));
    config.headers.push((hyper::header::USER_AGENT, agent));
    Client::try_from(config)
}

impl Cluster {
    /// Returns the name of the API server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Returns how many requests the API server has put off; `None` without a budget.
    #[must_use]
    pub fn put_off_count(&self) -> Option<u64> {
        self.budget.as_ref().map(RequestBudget::put_off_count)
    }
}

/// Reads kubeconfig files, the first of which has precedence. Also returns the name of the context.
async fn read_config(
    files: &[PathBuf],
    context: Option<&str>,
) -> Result<(Config, String), ClusterError> {
    let existing: Vec<&PathBuf> = files.iter().filter(|file| file.exists()).collect();
    let first = files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
    let read_files = if existing.is_empty() {
        files.iter().take(1).collect()
    } else {
        existing
    };
    let mut kubeconfig = Kubeconfig::default();
    for file in read_files {
        let path = file.clone();
        let read = tokio::task::spawn_blocking(move || read_kubeconfig(&path)).await;
        let next = match read {
            Ok(read) => read.map_err(|reason| unusable_file(file, &reason))?,
            Err(error) => return Err(unusable_file(file, &error.to_string())),
        };
        kubeconfig = kubeconfig
            .merge(next)
            .map_err(|error| unusable_file(file, &error.to_string()))?;
    }
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let current = kubeconfig.current_context.clone().unwrap_or_default();
    let context = context.map_or(current, str::to_owned);
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unusable_file(first, &error.to_string()))?;
    Ok((config, context))
}

fn read_kubeconfig(file: &Path) -> Result<Kubeconfig, String> {
    let metadata = std::fs::metadata(file).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("not a file".to_owned());
    }
    if metadata.len() > MAX_KUBECONFIG_BYTES {
        return Err(format!(
            "{} bytes; a kubeconfig has at most {MAX_KUBECONFIG_BYTES}",
            metadata.len()
        ));
    }
    // Only the first line of the error: the parser quotes the lines around a mistake, and those may
    // hold a token.
    Kubeconfig::read_from(file).map_err(|error| {
        error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}

fn unusable_access(access: &ApiAccess, reason: &str) -> ClusterError {
    match access {
        ApiAccess::Kubeconfig(file) => unusable_file(file, reason),
        ApiAccess::Context { files, .. } => {
            let first = files.first().map_or(Path::new(""), PathBuf::as_path);
            unusable_file(first, reason)
        }
        ApiAccess::InCluster => ClusterError::Access(format!(
            "the service account cannot be used: {}",
            sanitize(reason)
        )),
    }
}

fn unusable_file(file: &Path, reason: &str) -> ClusterError {
    ClusterError::Access(format!("{}: {}", file.display(), sanitize(reason)))
}
