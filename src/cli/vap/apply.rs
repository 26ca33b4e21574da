//! `kubevet vap apply`: brings a cluster to the state that `generate` prints.

use super::export_flags::ExportFlags;
use crate::cli::{exit_status::ExitStatus, stderr, terminal};
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_cluster::{
    self as cluster, ApiAccess, ApplyOptions, ApplyResult, Cluster, ClusterError,
};
use kubevet_vap::{ExportedObject, MANAGED_BY};
use std::{collections::BTreeSet, env, path::PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet vap apply NSA --action Deny --dry-run        what would be done
  kubevet vap apply NSA --action Deny --prune          exactly these policies, and no older ones of kubevet's

Exit status:
  0  done
  1  under --strict: something that was asked for cannot be exported; nothing was applied
  2  it could not be done; what was done before stays")]
pub(super) struct ApplyCommand {
    #[command(flatten)]
    export: ExportFlags,
    /// The way to the cluster [default: $KUBECONFIG, ~/.kube/config, then the Pod's own service
    /// account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Ask the API server for everything, and have it keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Take away every other policy, binding and ControlConfiguration that bears kubevet's label,
    /// whoever applied it
    #[arg(long)]
    prune: bool,
    /// Set fields that somebody else has changed since, too
    #[arg(long)]
    force_conflicts: bool,
}

impl ApplyCommand {
    /// Applies the objects, and prints the result for each.
    ///
    /// # Errors
    /// A name is unknown, no cluster can be reached, or the API server rejects an object.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        let Some(selected) = self.export.run()? else {
            return Ok(ExitStatus::Failure);
        };
        let status = selected.print_skipped();
        if status != ExitStatus::Success {
            return Ok(status);
        }
        let access = api_access(self.kubeconfig.clone())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let lines = runtime.block_on(self.apply(&access, &selected.export.objects))?;
        terminal::write_escaped(|out| {
            let mut lines = lines.iter();
            lines.try_for_each(|line| writeln!(out, "{line}"))
        })?;
        if !self.dry_run {
            stderr::print_line("API servers hold to a new binding within about a second");
        }
        Ok(ExitStatus::Success)
    }

    /// Applies all objects and prunes others. Returns a line for each change.
    async fn apply(
        &self,
        access: &ApiAccess,
        objects: &[ExportedObject],
    ) -> anyhow::Result<Vec<String>> {
        let cluster = cluster::connect(access).await?;
        let note = if self.dry_run { " (dry run)" } else { "" };
        let mut lines = Vec::new();
        for object in objects {
            let result = self.apply_object(&cluster, object).await?;
            lines.push(format!("{} {}: {result}{note}", object.kind, object.name));
        }
        if self.prune {
            let kept: BTreeSet<_> = objects
                .iter()
                .map(|object| (object.kind.clone(), object.name.clone()))
                .collect();
            let pruned = cluster
                .prune_policies(&kept, MANAGED_BY, self.dry_run)
                .await?;
            let pruned = pruned.into_iter();
            lines.extend(pruned.map(|(kind, name)| format!("{kind} {name}: pruned{note}")));
        }
        Ok(lines)
    }

    async fn apply_object(
        &self,
        cluster: &Cluster,
        object: &ExportedObject,
    ) -> anyhow::Result<&'static str> {
        let options = ApplyOptions {
            dry_run: self.dry_run,
            force: self.force_conflicts,
        };
        match cluster.apply_policy(&object.body, options).await {
            Ok(ApplyResult::Created) => Ok("created"),
            Ok(ApplyResult::Changed) => Ok("changed"),
            Ok(ApplyResult::Unchanged) => Ok("unchanged"),
            // A dry run has not created the kind.
            Err(ClusterError::NotFound { .. })
                if self.dry_run && object.kind == "ControlConfiguration" =>
            {
                Ok("not asked: its kind is not there yet")
            }
            Err(error @ ClusterError::Conflict { .. }) => {
                Err(error).context("--force-conflicts sets its fields anyway")
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the access to the cluster: the named kubeconfig, `KUBECONFIG`, the user's default
/// kubeconfig, or the service account of the Pod.
fn api_access(kubeconfig: Option<PathBuf>) -> anyhow::Result<ApiAccess> {
    if let Some(file) = kubeconfig {
        return Ok(ApiAccess::Kubeconfig(file));
    }
    if let Some(file) = env::var_os("KUBECONFIG").filter(|file| !file.is_empty()) {
        return Ok(ApiAccess::Kubeconfig(file.into()));
    }
    let default = env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube/config"));
    match default.filter(|file| file.is_file()) {
        Some(file) => Ok(ApiAccess::Kubeconfig(file)),
        None if env::var_os("KUBERNETES_SERVICE_HOST").is_some() => Ok(ApiAccess::InCluster),
        None => bail!("no cluster is known: name a kubeconfig with --kubeconfig FILE"),
    }
}
