//! `kubevet vap apply`: brings a cluster to the state that `generate` prints.

use super::export_flags::ExportFlags;
use crate::cli::{exit_status::ExitStatus, stderr, terminal};
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_cluster::{
    self as cluster, ApiAccess, ApplyOptions, ApplyResult, Cluster, ClusterError,
};
use kubevet_vap::{CONTROLS_ANNOTATION, ExportedObject, MANAGED_BY, lost_controls};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::PathBuf,
};

/// The arguments that select or shape something else than the whole library, or would remove the
/// bindings of it.
const LIBRARY_CONFLICTS: [&str; 13] = [
    "names",
    "severity",
    "actions",
    "bindings",
    "style",
    "pack",
    "one_per_control",
    "params",
    "min_kube",
    "exempt_namespaces",
    "controls_config",
    "strict",
    "prune",
];

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet vap apply NSA --action Deny --dry-run        what would be done
  kubevet vap apply NSA --action Deny --prune          exactly these policies, and no older ones of kubevet's
  kubevet vap apply C-0046 --params resource           params in an object, after the kind of that object
  kubevet vap apply --library                          every control, for `create-policy-binding` to bind

Exit status:
  0  done
  1  nothing is left to apply of what was named, or, under --strict, something that was asked for cannot be exported; \
     nothing was applied
  2  it could not be done; what was done before stays")]
pub(super) struct ApplyCommand {
    #[command(flatten)]
    export: ExportFlags,
    /// The way to the cluster [default: $KUBECONFIG, ~/.kube/config, then the Pod's own service
    /// account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Send everything to the API server, but let it store nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove every other policy, binding and ControlConfiguration that has kubevet's label, whoever
    /// applied it
    #[arg(long)]
    prune: bool,
    /// Apply every control as a policy that nothing binds yet, and the params that they read: what
    /// `deploy-library` prints
    #[arg(long = "library", conflicts_with_all = LIBRARY_CONFLICTS)]
    whole_library: bool,
    /// Replace a policy even if the new one lacks some of its controls
    #[arg(long)]
    force: bool,
    /// Also set fields that another client has changed since
    #[arg(long)]
    force_conflicts: bool,
}

impl ApplyCommand {
    /// Applies the objects, and prints the result for each.
    ///
    /// # Errors
    /// A name is unknown, no cluster can be reached, a policy would lose controls, or the API server
    /// rejects an object.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        let selected = if self.whole_library {
            self.export.run_library()
        } else {
            self.export.run()?
        };
        let Some(selected) = selected else {
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
            stderr::print_line(
                "an API server enforces new policies once it has compiled them: a few within about a second, the \
                 whole library within about a minute",
            );
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
        if !self.force {
            refuse_loss(&cluster, objects).await?;
        }
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

/// Checks that no policy of the cluster loses controls.
async fn refuse_loss(cluster: &Cluster, objects: &[ExportedObject]) -> anyhow::Result<()> {
    let mut existing = BTreeMap::new();
    for policy in objects.iter().filter(|object| object.is_policy()) {
        let annotation = cluster
            .policy_annotation(&policy.body, CONTROLS_ANNOTATION)
            .await?;
        existing.extend(annotation.map(|controls| (policy.name.clone(), controls)));
    }
    let lost = lost_controls(&existing, objects);
    if lost.is_empty() {
        return Ok(());
    }
    let lost: Vec<String> = lost.iter().map(ToString::to_string).collect();
    bail!(
        "nothing was applied, because controls that the cluster enforces would be lost: {}. Name these controls too, \
         or apply without them with --force",
        lost.join("; ")
    )
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
