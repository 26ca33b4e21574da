//! Health and metrics on a thread and a runtime of their own: they answer however busy the others are.

use std::{io, net::SocketAddr, sync::mpsc, thread};

use axum::Router;
use tokio::{runtime, sync::oneshot};

use super::{
    accept_loop::listen_plain,
    listener::{Limits, Listener},
    metrics::Metrics,
    shutdown::Shutdown,
};

/// As [`listen_plain`], on a thread of its own. Returns when the address is bound; what is returned resolves when the
/// server has come to its end.
///
/// # Errors
/// As [`Listener::bind`], or the system gives no thread.
pub fn listen_apart(
    address: SocketAddr,
    is_shared: bool,
    metrics: Metrics,
    routes: Router,
    shutdown: Shutdown,
) -> io::Result<oneshot::Receiver<()>> {
    let (bound, is_bound) = mpsc::channel();
    let (end, ended) = oneshot::channel();
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
                    let listener = bind(address, Limits::of_health(), metrics)?;
                    // Whoever waits for it is still there.
                    let _ = bound.send(Ok(()));
                    listen_plain(listener, routes, shutdown).await;
                    Ok(())
                })
            };
            if let Err(error) = serve() {
                let _ = bound.send(Err(error));
            }
            let _ = end.send(());
        })?;
    is_bound.recv().map_err(io::Error::other)??;
    Ok(ended)
}
