//! The connection to an API server, from a kubeconfig or a service account.

use super::{ClusterError, api_call::sanitize, backoff::Backoff};
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
    /// The service account of the Pod in which this process runs.
    InCluster,
}

/// The timeouts of calls and watches.
#[derive(Debug, Clone)]
pub(super) struct Timeouts {
    /// The time for one call: a page of a list, the opening of a watch, a write.
    pub(super) call: Duration,
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
    let config = match access {
        ApiAccess::Kubeconfig(file) => read_config(file).await?,
        ApiAccess::InCluster => Config::incluster().map_err(|error| {
            ClusterError::Access(format!(
                "no service account of a Pod: {}; give a kubeconfig",
                sanitize(&error.to_string())
            ))
        })?,
    };
    if config.accept_invalid_certs {
        tracing::warn!(
            "the certificate of the API server is not verified: the kubeconfig has insecure-skip-tls-verify"
        );
    }
    // A program that a kubeconfig names for credentials runs here and may hang.
    let client = tokio::task::spawn_blocking(move || build_client(config));
    match tokio::time::timeout(CREDENTIALS_TIMEOUT, client).await {
        Ok(Ok(Ok(client))) => Ok(Cluster {
            client,
            timeouts: Timeouts::default(),
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

async fn read_config(file: &Path) -> Result<Config, ClusterError> {
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || read_kubeconfig(&path)).await;
    let kubeconfig = match read {
        Ok(read) => read.map_err(|reason| unusable_file(file, &reason))?,
        Err(error) => return Err(unusable_file(file, &error.to_string())),
    };
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable_file(file, &error.to_string()))
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
        ApiAccess::InCluster => ClusterError::Access(format!(
            "the service account cannot be used: {}",
            sanitize(reason)
        )),
    }
}

fn unusable_file(file: &Path, reason: &str) -> ClusterError {
    ClusterError::Access(format!("{}: {}", file.display(), sanitize(reason)))
}
