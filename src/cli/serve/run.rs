//! The running server: background work until a signal, then an orderly shutdown.

use super::{
    OPERATOR_END_TIMEOUT, SHUTDOWN_FLUSH_TIMEOUT, SHUTDOWN_GRACE,
    cluster_watches::{ClusterGauges, ClusterWatches},
    failure_policy::{self, InstalledWebhooks},
    reload::LiveConfig,
    review_reports::ReviewReports,
};
use crate::cli::{
    file_fingerprint::POLL_INTERVAL,
    operator::StartedOperator,
    signals::{Termination, handle},
    watchdog,
};
use anyhow::Context as _;
use kubevet_cluster::{EventWriter, StoredBinding};
use kubevet_server::{Drain, Health, Shutdown, TlsSource};
use kubevet_webhook::Endpoint;
use std::{future, sync::Arc, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind},
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{Interval, MissedTickBehavior, interval},
};
use tracing::info;

/// Everything that runs.
pub(super) struct Running {
    pub(super) live: LiveConfig,
    /// What is watched in the cluster; `None` without a cluster.
    pub(super) watches: Option<ClusterWatches>,
    pub(super) gauges: ClusterGauges,
    pub(super) health: Health,
    pub(super) tls: TlsSource,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) events: Option<EventWriter>,
    /// `None` if the bindings are not in a cluster.
    pub(super) reports: Option<ReviewReports>,
    /// The webhook configuration of this server; `None` if it is not known.
    pub(super) webhooks: Option<InstalledWebhooks>,
    pub(super) shutdown: Shutdown,
    pub(super) drain_delay: Duration,
    pub(super) server: JoinHandle<()>,
    /// Resolves when the server of metrics and health has ended.
    pub(super) health_server: Option<oneshot::Receiver<()>>,
    /// The operator in this process; it ends by itself when the shutdown begins.
    pub(super) operator: Option<StartedOperator>,
}

/// Something that the running server reacts to.
enum Trigger {
    /// Files are to be polled.
    Poll,
    /// SIGHUP: everything is to be reloaded.
    Reload,
    /// The cluster's bindings have changed.
    Bindings,
    /// The namespaces were listed for the first time.
    NamespacesListed,
}

/// The cluster's bindings, as they change; `None` until they were listed.
type BindingsReceiver = watch::Receiver<Option<Arc<[StoredBinding]>>>;

/// The sources of triggers.
struct Triggers {
    hangup: Signal,
    poll: Interval,
    /// `None` if the bindings come from a folder.
    bindings: Option<BindingsReceiver>,
}

impl Triggers {
    fn register(bindings: Option<BindingsReceiver>) -> anyhow::Result<Self> {
        let mut poll = interval(POLL_INTERVAL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            hangup: handle(SignalKind::hangup())?,
            poll,
            bindings,
        })
    }

    /// Waits for the next trigger. `unlisted` are the watches whose namespaces were not listed yet.
    async fn next(&mut self, unlisted: Option<&ClusterWatches>) -> Trigger {
        let bindings_changed = async {
            match &mut self.bindings {
                Some(receiver) => receiver.changed().await.is_ok(),
                None => future::pending().await,
            }
        };
        let namespaces_listed = async {
            match unlisted {
                Some(watches) => watches.namespaces.synced().await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            _ = self.poll.tick() => Trigger::Poll,
            _ = self.hangup.recv() => Trigger::Reload,
            // A channel that is closed disables this branch.
            true = bindings_changed => Trigger::Bindings,
            () = namespaces_listed => Trigger::NamespacesListed,
        }
    }

    /// Returns the bindings of the last change.
    fn take_bindings(&mut self) -> Option<Arc<[StoredBinding]>> {
        let receiver = self.bindings.as_mut()?;
        receiver.borrow_and_update().clone()
    }
}

