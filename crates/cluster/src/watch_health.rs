//! How a watch is doing: whether it ever had everything, when it last heard something, what is wrong now.

use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Written by the watch, read by whoever reports it. Clones are the same pulse.
#[derive(Debug, Clone)]
pub(super) struct Pulse(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    synced: bool,
    heard: Option<Instant>,
    trouble: Option<String>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// The API server said something.
    pub(super) fn beat(&self) {
        self.0.send_modify(|it| it.heard = Some(Instant::now()));
    }

    /// Everything there is has been listed.
    pub(super) fn synced(&self) {
        self.0.send_modify(|it| it.synced = true);
    }

    /// What is wrong from now on; `None` for nothing. True where that is news.
    pub(super) fn trouble(&self, why: Option<String>) -> bool {
        self.0.send_if_modified(|it| {
            let news = it.trouble != why;
            it.trouble = why;
            news
        })
    }

    pub(super) fn current_trouble(&self) -> Option<String> {
        self.0.borrow().trouble.clone()
    }

    pub(super) fn is_synced(&self) -> bool {
        self.0.borrow().synced
    }

    pub(super) async fn until_synced(&self) {
        // The sender is `self`: it cannot be gone while this waits.
        let _ = self.0.subscribe().wait_for(|it| it.synced).await;
    }

    pub(super) fn age(&self) -> Option<Duration> {
        self.0.borrow().heard.map(|it| it.elapsed())
    }

    #[cfg(test)]
    pub(super) async fn until_troubled(&self) -> String {
        let mut state = self.0.subscribe();
        state
            .wait_for(|it| it.trouble.is_some())
            .await
            .unwrap()
            .trouble
            .clone()
            .unwrap()
    }

    #[cfg(test)]
    pub(super) async fn until_well(&self) {
        self.0
            .subscribe()
            .wait_for(|it| it.trouble.is_none() && it.synced)
            .await
            .unwrap();
    }
}
