//! The signals of a process that serves.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the process.
pub(super) struct Termination {
    terminate: Signal,
    interrupt: Signal,
}

impl Termination {
    pub(super) fn register() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: handle(SignalKind::terminate())?,
            interrupt: handle(SignalKind::interrupt())?,
        })
    }

    /// Waits for a signal, and returns its name.
    pub(super) async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "TERM",
            _ = self.interrupt.recv() => "INT",
        }
    }
}

/// Registers a signal handler.
///
/// # Errors
/// The system does not allow it.
pub(super) fn handle(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("the signals cannot be watched")
}
