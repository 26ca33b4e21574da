//! The TLS configuration for new connections, replaced as a whole. Certificates that cannot be
//! served never replace those in force, and open connections keep what they began with.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use kubevet_model::StoredCertificates;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    server::ResolvesServerCert,
    sign::{CertifiedKey, SingleCertAndKey},
};
use time::OffsetDateTime;
use tokio::sync::Notify;

use super::{
    client_auth::{ClientAuthConfig, client_verifier},
    dir_store::read_file,
    metrics::ServerMetrics,
    serving_certificate::{
        CertificateInfo, ServingCertificate, ServingCertificateError, parse_certificates,
    },
    store::{CertificateStore, StoreError},
};

/// The reason why no TLS configuration could be built.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificates cannot be served.
    #[error(transparent)]
    Certificate(#[from] ServingCertificateError),
    /// The store is empty.
    #[error("there is no certificate to serve with")]
    NoCertificate,
}

/// The TLS configuration in force. Clones share it.
#[derive(Clone)]
pub struct TlsSource {
    inner: Arc<Inner>,
}

struct Inner {
    current: ArcSwap<Current>,
    client_auth: ClientAuthConfig,
    provider: Arc<CryptoProvider>,
    metrics: ServerMetrics,
    /// The hash of the content seen last, applied or not: each content is tried and logged once.
    seen_hash: AtomicU64,
    poll_requested: Notify,
    polled: Notify,
}

struct Current {
    config: Arc<ServerConfig>,
    ca_bundle: Vec<u8>,
}

/// The outcome of a reload.
#[derive(Debug, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// The certificates are in force.
    Applied,
    /// The content was seen before.
    Unchanged,
    /// The certificates cannot be served: those in force stay.
    Rejected(ServingCertificateError),
}

impl TlsSource {
    /// Builds the configuration from the content of a store.
    ///
    /// # Errors
    /// The store holds nothing that can be served: there is nothing in force to keep.
    pub async fn open(
        store: &impl CertificateStore,
        client_auth: ClientAuthConfig,
        metrics: ServerMetrics,
    ) -> Result<Self, TlsError> {
        let stored = store.read().await?.ok_or(TlsError::NoCertificate)?;
        Self::new(&stored, client_auth, metrics).await
    }

    /// Builds the configuration from `stored`.
    ///
    /// # Errors
    /// The certificates cannot be served, or the client authorities cannot be read.
    pub async fn new(
        stored: &StoredCertificates,
        client_auth: ClientAuthConfig,
        metrics: ServerMetrics,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let client_ca = read_client_ca(&client_auth)
            .await
            .map_err(ServingCertificateError::ClientCa)?;
        let current = build(
            stored,
            client_ca.as_deref(),
            &client_auth,
            OffsetDateTime::now_utc(),
            &provider,
            &metrics,
        )?;
        let inner = Inner {
            current: ArcSwap::from_pointee(current),
            client_auth,
            provider,
            metrics,
            seen_hash: AtomicU64::new(content_hash(stored, client_ca.as_deref())),
            poll_requested: Notify::new(),
            polled: Notify::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    pub(super) fn metrics(&self) -> &ServerMetrics {
        &self.inner.metrics
    }

    /// Returns the configuration for a new connection.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.inner.current.load().config)
    }

    /// Returns the bundle (PEM) by which callers trust the certificate in force. It is empty where
    /// an external issuer keeps it.
    #[must_use]
    pub fn ca_bundle(&self) -> Vec<u8> {
        self.inner.current.load().ca_bundle.clone()
    }

    /// Applies `stored` if it can be served. Otherwise the certificates in force stay, which is
    /// logged and counted once for each content.
    pub async fn reload(&self, stored: &StoredCertificates) -> ReloadOutcome {
        let inner = &self.inner;
        let client_ca = read_client_ca(&inner.client_auth).await;
        let hash = match &client_ca {
            Ok(client_ca) => content_hash(stored, client_ca.as_deref()),
            Err(reason) => hash_of(reason),
        };
        if inner.seen_hash.swap(hash, Ordering::AcqRel) == hash {
            return ReloadOutcome::Unchanged;
        }
        let built = client_ca
            .map_err(ServingCertificateError::ClientCa)
            .and_then(|client_ca| {
                build(
                    stored,
                    client_ca.as_deref(),
                    &inner.client_auth,
                    OffsetDateTime::now_utc(),
                    &inner.provider,
                    &inner.metrics,
                )
            });
        match built {
            Ok(current) => {
                inner.current.store(Arc::new(current));
                inner.metrics.count_reload("taken");
                tracing::info!("new certificates are in force");
                ReloadOutcome::Applied
            }
            Err(error) => {
                inner.metrics.count_reload("kept_old");
                tracing::warn!("the new certificates cannot be served, the old ones stay: {error}");
                ReloadOutcome::Rejected(error)
            }
        }
    }

    /// Makes [`watch`](Self::watch) poll the store now.
    pub fn request_poll(&self) {
        self.inner.poll_requested.notify_one();
    }

    /// Resolves after the next poll of [`watch`](Self::watch). Call it before the change that the
    /// poll is to see.
    pub fn polled(&self) -> impl Future<Output = ()> + '_ {
        self.inner.polled.notified()
    }

