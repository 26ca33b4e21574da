//! The certificates of the webhook: where they are stored, how the API server comes to trust them,
//! and the tasks that keep them current.
//!
//! It joins `cluster`, which writes Secrets and webhook configurations, with `server`, which plans
//! the rotation; neither knows the other.

use super::{RECONCILE_INTERVAL, failure_policy::InstalledWebhooks, flags::CertificateFlags};
use crate::cli::file_fingerprint::POLL_INTERVAL;
use anyhow::{Context as _, bail};
use kubevet_cluster::{CertificateSecret, Cluster, ClusterError};
use kubevet_server::{
    self as server, CertificateRenewer, CertificateStore, ClientAuthConfig, DirStore, Publication,
    ServerMetrics, StoreError, StoredCertificates, TlsSource,
};
use std::{env, path::PathBuf, sync::Arc};
use time::OffsetDateTime;

/// The certificates in force, their store, and the plan that renews them.
pub(super) struct Certificates {
    pub(super) tls: TlsSource,
    store: Arc<WebhookCertificates>,
    renewer: CertificateRenewer<WebhookCertificates>,
}

impl Certificates {
    /// Loads or issues the certificates. `webhooks` is the configuration that is to trust them.
    ///
    /// # Errors
    /// There is no place for them, or they can be neither read nor issued.
    pub(super) async fn open(
        flags: CertificateFlags,
        namespace: Option<&str>,
        cluster: Option<&Cluster>,
        webhooks: Option<InstalledWebhooks>,
        metrics: &ServerMetrics,
    ) -> anyhow::Result<Self> {
        let location = CertificateLocation::new(&flags, namespace, cluster)?;
        let store = Arc::new(WebhookCertificates { location, webhooks });
        let mut names = flags.tls_name;
        names.extend(namespace.map(|namespace| format!("kubevet.{namespace}.svc")));
        let names = server::leaf_names(&names)?;
        let renewer = CertificateRenewer::new(Arc::clone(&store), names, flags.ca_overlap);
        let bundle = renewer
            .reconcile(OffsetDateTime::now_utc())
            .await
            .context("the certificates cannot be had")?;
        let client_auth = ClientAuthConfig {
            ca_file: flags.client_ca,
            common_names: flags.client_name,
        };
        let tls = TlsSource::new(&bundle, client_auth, metrics.clone()).await?;
        Ok(Self {
            tls,
            store,
            renewer,
        })
    }

    /// Returns the file of the CA bundle, if the certificates are in a folder.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        match &self.store.location {
            CertificateLocation::Folder(folder) => Some(folder.ca_file()),
            CertificateLocation::Secret(_) => None,
        }
    }

    /// Spawns the tasks that renew the certificates, and that reload them when they change.
    pub(super) fn spawn_tasks(self) {
        let Self {
            tls,
            store,
            renewer,
        } = self;
        let renewer_tls = tls.clone();
        tokio::spawn(async move { renewer.run(&renewer_tls, RECONCILE_INTERVAL).await });
        tokio::spawn(async move { tls.watch(&*store, POLL_INTERVAL).await });
    }
}

/// The location of the certificates.
enum CertificateLocation {
    /// A folder of this machine.
    Folder(DirStore),
    /// A Secret of the cluster.
    Secret(Box<CertificateSecret>),
}

impl CertificateLocation {
    /// Returns the location that the flags select; by default the user's state folder.
    ///
    /// # Errors
    /// A Secret without a cluster, or no folder at all.
    fn new(
        flags: &CertificateFlags,
        namespace: Option<&str>,
        cluster: Option<&Cluster>,
    ) -> anyhow::Result<Self> {
        if let Some(secret) = &flags.tls_secret {
            let (Some(cluster), Some(namespace)) = (cluster, namespace) else {
                bail!(
                    "--tls-secret needs a cluster, and POD_NAMESPACE to say in which namespace the Secret is"
                );
            };
            let secret = cluster.certificate_secret(namespace, secret);
            return Ok(Self::Secret(Box::new(secret)));
        }
        let folder = flags.tls_dir.clone().or_else(state_folder).context(
            "there is no folder for the certificates: neither XDG_STATE_HOME nor HOME is set; name one with --tls-dir",
        )?;
        Ok(Self::Folder(DirStore::new(folder)))
    }
}

/// Returns the folder for the state of this program (XDG Base Directory Specification).
fn state_folder() -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let state = variable("XDG_STATE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("kubevet/tls"))
}

/// The store of the webhook's certificates.
struct WebhookCertificates {
    location: CertificateLocation,
    /// The webhook configuration that is to trust the certificates. Without one, the CA bundle of a
    /// Secret is copied by hand.
    webhooks: Option<InstalledWebhooks>,
}

impl CertificateStore for WebhookCertificates {
    async fn read(&self) -> Result<Option<StoredCertificates>, StoreError> {
        match &self.location {
            CertificateLocation::Folder(folder) => folder.read().await,
            CertificateLocation::Secret(secret) => secret.read().await.map_err(store_error),
        }
    }

    async fn write(&self, stored: &StoredCertificates) -> Result<(), StoreError> {
        match &self.location {
            CertificateLocation::Folder(folder) => folder.write(stored).await,
            CertificateLocation::Secret(secret) => secret.write(stored).await.map_err(store_error),
        }
    }

    async fn publish(&self, ca_bundle: &[u8]) -> Result<Publication, StoreError> {
        if let Some(webhooks) = &self.webhooks {
            let cluster = &webhooks.cluster;
            cluster
                .publish_ca_bundle(&webhooks.installation, ca_bundle)
                .await
                .map_err(store_error)?;
            return Ok(Publication::Complete);
        }
        match &self.location {
            CertificateLocation::Folder(folder) => folder.publish(ca_bundle).await,
            CertificateLocation::Secret(_) => Ok(Publication::Manual),
        }
    }
}

fn store_error(error: ClusterError) -> StoreError {
    match error {
        ClusterError::Conflict { .. } => StoreError::Conflict,
        error => StoreError::Failed(error.to_string()),
    }
}
