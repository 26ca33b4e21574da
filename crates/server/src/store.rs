//! The trait of a certificate store, so that a directory and a Secret of the cluster serve the same
//! rotation.

use kubevet_model::StoredCertificates;

/// A store of certificates.
pub trait CertificateStore: Send + Sync + 'static {
    /// Reads the store; `None` means that it is empty, so issued certificates may be written.
    ///
    /// # Errors
    /// The store cannot be read now, or holds a part only. Nothing follows from it: the next read
    /// may succeed.
    fn read(&self) -> impl Future<Output = Result<Option<StoredCertificates>, StoreError>> + Send;

    /// Replaces the content, if its version still is `stored.version`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer was first; read again.
    fn write(
        &self,
        stored: &StoredCertificates,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes callers trust this bundle (PEM). It is called often, and does nothing if they already
    /// do.
    ///
    /// # Errors
    /// The bundle could not be published; the caller tries again.
    fn publish(
        &self,
        ca_bundle: &[u8],
    ) -> impl Future<Output = Result<Publication, StoreError>> + Send;
}

/// The state of a published bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publication {
    /// The bundle is where callers read it.
    Complete,
    /// An operator copies the bundle, at a time that is not known.
    Manual,
}

/// An error of a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer was first, or is writing now.
    #[error("the certificates were changed by another process meanwhile")]
    Conflict,
    /// The content is incomplete, and no key shows that it is managed by kubevet.
    #[error("{reason}")]
    Incomplete {
        /// The parts that are missing.
        reason: String,
        /// The parts that are there.
        part: Box<StoredCertificates>,
    },
    /// Reading or writing failed.
    #[error("{0}")]
    Failed(String),
}
