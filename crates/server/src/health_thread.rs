//! A server for health and metrics on a thread and a runtime of its own, so that probes are
//! answered however busy the main runtime is.

use std::{io, net::SocketAddr, sync::mpsc, thread};

use axum::Router;
use tokio::{runtime, sync::oneshot};

use super::{
    accept_loop::serve_plain,
    listener::{ConnectionLimits, Listener},
    metrics::ServerMetrics,
    shutdown::Shutdown,
};

/// Serves `routes` as [`serve_plain`] does, on a thread of its own. Returns once the address is
/// bound; the receiver resolves when the server has ended.
///
/// # Errors
/// Those of [`Listener::bind`], and where the system gives no thread or runtime.
pub fn spawn_health_server(
    address: SocketAddr,
    is_shared: bool,
    metrics: ServerMetrics,
    routes: Router,
    shutdown: Shutdown,
) -> io::Result<oneshot::Receiver<()>> {
    let (bound_sender, bound_receiver) = mpsc::channel();
    let (ended_sender, ended_receiver) = oneshot::channel();
    thread::Builder::new()
        .name("health".to_owned())
        .spawn(move || {
            let serve = || -> io::Result<()> {
                let runtime = runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                runtime.block_on(async {
                    let bind = if is_shared {
                        Listener::bind_shared
                    } else {
                        Listener::bind
                    };
                    let listener = bind(address, ConnectionLimits::for_health(), metrics)?;
                    // The receiver lives until this function's caller has the result.
                    let _ = bound_sender.send(Ok(()));
                    serve_plain(listener, routes, shutdown).await;
                    Ok(())
                })
            };
            if let Err(error) = serve() {
                let _ = bound_sender.send(Err(error));
            }
            let _ = ended_sender.send(());
        })?;
    bound_receiver.recv().map_err(io::Error::other)??;
    Ok(ended_receiver)
}
