//! The running operator: every part is built and joined, works until it is to end, and ends in order.
//!
//! It serves no metrics and no health, and knows no process: `own_process` and `gate_process` do.

use super::{
    counted_bindings::CountedBindings, event_sink::EventSink, library::LibraryFiles,
    operator_flags::OperatorFlags, prepared_operator::PreparedOperator,
    requested_scans::RequestedScans, resource_sink::ResourceSink, sink_metrics::SinkMetrics,
    store_flags::StorePlace, store_sink::StoreSink,
};
use crate::cli::{file_fingerprint::POLL_INTERVAL, signals::handle};
use anyhow::Context as _;
use kubevet_cluster::{
    self as cluster, ApiAccess, Cluster, Fence, LeaseConfig, LeaseHolder, RequestBudget,
};
use kubevet_model::ResultKind;
use kubevet_operator::{
    self as operator, LogSink, OperatorHandle, OperatorMetrics, OperatorParts, OperatorStatus,
    ResultSink,
};
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
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{info, warn};

/// The pause between two attempts to read the uid of the cluster.
const UID_PAUSE: Duration = Duration::from_secs(5);

/// The metrics of an operator. Clones share them.
#[derive(Clone)]
pub(super) struct RegisteredMetrics {
    operator: Arc<OperatorMetrics>,
    sinks: Arc<SinkMetrics>,
}

impl RegisteredMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        Self {
            operator: Arc::new(OperatorMetrics::register(registry)),
            sinks: Arc::new(SinkMetrics::register(registry)),
        }
    }
}

/// Everything that runs.
pub(super) struct RunningOperator {
    /// Ends with this.
    _requests: RequestedScans,
    bindings: CountedBindings,
    files: LibraryFiles,
    operator: OperatorHandle,
    lease: Option<LeaseHolder>,
    metrics: RegisteredMetrics,
}

impl RunningOperator {
    /// Builds every part and starts it.
    ///
    /// # Errors
    /// The operator cannot start.
    pub(super) async fn start(
        prepared: PreparedOperator,
        access: &ApiAccess,
        metrics: RegisteredMetrics,
    ) -> anyhow::Result<Self> {
        let PreparedOperator {
            settings,
            policy,
            fingerprint,
            schedule,
            place,
            kinds,
        } = prepared;
        let flags = &settings.flags;
        let budget = RequestBudget::new(flags.request_rate());
        let cluster = cluster::connect_within(access, Some(budget)).await?;
        let uid = cluster_uid(&cluster, !matches!(place, StorePlace::None)).await?;
        let identity = identity();
        let lease = hold_lease(flags, &cluster, &identity);
        let fence = lease
            .as_ref()
            .map_or_else(Fence::always_open, LeaseHolder::fence);
        let leadership = lease.as_ref().map(LeaseHolder::state);
        let resource = results_resource(&kinds);
        let mut sinks: Vec<Box<dyn ResultSink>> = Vec::new();
        sinks.extend(store_sink(flags, place, &uid, &cluster, &metrics).await?);
        sinks.extend(resource_sink(flags, kinds, &cluster, &fence, &metrics));
        if flags.events {
            let pod = env::var("POD_NAME").unwrap_or_default();
            let events = cluster.start_event_writer("kubevet.io/operator", &pod);
            sinks.push(Box::new(EventSink::new(events, Arc::clone(&metrics.sinks))));
        }
        sinks.extend(log_sink(flags.log_results.as_deref(), &identity)?);
        info!(
            controls = policy.controls.len(),
            replica = identity,
            server = cluster.server().url,
            "the operator starts"
        );
        let requests =
            RequestedScans::start(&cluster, fence.clone(), Arc::clone(&settings), resource);
        let operator = operator::start(OperatorParts {
            reading: flags.reading(&cluster.server().namespace),
            cluster: cluster.clone(),
            policy,
            schedule: Some(flags.jittered(schedule, &uid)),
            sinks,
            fence: fence.clone(),
            leadership,
            metrics: Arc::clone(&metrics.operator),
        });
        let bindings = CountedBindings::start(
            &cluster,
            fence,
            Arc::clone(&settings),
            pod_namespace(),
            operator.bindings(),
        );
        Ok(Self {
            _requests: requests,
            bindings,
            files: LibraryFiles::new(settings, fingerprint),
            operator,
            lease,
            metrics,
        })
    }

    /// Works until `end`, and reads library and params anew when they change, and at HUP. `report` is
    /// told each change of the state.
    ///
    /// # Errors
    /// The operator broke down, or signals cannot be watched.
    pub(super) async fn work_until(
        &mut self,
        end: impl Future<Output = ()>,
        report: impl Fn(&OperatorStatus),
    ) -> anyhow::Result<()> {
        tokio::pin!(end);
        let mut hangup = handle(SignalKind::hangup())?;
        let mut poll = interval(POLL_INTERVAL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut status = self.operator.status();
        loop {
            let forced = tokio::select! {
                () = &mut end => return Ok(()),
                changed = status.changed() => {
                    changed.context("the operator broke down")?;
                    let status = status.borrow_and_update();
                    if !status.is_leader {
                        // Another replica knows them.
                        self.metrics.sinks.set_oldest(&[]);
                    }
                    report(&status);
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
        }
    }

    /// Ends in an order in which another replica takes over only what this one has finished: what
    /// waits is written, and then the Lease is given up.
    pub(super) async fn stop(self) {
        self.operator.stop().await;
        if let Some(lease) = self.lease {
            lease.release().await;
        }
    }
}

/// Opens the store; `None` without one.
async fn store_sink(
    flags: &OperatorFlags,
    place: StorePlace,
    uid: &str,
    cluster: &Cluster,
    metrics: &RegisteredMetrics,
) -> anyhow::Result<Option<Box<dyn ResultSink>>> {
    let identity = ClusterIdentity {
        id: uid.to_owned(),
        name: cluster_name(flags, cluster),
    };
    let Some(options) = flags.store.options(place, identity)? else {
        return Ok(None);
    };
    let retention = flags.store.retention();
    let sink = StoreSink::open(options, retention, Arc::clone(&metrics.sinks)).await?;
    Ok(Some(Box::new(sink)))
}

/// Writes results as objects of these kinds; `None` without any.
fn resource_sink(
    flags: &OperatorFlags,
    kinds: Vec<ResultKind>,
    cluster: &Cluster,
    fence: &Fence,
    metrics: &RegisteredMetrics,
) -> Option<Box<dyn ResultSink>> {
    if kinds.is_empty() {
        return None;
    }
    Some(Box::new(ResourceSink::new(
        cluster.clone(),
        fence.clone(),
        kinds,
        &cluster_name(flags, cluster),
        &own_namespace(flags, cluster),
        Arc::clone(&metrics.sinks),
    )))
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
fn cluster_name(flags: &OperatorFlags, cluster: &Cluster) -> String {
    let server = cluster.server();
    let context = Some(&server.context).filter(|context| !context.is_empty());
    let name = flags.cluster_name.as_ref().or(context);
    name.unwrap_or(&server.url).clone()
}

/// Returns the namespace of this process: that of the Lease, and of results of objects outside
/// namespaces.
fn own_namespace(flags: &OperatorFlags, cluster: &Cluster) -> String {
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

fn hold_lease(flags: &OperatorFlags, cluster: &Cluster, identity: &str) -> Option<LeaseHolder> {
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
