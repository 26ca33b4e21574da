//! The health of a watch: whether it is synced, when the API server last answered, and the present
//! error.

use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The health of one watch, written by its task and read by reports. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct WatchHealth(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    is_synced: bool,
    last_contact: Option<Instant>,
    error: Option<String>,
}

impl WatchHealth {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// Records a response of the API server.
    pub(super) fn touch(&self) {
        self.0
            .send_modify(|state| state.last_contact = Some(Instant::now()));
    }

    /// Records that all objects have been listed.
    pub(super) fn set_synced(&self) {
        self.0.send_modify(|state| state.is_synced = true);
    }

    /// Sets the present error; `None` for none. True if it changed.
    pub(super) fn set_error(&self, error: Option<String>) -> bool {
        self.0.send_if_modified(|state| {
            let is_changed = state.error != error;
            state.error = error;
            is_changed
        })
    }

    pub(super) fn error(&self) -> Option<String> {
        self.0.borrow().error.clone()
    }

    pub(super) fn is_synced(&self) -> bool {
        self.0.borrow().is_synced
    }

    /// Resolves when all objects have been listed.
    pub(super) async fn synced(&self) {
        // The sender is `self`, so it lives while this waits.
        let _ = self.0.subscribe().wait_for(|state| state.is_synced).await;
    }

    /// Returns the time since the last response; `None` before the first.
    pub(super) fn age(&self) -> Option<Duration> {
        self.0
            .borrow()
            .last_contact
            .map(|contact| contact.elapsed())
    }

    /// Resolves to the error, once there is one.
    #[cfg(test)]
    pub(super) async fn failed(&self) -> String {
        let mut receiver = self.0.subscribe();
        let state = receiver
            .wait_for(|state| state.error.is_some())
            .await
            .unwrap();
        state.error.clone().unwrap()
    }

    /// Resolves when the watch is synced and without an error.
    #[cfg(test)]
    pub(super) async fn recovered(&self) {
        self.0
            .subscribe()
            .wait_for(|state| state.error.is_none() && state.is_synced)
            .await
            .unwrap();
    }
}
