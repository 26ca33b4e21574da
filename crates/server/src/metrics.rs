//! The metrics of the server, and the exposition format that Prometheus reads.

use std::sync::atomic::AtomicI64;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use time::OffsetDateTime;

/// The metrics of a server. Clones share their values.
#[derive(Debug, Clone, Default)]
pub struct ServerMetrics {
    /// The number of open connections.
    pub connections: Gauge,
    /// The number of failed TLS handshakes: wrong version, no client certificate, too slow.
    pub handshake_failures: Counter,
    /// The number of connections that were closed at once because too many were open.
    pub refused_connections: Counter,
    certificate_expiry: Family<CertificateLabels, Gauge<i64, AtomicI64>>,
    certificate_reloads: Family<ReloadLabels, Counter>,
    certificates_missing: Gauge,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CertificateLabels {
    which: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReloadLabels {
    result: &'static str,
}

impl ServerMetrics {
    /// Creates metrics and registers them. Call it once for one registry.
    pub fn register(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register(
            "kubevet_connections",
            "Connections that are open",
            new.connections.clone(),
        );
        registry.register(
            "kubevet_tls_handshake_failures",
            "TLS handshakes that failed",
            new.handshake_failures.clone(),
        );
        registry.register(
            "kubevet_refused_connections",
            "Connections closed at once because too many were open",
            new.refused_connections.clone(),
        );
        registry.register(
            "kubevet_certificate_expiry_timestamp_seconds",
            "When the certificate in force ends: the leaf, and the last authority of the bundle",
            new.certificate_expiry.clone(),
        );
        registry.register(
            "kubevet_certificate_reloads",
            "New certificates that were seen, and whether they took the place of the old ones",
            new.certificate_reloads.clone(),
        );
        registry.register(
            "kubevet_certificates_missing",
            "1 while the certificates are gone from their place or cannot be read; those in force are served on",
            new.certificates_missing.clone(),
        );
        new
    }

    /// Sets whether the store lacks the certificates in force.
    pub(super) fn set_certificates_missing(&self, is_missing: bool) {
        self.certificates_missing.set(i64::from(is_missing));
    }

    /// Sets the expiry of a certificate; `which` is `ca` or `leaf`.
    pub(super) fn set_expiry(&self, which: &'static str, not_after: OffsetDateTime) {
        self.certificate_expiry
            .get_or_create(&CertificateLabels { which })
            .set(not_after.unix_timestamp());
    }

    /// Counts a reload; `result` is `taken` or `kept_old`.
    pub(super) fn count_reload(&self, result: &'static str) {
        self.certificate_reloads
            .get_or_create(&ReloadLabels { result })
            .inc();
    }

    /// Returns how often new certificates were applied, and how often they were rejected.
    #[must_use]
    pub fn reloads(&self) -> (u64, u64) {
        let count = |result| {
            self.certificate_reloads
                .get_or_create(&ReloadLabels { result })
                .get()
        };
        (count("taken"), count("kept_old"))
    }
}

/// Returns the metrics of a registry in the OpenMetrics text format.
pub(super) fn encode_registry(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut metrics = String::new();
    encode(&mut metrics, registry)?;
    Ok(metrics)
}
