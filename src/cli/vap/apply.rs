//! `kubevet vap apply`: a cluster is brought to what `generate` prints.

use super::export_flags::ExportFlags;
use crate::cli::{complain, say, terminal};
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_cluster::{self as cluster, ApiAccess, ApplyOptions, ApplyResult, Cluster};
use kubevet_vap::{MANAGED_BY, Object};
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
    selection: ExportFlags,
    /// The way to the cluster [default: $KUBECONFIG, ~/.kube/config, then the Pod's own service account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Ask the API server for everything, and have it keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Take away every other policy, binding and ControlConfiguration that bears kubevet's label, whoever applied it
    #[arg(long)]
    prune: bool,
    /// Set fields that somebody else has changed since, too
    #[arg(long)]
    force_conflicts: bool,
}

impl ApplyCommand {
    /// Applies, and says for each object what became of it.
    ///
    /// # Errors
    /// A name that is none, no way to the cluster, or an object that the API server refuses.
    pub(super) fn run(self) -> anyhow::Result<u8> {
        let selected = self.selection.export()?;
        if !selected.problems.is_empty() {
            return Ok(complain(&selected.problems));
        }
        let left_out = selected.say_left_out();
        if left_out != 0 {
            return Ok(left_out);
        }
        let access = access(self.kubeconfig.clone())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let lines = runtime.block_on(self.apply(&access, &selected.export.objects))?;
        terminal::write_shown(|out| lines.iter().try_for_each(|it| writeln!(out, "{it}")))?;
        if !self.dry_run {
            say("API servers hold to a new binding within about a second");
        }
        Ok(0)
    }

    async fn apply(&self, access: &ApiAccess, objects: &[Object]) -> anyhow::Result<Vec<String>> {
        let cluster = cluster::connect(access).await?;
        let note = if self.dry_run { " (dry run)" } else { "" };
        let mut lines = Vec::new();
        for object in objects {
            let line = self.apply_one(&cluster, object).await?;
            lines.push(format!("{} {}: {line}{note}", object.kind, object.name));
        }
        if self.prune {
            let wanted: BTreeSet<_> = objects
                .iter()
                .map(|it| (it.kind.clone(), it.name.clone()))
                .collect();
            let gone = cluster
                .prune_policies(&wanted, MANAGED_BY, self.dry_run)
                .await?;
            lines.extend(
                gone.into_iter()
                    .map(|(kind, name)| format!("{kind} {name}: pruned{note}")),
            );
        }
        Ok(lines)
    }

    async fn apply_one(&self, cluster: &Cluster, object: &Object) -> anyhow::Result<&'static str> {
        let how = ApplyOptions {
            dry_run: self.dry_run,
            force: self.force_conflicts,
        };
        match cluster.apply_policy(&object.body, how).await {
            Ok(ApplyResult::Created) => Ok("created"),
            Ok(ApplyResult::Changed) => Ok("changed"),
            Ok(ApplyResult::Unchanged) => Ok("unchanged"),
            // A dry run has not made the kind.
            Err(cluster::ClusterError::NotFound { .. })
                if self.dry_run && object.kind == "ControlConfiguration" =>
            {
                Ok("not asked: its kind is not there yet")
            }
            Err(error @ cluster::ClusterError::Conflict { .. }) => {
                Err(error).context("--force-conflicts sets its fields anyway")
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn access(named: Option<PathBuf>) -> anyhow::Result<ApiAccess> {
    if let Some(file) = named {
        return Ok(ApiAccess::Kubeconfig(file));
    }
    if let Some(file) = env::var_os("KUBECONFIG").filter(|it| !it.is_empty()) {
        return Ok(ApiAccess::Kubeconfig(file.into()));
    }
    let home = env::var_os("HOME").map(|it| PathBuf::from(it).join(".kube/config"));
    match home.filter(|it| it.is_file()) {
        Some(file) => Ok(ApiAccess::Kubeconfig(file)),
        None if env::var_os("KUBERNETES_SERVICE_HOST").is_some() => Ok(ApiAccess::InCluster),
        None => bail!("no cluster is known: name a kubeconfig with --kubeconfig FILE"),
    }
}
