//! The flags of a scan of a cluster, and the cluster that they name.

use crate::cli::scan::scan_flags::namespace_name;
use anyhow::bail;
use clap::Args;
use kubevet_cluster::ApiAccess;
use std::{env, path::PathBuf};

#[derive(Debug, Args)]
pub(crate) struct ClusterFlags {
    /// The kubeconfig of the cluster [default: those of KUBECONFIG, ~/.kube/config, or the service
    /// account of the Pod]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Cluster")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: the current one]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Cluster")]
    pub(super) context: Option<String>,
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
            ("--kubeconfig", self.kubeconfig.is_some()),
            ("--context", self.context.is_some()),
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
        self.api_access().is_ok()
    }

    /// Returns how the cluster is reached: the named kubeconfig, those of `KUBECONFIG`, the user's
    /// default kubeconfig, or the service account of the Pod.
    ///
    /// # Errors
    /// No cluster is known.
    pub(super) fn api_access(&self) -> anyhow::Result<ApiAccess> {
        let files = self.kubeconfig_files();
        if !files.is_empty() {
            return Ok(ApiAccess::Context {
                files,
                context: self.context.clone(),
            });
        }
        if env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
            bail!("no cluster is known: name a kubeconfig with --kubeconfig FILE");
        }
        if let Some(context) = &self.context {
            bail!("--context {context}: there is no kubeconfig; name it with --kubeconfig FILE");
        }
        Ok(ApiAccess::InCluster)
    }

    fn kubeconfig_files(&self) -> Vec<PathBuf> {
        if let Some(file) = &self.kubeconfig {
            return vec![file.clone()];
        }
        if let Some(files) = env::var_os("KUBECONFIG").filter(|files| !files.is_empty()) {
            let files = env::split_paths(&files);
            return files.filter(|file| !file.as_os_str().is_empty()).collect();
        }
        let home = env::var_os("HOME").map(PathBuf::from);
        let default = home.map(|home| home.join(".kube/config"));
        default.filter(|file| file.is_file()).into_iter().collect()
    }
}
