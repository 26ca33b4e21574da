//! Builds every part of the server and joins them: library, cluster, certificates, webhook,
//! listeners.

use super::{
    FILE_POLL_INTERVAL, RECONCILE_INTERVAL,
    certificates::{CertificateLocation, WebhookCertificates},
    cluster_watches::{CachedLookup, ClusterGauges, ClusterWatches},
    events,
    failure_policy::InstalledWebhooks,
    flags::{CertificateFlags, ClusterFlags, ListenFlags, LogFlags, ServeCommand},
    program_log::ProgramLog,
    reload::LiveConfig,
    run::Running,
};
use crate::cli::policy_flags::{EnforcementConfig, EnforcementFlags};
use anyhow::Context as _;
use kubevet_cluster::{self as cluster, ApiAccess, EventWriter, Installation};
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::KindSelector;
use kubevet_server::{
    self as server, CertificateRenewer, ClientAuthConfig, ConnectionLimits, Drain, Health,
    Listener, ServerMetrics, Shutdown, TlsSource,
};
use kubevet_webhook::{
    self as webhook, Capacity, DecisionLog, Endpoint, LogOutput, NamespaceLookup, Recorder,
    WebhookMetrics,
};
use prometheus_client::registry::Registry;
use std::{
    collections::BTreeSet, env, fs::File, io, net::SocketAddr, os::fd::AsFd as _, path::Path,
    sync::Arc,
};
use time::OffsetDateTime;
use tracing::info;

/// Builds the server and starts it.
///
/// # Errors
/// The cluster cannot be reached, there is no certificate, or an address or a log cannot be opened.
pub(super) async fn wire(
    command: ServeCommand,
    config: EnforcementConfig,
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
    let live = LiveConfig::new(
        Arc::new(command.enforcement),
        config,
        cluster.clone(),
        installation.clone(),
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

    let location = CertificateLocation::new(
        &command.certificates,
        namespace.as_deref(),
        cluster.as_ref(),
    )?;
    let store = Arc::new(WebhookCertificates {
        location,
        webhooks: webhooks.clone(),
    });
    let (renewer, tls) = certificates(
        command.certificates,
        namespace.as_deref(),
        &store,
        &server_metrics,
    )
    .await?;

    let shutdown = Shutdown::new(Drain {
        delay: command.drain_delay,
        ..Drain::default()
    });
    let health = health(&shutdown);
    let events = cluster.as_ref().map(|cluster| {
        let pod = env::var("POD_NAME").unwrap_or_default();
        cluster.start_event_writer(&pod)
    });
    let endpoint = Arc::new(endpoint(
        &command.logs,
        &live,
        watches.as_ref(),
        events.as_ref(),
        metrics,
    )?);

    let ca_file = store.ca_file();
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
    spawn_certificate_tasks(renewer, store, &tls);
    log_addresses(address, &hint, ca_file.as_deref());
    Ok(Running {
        live,
        watches,
        gauges,
        health,
        tls,
        endpoint,
        events,
        webhooks,
        shutdown,
        drain_delay: command.drain_delay,
        server,
        health_server,
    })
}

/// Logs the URL of the webhook, what it enforces, and a command to try it.
fn log_addresses(address: SocketAddr, hint: &str, ca_file: Option<&Path>) {
    info!("listening on https://{address}/validate");
    info!("{hint}");
    if let Some(ca) = ca_file {
        let port = address.port();
        info!(
            "try it: kubevet review --request FILE.yaml | curl -s --cacert {} --data-binary @- \
             https://localhost:{port}/validate",
            ca.display()
        );
    }
}

impl ClusterFlags {
    /// Returns how the cluster is reached; `None` if there is none.
    pub(super) fn api_access(&self) -> Option<ApiAccess> {
        match &self.kubeconfig {
            Some(file) => Some(ApiAccess::Kubeconfig(file.clone())),
            None => env::var_os("KUBERNETES_SERVICE_HOST").map(|_| ApiAccess::InCluster),
        }
    }

    /// Returns the installation that this server is part of, if its webhook configuration is known.
    fn installation(&self, namespace: Option<String>) -> Option<Installation> {
        Some(Installation {
            configuration: self.webhook_configuration.clone()?,
            namespace,
            deployment: self.deployment.clone(),
        })
    }
}

/// Loads or issues the certificates.
async fn certificates(
    flags: CertificateFlags,
    namespace: Option<&str>,
    store: &Arc<WebhookCertificates>,
    metrics: &ServerMetrics,
) -> anyhow::Result<(CertificateRenewer<WebhookCertificates>, TlsSource)> {
    let mut names = flags.tls_name;
    names.extend(namespace.map(|namespace| format!("kubevet.{namespace}.svc")));
    let names = server::leaf_names(&names)?;
    let renewer = CertificateRenewer::new(Arc::clone(store), names, flags.ca_overlap);
    let bundle = renewer
        .reconcile(OffsetDateTime::now_utc())
        .await
        .context("the certificates cannot be had")?;
    let client_auth = ClientAuthConfig {
        ca_file: flags.client_ca,
        common_names: flags.client_name,
    };
    let tls = TlsSource::new(&bundle, client_auth, metrics.clone()).await?;
    Ok((renewer, tls))
}

/// Spawns the tasks that renew the certificates, and that reload them when they change.
fn spawn_certificate_tasks(
    renewer: CertificateRenewer<WebhookCertificates>,
    store: Arc<WebhookCertificates>,
    tls: &TlsSource,
) {
    let renewer_tls = tls.clone();
    tokio::spawn(async move { renewer.run(&renewer_tls, RECONCILE_INTERVAL).await });
    let tls = tls.clone();
    tokio::spawn(async move { tls.watch(&*store, FILE_POLL_INTERVAL).await });
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
        KindSelector::Kind(kind) => Some(kind.name.clone()),
        KindSelector::Workloads => None,
    });
    let workloads = WORKLOADS.iter().map(|workload| workload.name.to_owned());
    named.chain(workloads).collect()
}

/// Returns the log line that says what is enforced, and how to enforce more.
fn enforcement_hint(
    flags: &EnforcementFlags,
    config: &EnforcementConfig,
    has_cluster: bool,
) -> String {
    let Some(bindings) = &config.bindings else {
        let hint = if has_cluster {
            "ControlBindings are taken from the cluster; as long as there are none, everything is judged, \
             nothing denied, and findings of high and critical severity are warned of"
        } else {
            "no binding: everything is judged, nothing is denied, and findings of high and critical severity \
             are warned of; to enforce, write a ControlBinding into a folder and start with --bindings \
             FOLDER (kubevet serve --help shows one)"
        };
        return hint.to_owned();
    };
    let folder = flags.bindings.as_ref();
    let folder = folder.map(|folder| folder.display().to_string());
    let names: Vec<&str> = bindings
        .iter()
        .map(|binding| binding.name.as_str())
        .collect();
    format!(
        "bindings of {} in force: {}",
        folder.unwrap_or_default(),
        names.join(", ")
    )
}
