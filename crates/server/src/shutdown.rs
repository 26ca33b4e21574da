//! The shutdown of a server: it begins once, and everything that serves can wait for it.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// The durations of the phases of a shutdown.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// The time for which new connections are still accepted, for callers that do not know of the
    /// shutdown yet.
    pub delay: Duration,
    /// The time after `delay` in which no new handshake begins, and those in progress complete.
    pub settle: Duration,
    /// The time from the beginning to the last response. Connections that are open then are
    /// aborted.
    pub deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(5),
            settle: Duration::from_millis(200),
            deadline: Duration::from_secs(25),
        }
    }
}

/// The shutdown of one process. Clones refer to the same shutdown.
#[derive(Debug, Clone)]
pub struct Shutdown {
    inner: Arc<Inner>,
    pub(super) drain: Drain,
}

#[derive(Debug)]
struct Inner {
    begun_at: OnceLock<Instant>,
    notify: Notify,
}

impl Shutdown {
    /// Returns a shutdown that has not begun.
    #[must_use]
    pub fn new(drain: Drain) -> Self {
        Self {
            inner: Arc::new(Inner {
                begun_at: OnceLock::new(),
                notify: Notify::new(),
            }),
            drain,
        }
    }

    /// Begins the shutdown: from now on nothing is ready, every response asks its caller to leave,
    /// and servers end.
    pub fn begin(&self) {
        if self.inner.begun_at.set(Instant::now()).is_ok() {
            self.inner.notify.notify_waiters();
        }
    }

    /// True if the shutdown has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.inner.begun_at.get().is_some()
    }

    /// Resolves when the shutdown has begun, to the time at which it did.
    pub async fn begun(&self) -> Instant {
        loop {
            let notified = self.inner.notify.notified();
            tokio::pin!(notified);
            // Registered before the check: a shutdown that begins in between is not missed.
            notified.as_mut().enable();
            if let Some(begun_at) = self.inner.begun_at.get() {
                return *begun_at;
            }
            notified.await;
        }
    }
}
