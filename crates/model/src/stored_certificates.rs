//! Certificates as a store holds them, in PEM.
//!
//! The type is shared by `server`, which issues and serves certificates, and `cluster`, which keeps
//! them in a Secret: neither crate depends on the other. It parses nothing.

use std::fmt;

/// The whole content of one certificate store, in PEM. `Debug` shows no key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoredCertificates {
    /// The bundle of authorities that callers trust. Empty where an external issuer keeps it.
    pub ca_bundle: Vec<u8>,
    /// The private keys of the authorities. `None` means that an external issuer manages the
    /// store: it is watched and never written.
    pub ca_keys: Option<Vec<u8>>,
    /// The leaf, followed by intermediate certificates if there are any.
    pub certificate: Vec<u8>,
    /// The private key of the leaf.
    pub key: Vec<u8>,
    /// The version for optimistic concurrency: a write succeeds only while the store still holds
    /// it. `None` means that the store must be empty.
    pub version: Option<String>,
}

impl fmt::Debug for StoredCertificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredCertificates")
            .field("version", &self.version)
            .field("is_managed", &self.ca_keys.is_some())
            .finish_non_exhaustive()
    }
}
