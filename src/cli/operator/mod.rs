//! `kubevet operator`: keeps the results of a whole cluster up to date, as a process of its own or in
//! that of the gate.
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
//! | `prepared_operator` | flags that were checked, and the library: what an operator starts with |
//! | `running_operator` | builds every part, works until it is to end, and ends in order |
//! | `own_process` | the operator as a process: metrics, health, signals |
//! | `gate_process`, `gate_flags` | the operator in the process of the gate, and its flags there |

mod counted_bindings;
mod event_sink;
mod gate_flags;
mod gate_process;
mod library;
mod new_findings;
mod on_demand;
mod operator_flags;
mod own_process;
mod prepared_operator;
mod requested_scans;
mod resource_sink;
mod result_index;
mod running_operator;
mod sink_metrics;
mod store_flags;
mod store_sink;
mod store_writer;

pub(super) use gate_flags::OperatorOfGateFlags;
pub(super) use gate_process::{OperatorOfGate, StartedOperator};
pub(super) use operator_flags::OperatorCommand;
#[cfg(test)]
pub(super) use sink_metrics::SinkMetrics;

use super::{exit_status::ExitStatus, program_log::ProgramLog, stderr};
use operator_flags::{OperatorPart, OperatorSettings};
use prepared_operator::PreparedOperator;
use std::{sync::Arc, time::Duration};

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
            return command.run(&self.access, &self.operator.choice);
        }
        let access = self.access.api_access()?;
        let (prepared, problems) = PreparedOperator::new(Arc::new(OperatorSettings {
            flags: self.operator,
            library: self.library,
        }))?;
        if !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        let log = ProgramLog::install(self.log_format);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let run = own_process::run(prepared, &access, self.metrics_listen, &log);
        let result = runtime.block_on(run);
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
