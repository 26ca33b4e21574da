//! `kubevet serve`: the gate as a process. It wires library, cluster, certificates and webhook together, and ends them
//! in an order in which no call is lost.

mod certificates;
mod events;
mod program_log;
mod reload;
#[cfg(test)]
mod tests;
mod watchdog;

use super::{exit_status::ExitStatus, policy_flags::EnforcementFlags, stderr};
use anyhow::{Context as _, bail};
use certificates::{GateCertificates, Place};
use clap::{Args, ValueEnum};
use kubevet_cluster::{
    self as cluster, ApiAccess, Cluster, ControlBindings, Installation, Namespaces, RelaxOutcome,
};
use kubevet_k8s::matching::Labels;
use kubevet_k8s::workload::WORKLOADS;
use kubevet_model::Kind;
use kubevet_server::{
    self as serve, CertificateRenewer, ClientAuthConfig, ConnectionLimits, DirStore, Drain, Health,
    Listener, Shutdown, TlsSource,
};
use kubevet_webhook::{
    self as webhook, Capacity, DecisionLog, Endpoint, LabelsFuture, LogOutput, NamespaceLookup,
    Recorder, WebhookMetrics,
};
use program_log::ProgramLog;
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use reload::LiveConfig;
use std::{
    collections::BTreeSet,
    env,
    fs::File,
    io,
    net::SocketAddr,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use time::OffsetDateTime;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};
use tracing::{error, info, warn};

/// Between two looks at files.
const LOOK: Duration = Duration::from_secs(2);
/// Between two turns of the certificates' keeper.
const KEEP: Duration = Duration::from_secs(15);
/// How long Events, and then the logs, may take at the end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How much longer than the drain an end may take before it is forced: the API server is told, Events and logs are
/// written. Drain and grace are less than the 40 s that the installation grants.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet serve                               judges everything, denies nothing, warns
  kubevet serve --bindings bindings/          enforces the ControlBindings of a folder
  kubevet serve --kubeconfig ~/.kube/config   takes them, and namespaces, from a cluster

Ask it without a cluster (pod.yaml is any manifest):
  kubevet review --request pod.yaml | curl -s --data-binary @- \\
    --cacert ~/.local/state/kubevet/tls/ca.crt https://localhost:8443/validate

Make an API server ask it:
  kubevet manifests webhook --url https://HOST:8443/validate --ca-file ca.crt \\
    | kubectl apply -f -

A binding is a file such as:
  apiVersion: kubevet.io/v1alpha1
  kind: ControlBinding
  metadata: {name: nsa}
  spec: {validationActions: [Deny], frameworks: [NSA]}

Signals: HUP reads library, bindings and certificates anew and opens the decision log anew; TERM answers what is under
way and ends.")]
pub(super) struct ServeCommand {
    /// Where to listen for the API server
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Where to serve /metrics, /healthz and /readyz without TLS; without it, health is served beside /validate and
    /// metrics nowhere
    #[arg(long, value_name = "ADDR")]
    metrics_listen: Option<SocketAddr>,
    /// Listen beside another gate that does so, too, until one of them ends: for an upgrade without a gap. Both must
    /// have the same certificates
    #[arg(long)]
    share_port: bool,
    #[command(flatten)]
    gate: EnforcementFlags,
    /// The cluster that namespaces and ControlBindings are taken from; in a Pod its own, elsewhere none
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,
    /// The ValidatingWebhookConfiguration that is kept trusting our certificates
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    webhook_configuration: Option<String>,
    /// The Deployment that this is part of: when it goes, webhooks that would block the cluster let go
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    deployment: Option<String>,
    /// Folder of ca.crt, tls.crt and tls.key, made where absent [default: kubevet/tls in the user's state folder]
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "tls_secret",
        help_heading = "Certificates"
    )]
    tls_dir: Option<PathBuf>,
    /// Secret of our namespace that holds them instead
    #[arg(long, value_name = "NAME", help_heading = "Certificates")]
    tls_secret: Option<String>,
    /// Names that the certificate carries besides localhost and, in a Pod, kubevet.NAMESPACE.svc
    #[arg(long, value_name = "NAME", help_heading = "Certificates")]
    tls_name: Vec<String>,
    /// How long a new CA is published before it signs
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration, help_heading = "Certificates")]
    ca_overlap: Duration,
    /// Ask callers for a certificate that one of these authorities signed
    #[arg(long, value_name = "FILE", help_heading = "Certificates")]
    client_ca: Option<PathBuf>,
    /// Only callers whose certificate bears this common name
    #[arg(
        long,
        value_name = "NAME",
        requires = "client_ca",
        help_heading = "Certificates"
    )]
    client_name: Vec<String>,
    /// How long new calls are still taken after TERM, for API servers that have not heard
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    drain_delay: Duration,
    /// Write each review to this folder, for `kubevet review`; Secrets without their data
    #[arg(long, value_name = "DIR", help_heading = "Logs")]
    record: Option<PathBuf>,
    /// Where decisions are written, a line of JSON each; - is standard output
    #[arg(long, value_name = "FILE", default_value = "-", help_heading = "Logs")]
    decision_log: PathBuf,
    /// Write one in so many clean decisions (0: none of them)
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Logs")]
    decision_sample: u64,
    /// The form of the program's own log, on standard error
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        help_heading = "Logs"
    )]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// `5s`, `250ms`, `1h`, `10m`.
