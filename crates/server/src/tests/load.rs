//! Clients under load, for tests.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{sync::Notify, task::JoinHandle};

use super::support::{Caller, Sender, call};

/// Clients that call until they are stopped. Half of them use a new connection for each call, half
/// keep one connection as long as it lasts.
pub(super) struct Load {
    is_stopped: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    called: Arc<Notify>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    pub(super) fn start(address: SocketAddr, ca: &[u8]) -> Self {
        let (is_stopped, calls, called) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Notify::new()),
        );
        let caller = Arc::new(Caller::http1(ca));
        let clients = (0..6).map(|number| {
            let (is_stopped, calls, called, caller) = (
                is_stopped.clone(),
                calls.clone(),
                called.clone(),
                caller.clone(),
            );
            tokio::spawn(async move {
                let (mut errors, mut kept) = (Vec::new(), None);
                while !is_stopped.load(Ordering::SeqCst) {
                    let result = if number % 2 == 0 {
                        caller.call(address).await
                    } else {
                        call_keep_alive(&caller, address, &mut kept).await
                    };
                    errors.extend(result.err());
                    calls.fetch_add(1, Ordering::SeqCst);
                    called.notify_waiters();
                }
                errors
            })
        });
        Self {
            clients: clients.collect(),
            is_stopped,
            calls,
            called,
        }
    }

    /// Waits for this many more calls.
    pub(super) async fn wait(&self, calls: usize) {
        let goal = self.calls.load(Ordering::SeqCst) + calls;
        loop {
            let called = self.called.notified();
            if self.calls.load(Ordering::SeqCst) >= goal {
                return;
            }
            called.await;
        }
    }

    /// Stops the clients, and returns the errors of all calls.
    pub(super) async fn end(self) -> Vec<String> {
        self.is_stopped.store(true, Ordering::SeqCst);
        let mut errors = Vec::new();
        for client in self.clients {
            errors.extend(client.await.unwrap());
        }
        errors
    }
}

/// Makes one call as a pooling client does: a connection known to be closed is not used again.
async fn call_keep_alive(
    caller: &Caller,
    address: SocketAddr,
    kept: &mut Option<Sender>,
) -> Result<(), String> {
    let is_usable = match kept {
        Some(sender) => sender.ready().await.is_ok(),
        None => false,
    };
    if !is_usable {
        *kept = Some(caller.connect(address).await?);
    }
    let must_close = call(kept.as_mut().unwrap()).await;
    if must_close.as_ref().is_ok_and(|must_close| *must_close) || must_close.is_err() {
        *kept = None;
    }
    must_close.map(|_| ())
}
