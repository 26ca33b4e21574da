//! Taking connections, and the order in which a server ends: asked to leave, held back, closed, cut.

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
    connection::Context, listener::Listener, peer::Room, reserve_descriptor::Spare,
    shutdown::Shutdown, tls_source::TlsSource,
};

/// After a failure of the system's (too many open files): it may have passed.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves `routes` over TLS (HTTP/2 and HTTP/1.1) until `shutdown` has begun and every call is answered.
pub async fn listen(listener: Listener, tls: TlsSource, routes: Router, shutdown: Shutdown) {
    run(listener, Some(tls), routes, shutdown).await;
}

/// As [`listen`], without TLS and HTTP/1.1 only: for metrics and probes.
pub async fn listen_plain(listener: Listener, routes: Router, shutdown: Shutdown) {
    run(listener, None, routes, shutdown).await;
}

async fn run(listener: Listener, tls: Option<TlsSource>, routes: Router, shutdown: Shutdown) {
    let (close, closing) = watch::channel(false);
    let context = Context {
        tls,
        routes: TowerToHyperService::new(routes),
        limits: listener.limits,
        room: Room::new(listener.limits.connections),
        metrics: listener.metrics.clone(),
        shutdown: shutdown.clone(),
        closing,
    };
    let mut taken = Taken {
        context,
        spare: Spare::new(),
        open: JoinSet::new(),
    };

    let began = taken.until(&listener, shutdown.begun()).await;
    let drain = shutdown.drain;
    taken
        .until(&listener, sleep_until(began + drain.delay))
        .await;
    listener.refuse_new();
    taken.until(&listener, sleep(drain.settle)).await;
    drop(listener);
    close.send_replace(true);
    let last = async { while taken.open.join_next().await.is_some() {} };
    if timeout_at(began + drain.bound, last).await.is_err() {
        tracing::warn!(
            "{} connections were still open at the end and are cut",
            taken.open.len()
        );
    }
}

/// The next connection, once there is a descriptor for it.
async fn next(room: &Room, listener: &Listener) -> io::Result<(TcpStream, IpAddr)> {
    room.settle().await;
    listener.accept().await
}

/// The connections taken so far; dropped, they are cut.
struct Taken {
    context: Context,
    spare: Spare,
    open: JoinSet<()>,
}

impl Taken {
    /// Takes connections until `end`.
    async fn until<T>(&mut self, listener: &Listener, end: impl Future<Output = T>) -> T {
        tokio::pin!(end);
        loop {
            tokio::select! {
                ended = &mut end => return ended,
                accepted = next(&self.context.room, listener) => match accepted {
                    Ok((stream, address)) => self.take(stream, address),
                    Err(error) => {
                        tracing::debug!("a connection could not be taken: {error}");
                        self.spare.turn_away(listener).await;
                        sleep(PAUSE).await;
                    }
                },
                Some(_) = self.open.join_next() => {}
            }
        }
    }

    fn take(&mut self, stream: TcpStream, address: IpAddr) {
        let metrics = &self.context.metrics;
        let Some(place) = self.context.room.enter(address) else {
            metrics.refused_connections.inc();
            return;
        };
        let counted = Counted::new(&metrics.connections);
        let context = self.context.clone();
        self.open.spawn(async move {
            context.serve(stream, place).await;
            drop(counted);
        });
    }
}

/// One open connection in the gauge, whatever ends it.
struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
