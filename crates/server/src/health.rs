//! Liveness, readiness and the metrics endpoint. The server is ready once every condition holds,
//! and no longer once its shutdown has begun.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::registry::Registry;

use super::{metrics::encode_registry, shutdown::Shutdown};
use kubevet_model::one_line;

/// The most characters of a reason.
const MAX_REASON_CHARS: usize = 1000;

/// The named conditions of readiness. Clones share them.
#[derive(Debug, Clone)]
pub struct Health {
    conditions: Arc<Mutex<BTreeMap<&'static str, Result<(), String>>>>,
    shutdown: Shutdown,
}

impl Health {
    /// Returns the conditions of these names, none of which holds yet.
    #[must_use]
    pub fn new(conditions: &[&'static str], shutdown: Shutdown) -> Self {
        let unmet = conditions
            .iter()
            .map(|name| (*name, Err("not there yet".to_owned())))
            .collect();
        Self {
            conditions: Arc::new(Mutex::new(unmet)),
            shutdown,
        }
    }

    /// Sets one condition, with the reason if it does not hold. A new name adds a condition.
    pub fn set(&self, name: &'static str, state: Result<(), String>) {
        self.conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, state);
    }

    /// Succeeds if every condition holds and no shutdown has begun.
    ///
    /// # Errors
    /// A line `name: reason` for each condition that does not hold.
    pub fn ready(&self) -> Result<(), String> {
        let mut lines = String::new();
        if self.shutdown.has_begun() {
            lines.push_str("shutdown: it has begun\n");
        }
        for (name, state) in self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            if let Err(reason) = state {
                let _ = writeln!(lines, "{name}: {}", one_line(reason, MAX_REASON_CHARS));
            }
        }
        if lines.is_empty() { Ok(()) } else { Err(lines) }
    }

    /// Returns the routes `/healthz` and `/livez` (200 while the process answers), `/readyz` (503 with the
    /// conditions that do not hold) and, given a registry, `/metrics`.
    pub fn routes(&self, registry: Option<Arc<Registry>>) -> Router {
        let health = self.clone();
        let readyz = move || {
            let ready = health.ready();
            async move {
                ready.map_or_else(
                    |reasons| (StatusCode::SERVICE_UNAVAILABLE, reasons),
                    |()| (StatusCode::OK, "ok\n".into()),
                )
            }
        };
        let routes = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz));
        let Some(registry) = registry else {
            return routes;
        };
        let metrics = move || {
            let response = metrics_response(&registry);
            async move { response }
        };
        routes.route("/metrics", get(metrics))
    }
}

fn metrics_response(registry: &Registry) -> Response {
    match encode_registry(registry) {
        Ok(metrics) => (
            [(
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            metrics,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, Shutdown};

    #[test]
    fn readiness_needs_all_conditions_and_no_shutdown() {
        let shutdown = Shutdown::new(crate::Drain::default());
        let health = Health::new(&["library", "bindings"], shutdown.clone());
        let check = |expected: Result<(), &str>| {
            assert_eq!(health.ready(), expected.map_err(str::to_owned))
        };
        check(Err("bindings: not there yet\nlibrary: not there yet\n"));
        health.set("library", Ok(()));
        check(Err("bindings: not there yet\n"));
        health.set("bindings", Err("a\nb".to_owned()));
        check(Err("bindings: a b\n"));
        health.set("bindings", Ok(()));
        check(Ok(()));
        shutdown.begin();
        check(Err("shutdown: it has begun\n"));
    }
}
