//! Builds every part of the server and joins them: library, cluster, certificates, webhook,
//! listeners.

use super::{
    certificates::Certificates,
    cluster_watches::{CachedLookup, ClusterGauges, ClusterWatches},
    events,
    failure_policy::InstalledWebhooks,
    flags::{ListenFlags, LogFlags, ServeCommand},
    reload::{LiveConfig, StatusWriter},
    review_reports::ReviewReports,
    run::Running,
    startup_log::{enforcement_hint, log_addresses},
};
use crate::cli::{
    operator::OperatorOfGate, policy_flags::EnforcementConfig, program_log::ProgramLog,
};
use anyhow::Context as _;
use kubevet_cluster::{self as cluster, EventWriter};
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::KindSelector;
use kubevet_server::{
    self as server, ConnectionLimits, Drain, Health, Listener, ServerMetrics, Shutdown,
};
use kubevet_webhook::{
    self as webhook, Capacity, DecisionLog, Endpoint, LogOutput, NamespaceLookup, Recorder,
    WebhookMetrics,
};
use prometheus_client::registry::Registry;
use std::{collections::BTreeSet, env, fs::File, io, os::fd::AsFd as _, path::Path, sync::Arc};
use tracing::info;

/// Builds the server and starts it.
///
/// # Errors
/// The cluster cannot be reached, there is no certificate, or an address or a log cannot be opened.
pub(super) async fn wire(
    command: ServeCommand,
    config: EnforcementConfig,
    operator: Option<OperatorOfGate>,
    program_log: &ProgramLog,
) -> anyhow::Result<Running> {
    let cluster = match command.cluster.api_access() {
        Some(access) => Some(cluster::connect(&access).await?),
        None => None,
    };
    let mut registry = Registry::default();
    let metrics = Arc::new(WebhookMetrics::new(&mut registry, known_kinds(&config)));
    let gauges = ClusterGauges::register(&mut registry);
    let server_metrics = ServerMetrics::register(&mut registry);
    program_log.register(&mut registry);

    let namespace = env::var("POD_NAMESPACE").ok();
    let namespace = namespace.filter(|namespace| !namespace.is_empty());
    let installation = command.cluster.installation(namespace.clone());
    let watches = cluster
        .as_ref()
        .map(|cluster| ClusterWatches::start(cluster, command.enforcement.bindings.is_none()));
    let hint = enforcement_hint(&command.enforcement, &config, watches.is_some());
    let status_writer = cluster
        .clone()
        .map(|cluster| StatusWriter::start(cluster, installation.clone()));
    let live = LiveConfig::new(
        Arc::new(command.enforcement),
        config,
        status_writer,
        namespace.iter().cloned().collect(),
        Arc::clone(&metrics),
    );
    let webhooks = cluster
        .clone()
        .zip(installation)
        .map(|(cluster, installation)| InstalledWebhooks {
            cluster,
            installation,
        });

    let certificates = Certificates::open(
        command.certificates,
        namespace.as_deref(),
        cluster.as_ref(),
        webhooks.clone(),
        &server_metrics,
    )
    .await?;
    let tls = certificates.tls.clone();

    let shutdown = Shutdown::new(Drain {
        delay: command.drain_delay,
        ..Drain::default()
    });
    let health = health(&shutdown);
    let operator = operator.map(|operator| operator.register(&mut registry));
    let events = cluster.as_ref().map(|cluster| {
        let pod = env::var("POD_NAME").unwrap_or_default();
        cluster.start_event_writer("kubevet.io/admission", &pod)
    });
    let stored = watches.as_ref().and_then(ClusterWatches::receiver);
    let reports = cluster
        .clone()
        .filter(|_| stored.is_some())
        .map(|cluster| ReviewReports::start(cluster, Arc::clone(&metrics)));
    let endpoint = Arc::new(endpoint(
        &command.logs,
        &live,
        watches.as_ref(),
        events.as_ref(),
        metrics,
    )?);

    let ca_file = certificates.ca_file();
    let mut routes = webhook::router(Arc::clone(&endpoint));
    let listener = listen(&command.listen, &server_metrics)?;
    let address = listener.address()?;
    let health_server = match command.listen.metrics_listen {
        Some(address) => {
            let is_shared = command.listen.share_port;
            let routes = health.routes(Some(Arc::new(registry)));
            let ended = server::spawn_health_server(
                address,
                is_shared,
                server_metrics,
                routes,
                shutdown.clone(),
            );
            Some(ended.with_context(|| format!("cannot listen on {address}"))?)
        }
        None => {
            // Whoever can reach the webhook can read its health, but not its metrics.
            routes = routes.merge(health.routes(None));
            None
        }
    };
    let server = server::serve_tls(listener, tls.clone(), routes, shutdown.clone());
    let server = tokio::spawn(server);
    certificates.spawn_tasks();
    log_addresses(address, &hint, ca_file.as_deref());
    // Last: the operator runs only beside a gate that answers.
    let operator = match operator {
        Some(operator) => Some(operator.start(shutdown.clone())?),
        None => None,
    };
    Ok(Running {
        live,
        watches,
        gauges,
        health,
        tls,
        endpoint,
        events,
        reports,
        webhooks,
        shutdown,
        drain_delay: command.drain_delay,
        server,
        health_server,
        operator,
    })
}

