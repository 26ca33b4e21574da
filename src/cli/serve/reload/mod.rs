//! The library and the bindings that are in effect, reloaded when they change and swapped as a
//! whole.
//!
//! A broken library or binding never replaces a working one.
//!
//! | file | is |
//! |---|---|
//! | `status_writer` | writes the status of the cluster's bindings |

mod status_writer;
#[cfg(test)]
mod tests;

pub(super) use status_writer::StatusWriter;

use super::KUBECONFIG_FLAG;
use crate::cli::{
    cluster_binding::{EvaluatedBinding, evaluate},
    file_fingerprint::FileChanges,
    policy_flags::{EnforcementConfig, EnforcementFlags},
};
use arc_swap::ArcSwap;
use kubevet_cluster::StoredBinding;
use kubevet_model::{Problem, count};
use kubevet_policy::{Binding, Remark};
use kubevet_webhook::{PolicySnapshot, WebhookMetrics};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::task::spawn_blocking;
use tracing::{error, info, warn};

/// The maximum number of problems of one reload that are logged.
const MAX_LOGGED_PROBLEMS: usize = 50;

/// The name and the uid of a binding.
type BindingKey = (String, String);

/// The configuration in effect, and what it was loaded from.
pub(super) struct LiveConfig {
    flags: Arc<EnforcementFlags>,
    config: EnforcementConfig,
    files: FileChanges,
    /// Writes the status of the cluster's bindings; `None` without a cluster.
    status_writer: Option<StatusWriter>,
    /// The bindings as they are in the cluster.
    stored: Arc<[StoredBinding]>,
    /// The last good form of each binding of the cluster.
    last_good: BTreeMap<BindingKey, Binding>,
    exempt_namespaces: BTreeSet<String>,
    generation: u64,
    /// The names of bindings that were in effect before this process started, are broken, and have
    /// no last good form.
    lost: Vec<String>,
    /// The number of problems of the last reload of library and folder.
    problems: usize,
    /// The snapshot that the webhook evaluates requests by.
    pub(super) snapshot: Arc<ArcSwap<PolicySnapshot>>,
    metrics: Arc<WebhookMetrics>,
}

impl LiveConfig {
    pub(super) fn new(
        flags: Arc<EnforcementFlags>,
        config: EnforcementConfig,
        status_writer: Option<StatusWriter>,
        exempt_namespaces: BTreeSet<String>,
        metrics: Arc<WebhookMetrics>,
    ) -> Self {
        log_remarks(&config.remarks);
        let generation = 1;
        let bindings = config.bindings.clone().unwrap_or_default();
        metrics.set_state(generation, 0, bindings.len(), 0);
        let snapshot = config.snapshot(bindings, exempt_namespaces.clone(), generation);
        Self {
            files: FileChanges::since(config.fingerprint),
            flags,
            config,
            status_writer,
            stored: Arc::from([]),
            last_good: BTreeMap::new(),
            exempt_namespaces,
            generation,
            lost: Vec::new(),
            problems: 0,
            snapshot: Arc::new(ArcSwap::from_pointee(snapshot)),
            metrics,
        }
    }

    /// Reloads library and bindings if a file has changed and has not changed again since the last
    /// poll, or if `forced`. A file that is half written may be valid and have less in it than the
    /// whole file, so a file that is still changing is not loaded.
    pub(super) async fn poll_files(&mut self, forced: bool) {
        let (flags, mut files) = (Arc::clone(&self.flags), self.files.clone());
        let poll = move || {
            let is_settled = if forced {
                files.accept(flags.metadata_fingerprint());
                true
            } else {
                flags.poll(&mut files)
            };
            (files, is_settled)
        };
        let Ok((files, is_settled)) = spawn_blocking(poll).await else {
            return;
        };
        self.files = files;
        if is_settled {
            self.reload().await;
        }
    }

