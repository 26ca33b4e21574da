//! What the server logs once it listens: its URL, what it enforces, and a command to try it.

use crate::cli::policy_flags::{EnforcementConfig, EnforcementFlags};
use std::{net::SocketAddr, path::Path};
use tracing::info;

/// Logs the URL of the webhook, what it enforces, and a command to try it.
pub(super) fn log_addresses(address: SocketAddr, hint: &str, ca_file: Option<&Path>) {
    info!("listening on https://{address}/validate");
    info!("{hint}");
    if let Some(ca) = ca_file {
        let port = address.port();
        info!(
            "try it: kubevet review --request FILE.yaml | curl -s --cacert {} --data-binary @- \
             https://localhost:{port}/validate",
            ca.display()
        );
    }
}

/// Returns the log line that says what is enforced, and how to enforce more.
pub(super) fn enforcement_hint(
    flags: &EnforcementFlags,
    config: &EnforcementConfig,
    has_cluster: bool,
) -> String {
    let Some(bindings) = &config.bindings else {
        let hint = if has_cluster {
            "ControlBindings are taken from the cluster; as long as there are none, findings of high and critical \
             severity are audited, and nothing is warned or denied"
        } else {
            "no binding: findings of high and critical severity are audited, and nothing is warned or denied; to \
             enforce, write a ControlBinding into a folder and start with --bindings FOLDER (kubevet serve \
             --help shows one)"
        };
        return hint.to_owned();
    };
    let folder = flags.bindings.as_ref();
    let folder = folder.map(|folder| folder.display().to_string());
    let names: Vec<&str> = bindings
        .iter()
        .map(|binding| binding.name.as_str())
        .collect();
    format!(
        "bindings of {} in force: {}",
        folder.unwrap_or_default(),
        names.join(", ")
    )
}
