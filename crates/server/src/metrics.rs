//! What the server counts about itself, and the text that Prometheus reads.

use std::sync::{Arc, atomic::AtomicI64};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use time::OffsetDateTime;

/// Counters of the server; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Connections that are open.
    pub connections: Gauge,
    /// TLS handshakes that failed: another version, no client certificate, too slow.
    pub handshake_failures: Counter,
    /// Connections closed at once because too many were open.
    pub refused_connections: Counter,
    expiry: Family<Which, Gauge<i64, AtomicI64>>,
    reloads: Family<Reload, Counter>,
    missing: Gauge,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Which {
    which: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

impl Metrics {
    /// New counters, entered in `registry`; call it once for one registry.
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
            new.expiry.clone(),
        );
        registry.register(
            "kubevet_certificate_reloads",
            "New certificates that were seen, and whether they took the place of the old ones",
            new.reloads.clone(),
        );
        registry.register(
            "kubevet_certificates_missing",
            "1 while the certificates are gone from their place or cannot be read; those in force are served on",
            new.missing.clone(),
        );
        new
    }

    /// Whether the place of the certificates lacks what is in force.
    pub(super) fn missing(&self, missing: bool) {
        self.missing.set(i64::from(missing));
    }

    /// `which`: `ca` or `leaf`.
    pub(super) fn expires(&self, which: &'static str, at: OffsetDateTime) {
        self.expiry
            .get_or_create(&Which { which })
            .set(at.unix_timestamp());
    }

    /// `result`: `taken` or `kept_old`.
    pub(super) fn reloaded(&self, result: &'static str) {
        self.reloads.get_or_create(&Reload { result }).inc();
    }

    /// How often certificates were taken and how often the old ones were kept.
    #[must_use]
    pub fn reloads(&self) -> (u64, u64) {
        let count = |result| self.reloads.get_or_create(&Reload { result }).get();
        (count("taken"), count("kept_old"))
    }
}

/// The registry's content as OpenMetrics text.
pub(super) fn text(registry: &Arc<Registry>) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    encode(&mut text, registry)?;
    Ok(text)
}
