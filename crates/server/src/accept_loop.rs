//! The accept loop of a server, and the phases of its shutdown: accept on, refuse new handshakes,
//! close idle connections, abort the rest.

use std::{future::Future, io, net::IpAddr, time::Duration};

use axum::Router;
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{sleep, sleep_until, timeout_at},
};

use super::{
    connection::ConnectionContext, connection_slot::ConnectionSlots, listener::Listener,
    reserve_descriptor::ReserveDescriptor, shutdown::Shutdown, tls_source::TlsSource,
};

/// The pause after a failed `accept`, such as one for want of descriptors: it may have passed.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Serves `routes` over TLS (HTTP/2 and HTTP/1.1) until `shutdown` has begun and every call is
/// answered.
pub async fn serve_tls(listener: Listener, tls: TlsSource, routes: Router, shutdown: Shutdown) {
    serve(listener, Some(tls), routes, shutdown).await;
}

/// Serves `routes` as [`serve_tls`] does, without TLS and over HTTP/1.1 only: for metrics and
/// probes.
pub async fn serve_plain(listener: Listener, routes: Router, shutdown: Shutdown) {
    serve(listener, None, routes, shutdown).await;
}

async fn serve(listener: Listener, tls: Option<TlsSource>, routes: Router, shutdown: Shutdown) {
    let (close, closing) = watch::channel(false);
    let context = ConnectionContext {
        tls,
        routes: TowerToHyperService::new(routes),
        limits: listener.limits,
        slots: ConnectionSlots::new(listener.limits.max_connections),
        metrics: listener.metrics.clone(),
        shutdown: shutdown.clone(),
        closing,
    };
    let mut accept_loop = AcceptLoop {
        context,
        reserve: ReserveDescriptor::new(),
        connections: JoinSet::new(),
    };

    let begun_at = accept_loop.run_until(&listener, shutdown.begun()).await;
    let drain = shutdown.drain;
    // Callers that do not know of the shutdown yet are still served.
    accept_loop
        .run_until(&listener, sleep_until(begun_at + drain.delay))
        .await;
    // Connections whose handshake has begun still arrive in the queue.
    listener.drop_new_handshakes();
    accept_loop.run_until(&listener, sleep(drain.settle)).await;
    drop(listener);
    close.send_replace(true);
    let last = async { while accept_loop.connections.join_next().await.is_some() {} };
    if timeout_at(begun_at + drain.deadline, last).await.is_err() {
        tracing::warn!(
            "{} connections were still open at the end and are cut",
            accept_loop.connections.len()
        );
    }
}

/// Accepts the next connection, once there is a descriptor for it.
async fn accept_next(
    slots: &ConnectionSlots,
    listener: &Listener,
) -> io::Result<(TcpStream, IpAddr)> {
    slots.wait_for_closing().await;
    listener.accept().await
}

/// The connections accepted so far. Dropping it aborts them.
struct AcceptLoop {
    context: ConnectionContext,
    reserve: ReserveDescriptor,
    connections: JoinSet<()>,
}

impl AcceptLoop {
    /// Accepts connections until `end` resolves, and returns its value.
    async fn run_until<T>(&mut self, listener: &Listener, end: impl Future<Output = T>) -> T {
        tokio::pin!(end);
        loop {
            tokio::select! {
                ended = &mut end => return ended,
                accepted = accept_next(&self.context.slots, listener) => match accepted {
                    Ok((stream, address)) => self.spawn_connection(stream, address),
                    Err(error) => {
                        tracing::debug!("a connection could not be taken: {error}");
                        self.reserve.reject_queued(listener).await;
                        sleep(ACCEPT_RETRY_PAUSE).await;
                    }
                },
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    /// Serves a connection in a task of its own, or closes it where there is no slot.
    fn spawn_connection(&mut self, stream: TcpStream, address: IpAddr) {
        let metrics = &self.context.metrics;
        let Some(slot) = self.context.slots.acquire(address) else {
            metrics.refused_connections.inc();
            return;
        };
        let gauge_guard = GaugeGuard::new(&metrics.connections);
        let context = self.context.clone();
        self.connections.spawn(async move {
            context.serve(stream, slot).await;
            drop(gauge_guard);
        });
    }
}

/// Counts one open connection in a gauge until it is dropped.
struct GaugeGuard(Gauge);

impl GaugeGuard {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
