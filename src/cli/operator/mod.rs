//! `kubevet operator`: keeps the results of a whole cluster up to date, as a process.
//!
//! | file | is |
//! |---|---|
//! | `operator_flags` | the command line |
//! | `library` | the chosen controls, loaded, and loaded again when their files change |
//! | `store_flags` | where the store is |
//! | `store_sink` | results → the store: its thread |
//! | `store_writer` | what that does with the store |
//! | `resource_sink` | results → objects in the cluster |
//! | `result_index` | which results the objects have (pure) |
//! | `event_sink` | new critical findings → Events |
//! | `new_findings` | which findings are new (pure) |
//! | `sink_metrics` | the metrics of both |
//! | `counted_bindings` | what the bindings of the cluster would deny: in their status |
//! | `requested_scans` | answers ScanRequests |
//! | `on_demand` | `scan`: asks a running operator, by ScanRequests |
//! | `running_operator` | builds every part, runs until a signal, and ends in order |

mod counted_bindings;
mod event_sink;
mod library;
mod new_findings;
mod on_demand;
mod operator_flags;
mod requested_scans;
mod resource_sink;
mod result_index;
mod running_operator;
mod sink_metrics;
mod store_flags;
mod store_sink;
mod store_writer;

pub(super) use operator_flags::OperatorCommand;
#[cfg(test)]
pub(super) use sink_metrics::SinkMetrics;

use super::{exit_status::ExitStatus, program_log::ProgramLog, stderr};
use operator_flags::OperatorPart;
use std::time::Duration;

/// The time limit for writing the log at the end.
const LOG_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// The time limit for tasks that are still running when the runtime is shut down.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

impl OperatorCommand {
    /// Works until a signal.
    ///
    /// # Errors
    /// The operator cannot start: a broken library, no cluster, an address in use.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        if let Some(OperatorPart::Scan(command)) = &self.part {
            return command.run(&self.access, &self.choice);
        }
        let schedule = self.schedule()?;
        let access = self.access.api_access()?;
        let place = self.store.place()?;
        let kinds = self.result_kinds()?;
        let (policy, problems) = library::load(&self)?;
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        let log = ProgramLog::install(self.log_format);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let result = runtime.block_on(running_operator::run(
            self, &access, policy, schedule, place, kinds, &log,
        ));
        runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
        let status = match result {
            Ok(()) => ExitStatus::Success,
            Err(error) => {
                log.write_line(&stderr::error_line(&error));
                ExitStatus::Failure
            }
        };
        log.flush(LOG_FLUSH_TIMEOUT);
        Ok(status)
    }
}
