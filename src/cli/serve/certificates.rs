//! Where the gate's certificates are kept and who is told to trust them: a folder or a Secret, and the webhook
//! configuration of a cluster. This joins what `cluster` writes with what `serve` plans; neither knows the other.

use kubevet_cluster::{Certificates, Cluster, ClusterError, Install, SecretStore};
use kubevet_server::{CertificateStore, FolderStore, Published, StoreError, Stored};
use std::path::PathBuf;

/// Where the files or the Secret are.
pub(super) enum Place {
    /// A folder of this machine.
    Folder(FolderStore),
    /// A Secret of the cluster.
    Secret(Box<SecretStore>),
}

/// The certificates of this gate.
pub(super) struct GateCertificates {
    pub(super) place: Place,
    /// Whose webhook configuration is to trust them; without one, somebody copies the bundle.
    pub(super) install: Option<(Cluster, Install)>,
}

impl GateCertificates {
    /// The file that callers may trust, where there is one.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Folder(folder) => Some(folder.ca_file()),
            Place::Secret(_) => None,
        }
    }
}

impl CertificateStore for GateCertificates {
    async fn read(&self) -> Result<Option<Stored>, StoreError> {
        match &self.place {
            Place::Folder(folder) => folder.read().await,
            Place::Secret(secret) => Ok(secret.read().await.map_err(|it| failed(&it))?.map(stored)),
        }
    }

    async fn write(&self, stored: &Stored) -> Result<(), StoreError> {
        match &self.place {
            Place::Folder(folder) => folder.write(stored).await,
            Place::Secret(secret) => secret
                .write(&certificates(stored))
                .await
                .map_err(|it| failed(&it)),
        }
    }

    async fn publish(&self, ca_bundle: &[u8]) -> Result<Published, StoreError> {
        match (&self.install, &self.place) {
            (Some((cluster, install)), _) => {
                cluster
                    .publish(install, ca_bundle)
                    .await
                    .map_err(|it| failed(&it))?;
                Ok(Published::Done)
            }
            (None, Place::Folder(folder)) => folder.publish(ca_bundle).await,
            (None, Place::Secret(_)) => Ok(Published::ByHand),
        }
    }
}

fn failed(error: &ClusterError) -> StoreError {
    match error {
        ClusterError::Conflict { .. } => StoreError::Conflict,
        other => StoreError::Failed(other.to_string()),
    }
}

fn stored(it: Certificates) -> Stored {
    Stored {
        ca: it.ca,
        ca_keys: it.ca_keys,
        certificate: it.certificate,
        key: it.key,
        version: it.version,
    }
}

fn certificates(it: &Stored) -> Certificates {
    Certificates {
        ca: it.ca.clone(),
        ca_keys: it.ca_keys.clone(),
        certificate: it.certificate.clone(),
        key: it.key.clone(),
        version: it.version.clone(),
    }
}