    /// Polls the store at every `interval`, and on [`request_poll`](Self::request_poll), for ever.
    /// It compares contents, so a file replaced by any means is seen: by a rename, or by the
    /// symlink of a mounted Secret.
    pub async fn watch(&self, store: &impl CertificateStore, interval: Duration) {
        let mut logged = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = self.inner.poll_requested.notified() => {}
            }
            let failure = match store.read().await {
                Ok(Some(stored)) => {
                    self.reload(&stored).await;
                    None
                }
                Ok(None) => Some("they are gone".to_owned()),
                // Another process is writing: the next poll sees the result.
                Err(StoreError::Conflict) => None,
                Err(error) => Some(error.to_string()),
            };
            if let Some(reason) = failure.as_ref().filter(|_| logged != failure) {
                tracing::error!("the certificates cannot be read, the old ones stay: {reason}");
            }
            logged = failure;
            self.inner.polled.notify_waiters();
        }
    }
}

fn content_hash(stored: &StoredCertificates, client_ca: Option<&[u8]>) -> u64 {
    hash_of(&(
        &stored.ca_bundle,
        &stored.certificate,
        &stored.key,
        client_ca,
    ))
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Reads the file of client authorities, if one is configured.
async fn read_client_ca(client_auth: &ClientAuthConfig) -> Result<Option<Vec<u8>>, String> {
    let Some(path) = client_auth.ca_file.clone() else {
        return Ok(None);
    };
    let shown = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || read_file(&path))
        .await
        .map_err(|error| error.to_string())?;
    match read {
        Ok(Some(bytes)) => Ok(Some(bytes)),
        Ok(None) => Err(format!("{shown}: no such file")),
        Err(error) => Err(error.to_string()),
    }
}

fn build(
    stored: &StoredCertificates,
    client_ca: Option<&[u8]>,
    client_auth: &ClientAuthConfig,
    now: OffsetDateTime,
    provider: &Arc<CryptoProvider>,
    metrics: &ServerMetrics,
) -> Result<Current, ServingCertificateError> {
    let serving = ServingCertificate::parse(&stored.certificate, &stored.key, now, provider)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| ServingCertificateError::Key(error.to_string()))?;
    let builder = match client_ca {
        Some(ca) => builder.with_client_cert_verifier(client_verifier(
            ca,
            &client_auth.common_names,
            provider,
        )?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(single_certificate(serving.certified_key));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    metrics.set_expiry("leaf", serving.info.not_after);
    if let Some(not_after) = last_expiry(&stored.ca_bundle) {
        metrics.set_expiry("ca", not_after);
    }
    Ok(Current {
        config: Arc::new(config),
        ca_bundle: stored.ca_bundle.clone(),
    })
}

/// Returns the latest expiry among the authorities of a bundle (PEM).
fn last_expiry(ca_bundle: &[u8]) -> Option<OffsetDateTime> {
    parse_certificates(ca_bundle)
        .unwrap_or_default()
        .iter()
        .filter_map(|certificate| CertificateInfo::parse(certificate).ok())
        .map(|info| info.not_after)
        .max()
}

fn single_certificate(certified_key: Arc<CertifiedKey>) -> Arc<dyn ResolvesServerCert> {
    Arc::new(SingleCertAndKey::from(certified_key))
}
