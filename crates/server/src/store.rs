//! Where certificates are kept: a trait, so that a folder and a Secret of the cluster serve the same rotation.

use std::{fmt, future::Future};

/// Everything of one store, PEM. `Debug` shows no key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// What callers trust: a bundle of one or more authorities. Empty where somebody else keeps it.
    pub ca: Vec<u8>,
    /// The authorities' private keys; `None` = managed by somebody else: watched, never written.
    pub ca_keys: Option<Vec<u8>>,
    /// The leaf, and what stands between it and the authority.
    pub certificate: Vec<u8>,
    /// The leaf's private key.
    pub key: Vec<u8>,
    /// What `write` compares: the store must still hold this. `None` = the store must be empty.
    pub version: Option<String>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours = self.ca_keys.is_some();
        f.debug_struct("Stored")
            .field("version", &self.version)
            .field("ours", &ours)
            .finish_non_exhaustive()
    }
}

/// Where certificates are kept.
pub trait CertificateStore: Send + Sync + 'static {
    /// What is there; `None` = nothing at all, so that what is issued may be written.
    ///
    /// # Errors
    /// It cannot be read now, or holds a part only. Nothing is concluded from it: the next reading may do.
    fn read(&self) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    /// Replaces what is there, if it still is what `stored.version` says.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: somebody else was first; read again.
    fn write(&self, stored: &Stored) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes callers trust this bundle (PEM). Called often: does nothing when they already do.
    ///
    /// # Errors
    /// They could not be told; it is tried again.
    fn publish(
        &self,
        ca_bundle: &[u8],
    ) -> impl Future<Output = Result<Published, StoreError>> + Send;
}

/// Who brings the bundle to the callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is where they read it.
    Done,
    /// An operator copies it; nobody knows when.
    ByHand,
}

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote first, or is writing now.
    #[error("the certificates were changed by somebody else meanwhile")]
    Conflict,
    /// What is there is not whole, and nothing says that it is ours.
    #[error("{words}")]
    Incomplete {
        /// What is missing.
        words: String,
        /// What is there.
        part: Box<Stored>,
    },
    /// Reading or writing failed.
    #[error("{0}")]
    Failed(String),
}
