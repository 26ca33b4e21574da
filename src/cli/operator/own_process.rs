//! The operator as a process of its own: it serves metrics and health, and ends at a signal.

use super::{
    prepared_operator::PreparedOperator,
    running_operator::{RegisteredMetrics, RunningOperator},
};
use crate::cli::{program_log::ProgramLog, signals::Termination, watchdog};
use anyhow::Context as _;
use kubevet_cluster::ApiAccess;
use kubevet_operator::OperatorStatus;
use kubevet_server::{self as server, Drain, Health, ServerMetrics, Shutdown};
use prometheus_client::registry::Registry;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tracing::info;

/// The time that the end may take before it is forced: results are written, the Lease is given up,
/// and logs are written.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(20);

/// Runs until a signal.
///
/// # Errors
/// The operator cannot start, or it broke down.
pub(super) async fn run(
    prepared: PreparedOperator,
    access: &ApiAccess,
    metrics_listen: Option<SocketAddr>,
    log: &ProgramLog,
) -> anyhow::Result<()> {
    let mut registry = Registry::default();
    let metrics = RegisteredMetrics::register(&mut registry);
    let server_metrics = ServerMetrics::register(&mut registry);
    log.register(&mut registry);
    let shutdown = Shutdown::new(Drain {
        delay: Duration::ZERO,
        ..Drain::default()
    });
    let health = Health::new(&["library", "objects"], shutdown.clone());
    health.set("library", Ok(()));
    let health_server = match metrics_listen {
        Some(address) => {
            let routes = health.routes(Some(Arc::new(registry)));
            let ended = server::spawn_health_server(
                address,
                false,
                server_metrics,
                routes,
                shutdown.clone(),
            );
            Some(ended.with_context(|| format!("cannot listen on {address}"))?)
        }
        None => None,
    };
    let mut running = RunningOperator::start(prepared, access, metrics).await?;
    // The watchdog comes before the runtime's handlers: from then on, nothing else ends a
    // process that hangs.
    watchdog::start(SHUTDOWN_DEADLINE).context("the signals cannot be watched")?;
    let mut termination = Termination::register()?;
    let end = async {
        let signal = termination.wait().await;
        info!("{signal}: writing what waits");
    };
    running
        .work_until(end, |status| health.set("objects", are_read(status)))
        .await?;
    shutdown.begin();
    running.stop().await;
    if let Some(health_server) = health_server {
        health_server
            .await
            .context("the server of metrics broke down")?;
    }
    info!("ended");
    Ok(())
}

/// Returns why not all objects were read.
fn are_read(status: &OperatorStatus) -> Result<(), String> {
    match (&status.error, status.is_synced) {
        (_, true) => Ok(()),
        (Some(error), false) => Err(error.clone()),
        (None, false) => Err("not all objects were read yet".to_owned()),
    }
}
