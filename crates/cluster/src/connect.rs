//! From a kubeconfig or a service account to a [`Cluster`].

use super::{ClusterError, api_call::plain, list_watch::Limits};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A kubeconfig larger than this is none.
const LARGEST_KUBECONFIG: u64 = 4 << 20;
/// How long credentials may take: a kubeconfig may name a program to ask.
const CREDENTIALS: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECTION: Duration = Duration::from_secs(5);

/// Where the way to the API server is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// A kubeconfig file; its current context.
    Kubeconfig(PathBuf),
    /// The service account of the Pod that this runs in.
    InCluster,
}

/// An API server. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: Client,
    pub(super) limits: Limits,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cluster")
    }
}

/// Reads the way to the API server. Asks it nothing: a server that is down is no reason not to start.
///
/// # Errors
/// [`ClusterError::Access`] where the file or the service account cannot be used.
pub async fn connect(access: &Access) -> Result<Cluster, ClusterError> {
    let config = match access {
        Access::Kubeconfig(file) => from_file(file).await?,
        Access::InCluster => Config::incluster().map_err(|error| {
            ClusterError::Access(format!(
                "no service account of a Pod: {}; give a kubeconfig",
                plain(&error.to_string())
            ))
        })?,
    };
    // A program that a kubeconfig names for credentials is run right here, and may hang.
    let client = tokio::task::spawn_blocking(move || client(config));
    match tokio::time::timeout(CREDENTIALS, client).await {
        Ok(Ok(Ok(client))) => Ok(Cluster {
            client,
            limits: Limits::default(),
        }),
        Ok(Ok(Err(error))) => Err(unusable(access, &error.to_string())),
        Ok(Err(error)) => Err(unusable(access, &error.to_string())),
        Err(_) => Err(unusable(
            access,
            &format!("no credentials within {} s", CREDENTIALS.as_secs()),
        )),
    }
}

pub(super) fn client(mut config: Config) -> kube::Result<Client> {
    config.connect_timeout = Some(CONNECTION);
    let agent =
        hyper::header::HeaderValue::from_static(concat!("kubevet/", env!("CARGO_PKG_VERSION")));
    config.headers.push((hyper::header::USER_AGENT, agent));
    Client::try_from(config)
}

async fn from_file(file: &Path) -> Result<Config, ClusterError> {
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || read_kubeconfig(&path)).await;
    let kubeconfig = match read {
        Ok(read) => read.map_err(|why| told(file, &why))?,
        Err(error) => return Err(told(file, &error.to_string())),
    };
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| told(file, &error.to_string()))
}

fn read_kubeconfig(file: &Path) -> Result<Kubeconfig, String> {
    let about = std::fs::metadata(file).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("not a file".to_owned());
    }
    if about.len() > LARGEST_KUBECONFIG {
        return Err(format!(
            "{} bytes; a kubeconfig has at most {LARGEST_KUBECONFIG}",
            about.len()
        ));
    }
    // The parser shows the lines around a mistake, and those may hold a token.
    Kubeconfig::read_from(file).map_err(|error| {
        error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}

fn unusable(access: &Access, why: &str) -> ClusterError {
    match access {
        Access::Kubeconfig(file) => told(file, why),
        Access::InCluster => ClusterError::Access(format!(
            "the service account cannot be used: {}",
            plain(why)
        )),
    }
}

fn told(file: &Path, why: &str) -> ClusterError {
    ClusterError::Access(format!("{}: {}", file.display(), plain(why)))
}
