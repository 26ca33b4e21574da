//! Where the gate's certificates are kept and who is told to trust them: a folder or a Secret, and the webhook
//! configuration of a cluster. This joins what `cluster` writes with what `serve` plans; neither knows the other.

use kubevet_cluster::{CertificateSecret, Cluster, ClusterError, Installation};
use kubevet_server::{CertificateStore, DirStore, Publication, StoreError, StoredCertificates};
use std::path::PathBuf;

/// Where the files or the Secret are.
pub(super) enum Place {
    /// A folder of this machine.
    Folder(DirStore),
    /// A Secret of the cluster.
    Secret(Box<CertificateSecret>),
}

/// The certificates of this gate.
pub(super) struct GateCertificates {
    pub(super) place: Place,
    /// Whose webhook configuration is to trust them; without one, somebody copies the bundle.
    pub(super) install: Option<(Cluster, Installation)>,
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
    async fn read(&self) -> Result<Option<StoredCertificates>, StoreError> {
        match &self.place {
            Place::Folder(folder) => folder.read().await,
            Place::Secret(secret) => secret.read().await.map_err(|it| failed(&it)),
        }
    }

    async fn write(&self, stored: &StoredCertificates) -> Result<(), StoreError> {
        match &self.place {
            Place::Folder(folder) => folder.write(stored).await,
            Place::Secret(secret) => secret.write(stored).await.map_err(|it| failed(&it)),
        }
    }

    async fn publish(&self, ca_bundle: &[u8]) -> Result<Publication, StoreError> {
        match (&self.install, &self.place) {
            (Some((cluster, install)), _) => {
                cluster
                    .publish_ca_bundle(install, ca_bundle)
                    .await
                    .map_err(|it| failed(&it))?;
                Ok(Publication::Complete)
            }
            (None, Place::Folder(folder)) => folder.publish(ca_bundle).await,
            (None, Place::Secret(_)) => Ok(Publication::Manual),
        }
    }
}

fn failed(error: &ClusterError) -> StoreError {
    match error {
        ClusterError::Conflict { .. } => StoreError::Conflict,
        other => StoreError::Failed(other.to_string()),
    }
}
