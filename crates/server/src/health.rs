//! Whether the server lives, and whether it is to be asked: not before everything it needs is there, and not after
//! its end has begun.

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

use super::{metrics::text, shutdown::Shutdown};
use kubevet_model::one_line;

/// Characters of a reason.
const WHY: usize = 1000;

/// Named conditions, all of which must hold. Clones are one.
#[derive(Debug, Clone)]
pub struct Health {
    conditions: Arc<Mutex<BTreeMap<&'static str, Result<(), String>>>>,
    shutdown: Shutdown,
}

impl Health {
    /// None of `conditions` holds yet.
    #[must_use]
    pub fn new(conditions: &[&'static str], shutdown: Shutdown) -> Self {
        let unmet = conditions
            .iter()
            .map(|it| (*it, Err("not there yet".to_owned())))
            .collect();
        Self {
            conditions: Arc::new(Mutex::new(unmet)),
            shutdown,
        }
    }

    /// Sets one of them; a new name is a new condition.
    pub fn set(&self, name: &'static str, state: Result<(), String>) {
        self.conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, state);
    }

    /// # Errors
    /// A line `name: why` for each condition that does not hold.
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
            if let Err(why) = state {
                let _ = writeln!(lines, "{name}: {}", one_line(why, WHY));
            }
        }
        if lines.is_empty() { Ok(()) } else { Err(lines) }
    }

    /// `/healthz` (200 while the process answers), `/readyz` (503 and what is missing), and `/metrics` where there is a
    /// registry to show.
    pub fn routes(&self, registry: Option<Arc<Registry>>) -> Router {
        let health = self.clone();
        let readyz = move || {
            let ready = health.ready();
            async move {
                ready.map_or_else(
                    |it| (StatusCode::SERVICE_UNAVAILABLE, it),
                    |()| (StatusCode::OK, "ok\n".into()),
                )
            }
        };
        let routes = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz));
        let Some(registry) = registry else {
            return routes;
        };
        let metrics = move || {
            let answer = metrics(&registry);
            async move { answer }
        };
        routes.route("/metrics", get(metrics))
    }
}

fn metrics(registry: &Arc<Registry>) -> Response {
    match text(registry) {
        Ok(text) => (
            [(
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, Shutdown};

    #[test]
    fn ready_when_all_holds_and_not_at_the_end() {
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
