//! The end of a server, begun once and heard by everything that serves.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// How long each part of the end takes.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// New connections are taken for this long, for callers that have not heard yet.
    pub delay: Duration,
    /// Then no handshake begins any more, and those on their way have this long to arrive.
    pub settle: Duration,
    /// From the beginning to the last answer; what is open then is cut.
    pub bound: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(5),
            settle: Duration::from_millis(200),
            bound: Duration::from_secs(25),
        }
    }
}

/// Begins the end. Clones are one.
#[derive(Debug, Clone)]
pub struct Shutdown {
    inner: Arc<Inner>,
    pub(super) drain: Drain,
}

#[derive(Debug)]
struct Inner {
    begun: OnceLock<Instant>,
    heard: Notify,
}

impl Shutdown {
    /// Nothing ends before `begin`.
    #[must_use]
    pub fn new(drain: Drain) -> Self {
        Self {
            inner: Arc::new(Inner {
                begun: OnceLock::new(),
                heard: Notify::new(),
            }),
            drain,
        }
    }

    /// From now on nothing is ready, every response asks its caller to leave, and servers come to their end.
    pub fn begin(&self) {
        if self.inner.begun.set(Instant::now()).is_ok() {
            self.inner.heard.notify_waiters();
        }
    }

    /// Whether the end has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.inner.begun.get().is_some()
    }

    /// Resolves when the end has begun: to when it did.
    pub async fn begun(&self) -> Instant {
        loop {
            let heard = self.inner.heard.notified();
            tokio::pin!(heard);
            heard.as_mut().enable();
            if let Some(at) = self.inner.begun.get() {
                return *at;
            }
            heard.await;
        }
    }
}
