//! Writes the status of the cluster's bindings, in a task of its own: an API server that is slow to
//! take a status delays neither the next change of a binding nor a reload.

use super::cluster_binding::BindingStatus;
use kubevet_cluster::{Cluster, Installation};
use tokio::sync::watch;
use tracing::warn;

/// The handle of the task. The task ends when it is dropped.
pub(crate) struct StatusWriter(watch::Sender<Vec<BindingStatus>>);

impl StatusWriter {
    /// Starts the task. `installation` is that whose webhooks call this server, if it is known.
    /// Must be called within a Tokio runtime.
    pub(crate) fn start(cluster: Cluster, installation: Option<Installation>) -> Self {
        let (sender, mut receiver) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while receiver.changed().await.is_ok() {
                let statuses = receiver.borrow_and_update().clone();
                write_all(&cluster, installation.as_ref(), statuses).await;
            }
        });
        Self(sender)
    }

    /// Has the statuses written. They replace those that are not being written yet: a status is
    /// about one generation of its binding, and a later one supersedes it.
    pub(super) fn write(&self, statuses: Vec<BindingStatus>) {
        self.0.send_replace(statuses);
    }
}

async fn write_all(
    cluster: &Cluster,
    installation: Option<&Installation>,
    statuses: Vec<BindingStatus>,
) {
    let fail_open_note = fail_open_note(cluster, installation).await;
    for status in statuses {
        let mut condition = status.condition;
        if status.denies
            && let Some(note) = &fail_open_note
        {
            condition.message.push_str(note);
        }
        let name = status.name;
        let written = cluster
            .set_binding_status(
                &name,
                status.generation,
                &[condition],
                status.last_good.as_deref(),
            )
            .await;
        if let Err(error) = written {
            warn!(binding = name, "its status cannot be written: {error}");
        }
    }
}

/// Returns which webhooks admit requests while kubevet does not answer, as the end of a sentence;
/// `None` if there are none, or if it is not known.
async fn fail_open_note(cluster: &Cluster, installation: Option<&Installation>) -> Option<String> {
    match cluster.fail_open_webhooks(installation?).await {
        Ok(webhooks) if webhooks.is_empty() => None,
        Ok(webhooks) => Some(format!(
            "; while kubevet does not answer, the API server lets requests through unjudged: {}",
            webhooks.join(", ")
        )),
        Err(error) => {
            warn!(
                "it cannot be known what the API server lets through while kubevet does not answer: {error}"
            );
            None
        }
    }
}
