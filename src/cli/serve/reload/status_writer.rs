//! Writes the status of the cluster's bindings, in a task of its own: an API server that is slow to
//! take a status delays neither the next change of a binding nor a reload.

use crate::cli::cluster_binding::BindingStatus;
use kubevet_cluster::{BindingCondition, Cluster, Installation};
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
    let fail_closed = fail_closed_condition(cluster, installation).await;
    for status in statuses {
        let mut conditions = vec![status.condition];
        conditions.extend(fail_closed.clone());
        let name = status.name;
        let written = cluster
            .set_binding_status(
                &name,
                status.generation,
                &conditions,
                status.last_good.as_deref(),
            )
            .await;
        if let Err(error) = written {
            warn!(binding = name, "its status cannot be written: {error}");
        }
    }
}

/// Returns the condition that says what the API server admits while kubevet does not answer; `None`
/// if that is not known. It is apart from `Accepted`, whose message is shown in tables.
async fn fail_closed_condition(
    cluster: &Cluster,
    installation: Option<&Installation>,
) -> Option<BindingCondition> {
    let webhooks = match cluster.fail_open_webhooks(installation?).await {
        Ok(webhooks) => webhooks,
        Err(error) => {
            warn!(
                "it is not known what the API server admits while kubevet does not answer: {error}"
            );
            return None;
        }
    };
    let is_closed = webhooks.is_empty();
    let (reason, message) = if is_closed {
        ("NoFailOpenWebhook", String::new())
    } else {
        (
            "FailOpenWebhooks",
            format!(
                "while kubevet does not answer, the API server admits requests unchecked: {}",
                webhooks.join(", ")
            ),
        )
    };
    Some(BindingCondition {
        condition_type: "FailClosed".to_owned(),
        holds: Some(is_closed),
        reason: reason.to_owned(),
        message,
    })
}
