//! A scan of a cluster: what is read of it, the reading, and the answers about rights.
//!
//! | file | is |
//! |---|---|
//! | `cluster_flags` | the flags that only a cluster has |
//! | `reading` | which resources are read for the chosen controls |
//! | `pages` | the pages that arrive → the scan |
//! | `object` | one object by kind and name |
//! | `watch` | `--watch`: what changes after the scan |
//! | `rights` | `--dry-run`: which rights are missing |

mod cluster_flags;
mod object;
mod pages;
mod reading;
mod rights;
mod watch;

pub(super) use cluster_flags::ClusterFlags;

use super::scan_flags::ScanFlags;
use crate::cli::{exit_status::ExitStatus, session::Session, stderr};
use anyhow::Context as _;
use kubevet_cluster::{self as cluster, Cluster};
use kubevet_model::ScannedCluster;
use kubevet_scan::ScanOptions;
use tokio::runtime::Runtime;

/// The number of threads that wait for the API server and decode its answers.
const READER_THREADS: usize = 2;

/// What of the cluster is scanned.
pub(super) enum ClusterTarget {
    /// Every object that the flags select.
    Everything,
    /// One object, as `KIND/NAME`.
    Object(String),
}

/// The command line of a scan of a cluster.
pub(super) struct ClusterScan<'a> {
    pub(super) flags: &'a ScanFlags,
    pub(super) cluster: &'a ClusterFlags,
    pub(super) session: &'a Session,
}

impl ClusterScan<'_> {
    /// Reads the objects, evaluates them and reports.
    ///
    /// # Errors
    /// The cluster cannot be reached, a flag names what it does not have, or the report cannot be
    /// written.
    pub(super) fn run(
        &self,
        target: &ClusterTarget,
        options: ScanOptions<'_>,
    ) -> anyhow::Result<ExitStatus> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(READER_THREADS)
            .enable_all()
            .build()?;
        let access = self.cluster.access.api_access()?;
        let cluster = runtime.block_on(cluster::connect(&access))?;
        let resources = runtime
            .block_on(cluster.discover())
            .context("the resources of the cluster are not known")?;
        if let ClusterTarget::Object(name) = target {
            let scan = object::scan(self, &runtime, &cluster, &resources, name, options)?;
            return self.flags.report(&scan);
        }
        let (reading, problems) =
            reading::plan(self, &runtime, &cluster, &resources, &options.controls)?;
        if self.cluster.dry_run {
            return rights::print(self, &runtime, &cluster, &reading);
        }
        let params = options.params;
        let (scan, followed) = pages::scan(self, &runtime, &cluster, &reading, problems, options);
        let status = self.flags.report(&scan)?;
        if !self.cluster.watch {
            return Ok(status);
        }
        watch::follow(self, &runtime, &cluster, &reading, &scan, followed, params)
    }
}

/// Returns the cluster as the report names it.
fn scanned_cluster(runtime: &Runtime, cluster: &Cluster) -> ScannedCluster {
    let server = cluster.server();
    let version = runtime
        .block_on(cluster.server_version())
        .inspect_err(|error| stderr::print_line(&format!("note: {error}")));
    ScannedCluster {
        context: server.context.clone(),
        server: server.url.clone(),
        version: version.unwrap_or_default(),
    }
}
