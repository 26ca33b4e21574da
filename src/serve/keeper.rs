//! Keeps certificates of our own in force: reads the store, plans, writes, tells callers, and hands the outcome to
//! whatever serves. Several keepers may share one store: who is late reads again.

use std::{sync::Arc, time::Duration};

use rustls::crypto::{CryptoProvider, ring};
use time::OffsetDateTime;

use super::{
    bundle::Bundle,
    certificate::IssueError,
    rotation::plan,
    store::{CertificateStore, Published, StoreError, Stored},
    tls::TlsSource,
};

/// How often a keeper that is late reads again within one turn.
const TRIES: usize = 20;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(50);

/// Keeps the certificates of one store.
pub struct Keeper<S> {
    store: Arc<S>,
    names: Vec<String>,
    overlap: Duration,
    provider: CryptoProvider,
}

/// Why a turn did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing could be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl<S: CertificateStore> Keeper<S> {
    /// `names`: of the leaf, see [`leaf_names`](super::leaf_names). `overlap`: how long a bundle with a new authority
    /// is published before that authority signs.
    pub fn new(store: Arc<S>, names: Vec<String>, overlap: Duration) -> Self {
        Self { store, names, overlap, provider: ring::default_provider() }
    }

    /// One turn: what is in force after it. Certificates of somebody else are handed through untouched.
    ///
    /// # Errors
    /// The store could not be read or written, or another keeper was first each time; what was in force still is.
    pub async fn turn(&self, now: OffsetDateTime) -> Result<Stored, KeeperError> {
        for _ in 0..TRIES {
            match self.attempt(now).await {
                Err(KeeperError::Store(StoreError::Conflict)) => tokio::time::sleep(PAUSE).await,
                other => return other,
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn attempt(&self, now: OffsetDateTime) -> Result<Stored, KeeperError> {
        let stored = self.store.read().await?;
        if let Some(stored) = stored.as_ref().filter(|it| it.ca_keys.is_none()) {
            // Whoever made them has a bundle for the callers, too; where it is empty, they were told otherwise.
            if !stored.ca.is_empty() {
                self.publish(&stored.ca).await;
            }
            return Ok(stored.clone());
        }
        let published = match &stored {
            Some(stored) => self.publish(&stored.ca).await,
            None => false,
        };
        let bundle = Bundle::of(stored.as_ref(), &self.provider);
        let steps = plan(now, &bundle.held(), &self.names, self.overlap, published);
        if let Some(stored) = stored.filter(|_| steps.is_empty()) {
            return Ok(stored);
        }
        let new = bundle.apply(&steps, &self.names, now)?;
        self.store.write(&new).await?;
        tracing::info!(?steps, "certificates were renewed");
        if self.publish(&new.ca).await && !published {
            tracing::debug!("callers trust the bundle");
        }
        Ok(new)
    }

    async fn publish(&self, bundle: &[u8]) -> bool {
        match self.store.publish(bundle).await {
            Ok(it) => it == Published::Done,
            Err(error) => {
                tracing::warn!("callers could not be told which authority to trust (tried again soon): {error}");
                false
            }
        }
    }

    /// A turn every `every`, for ever; what comes out is served at once.
    pub async fn run(&self, tls: &TlsSource, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            match self.turn(OffsetDateTime::now_utc()).await {
                Ok(stored) => {
                    tls.offer(&stored).await;
                }
                Err(error) => tracing::warn!("the certificates could not be looked after (tried again soon): {error}"),
            }
        }
    }
}