    async fn reload(&mut self) {
        let (flags, has_cluster) = (Arc::clone(&self.flags), self.status_writer.is_some());
        let missing_flags = (!has_cluster).then_some(KUBECONFIG_FLAG);
        let Ok((config, problems)) = spawn_blocking(move || flags.load(missing_flags)).await else {
            error!(
                "reading the library failed unexpectedly: the previous library and bindings stay in force"
            );
            return self.keep_current(1);
        };
        if problems.is_empty() {
            log_remarks(&config.remarks);
            self.config = config;
            self.problems = 0;
            self.apply();
        } else {
            log_problems(&problems);
            self.keep_current(problems.len());
        }
    }

    /// Records that the last reload has problems, and leaves the configuration as it is.
    fn keep_current(&mut self, problems: usize) {
        self.problems = problems;
        let is_accepted =
            |stored: &&StoredBinding| self.last_good.contains_key(&binding_key(stored));
        let accepted = self.stored.iter().filter(is_accepted).count();
        let refused = self.stored.len() - accepted;
        let from_folder = self.config.bindings.as_ref().map_or(0, Vec::len);
        self.metrics.set_state(
            self.generation,
            self.problems,
            accepted + from_folder,
            refused,
        );
    }

    /// Applies the bindings of the cluster.
    pub(super) fn apply_cluster_bindings(&mut self, stored: Arc<[StoredBinding]>) {
        self.stored = stored;
        self.apply();
    }

    /// Checks that no binding was lost by the start of this process. A replica that has lost one is
    /// not ready, which stops a rollout.
    ///
    /// # Errors
    /// Names the lost bindings.
    pub(super) fn check_complete(&self) -> Result<(), String> {
        match self.lost.as_slice() {
            [] => Ok(()),
            names => Err(format!(
                "in force before, and cannot be read now: {}",
                names.join(", ")
            )),
        }
    }

    /// Puts library and bindings into effect, and has the status of the cluster's bindings written.
    fn apply(&mut self) {
        let mut bindings = self.config.bindings.clone().unwrap_or_default();
        let mut last_good = BTreeMap::new();
        let mut statuses = Vec::new();
        let mut refused = 0;
        self.lost.clear();
        for stored in self.stored.iter() {
            let key = binding_key(stored);
            let EvaluatedBinding {
                binding,
                is_refused,
                is_lost,
                status,
            } = evaluate(stored, self.last_good.get(&key), &self.config.library);
            refused += usize::from(is_refused);
            if is_lost {
                self.lost.push(stored.name.clone());
            }
            if let Some(binding) = binding {
                bindings.push(binding.clone());
                last_good.insert(key, binding);
            }
            statuses.push(status);
        }
        self.last_good = last_good;
        self.generation += 1;
        let accepted = bindings.len();
        let exempt_namespaces = self.exempt_namespaces.clone();
        let snapshot = self
            .config
            .snapshot(bindings, exempt_namespaces, self.generation);
        self.snapshot.store(Arc::new(snapshot));
        self.metrics
            .set_state(self.generation, self.problems, accepted, refused);
        info!(
            generation = self.generation,
            bindings = accepted,
            refused,
            "library and bindings loaded"
        );
        if let Some(writer) = &self.status_writer {
            writer.write(statuses);
        }
    }
}

fn binding_key(stored: &StoredBinding) -> BindingKey {
    (stored.name.clone(), stored.uid.clone())
}

/// Logs what is remarkable about the bindings of the folder.
fn log_remarks(remarks: &[Remark]) {
    for remark in remarks.iter().take(MAX_LOGGED_PROBLEMS) {
        warn!("{}", remark.problem);
    }
}

fn log_problems(problems: &[Problem]) {
    for problem in problems.iter().take(MAX_LOGGED_PROBLEMS) {
        error!("{problem}");
    }
    let problems = count(problems.len(), "problem");
    error!("{problems} in changed files: the previous library and bindings stay in force");
}