impl Running {
    /// Works in the background of the requests until the process is asked to end.
    ///
    /// # Errors
    /// The signals cannot be watched.
    pub(super) async fn until_signal(&mut self) -> anyhow::Result<()> {
        let receiver = self.watches.as_ref().and_then(ClusterWatches::receiver);
        if receiver.is_none() {
            self.health.set("bindings", Ok(()));
        }
        if self.watches.is_none() {
            self.health.set("namespaces", Ok(()));
        }
        // The watchdog comes before the runtime's handlers: from then on, nothing else ends a
        // process that hangs.
        let deadline = self.drain_delay.max(Drain::default().deadline) + SHUTDOWN_GRACE;
        watchdog::start(deadline).context("the signals cannot be watched")?;
        let triggers = Triggers::register(receiver)?;
        let mut termination = Termination::register()?;
        // Failure policies that an earlier shutdown has relaxed are restored meanwhile.
        let webhooks = self.webhooks.clone();
        let restored = async {
            if let Some(webhooks) = &webhooks {
                failure_policy::restore(webhooks).await;
            }
            future::pending::<()>().await;
        };
        // A signal interrupts any reaction, such as a reload.
        tokio::select! {
            signal = termination.wait() => info!("{signal}: answering what is under way"),
            () = self.react(triggers) => {}
            () = restored => {}
        }
        Ok(())
    }

    /// Reacts to triggers. It never returns.
    async fn react(&mut self, mut triggers: Triggers) {
        let mut are_namespaces_listed = self.watches.is_none();
        let mut are_bindings_complete = false;
        loop {
            let unlisted = self.watches.as_ref().filter(|_| !are_namespaces_listed);
            match triggers.next(unlisted).await {
                Trigger::Poll => self.live.poll_files(false).await,
                Trigger::Reload => {
                    info!("HUP: reading everything anew");
                    self.tls.request_poll();
                    self.endpoint.reopen();
                    self.live.poll_files(true).await;
                }
                Trigger::Bindings => {
                    if let Some(stored) = triggers.take_bindings() {
                        self.live.apply_cluster_bindings(stored);
                        // A server that is ready stays ready: it answers by the bindings that it
                        // has.
                        are_bindings_complete |= self.live.check_complete().is_ok();
                        let status = if are_bindings_complete {
                            Ok(())
                        } else {
                            self.live.check_complete()
                        };
                        self.health.set("bindings", status);
                    }
                }
                Trigger::NamespacesListed => {
                    are_namespaces_listed = true;
                    self.health.set("namespaces", Ok(()));
                }
            }
            self.update_gauges(are_namespaces_listed);
        }
    }

    fn update_gauges(&self, are_namespaces_listed: bool) {
        if let Some(watches) = &self.watches {
            self.gauges.set_namespace_age(watches.namespaces.age());
            if !are_namespaces_listed {
                let error = watches.namespaces.error();
                let error = error.unwrap_or_else(|| "not listed yet".to_owned());
                self.health.set("namespaces", Err(error));
            }
        }
        if let Some(events) = &self.events {
            self.gauges.set_dropped_events(events.dropped());
        }
    }

    /// Ends in an order in which no request is lost: requests in flight are answered, then the
    /// webhooks are relaxed if this was the last replica, then Events and logs are written.
    ///
    /// # Errors
    /// A server has panicked.
    pub(super) async fn shutdown(self) -> anyhow::Result<()> {
        self.shutdown.begin();
        self.server.await.context("the server broke down")?;
        if let Some(health_server) = self.health_server {
            health_server
                .await
                .context("the server of metrics broke down")?;
        }
        if let Some(webhooks) = &self.webhooks {
            failure_policy::relax(webhooks).await;
        }
        if let Some(reports) = self.reports {
            reports.flush(SHUTDOWN_FLUSH_TIMEOUT).await;
        }
        if let Some(operator) = self.operator {
            operator.wait_for_end(OPERATOR_END_TIMEOUT).await;
        }
        if let Some(events) = self.events {
            events.flush(SHUTDOWN_FLUSH_TIMEOUT).await;
        }
        tokio::task::block_in_place(|| self.endpoint.flush(SHUTDOWN_FLUSH_TIMEOUT));
        info!("ended");
        Ok(())
    }
}
