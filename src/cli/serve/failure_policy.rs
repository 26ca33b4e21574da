//! The failure policy of the installed webhooks: relaxed when the last replica is removed, so that
//! no request is blocked by a webhook without a server; restored by the next start.

use super::RECONCILE_INTERVAL;
use kubevet_cluster::{Cluster, Installation, RelaxOutcome};
use tracing::{error, info, warn};

/// The webhook configuration that calls this server, and the cluster that it is in.
#[derive(Clone)]
pub(super) struct InstalledWebhooks {
    pub(super) cluster: Cluster,
    pub(super) installation: Installation,
}

/// Restores the failure policies that an earlier shutdown has relaxed. It retries until the API
/// server accepts it.
pub(super) async fn restore(webhooks: &InstalledWebhooks) {
    let InstalledWebhooks {
        cluster,
        installation,
    } = webhooks;
    loop {
        match cluster.restore_failure_policy(installation).await {
            Ok(names) if names.is_empty() => return,
            Ok(names) => return info!("webhooks fail closed again: {}", names.join(", ")),
            Err(error) => {
                error!(
                    "the failure policies that an earlier shutdown changed cannot be restored (will be retried soon): {error}"
                );
            }
        }
        tokio::time::sleep(RECONCILE_INTERVAL).await;
    }
}

/// Relaxes the failure policies if kubevet is being removed and not merely restarted.
pub(super) async fn relax(webhooks: &InstalledWebhooks) {
    let InstalledWebhooks {
        cluster,
        installation,
    } = webhooks;
    match cluster.relax_failure_policy(installation).await {
        Ok(RelaxOutcome::Relaxed(names)) if !names.is_empty() => {
            warn!(
                "no replica stays: these webhooks no longer block the cluster: {}",
                names.join(", ")
            );
        }
        Ok(_) => {}
        Err(error) => warn!("it cannot be known whether another replica stays: {error}"),
    }
}
