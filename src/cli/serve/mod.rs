//! `kubevet serve`: the webhook as a process.
//!
//! | file | is |
//! |---|---|
//! | `flags` | the command line |
//! | `wiring` | builds every part and joins them: flags → `Running` |
//! | `run` | the running server: until a signal, then the shutdown in which no request is lost |
//! | `reload/` | library and bindings, reloaded when they change |
//! | `cluster_watches` | what is watched in the cluster, and the gauges over it |
//! | `failure_policy` | relaxes the webhooks when the last replica is removed, and restores them |
//! | `certificates` | where certificates are stored and published, and the tasks that renew them |
//! | `events` | Kubernetes Events about denials |
//! | `review_reports` | what bindings did with reviews, in their status |
//! | `startup_log` | what is logged once the server listens |

mod certificates;
mod cluster_watches;
mod events;
mod failure_policy;
mod flags;
mod reload;
mod review_reports;
mod run;
mod startup_log;
#[cfg(test)]
mod tests;
mod wiring;

pub(super) use flags::ServeCommand;

use super::{
    exit_status::ExitStatus, operator::OperatorOfGate, policy_flags::EnforcementConfig,
    program_log::ProgramLog, stderr,
};
use anyhow::bail;
use kubevet_model::Problem;
use kubevet_webhook as webhook;
use std::time::Duration;

/// The flag that gives a server the labels of namespaces.
const KUBECONFIG_FLAG: &str = "--kubeconfig";
/// The interval at which certificates and failure policies are reconciled.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(15);
/// The time limit for writing the Events, and then for writing the logs, at shutdown.
const SHUTDOWN_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that a shutdown may take after the drain before it is forced: the API server is told,
/// and Events and logs are written. Drain and this are less than the 40 s that the Deployment
/// grants.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// The time for the operator in this process to end, which it does while requests are answered.
const OPERATOR_END_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for tasks that are still running when the runtime is shut down.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

impl ServeCommand {
    /// Serves until a signal.
    ///
    /// # Errors
    /// The server cannot start: a broken library or binding, no certificate, an address in use.
    pub(super) fn run(mut self) -> anyhow::Result<ExitStatus> {
        let has_cluster = self.cluster.api_access().is_some();
        let missing_flags = (!has_cluster).then_some(KUBECONFIG_FLAG);
        let (config, problems) = self.enforcement.load(missing_flags);
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        let operator = match self.prepare_operator()? {
            Some((_, problems)) if !problems.is_empty() => {
                return Ok(stderr::print_problems(&problems));
            }
            prepared => prepared.map(|(operator, _)| operator),
        };
        let log = ProgramLog::install(self.logs.log_format);
        // One thread more than concurrent evaluations: it accepts requests while all others
        // evaluate, so that the fair queue, and not the order of arrival, decides which is next.
        let threads = webhook::evaluation_concurrency() + 1;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?;
        let result = runtime.block_on(self.serve(config, operator, &log));
        runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
        // The error is written by the log's own thread: a direct write to standard error could
        // block for ever.
        let status = result.unwrap_or_else(|error| {
            log.write_line(&stderr::error_line(&error));
            ExitStatus::Failure
        });
        log.flush(SHUTDOWN_FLUSH_TIMEOUT);
        Ok(status)
    }

    /// Prepares the operator of this process, and returns the problems of its library; `None` without
    /// `--operator`.
    fn prepare_operator(&mut self) -> anyhow::Result<Option<(OperatorOfGate, Vec<Problem>)>> {
        let Some(flags) = self.operator.0.take() else {
            return Ok(None);
        };
        let Some(access) = self.cluster.api_access() else {
            bail!("--operator needs a cluster: name one with {KUBECONFIG_FLAG} FILE");
        };
        let library = self.enforcement.policy.clone();
        OperatorOfGate::prepare(flags, library, access).map(Some)
    }

    async fn serve(
        self,
        config: EnforcementConfig,
        operator: Option<OperatorOfGate>,
        log: &ProgramLog,
    ) -> anyhow::Result<ExitStatus> {
        let mut running = wiring::wire(self, config, operator, log).await?;
        // Whatever ends the server, requests in flight are answered.
        let ended = running.until_signal().await;
        running.shutdown().await?;
        ended?;
        Ok(ExitStatus::Success)
    }
}
