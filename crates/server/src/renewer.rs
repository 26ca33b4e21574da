//! Keeps certificates of our own in force: reads the store, plans, writes, tells callers, and hands the outcome to
//! whatever serves. Several keepers may share one store: who is late reads again.
//!
//! It never replaces an authority that callers trust because a file has vanished: see `recovery`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::crypto::{CryptoProvider, ring};
use time::OffsetDateTime;

use super::{
    certificate::IssueError,
    certificate_bundle::Bundle,
    recovery::{Found, InForce, Recovery, recovery},
    rotation::plan,
    serving_certificate::Pair,
    store::{CertificateStore, Published, StoreError, Stored},
    tls_source::TlsSource,
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
    /// The last valid pair that the store held.
    in_force: Mutex<Option<Stored>>,
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
    /// What somebody else kept there is gone.
    #[error(
        "the certificates are gone from where somebody else kept them: what was in force is served on, put them back"
    )]
    Gone,
}

impl<S: CertificateStore> Keeper<S> {
    /// `names`: of the leaf, see [`leaf_names`](super::leaf_names). `overlap`: how long a bundle with a new authority
    /// is published before that authority signs.
    pub fn new(store: Arc<S>, names: Vec<String>, overlap: Duration) -> Self {
        Self {
            store,
            names,
            overlap,
            provider: ring::default_provider(),
            in_force: Mutex::new(None),
        }
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
        let (stored, incomplete) = match self.store.read().await {
            Ok(stored) => (stored, None),
            Err(StoreError::Incomplete { words, part }) => (Some(*part), Some(words)),
            Err(error) => return Err(error.into()),
        };
        let in_force = self.in_force(now);
        let bundle = Bundle::of(stored.as_ref(), &self.provider);
        let found = found(
            stored.as_ref(),
            incomplete.is_some(),
            &bundle,
            in_force.as_ref(),
        );
        let whose = match &in_force {
            None => InForce::None,
            Some(it) if it.ca_keys.is_some() => InForce::Ours,
            Some(_) => InForce::Theirs,
        };
        let done = match (recovery(whose, found), stored) {
            (Recovery::WriteBack, stored) => self.write_back(in_force, stored).await,
            (Recovery::HandThrough, Some(stored)) => Ok(self.hand_through(stored, whose).await),
            (Recovery::Plan, stored) => self.keep(stored, bundle, now).await,
            (Recovery::Report, Some(part)) => {
                let words = incomplete.unwrap_or_default();
                Err(StoreError::Incomplete {
                    words,
                    part: Box::new(part),
                }
                .into())
            }
            (Recovery::Report | Recovery::HandThrough, None) => Err(KeeperError::Gone),
        };
        if let Ok(stored) = &done
            && Pair::parse(&stored.certificate, &stored.key, now, &self.provider).is_ok()
        {
            *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored.clone());
        }
        done
    }

    /// The last valid pair, where it still is.
    fn in_force(&self, now: OffsetDateTime) -> Option<Stored> {
        let held = self
            .in_force
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        held.filter(|it| Pair::parse(&it.certificate, &it.key, now, &self.provider).is_ok())
    }

    /// Puts what is in force in the place of what is left of it.
    async fn write_back(
        &self,
        in_force: Option<Stored>,
        left: Option<Stored>,
    ) -> Result<Stored, KeeperError> {
        let Some(in_force) = in_force else {
            return Err(KeeperError::Gone);
        };
        let whole = Stored {
            version: left.and_then(|it| it.version),
            ..in_force
        };
        self.store.write(&whole).await?;
        tracing::error!(
            "certificates had vanished or were damaged: those in force were written back"
        );
        self.publish(&whole.ca).await;
        Ok(whole)
    }

    /// Certificates of somebody else.
    async fn hand_through(&self, stored: Stored, before: InForce) -> Stored {
        if before == InForce::Ours {
            tracing::warn!(
                "ca.key is gone: from now on somebody else keeps the certificates, and they are not renewed"
            );
        }
        // Whoever made them has a bundle for the callers, too; where it is empty, they were told otherwise.
        if !stored.ca.is_empty() {
            self.publish(&stored.ca).await;
        }
        stored
    }

    /// Certificates of our own, or none yet.
    async fn keep(
        &self,
        stored: Option<Stored>,
        bundle: Bundle,
        now: OffsetDateTime,
    ) -> Result<Stored, KeeperError> {
        let published = match &stored {
            Some(stored) => self.publish(&stored.ca).await,
            None => false,
        };
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
                tracing::warn!(
                    "callers could not be told which authority to trust (tried again soon): {error}"
                );
                false
            }
        }
    }

    /// A turn every `every`, for ever; what comes out is served at once. What goes wrong is counted, and logged when it
    /// changes.
    pub async fn run(&self, tls: &TlsSource, every: Duration) {
        let mut said = None;
        loop {
            tokio::time::sleep(every).await;
            let failure = match self.turn(OffsetDateTime::now_utc()).await {
                Ok(stored) => {
                    tls.offer(&stored).await;
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            tls.metrics().missing(failure.is_some());
            if let Some(words) = failure.as_ref().filter(|_| said != failure) {
                tracing::error!(
                    "the certificates could not be looked after (tried again soon): {words}"
                );
            }
            said = failure;
        }
    }
}

fn found(
    stored: Option<&Stored>,
    incomplete: bool,
    bundle: &Bundle,
    in_force: Option<&Stored>,
) -> Found {
    let Some(stored) = stored else {
        return Found::Nothing;
    };
    if incomplete {
        return if in_force.is_some_and(|it| is_part(stored, it)) {
            Found::Remains
        } else {
            Found::Part
        };
    }
    match stored.ca_keys {
        None => Found::Theirs,
        Some(_) if bundle.is_whole() => Found::Ours,
        Some(_) => Found::Damaged,
    }
}

/// Whether everything that is there is of the other.
fn is_part(part: &Stored, whole: &Stored) -> bool {
    let held = |part: &[u8], whole: &[u8]| part.is_empty() || part == whole;
    held(&part.ca, &whole.ca)
        && held(&part.certificate, &whole.certificate)
        && held(&part.key, &whole.key)
}
