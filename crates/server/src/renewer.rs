//! The control loop that keeps managed certificates valid: it reads the store, plans, writes,
//! publishes the bundle to callers, and hands the result to the TLS configuration. Several
//! renewers may share one store: one whose write conflicts reads again.
//!
//! It never replaces an authority that callers trust because a file has vanished: see `recovery`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kubevet_model::StoredCertificates;
use rustls::crypto::{CryptoProvider, ring};
use time::OffsetDateTime;

use super::{
    certificate::IssueError,
    certificate_bundle::CertificateBundle,
    recovery::{InForce, Recovery, StoreState, choose_recovery},
    rotation::{RotationStep, plan_rotation},
    serving_certificate::ServingCertificate,
    store::{CertificateStore, Publication, StoreError},
    tls_source::TlsSource,
};

/// The number of attempts of one reconcile where other renewers write at the same time.
const MAX_ATTEMPTS: usize = 20;
/// The pause between two attempts.
const CONFLICT_PAUSE: Duration = Duration::from_millis(50);

/// Keeps the certificates of one store valid.
pub struct CertificateRenewer<S> {
    store: Arc<S>,
    names: Vec<String>,
    overlap: Duration,
    provider: CryptoProvider,
    /// The last valid certificates of the store.
    in_force: Mutex<Option<StoredCertificates>>,
}

/// The reason why a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing could be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The certificates of an external issuer are gone.
    #[error(
        "the certificates are missing from their place, which another tool manages: the last ones are still served, put them back"
    )]
    Gone,
}

impl<S: CertificateStore> CertificateRenewer<S> {
    /// Returns a renewer. `names` are those of the leaf, see [`leaf_names`](super::leaf_names).
    /// `overlap` is the time for which a bundle with a new authority is published before that
    /// authority signs.
    pub fn new(store: Arc<S>, names: Vec<String>, overlap: Duration) -> Self {
        Self {
            store,
            names,
            overlap,
            provider: ring::default_provider(),
            in_force: Mutex::new(None),
        }
    }