fn duration(text: &str) -> Result<Duration, String> {
    let end = text
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let wrong = || format!("`{text}` is no time: write it like 5s, 250ms, 10m or 1h");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(millis)
        .map(Duration::from_millis)
        .ok_or_else(wrong)
}

impl ServeCommand {
    /// Serves until it is told to end.
    ///
    /// # Errors
    /// It could not begin: a broken library or binding, no certificate, an address in use.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        let (loaded, problems) = self.gate.load(self.access().is_some());
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        let log = ProgramLog::begin(self.log_format, is_colored());
        // One thread more than reviews that are judged at once: it takes in what waits, so that the fair queue and not the
        // order of arrival says whose turn it is.
        let threads = webhook::evaluation_concurrency() + 1;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?;
        let done = runtime.block_on(self.serve(loaded, &log));
        runtime.shutdown_timeout(Duration::from_secs(1));
        // Not by the caller: its standard error may make it wait for ever.
        let code = done.unwrap_or_else(|error| {
            log.say(&stderr::error_line(&error));
            ExitStatus::Failure
        });
        log.flush(LAST_WORDS);
        Ok(code)
    }

    async fn serve(
        self,
        loaded: super::policy_flags::EnforcementConfig,
        program_log: &ProgramLog,
    ) -> anyhow::Result<ExitStatus> {
        let cluster = match self.access() {
            Some(access) => Some(cluster::connect(&access).await?),
            None => None,
        };
        let mut registry = Registry::default();
        let metrics = Arc::new(WebhookMetrics::new(&mut registry, known_kinds(&loaded)));
        let gauges = Gauges::register(&mut registry);
        let served = serve::ServerMetrics::register(&mut registry);
        program_log.register(&mut registry);
        let namespace = env::var("POD_NAMESPACE").ok().filter(|it| !it.is_empty());
        let install = self.install(namespace.clone());
        let watched = cluster
            .as_ref()
            .map(|it| Watched::new(it, self.gate.bindings.is_none()));
        let says = self.how_to_enforce(&loaded, watched.is_some());
        let exempt = namespace.iter().cloned().collect();
        let flags = Arc::new(self.gate);
        let mut in_force = LiveConfig::new(
            flags,
            loaded,
            cluster.clone(),
            install.clone(),
            exempt,
            Arc::clone(&metrics),
        );

        let store = Arc::new(GateCertificates {
            place: place(
                self.tls_dir,
                self.tls_secret,
                namespace.as_deref(),
                cluster.as_ref(),
            )?,
            install: cluster.clone().zip(install.clone()),
        });
        let ca_file = store.ca_file();
        let renewer = CertificateRenewer::new(
            Arc::clone(&store),
            names(self.tls_name, namespace.as_deref())?,
            self.ca_overlap,
        );
        let held = renewer
            .reconcile(OffsetDateTime::now_utc())
            .await
            .context("the certificates cannot be had")?;
        let client_auth = ClientAuthConfig {
            ca_file: self.client_ca,
            common_names: self.client_name,
        };
        let tls = TlsSource::new(&held, client_auth, served.clone()).await?;

        let shutdown = Shutdown::new(Drain {
            delay: self.drain_delay,
            ..Drain::default()
        });
        let health = Health::new(
            &["certificates", "library", "bindings", "namespaces"],
            shutdown.clone(),
        );
        health.set("certificates", Ok(()));
        health.set("library", Ok(()));
        let events = cluster
            .as_ref()
            .map(|it| it.start_event_writer(&env::var("POD_NAME").unwrap_or_default()));
        let admission = Arc::new(Endpoint {
            snapshot: Arc::clone(&in_force.gate),
            decision_log: Some(DecisionLog::new(
                decisions(&self.decision_log)?,
                self.decision_sample,
                &metrics,
            )),
            recorder: recorder(self.record.as_deref(), &metrics)?,
            namespaces: watched.as_ref().map(|it| {
                Box::new(Lookup {
                    namespaces: it.namespaces.clone(),
                }) as Box<dyn NamespaceLookup>
            }),
            observer: events.clone().map(events::events),
            capacity: Capacity::default(),
            metrics,
        });

        let descriptors = serve::raise_descriptor_limit();
        let max_connections = descriptors.max_connections();
        info!(
            "{} descriptors may be open: at most {max_connections} connections",
            descriptors.current
        );
        let limits = ConnectionLimits {
            max_connections,
            ..ConnectionLimits::default()
        };
        let bind = if self.share_port {
            Listener::bind_shared
        } else {
            Listener::bind
        };
        let listener = bind(self.listen, limits, served.clone());
        let more = if self.share_port {
            ""
        } else {
            " (--share-port lets two gates share it)"
        };
        let listener =
            listener.with_context(|| format!("cannot listen on {}{more}", self.listen))?;
        let address = listener.address()?;
        let mut routes = webhook::router(Arc::clone(&admission));
        let mut plain = None;
        match self.metrics_listen {
            // Whoever may reach the webhook learns nothing of what it counts.
            None => routes = routes.merge(health.routes(None)),
            Some(address) => {
                let about = health.routes(Some(Arc::new(registry)));
                let listening = serve::spawn_health_server(
                    address,
                    self.share_port,
                    served.clone(),
                    about,
                    shutdown.clone(),
                );
                plain = Some(listening.with_context(|| format!("cannot listen on {address}"))?);
            }
        }
        let server = tokio::spawn(serve::serve_tls(
            listener,
            tls.clone(),
            routes,
            shutdown.clone(),
        ));
        tokio::spawn(keep(renewer, tls.clone()));
        tokio::spawn({
            let (tls, store) = (tls.clone(), Arc::clone(&store));
            async move { tls.watch(&*store, LOOK).await }
        });
        info!("listening on https://{address}/validate");
        info!("{says}");
        if let Some(ca) = &ca_file {
            let port = address.port();
            info!(
                "try it: kubevet review --request FILE.yaml | curl -s --cacert {} --data-binary @- \
                 https://localhost:{port}/validate",
                ca.display()
            );
        }
        let restored = restore(cluster.as_ref(), install.as_ref());
        let reread = || {
            tls.request_poll();
            admission.reopen();
        };
        let work = work(
            &mut in_force,
            watched,
            &health,
            &gauges,
            &reread,
            events.as_ref(),
        );
        // Before the runtime takes the signals: from here on nothing else ends a process that hangs.
        watchdog::begin(self.drain_delay.max(Drain::default().deadline) + GRACE)
            .context("the signals cannot be watched")?;
        tokio::select! {
            () = work => {}
            () = async { restored.await; std::future::pending::<()>().await } => {}
            ended = ended() => info!("{ended}: answering what is under way"),
        }
        shutdown.begin();
        server.await.context("the server broke down")?;
        if let Some(plain) = plain {
            plain.await.context("the server of metrics broke down")?;
        }
        if let Some((cluster, install)) = cluster.as_ref().zip(install.as_ref()) {
            release(cluster, install).await;
        }
        if let Some(events) = events {
            events.flush(LAST_WORDS).await;
        }
        tokio::task::block_in_place(|| admission.flush(LAST_WORDS));
        info!("ended");
        Ok(ExitStatus::Success)
    }

    fn access(&self) -> Option<ApiAccess> {
        match &self.kubeconfig {
            Some(file) => Some(ApiAccess::Kubeconfig(file.clone())),
            None => env::var_os("KUBERNETES_SERVICE_HOST").map(|_| ApiAccess::InCluster),
        }
    }

    fn install(&self, namespace: Option<String>) -> Option<Installation> {
        let configuration = self.webhook_configuration.clone()?;
        Some(Installation {
            configuration,
            namespace,
            deployment: self.deployment.clone(),
        })
    }

    fn how_to_enforce(
        &self,
        loaded: &super::policy_flags::EnforcementConfig,
        cluster: bool,
    ) -> String {
        match (&loaded.bindings, cluster) {
            (Some(bindings), _) => {
                let names: Vec<&str> = bindings.iter().map(|it| it.name.as_str()).collect();
                format!("bindings of {} in force: {}", shown(self.gate.bindings.as_deref()), names.join(", "))
            }
            (None, true) => {
                "ControlBindings are taken from the cluster; as long as there are none, everything is judged, \
                             nothing denied, and findings of high and critical severity are warned of"
                    .to_owned()
            }
            (None, false) => "no binding: everything is judged, nothing is denied, and findings of high and critical \
                              severity are warned of; to enforce, write a ControlBinding into a folder and start with \
                              --bindings FOLDER (kubevet serve --help shows one)"
                .to_owned(),
        }
    }
}

