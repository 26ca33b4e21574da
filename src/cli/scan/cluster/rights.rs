//! `--dry-run`: the rights that a scan needs, and whether they are there.

use super::{ClusterScan, reading::Reading};
use crate::cli::{exit_status::ExitStatus, terminal};
use kubevet_cluster::{AccessQuestion, ApiResource, Cluster};
use tokio::runtime::Runtime;

/// Asks for each right, and prints the answers.
///
/// # Errors
/// The API server does not answer.
pub(super) fn print(
    command: &ClusterScan<'_>,
    runtime: &Runtime,
    cluster: &Cluster,
    reading: &Reading,
) -> anyhow::Result<ExitStatus> {
    let mut lines = Vec::new();
    let mut missing = 0;
    let mut total = 0;
    for (request, planned) in reading.request.resources.iter().zip(&reading.kinds) {
        let resource = &request.resource;
        let places: Vec<Option<&str>> = match reading.request.namespaces.as_slice() {
            [] => vec![None],
            names => names.iter().map(|name| Some(name.as_str())).collect(),
        };
        for namespace in places {
            let question = AccessQuestion {
                verb: "list",
                resource,
                namespace,
            };
            let is_allowed = runtime.block_on(cluster.is_allowed(question))?;
            total += 1;
            missing += usize::from(!is_allowed);
            let answer = if is_allowed { "allowed" } else { "missing" };
            let controls = planned.controls.len();
            let noun = if controls == 1 { "control" } else { "controls" };
            lines.push(format!(
                "{answer}  list {}{}  for {controls} {noun}",
                name(resource),
                namespace.map_or_else(String::new, |name| format!(" in {name}"))
            ));
        }
    }
    lines.push(match missing {
        0 => format!("all {total} rights are there"),
        _ => format!(
            "{missing} of {total} rights are missing: `kubevet manifests scan-rbac` prints a ClusterRole with all"
        ),
    });
    terminal::write_escaped(|out| {
        let mut lines = lines.iter();
        lines.try_for_each(|line| writeln!(out, "{line}"))
    })?;
    Ok(if missing == 0 || command.cluster.allow_partial {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}

/// Returns the name of a resource as kubectl prints it: `deployments.apps`.
fn name(resource: &ApiResource) -> String {
    match resource.kind.group.as_str() {
        "" => resource.plural.clone(),
        group => format!("{}.{group}", resource.plural),
    }
}
