//! What new connections are met with: the pair in force, swapped whole. A pair that cannot be served never takes its
//! place, and connections that are open live on with what they began with.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    server::ResolvesServerCert,
    sign::{CertifiedKey, SingleCertAndKey},
};
use time::OffsetDateTime;
use tokio::sync::Notify;

use super::{
    client_auth::verifier,
    dir_store::bytes,
    metrics::Metrics,
    serving_certificate::{Facts, Pair, PairError, certificates},
    store::{CertificateStore, StoreError, Stored},
};

/// Which callers are let in. The default asks for no certificate.
#[derive(Debug, Clone, Default)]
pub struct Clients {
    /// Authorities (PEM file) one of which must have signed the caller's certificate; read again when it changes.
    pub ca: Option<PathBuf>,
    /// Common names that are let in; none = any that the authority signed.
    pub names: Vec<String>,
}

/// Why there is nothing to serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They cannot be served.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// There are none.
    #[error("there is no certificate to serve with")]
    Nothing,
}

/// The pair in force. Clones share it.
#[derive(Clone)]
pub struct TlsSource {
    inner: Arc<Inner>,
}

struct Inner {
    current: ArcSwap<Current>,
    clients: Clients,
    provider: Arc<CryptoProvider>,
    metrics: Metrics,
    /// What was last looked at, taken or not: each content is judged and spoken of once.
    seen: AtomicU64,
    reload: Notify,
    looked: Notify,
}

struct Current {
    config: Arc<ServerConfig>,
    ca: Vec<u8>,
}

/// What became of certificates that were offered.
#[derive(Debug, PartialEq, Eq)]
pub enum Offered {
    /// They are in force.
    Taken,
    /// They were looked at before.
    Same,
    /// They cannot be served: the old ones stay.
    Kept(PairError),
}

impl TlsSource {
    /// Serves what the store holds.
    ///
    /// # Errors
    /// It holds nothing that can be served: there is no old pair to keep.
    pub async fn open(
        store: &impl CertificateStore,
        clients: Clients,
        metrics: Metrics,
    ) -> Result<Self, TlsError> {
        let stored = store.read().await?.ok_or(TlsError::Nothing)?;
        Self::new(&stored, clients, metrics).await
    }

    /// Serves `stored`.
    ///
    /// # Errors
    /// It cannot be served, nor can the client authorities be read.
    pub async fn new(
        stored: &Stored,
        clients: Clients,
        metrics: Metrics,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let client_ca = client_ca(&clients).await.map_err(PairError::ClientCa)?;
        let now = OffsetDateTime::now_utc();
        let current = build(
            stored,
            client_ca.as_deref(),
            &clients,
            now,
            &provider,
            &metrics,
        )?;
        let seen = AtomicU64::new(hash(stored, client_ca.as_deref()));
        let inner = Inner {
            current: ArcSwap::from_pointee(current),
            clients,
            provider,
            metrics,
            seen,
            reload: Notify::new(),
            looked: Notify::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What a new connection is met with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.inner.current.load().config)
    }

    /// The bundle (PEM) by which callers trust the pair in force; empty where nobody told.
    #[must_use]
    pub fn ca_bundle(&self) -> Vec<u8> {
        self.inner.current.load().ca.clone()
    }

    /// Takes `stored` if it can be served; else the old pair stays, which is logged and counted once.
    pub async fn offer(&self, stored: &Stored) -> Offered {
        let inner = &self.inner;
        let built = match client_ca(&inner.clients).await {
            Ok(client_ca) => {
                let hash = hash(stored, client_ca.as_deref());
                if inner.seen.swap(hash, Ordering::AcqRel) == hash {
                    return Offered::Same;
                }
                let now = OffsetDateTime::now_utc();
                build(
                    stored,
                    client_ca.as_deref(),
                    &inner.clients,
                    now,
                    &inner.provider,
                    &inner.metrics,
                )
            }
            Err(words) => {
                let mut hash = DefaultHasher::new();
                words.hash(&mut hash);
                if inner.seen.swap(hash.finish(), Ordering::AcqRel) == hash.finish() {
                    return Offered::Same;
                }
                Err(PairError::ClientCa(words))
            }
        };
        match built {
            Ok(current) => {
                inner.current.store(Arc::new(current));
                inner.metrics.reloaded("taken");
                tracing::info!("new certificates are in force");
                Offered::Taken
            }
            Err(error) => {
                inner.metrics.reloaded("kept_old");
                tracing::warn!("the new certificates cannot be served, the old ones stay: {error}");
                Offered::Kept(error)
            }
        }
    }

    /// Looks at the store now, not at the next turn of [`watch`](Self::watch).
    pub fn reload(&self) {
        self.inner.reload.notify_one();
    }

    /// Resolves when the watch has next looked at the store. Take it before what it is to wait for.
    pub fn looked(&self) -> impl Future<Output = ()> + '_ {
        self.inner.looked.notified()
    }

    /// Looks at the store every `every`, and on [`reload`](Self::reload), for ever: contents are compared, so that a
    /// file replaced in whatever way (a rename, a mounted Secret's symlink) is seen.
    pub async fn watch(&self, store: &impl CertificateStore, every: Duration) {
        let mut said = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = self.inner.reload.notified() => {}
            }
            let failure = match store.read().await {
                Ok(Some(stored)) => {
                    self.offer(&stored).await;
                    None
                }
                Ok(None) => Some("they are gone".to_owned()),
                // Somebody is writing: the next turn sees what.
                Err(StoreError::Conflict) => None,
                Err(error) => Some(error.to_string()),
            };
            if let Some(words) = failure.as_ref().filter(|_| said != failure) {
                tracing::error!("the certificates cannot be read, the old ones stay: {words}");
            }
            said = failure;
            self.inner.looked.notify_waiters();
        }
    }
}

fn hash(stored: &Stored, client_ca: Option<&[u8]>) -> u64 {
    let mut hash = DefaultHasher::new();
    (&stored.ca, &stored.certificate, &stored.key, client_ca).hash(&mut hash);
    hash.finish()
}

async fn client_ca(clients: &Clients) -> Result<Option<Vec<u8>>, String> {
    let Some(path) = clients.ca.clone() else {
        return Ok(None);
    };
    let shown = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || bytes(&path))
        .await
        .map_err(|it| it.to_string())?;
    match read {
        Ok(Some(bytes)) => Ok(Some(bytes)),
        Ok(None) => Err(format!("{shown}: no such file")),
        Err(error) => Err(error.to_string()),
    }
}

fn build(
    stored: &Stored,
    client_ca: Option<&[u8]>,
    clients: &Clients,
    now: OffsetDateTime,
    provider: &Arc<CryptoProvider>,
    metrics: &Metrics,
) -> Result<Current, PairError> {
    let pair = Pair::parse(&stored.certificate, &stored.key, now, provider)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|it| PairError::Key(it.to_string()))?;
    let builder = match client_ca {
        Some(ca) => builder.with_client_cert_verifier(verifier(ca, &clients.names, provider)?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(single(pair.certified));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    metrics.expires("leaf", pair.facts.not_after);
    let bundle = certificates(&stored.ca).unwrap_or_default();
    if let Some(at) = bundle
        .iter()
        .filter_map(|it| Facts::of(it).ok())
        .map(|it| it.not_after)
        .max()
    {
        metrics.expires("ca", at);
    }
    Ok(Current {
        config: Arc::new(config),
        ca: stored.ca.clone(),
    })
}

fn single(certified: Arc<CertifiedKey>) -> Arc<dyn ResolvesServerCert> {
    Arc::new(SingleCertAndKey::from(certified))
}
