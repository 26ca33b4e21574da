//! The way to a running operator.

use super::{
    binding_policy::BindingPolicy, policy::EvaluationPolicy, sink::FinishedSweep,
    would_deny::DenialCounts,
};
use std::sync::Arc;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

/// What an operator is told.
pub(super) enum Command {
    /// Read and evaluate everything, for this reason.
    Sweep(&'static str, Option<oneshot::Sender<Arc<FinishedSweep>>>),
    /// Evaluate by another library, or other params.
    ReplacePolicy(Box<EvaluationPolicy>),
    /// Count what other bindings would deny; `None` for none.
    ReplaceBindings(Option<Box<BindingPolicy>>),
    /// Write what waits, and end.
    Stop(oneshot::Sender<()>),
}

/// The state of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperatorStatus {
    /// True once all objects were read.
    pub is_synced: bool,
    /// The number of sweeps that have ended.
    pub sweeps: u64,
    /// The number of kinds and places that the last sweep could not read.
    pub unread: usize,
    /// True if this replica leads.
    pub is_leader: bool,
    /// The name of the leader; empty if it is not known.
    pub leader: String,
    /// Why the resources of the cluster are not known.
    pub error: Option<String>,
}

/// A running operator. Dropped, it ends without writing what waits.
pub struct OperatorHandle {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<OperatorStatus>,
    counts: watch::Receiver<Option<Arc<DenialCounts>>>,
    task: JoinHandle<()>,
}

/// Tells a running operator for which bindings it counts.
#[derive(Clone)]
pub struct BindingsHandle {
    commands: mpsc::Sender<Command>,
    counts: watch::Receiver<Option<Arc<DenialCounts>>>,
}

impl BindingsHandle {
    /// Counts what these bindings would deny, from now on; `None` for no bindings.
    ///
    /// # Errors
    /// The operator has ended.
    pub async fn replace(&self, policy: Option<BindingPolicy>) -> Result<(), OperatorEnded> {
        let command = Command::ReplaceBindings(policy.map(Box::new));
        self.commands.send(command).await.map_err(|_| OperatorEnded)
    }

    /// Returns what the bindings would deny, as it is counted; `None` until all objects were read.
    #[must_use]
    pub fn counts(&self) -> watch::Receiver<Option<Arc<DenialCounts>>> {
        self.counts.clone()
    }
}

/// The operator has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operator has ended")]
pub struct OperatorEnded;

impl OperatorHandle {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        status: watch::Receiver<OperatorStatus>,
        counts: watch::Receiver<Option<Arc<DenialCounts>>>,
        task: JoinHandle<()>,
    ) -> Self {
        Self {
            commands,
            status,
            counts,
            task,
        }
    }

    /// Reads and evaluates everything, and waits for the end.
    ///
    /// # Errors
    /// The operator has ended.
    pub async fn sweep(&self) -> Result<Arc<FinishedSweep>, OperatorEnded> {
        let (sender, finished) = oneshot::channel();
        self.send(Command::Sweep("demand", Some(sender))).await?;
        finished.await.map_err(|_| OperatorEnded)
    }

    /// Evaluates by another library, or other params, from now on.
    ///
    /// # Errors
    /// The operator has ended.
    pub async fn replace_policy(&self, policy: EvaluationPolicy) -> Result<(), OperatorEnded> {
        self.send(Command::ReplacePolicy(Box::new(policy))).await
    }

    /// Returns the way to tell it for which bindings it counts.
    #[must_use]
    pub fn bindings(&self) -> BindingsHandle {
        BindingsHandle {
            commands: self.commands.clone(),
            counts: self.counts.clone(),
        }
    }

    /// Returns the state, as it changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<OperatorStatus> {
        self.status.clone()
    }

    /// Writes what waits, and ends.
    pub async fn stop(self) {
        let (sender, stopped) = oneshot::channel();
        if self.send(Command::Stop(sender)).await.is_ok() {
            let _ = stopped.await;
        }
    }

    async fn send(&self, command: Command) -> Result<(), OperatorEnded> {
        self.commands.send(command).await.map_err(|_| OperatorEnded)
    }
}

impl Drop for OperatorHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}
