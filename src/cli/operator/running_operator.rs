//! The running operator: every part is built and joined, works until a signal, and ends in order.

use super::{
    counted_bindings::CountedBindings, event_sink::EventSink, library::LibraryFiles,
    operator_flags::OperatorCommand, requested_scans::RequestedScans, resource_sink::ResourceSink,
    sink_metrics::SinkMetrics, store_flags::StorePlace, store_sink::StoreSink,
};
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
use kubevet_model::ResultKind;
use kubevet_operator::{
    self as operator, EvaluationPolicy, LogSink, OperatorHandle, OperatorMetrics, OperatorParts,
    OperatorStatus, ResultSink, Schedule,
};
use kubevet_server::{self as server, Drain, Health, ServerMetrics, Shutdown};
use kubevet_store::ClusterIdentity;
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
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{info, warn};

/// The time that the end may take before it is forced: results are written, the Lease is given up,
/// and logs are written.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(20);
/// The pause between two attempts to read the uid of the cluster.
const UID_PAUSE: Duration = Duration::from_secs(5);

/// Runs until a signal.
///
/// # Errors
/// The operator cannot start.
pub(super) async fn run(
    flags: OperatorCommand,
    access: &ApiAccess,
    policy: EvaluationPolicy,
    schedule: Schedule,
    place: StorePlace,
    kinds: Vec<ResultKind>,
    log: &ProgramLog,
) -> anyhow::Result<()> {
    let flags = Arc::new(flags);
    // Files that change until they are polled first are read once more.
    let fingerprint = file_fingerprint::of_metadata(flags.library.paths());
    let budget = RequestBudget::new(flags.request_rate());
    let cluster = cluster::connect_within(access, Some(budget)).await?;
    let mut registry = Registry::default();
    let metrics = Arc::new(OperatorMetrics::register(&mut registry));
    let sink_metrics = Arc::new(SinkMetrics::register(&mut registry));
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
    let uid = cluster_uid(&cluster, !matches!(place, StorePlace::None)).await?;
    let identity = identity();
    let lease = hold_lease(&flags, &cluster, &identity);
    let fence = lease
        .as_ref()
        .map_or_else(Fence::always_open, LeaseHolder::fence);
    let leadership = lease.as_ref().map(LeaseHolder::state);
    let mut sinks: Vec<Box<dyn ResultSink>> = Vec::new();
    let store = ClusterIdentity {
        id: uid.clone(),
        name: cluster_name(&flags, &cluster),
    };
    if let Some(options) = flags.store.options(place, store)? {
        let retention = flags.store.retention();
        let metrics = Arc::clone(&sink_metrics);
        let sink = StoreSink::open(options, retention, metrics).await?;
        sinks.push(Box::new(sink));
    }
    let resource = results_resource(&kinds);
    if !kinds.is_empty() {
        sinks.push(Box::new(ResourceSink::new(
            cluster.clone(),
            fence.clone(),
            kinds,
            &cluster_name(&flags, &cluster),
            &own_namespace(&flags, &cluster),
            Arc::clone(&sink_metrics),
        )));
    }
    if flags.events {
        let pod = env::var("POD_NAME").unwrap_or_default();
        let events = cluster.start_event_writer("kubevet.io/operator", &pod);
        sinks.push(Box::new(EventSink::new(events, Arc::clone(&sink_metrics))));
    }
    sinks.extend(log_sink(flags.log_results.as_deref(), &identity)?);
    info!(
        controls = policy.controls.len(),
        replica = identity,
        server = cluster.server().url,
        "the operator starts"
    );
    let requests = RequestedScans::start(&cluster, fence.clone(), Arc::clone(&flags), resource);
    let parts = OperatorParts {
        reading: flags.reading(&cluster.server().namespace),
        cluster: cluster.clone(),
        policy,
        schedule: Some(flags.jittered(schedule, &uid)),
        sinks,
        fence: fence.clone(),
        leadership,
        metrics,
    };
    let operator = operator::start(parts);
    let bindings = CountedBindings::start(
        &cluster,
        fence,
        Arc::clone(&flags),
        pod_namespace(),
        operator.bindings(),
    );
    let running = Running {
        _requests: requests,
        bindings,
        files: LibraryFiles::new(flags, fingerprint),
        operator,
        lease,
        health,
        shutdown,
        health_server,
        sink_metrics,
    };
    running.until_signal().await
}

/// Everything that runs.
struct Running {
    /// Ends with this.
    _requests: RequestedScans,
    bindings: CountedBindings,
    files: LibraryFiles,
    operator: OperatorHandle,
    lease: Option<LeaseHolder>,
    health: Health,
    shutdown: Shutdown,
    /// Resolves when the server of metrics and health has ended.
    health_server: Option<oneshot::Receiver<()>>,
    sink_metrics: Arc<SinkMetrics>,
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
                self.bindings.reload();
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
        if !status.is_leader {
            // Another replica knows them.
            self.sink_metrics.set_oldest(&[]);
        }
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

/// Returns what tells the cluster from others; its URL if that cannot be read. A store needs the uid,
/// and waits for an API server that does not answer.
///
/// # Errors
/// It is needed, and may not be read.
async fn cluster_uid(cluster: &Cluster, is_needed: bool) -> anyhow::Result<String> {
    loop {
        match cluster.uid().await {
            Ok(uid) => return Ok(uid),
            Err(error) if is_needed && error.is_forbidden() => {
                return Err(error).context(
                    "the store needs the uid of the namespace kube-system, which is that of the \
                     cluster: `kubevet manifests operator-rbac` prints the right, and `--store none` \
                     goes without",
                );
            }
            Err(error) if is_needed => {
                warn!("the uid of the cluster is not known: {error}; trying again");
                sleep(UID_PAUSE).await;
            }
            Err(error) => {
                warn!("the schedule is offset by the URL of the cluster, not by its uid: {error}");
                return Ok(cluster.server().url.clone());
            }
        }
    }
}

/// Returns the resource of the results of single objects, for those who ask for a scan.
fn results_resource(kinds: &[ResultKind]) -> Option<String> {
    let kind = kinds.first()?;
    Some(format!("{}.{}", kind.plural(), kind.group()))
}

/// Returns the name of the cluster for people.
fn cluster_name(flags: &OperatorCommand, cluster: &Cluster) -> String {
    let server = cluster.server();
    let context = Some(&server.context).filter(|context| !context.is_empty());
    let name = flags.cluster_name.as_ref().or(context);
    name.unwrap_or(&server.url).clone()
}

/// Returns the namespace of this process: that of the Lease, and of results of objects outside
/// namespaces.
fn own_namespace(flags: &OperatorCommand, cluster: &Cluster) -> String {
    let namespace = flags.lease_namespace.clone().or_else(pod_namespace);
    namespace.unwrap_or_else(|| cluster.server().namespace.clone())
}

/// Returns the namespace of this Pod; `None` outside a cluster.
fn pod_namespace() -> Option<String> {
    let namespace = env::var("POD_NAMESPACE").ok();
    namespace.filter(|name| !name.is_empty())
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
    let namespace = own_namespace(flags, cluster);
    let config = LeaseConfig::new(&namespace, &flags.lease, identity);
    Some(cluster.hold_lease(config))
}

fn log_sink(
    log_results: Option<&Path>,
    identity: &str,
) -> anyhow::Result<Option<Box<dyn ResultSink>>> {
    let Some(path) = log_results else {
        return Ok(None);
    };
    let out: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(io::stdout())
    } else {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Box::new(file.with_context(|| format!("cannot write results to {}", path.display()))?)
    };
    Ok(Some(Box::new(LogSink::new(out, identity))))
}
