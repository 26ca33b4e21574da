//! The flags of a scan of a cluster, and the cluster that they name.

use crate::cli::{cluster_access::ClusterAccessFlags, scan::scan_flags::namespace_name};
use anyhow::bail;
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ClusterFlags {
    #[command(flatten)]
    pub(super) access: ClusterAccessFlags,
    /// Only these namespaces, each read on its own: no right on the whole cluster is needed, and
    /// objects outside namespaces are left out
    #[arg(
        long,
        global = true,
        value_name = "NAMES",
        value_delimiter = ',',
        value_parser = namespace_name,
        help_heading = "Cluster"
    )]
    pub(super) namespaces: Vec<String>,
    /// Only objects with these labels, as with kubectl get -l
    #[arg(
        long,
        short = 'l',
        global = true,
        value_name = "SELECTOR",
        help_heading = "Cluster"
    )]
    pub(super) label_selector: Option<String>,
    /// Read no object: print which rights the scan needs, and which are missing
    #[arg(long, global = true, help_heading = "Cluster")]
    pub(super) dry_run: bool,
    /// Go on after the report, and print each finding that is new, fixed or deleted; with -f json as
    /// JSON, one line each
    #[arg(long, global = true, help_heading = "Cluster")]
    pub(super) watch: bool,
    /// Exit with 2 for other reasons only, though objects could not be read
    #[arg(long, global = true, help_heading = "Cluster")]
    pub(crate) allow_partial: bool,
    /// Read Secrets whole if a chosen control checks what they hold. Without it their metadata is
    /// read, if anything
    #[arg(long, global = true, help_heading = "Cluster")]
    pub(super) read_secrets: bool,
}

impl ClusterFlags {
    /// Fails if a flag is given that has no meaning for files.
    ///
    /// # Errors
    /// One is given.
    pub(crate) fn refuse_for_files(&self) -> anyhow::Result<()> {
        let given = [
            ("--kubeconfig", self.access.kubeconfig.is_some()),
            ("--context", self.access.context.is_some()),
            ("--namespaces", !self.namespaces.is_empty()),
            ("--label-selector", self.label_selector.is_some()),
            ("--dry-run", self.dry_run),
            ("--watch", self.watch),
            ("--allow-partial", self.allow_partial),
            ("--read-secrets", self.read_secrets),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => {
                bail!("{flag} is for a scan of a cluster: leave out the paths, or the flag")
            }
            None => Ok(()),
        }
    }

    /// True if a cluster is known.
    pub(crate) fn has_access(&self) -> bool {
        self.access.api_access().is_ok()
    }
}
