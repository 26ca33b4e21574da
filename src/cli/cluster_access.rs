//! The flags that name a cluster, and how it is reached.

use anyhow::bail;
use clap::Args;
use kubevet_cluster::ApiAccess;
use std::{env, path::PathBuf};

#[derive(Debug, Args)]
pub(crate) struct ClusterAccessFlags {
    /// The kubeconfig of the cluster [default: those of KUBECONFIG, ~/.kube/config, or the service
    /// account of the Pod]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Cluster")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: the current one]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Cluster")]
    pub(super) context: Option<String>,
}

impl ClusterAccessFlags {
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