/// Creates the health of the parts. Certificates and library are loaded already.
fn health(shutdown: &Shutdown) -> Health {
    let parts = ["certificates", "library", "bindings", "namespaces"];
    let health = Health::new(&parts, shutdown.clone());
    health.set("certificates", Ok(()));
    health.set("library", Ok(()));
    health
}

fn endpoint(
    flags: &LogFlags,
    live: &LiveConfig,
    watches: Option<&ClusterWatches>,
    events: Option<&EventWriter>,
    metrics: Arc<WebhookMetrics>,
) -> anyhow::Result<Endpoint> {
    let output = decision_log_output(&flags.decision_log)?;
    let namespaces = watches.map(|watches| {
        Box::new(CachedLookup(watches.namespaces.clone())) as Box<dyn NamespaceLookup>
    });
    Ok(Endpoint {
        snapshot: Arc::clone(&live.snapshot),
        decision_log: Some(DecisionLog::new(output, flags.decision_sample, &metrics)),
        recorder: recorder(flags.record.as_deref(), &metrics)?,
        namespaces,
        observer: events.cloned().map(events::denial_observer),
        capacity: Capacity::default(),
        metrics,
    })
}

/// Binds the listener of the webhook, with as many connections as the descriptors allow.
fn listen(flags: &ListenFlags, metrics: &ServerMetrics) -> anyhow::Result<Listener> {
    let descriptors = server::raise_descriptor_limit();
    let max_connections = descriptors.max_connections();
    info!(
        "{} descriptors may be open: at most {max_connections} connections",
        descriptors.current
    );
    let limits = ConnectionLimits {
        max_connections,
        ..ConnectionLimits::default()
    };
    let (listener, hint) = if flags.share_port {
        (
            Listener::bind_shared(flags.listen, limits, metrics.clone()),
            "",
        )
    } else {
        (
            Listener::bind(flags.listen, limits, metrics.clone()),
            " (--share-port lets two gates share it)",
        )
    };
    listener.with_context(|| format!("cannot listen on {}{hint}", flags.listen))
}

fn decision_log_output(path: &Path) -> anyhow::Result<LogOutput> {
    if path == Path::new("-") {
        // A descriptor of its own instead of `io::stdout`, whose lock a blocked writer would hold.
        let descriptor = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .context("cannot write to standard output")?;
        return Ok(LogOutput::stream(File::from(descriptor)));
    }
    LogOutput::file(path)
        .with_context(|| format!("cannot write the decision log {}", path.display()))
}

fn recorder(folder: Option<&Path>, metrics: &WebhookMetrics) -> anyhow::Result<Option<Recorder>> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let context = || format!("cannot record reviews into {}", folder.display());
    let recorder = Recorder::new(folder, metrics).with_context(context)?;
    Ok(Some(recorder))
}

/// Returns the kinds that have a label value of their own in metrics: those that a control applies
/// to.
fn known_kinds(config: &EnforcementConfig) -> BTreeSet<String> {
    let controls = config.library.controls.iter();
    let selectors = controls.flat_map(|source| &source.control.kinds);
    let named = selectors.filter_map(|selector| match selector {
        KindSelector::Kind(kind) | KindSelector::CustomWorkload(kind) => Some(kind.name.clone()),
        KindSelector::Workloads => None,
    });
    let workloads = WORKLOADS.iter().map(|workload| workload.name.to_owned());
    named.chain(workloads).collect()
}