    /// Reconciles once, and returns the certificates that are in force then. Certificates of an
    /// external issuer are returned unchanged.
    ///
    /// # Errors
    /// The store could not be read or written, or another renewer was first at each attempt. The
    /// certificates in force stay.
    pub async fn reconcile(&self, now: OffsetDateTime) -> Result<StoredCertificates, RenewalError> {
        for _ in 0..MAX_ATTEMPTS {
            match self.reconcile_once(now).await {
                Err(RenewalError::Store(StoreError::Conflict)) => {
                    tokio::time::sleep(CONFLICT_PAUSE).await;
                }
                other => return other,
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn reconcile_once(
        &self,
        now: OffsetDateTime,
    ) -> Result<StoredCertificates, RenewalError> {
        let (stored, incomplete_reason) = match self.store.read().await {
            Ok(stored) => (stored, None),
            Err(StoreError::Incomplete { reason, part }) => (Some(*part), Some(reason)),
            Err(error) => return Err(error.into()),
        };
        let in_force = self.valid_in_force(now);
        let bundle = CertificateBundle::parse(stored.as_ref(), &self.provider);
        let state = store_state(
            stored.as_ref(),
            incomplete_reason.is_some(),
            &bundle,
            in_force.as_ref(),
        );
        let owner = match &in_force {
            None => InForce::None,
            Some(certificates) if certificates.ca_keys.is_some() => InForce::Managed,
            Some(_) => InForce::External,
        };
        let result = match (choose_recovery(owner, state), stored) {
            (Recovery::WriteBack, stored) => self.write_back(in_force, stored).await,
            (Recovery::ServeExternal, Some(stored)) => Ok(self.serve_external(stored, owner).await),
            (Recovery::ApplyPlan, stored) => self.apply_plan(stored, bundle, now).await,
            (Recovery::Report, Some(part)) => Err(StoreError::Incomplete {
                reason: incomplete_reason.unwrap_or_default(),
                part: Box::new(part),
            }
            .into()),
            (Recovery::Report | Recovery::ServeExternal, None) => Err(RenewalError::Gone),
        };
        if let Ok(stored) = &result
            && self.is_valid(stored, now)
        {
            *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored.clone());
        }
        result
    }

    /// Returns the last valid certificates, if they still are valid.
    fn valid_in_force(&self, now: OffsetDateTime) -> Option<StoredCertificates> {
        let last = self
            .in_force
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        last.filter(|certificates| self.is_valid(certificates, now))
    }

    fn is_valid(&self, stored: &StoredCertificates, now: OffsetDateTime) -> bool {
        ServingCertificate::parse(&stored.certificate, &stored.key, now, &self.provider).is_ok()
    }

    /// Writes the certificates in force over what is left of them.
    async fn write_back(
        &self,
        in_force: Option<StoredCertificates>,
        left: Option<StoredCertificates>,
    ) -> Result<StoredCertificates, RenewalError> {
        let Some(in_force) = in_force else {
            return Err(RenewalError::Gone);
        };
        let restored = StoredCertificates {
            version: left.and_then(|stored| stored.version),
            ..in_force
        };
        self.store.write(&restored).await?;
        tracing::error!(
            "certificates had vanished or were damaged: those in force were written back"
        );
        self.publish(&restored.ca_bundle).await;
        Ok(restored)
    }

    /// Publishes the bundle of an external issuer, and returns its certificates unchanged.
    async fn serve_external(
        &self,
        stored: StoredCertificates,
        previous_owner: InForce,
    ) -> StoredCertificates {
        if previous_owner == InForce::Managed {
            tracing::warn!(
                "ca.key is gone: from now on another tool manages the certificates, and kubevet does not renew them"
            );
        }
        // An external issuer with an empty bundle distributes it by other means.
        if !stored.ca_bundle.is_empty() {
            self.publish(&stored.ca_bundle).await;
        }
        stored
    }

    /// Plans and applies the rotation of managed certificates, or issues the first ones.
    async fn apply_plan(
        &self,
        stored: Option<StoredCertificates>,
        bundle: CertificateBundle,
        now: OffsetDateTime,
    ) -> Result<StoredCertificates, RenewalError> {
        // Published before the plan, which must know whether callers trust the present bundle.
        let is_published = match &stored {
            Some(stored) => self.publish(&stored.ca_bundle).await,
            None => false,
        };
        let steps = plan_rotation(
            now,
            &bundle.inventory(),
            &self.names,
            self.overlap,
            is_published,
        );
        let is_first = stored.is_none();
        if let Some(stored) = stored.filter(|_| steps.is_empty()) {
            return Ok(stored);
        }
        let renewed = bundle.apply(&steps, &self.names, now)?;
        self.store.write(&renewed).await?;
        tracing::info!("certificates: {}", describe_steps(&steps, is_first));
        if self.publish(&renewed.ca_bundle).await && !is_published {
            tracing::debug!("callers trust the bundle");
        }
        Ok(renewed)
    }

    /// Publishes a bundle; true if it is known to be where callers read it.
    async fn publish(&self, ca_bundle: &[u8]) -> bool {
        match self.store.publish(ca_bundle).await {
            Ok(publication) => publication == Publication::Complete,
            Err(error) => {
                tracing::warn!(
                    "the CA could not be published to callers (will be retried soon): {error}"
                );
                false
            }
        }
    }

    /// Reconciles at every `interval`, for ever, and applies the result to `tls` at once. A failure
    /// is counted, and logged when it changes.
    pub async fn run(&self, tls: &TlsSource, interval: Duration) {
        let mut logged = None;
        loop {
            tokio::time::sleep(interval).await;
            let failure = match self.reconcile(OffsetDateTime::now_utc()).await {
                Ok(stored) => {
                    tls.reload(&stored).await;
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            tls.metrics().set_certificates_missing(failure.is_some());
            if let Some(reason) = failure.as_ref().filter(|_| logged != failure) {
                tracing::error!(
                    "the certificates could not be checked (will be retried soon): {reason}"
                );
            }
            logged = failure;
        }
    }
}

/// Describes a plan for the log: `CA issued, serving certificate issued`.
fn describe_steps(steps: &[RotationStep], is_first: bool) -> String {
    let words = steps.iter().map(|step| match (step, is_first) {
        (RotationStep::IssueCa, true) => "CA issued",
        (RotationStep::IssueCa, false) => "new CA issued",
        (RotationStep::IssueLeaf(_), true) => "serving certificate issued",
        (RotationStep::IssueLeaf(_), false) => "serving certificate renewed",
        (RotationStep::DropCa(_), _) => "old CA removed",
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Classifies the content of a store for the recovery table.
fn store_state(
    stored: Option<&StoredCertificates>,
    is_incomplete: bool,
    bundle: &CertificateBundle,
    in_force: Option<&StoredCertificates>,
) -> StoreState {
    let Some(stored) = stored else {
        return StoreState::Empty;
    };
    if is_incomplete {
        return if in_force.is_some_and(|current| is_part_of(stored, current)) {
            StoreState::PartOfCurrent
        } else {
            StoreState::PartOfOther
        };
    }
    match stored.ca_keys {
        None => StoreState::External,
        Some(_) if bundle.is_complete() => StoreState::Managed,
        Some(_) => StoreState::ManagedDamaged,
    }
}

/// True if each file of `part` is missing or equal to that of `whole`.
fn is_part_of(part: &StoredCertificates, whole: &StoredCertificates) -> bool {
    let matches = |part: &[u8], whole: &[u8]| part.is_empty() || part == whole;
    matches(&part.ca_bundle, &whole.ca_bundle)
        && matches(&part.certificate, &whole.certificate)
        && matches(&part.key, &whole.key)
}