fn shown(path: Option<&Path>) -> String {
    path.map(|it| it.display().to_string()).unwrap_or_default()
}

/// What is watched in the cluster.
struct Watched {
    namespaces: Namespaces,
    /// `None` where a folder says what is enforced.
    bindings: Option<ControlBindings>,
}

impl Watched {
    fn new(cluster: &Cluster, bindings: bool) -> Self {
        Self {
            namespaces: cluster.watch_namespaces(),
            bindings: bindings.then(|| cluster.watch_control_bindings()),
        }
    }
}

/// Figures that are asked for, not counted.
struct Gauges {
    namespace_age_s: Gauge,
    events_dropped: Gauge,
}

impl Gauges {
    fn register(registry: &mut Registry) -> Self {
        let it = Self {
            namespace_age_s: Gauge::default(),
            events_dropped: Gauge::default(),
        };
        registry.register(
            "kubevet_namespace_cache_age_seconds",
            "Time since the API server was last heard about namespaces; -1 where it was never",
            it.namespace_age_s.clone(),
        );
        registry.register(
            "kubevet_events_dropped",
            "Events that were not written",
            it.events_dropped.clone(),
        );
        it
    }
}

/// What goes on beside the answers, until the process ends.
async fn work(
    in_force: &mut LiveConfig,
    watched: Option<Watched>,
    health: &Health,
    gauges: &Gauges,
    reread: &(dyn Fn() + Sync),
    events: Option<&cluster::EventWriter>,
) {
    let mut receiver = watched
        .as_ref()
        .and_then(|it| it.bindings.as_ref())
        .map(ControlBindings::receiver);
    if receiver.is_none() {
        health.set("bindings", Ok(()));
    }
    if watched.is_none() {
        health.set("namespaces", Ok(()));
    }
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut synced = watched.is_none();
    let mut complete = false;
    loop {
        let changed = async {
            match &mut receiver {
                Some(receiver) => receiver.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let synchronized = async {
            match &watched {
                Some(watched) if !synced => watched.namespaces.synced().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tick.tick() => in_force.look(false).await,
            _ = hangup.recv() => {
                info!("HUP: reading everything anew");
                reread();
                in_force.look(true).await;
            }
            true = changed => {
                let stored = receiver.as_mut().and_then(|it| it.borrow_and_update().clone());
                if let Some(stored) = stored {
                    in_force.take(stored).await;
                    // Only at the start: who is asked already answers by what it has.
                    complete = complete || in_force.complete().is_ok();
                    health.set("bindings", if complete { Ok(()) } else { in_force.complete() });
                }
            }
            () = synchronized => {
                synced = true;
                health.set("namespaces", Ok(()));
            }
        }
        if let Some(watched) = &watched {
            let age = watched.namespaces.age();
            gauges.namespace_age_s.set(
                age.and_then(|it| i64::try_from(it.as_secs()).ok())
                    .unwrap_or(-1),
            );
            if !synced {
                health.set(
                    "namespaces",
                    Err(watched
                        .namespaces
                        .error()
                        .unwrap_or_else(|| "not listed yet".to_owned())),
                );
            }
        }
        if let Some(events) = events {
            gauges
                .events_dropped
                .set(i64::try_from(events.dropped()).unwrap_or(i64::MAX));
        }
    }
}

async fn keep(renewer: CertificateRenewer<GateCertificates>, tls: TlsSource) {
    renewer.run(&tls, KEEP).await;
}

/// Puts back what an earlier end let go, as soon as the API server takes it.
async fn restore(cluster: Option<&Cluster>, install: Option<&Installation>) {
    let (Some(cluster), Some(install)) = (cluster, install) else {
        return;
    };
    loop {
        match cluster.restore_failure_policy(install).await {
            Ok(names) if names.is_empty() => return,
            Ok(names) => return info!("webhooks fail closed again: {}", names.join(", ")),
            Err(error) => {
                error!("what an earlier end let go cannot be put back (tried again soon): {error}")
            }
        }
        tokio::time::sleep(KEEP).await;
    }
}

async fn release(cluster: &Cluster, install: &Installation) {
    match cluster.relax_failure_policy(install).await {
        Ok(RelaxOutcome::Relaxed(names)) if !names.is_empty() => {
            warn!(
                "nobody of us stays: these webhooks no longer block the cluster: {}",
                names.join(", ")
            );
        }
        Ok(_) => {}
        Err(error) => warn!("it cannot be known whether somebody of us stays: {error}"),
    }
}

/// Resolves when the process is asked to end.
async fn ended() -> &'static str {
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return "no signals to wait for";
    };
    tokio::select! {
        _ = term.recv() => "TERM",
        _ = int.recv() => "INT",
    }
}

/// The watched cache, and the API server where it has nothing.
struct Lookup {
    namespaces: Namespaces,
}

impl NamespaceLookup for Lookup {
    fn cached(&self, name: &str) -> Option<Arc<Labels>> {
        self.namespaces.cached(name)
    }

    fn fetch<'l>(&'l self, name: &'l str, until: Instant) -> LabelsFuture<'l> {
        let within = until.saturating_duration_since(Instant::now());
        Box::pin(self.namespaces.get(name, within))
    }
}

fn place(
    tls_dir: Option<PathBuf>,
    tls_secret: Option<String>,
    namespace: Option<&str>,
    cluster: Option<&Cluster>,
) -> anyhow::Result<Place> {
    if let Some(secret) = tls_secret {
        let (Some(cluster), Some(namespace)) = (cluster, namespace) else {
            bail!(
                "--tls-secret needs a cluster, and POD_NAMESPACE to say in which namespace the Secret is"
            );
        };
        return Ok(Place::Secret(Box::new(
            cluster.certificate_secret(namespace, &secret),
        )));
    }
    let folder = tls_dir.or_else(state_folder).context(
        "there is no folder for the certificates: neither XDG_STATE_HOME nor HOME is set; name one with --tls-dir",
    )?;
    Ok(Place::Folder(DirStore::new(folder)))
}

/// Where programs keep state (XDG Base Directory Specification).
fn state_folder() -> Option<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|it| it.join(".local/state")))?;
    Some(state.join("kubevet/tls"))
}

