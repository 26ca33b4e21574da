//! The running operator: every part is built and joined, works until a signal, and ends in order.

use super::{library::LibraryFiles, operator_flags::OperatorCommand};
use crate::cli::{
    file_fingerprint,
    program_log::ProgramLog,
    serve::FILE_POLL_INTERVAL,
    signals::{Termination, handle},
    watchdog,
};
use anyhow::Context as _;
use kubevet_cluster::{
    self as cluster, ApiAccess, Cluster, Fence, LeaseConfig, LeaseHolder, RequestBudget,
};
use kubevet_operator::{
    self as operator, EvaluationPolicy, LogSink, OperatorHandle, OperatorMetrics, OperatorParts,
    OperatorStatus, ResultSink, Schedule,
};
use kubevet_server::{self as server, Drain, Health, ServerMetrics, Shutdown};
use prometheus_client::registry::Registry;
use std::{
    env,
    fs::OpenOptions,
    hash::{BuildHasher as _, RandomState},
    io::{self, Write},
    path::Path,
    process,
    sync::Arc,
    time::Duration,
};
use tokio::{
    signal::unix::SignalKind,
    sync::oneshot,
    time::{MissedTickBehavior, interval},
};
use tracing::{info, warn};

/// The time that the end may take before it is forced: results are written, the Lease is given up,
/// and logs are written.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(20);

/// Runs until a signal.
///
/// # Errors
/// The operator cannot start.
pub(super) async fn run(
    flags: OperatorCommand,
    access: &ApiAccess,
    policy: EvaluationPolicy,
    schedule: Schedule,
    log: &ProgramLog,
) -> anyhow::Result<()> {
    let flags = Arc::new(flags);
    // Files that change until they are polled first are read once more.
    let fingerprint = file_fingerprint::of_metadata(flags.library.paths());
    let budget = RequestBudget::new(flags.request_rate());
    let cluster = cluster::connect_within(access, Some(budget)).await?;
    let mut registry = Registry::default();
    let metrics = Arc::new(OperatorMetrics::register(&mut registry));
    let server_metrics = ServerMetrics::register(&mut registry);
    log.register(&mut registry);
    let shutdown = Shutdown::new(Drain {
        delay: Duration::ZERO,
        ..Drain::default()
    });
    let health = Health::new(&["library", "objects"], shutdown.clone());
    health.set("library", Ok(()));
    let health_server = match flags.metrics_listen {
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
    let uid = cluster_uid(&cluster).await;
    let identity = identity();
    let lease = hold_lease(&flags, &cluster, &identity);
    let sinks = sinks(flags.log_results.as_deref(), &identity)?;
    info!(
        controls = policy.controls.len(),
        replica = identity,
        server = cluster.server().url,
        "the operator starts"
    );
    let parts = OperatorParts {
        reading: flags.reading(&cluster.server().namespace),
        cluster,
        policy,
        schedule: Some(flags.jittered(schedule, &uid)),
        sinks,
        fence: lease
            .as_ref()
            .map_or_else(Fence::always_open, LeaseHolder::fence),
        leadership: lease.as_ref().map(LeaseHolder::state),
        metrics,
    };
    let running = Running {
        files: LibraryFiles::new(flags, fingerprint),
        operator: operator::start(parts),
        lease,
        health,
        shutdown,
        health_server,
    };
    running.until_signal().await
}

/// Everything that runs.
struct Running {
    files: LibraryFiles,
    operator: OperatorHandle,
    lease: Option<LeaseHolder>,
    health: Health,
    shutdown: Shutdown,
    /// Resolves when the server of metrics and health has ended.
    health_server: Option<oneshot::Receiver<()>>,
}

impl Running {
    async fn until_signal(mut self) -> anyhow::Result<()> {
        // The watchdog comes before the runtime's handlers: from then on, nothing else ends a
        // process that hangs.
        watchdog::start(SHUTDOWN_DEADLINE).context("the signals cannot be watched")?;
        let mut termination = Termination::register()?;
        let mut hangup = handle(SignalKind::hangup())?;
        let mut poll = interval(FILE_POLL_INTERVAL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut status = self.operator.status();
        let signal = loop {
            let forced = tokio::select! {
                signal = termination.wait() => break signal,
                changed = status.changed() => {
                    changed.context("the operator broke down")?;
                    self.set_health(&status.borrow_and_update());
                    continue;
                }
                _ = hangup.recv() => {
                    info!("HUP: reading library and params anew");
                    true
                }
                _ = poll.tick() => false,
            };
            if let Some(policy) = self.files.poll(forced).await {
                self.operator.replace_policy(policy).await?;
            }
        };
        info!("{signal}: writing what waits");
        self.shutdown().await
    }

    fn set_health(&self, status: &OperatorStatus) {
        let objects = match (&status.error, status.is_synced) {
            (_, true) => Ok(()),
            (Some(error), false) => Err(error.clone()),
            (None, false) => Err("not all objects were read yet".to_owned()),
        };
        self.health.set("objects", objects);
    }

    /// Ends in an order in which another replica takes over only what this one has finished.
    async fn shutdown(self) -> anyhow::Result<()> {
        self.shutdown.begin();
        self.operator.stop().await;
        if let Some(lease) = self.lease {
            lease.release().await;
        }
        if let Some(health_server) = self.health_server {
            health_server
                .await
                .context("the server of metrics broke down")?;
        }
        info!("ended");
        Ok(())
    }
}

/// Returns what tells the cluster from others; its URL if that cannot be read.
async fn cluster_uid(cluster: &Cluster) -> String {
    match cluster.uid().await {
        Ok(uid) => uid,
        Err(error) => {
            warn!("the schedule is offset by the URL of the cluster, not by its uid: {error}");
            cluster.server().url.clone()
        }
    }
}

/// Returns a name of this replica that no other one has, not even the one before it in the same Pod.
fn identity() -> String {
    let name = env::var("POD_NAME").ok().filter(|name| !name.is_empty());
    let name = name.or_else(|| env::var("HOSTNAME").ok());
    let random = RandomState::new().hash_one(process::id());
    format!(
        "{}_{random:016x}",
        name.unwrap_or_else(|| "kubevet".to_owned())
    )
}

fn hold_lease(flags: &OperatorCommand, cluster: &Cluster, identity: &str) -> Option<LeaseHolder> {
    if flags.no_leader_election {
        return None;
    }
    let own = env::var("POD_NAMESPACE")
        .ok()
        .filter(|name| !name.is_empty());
    let namespace = flags.lease_namespace.clone().or(own);
    let namespace = namespace.unwrap_or_else(|| cluster.server().namespace.clone());
    let config = LeaseConfig::new(&namespace, &flags.lease, identity);
    Some(cluster.hold_lease(config))
}

fn sinks(log_results: Option<&Path>, identity: &str) -> anyhow::Result<Vec<Box<dyn ResultSink>>> {
    let Some(path) = log_results else {
        return Ok(Vec::new());
    };
    let out: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(io::stdout())
    } else {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Box::new(file.with_context(|| format!("cannot write results to {}", path.display()))?)
    };
    Ok(vec![Box::new(LogSink::new(out, identity))])
}
