//! Where the certificates of the webhook are stored, and how the API server comes to trust them.
//!
//! It joins `cluster`, which writes Secrets and webhook configurations, with `server`, which plans
//! the rotation; neither knows the other.

use super::{failure_policy::InstalledWebhooks, flags::CertificateFlags};
use anyhow::{Context as _, bail};
use kubevet_cluster::{CertificateSecret, Cluster, ClusterError};
use kubevet_server::{CertificateStore, DirStore, Publication, StoreError, StoredCertificates};
use std::{env, path::PathBuf};

/// The location of the certificates.
pub(super) enum CertificateLocation {
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
    pub(super) fn new(
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
pub(super) struct WebhookCertificates {
    pub(super) location: CertificateLocation,
    /// The webhook configuration that is to trust the certificates. Without one, the CA bundle of a
    /// Secret is copied by hand.
    pub(super) webhooks: Option<InstalledWebhooks>,
}

impl WebhookCertificates {
    /// Returns the file of the CA bundle, if the certificates are in a folder.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        match &self.location {
            CertificateLocation::Folder(folder) => Some(folder.ca_file()),
            CertificateLocation::Secret(_) => None,
        }
    }
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