fn names(mut extra: Vec<String>, namespace: Option<&str>) -> anyhow::Result<Vec<String>> {
    extra.extend(namespace.map(|it| format!("kubevet.{it}.svc")));
    Ok(serve::leaf_names(&extra)?)
}

fn decisions(path: &Path) -> anyhow::Result<LogOutput> {
    if path == Path::new("-") {
        // Not the library's standard output, which has a lock that a writer keeps while it waits.
        let descriptor = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .context("cannot write to standard output")?;
        return Ok(LogOutput::stream(File::from(descriptor)));
    }
    LogOutput::file(path)
        .with_context(|| format!("cannot write the decision log {}", path.display()))
}

/// Whether the program's log has colours.
fn is_colored() -> bool {
    io::IsTerminal::is_terminal(&io::stderr())
        && env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}

fn recorder(folder: Option<&Path>, metrics: &WebhookMetrics) -> anyhow::Result<Option<Recorder>> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let cannot = || format!("cannot record reviews into {}", folder.display());
    Ok(Some(Recorder::new(folder, metrics).with_context(cannot)?))
}

/// Kinds that get a label of their own in metrics: those that some control looks at.
fn known_kinds(loaded: &super::policy_flags::EnforcementConfig) -> BTreeSet<String> {
    let named = loaded
        .library
        .controls
        .iter()
        .flat_map(|it| &it.control.kinds)
        .filter_map(|it| match it {
            kubevet_model::KindSelector::Kind(Kind { name, .. }) => Some(name.clone()),
            kubevet_model::KindSelector::Workloads => None,
        });
    named
        .chain(WORKLOADS.iter().map(|it| it.name.to_owned()))
        .collect()
}
