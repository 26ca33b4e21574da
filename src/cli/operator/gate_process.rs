//! The operator in the process of the gate, for small clusters.
//!
//! It has threads and a connection to the API server of its own, so that no review waits for it. What
//! it lacks never ends the gate and does not make it less ready: an operator that ends with an error is
//! started again.

use super::{
    operator_flags::{OperatorFlags, OperatorSettings},
    prepared_operator::PreparedOperator,
    running_operator::{RegisteredMetrics, RunningOperator},
};
use crate::cli::policy_flags::LibraryAndParamsFlags;
use anyhow::{Context as _, bail};
use kubevet_cluster::ApiAccess;
use kubevet_model::Problem;
use kubevet_server::Shutdown;
use prometheus_client::registry::Registry;
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    sync::oneshot,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tracing::{error, info, warn};

/// The number of threads for the operator: one evaluates, one reads and writes.
const THREADS: usize = 2;
/// The pause before the operator is started again. It doubles while it ends soon.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest such pause. An operator that has worked for longer begins with the first one again.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// The time for tasks that are still running when the runtime is shut down.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// An operator that can be started beside a gate.
pub(crate) struct OperatorOfGate {
    settings: Arc<OperatorSettings>,
    access: ApiAccess,
    prepared: PreparedOperator,
}

impl OperatorOfGate {
    /// Checks the flags and loads the library of the gate. Returns its problems, too: if there are any,
    /// nothing must be started.
    ///
    /// # Errors
    /// A flag cannot be used, or a control or a framework is unknown.
    pub(crate) fn prepare(
        flags: OperatorFlags,
        library: LibraryAndParamsFlags,
        access: ApiAccess,
    ) -> anyhow::Result<(Self, Vec<Problem>)> {
        let settings = Arc::new(OperatorSettings { flags, library });
        let (prepared, problems) = PreparedOperator::new(Arc::clone(&settings))?;
        let operator = Self {
            settings,
            access,
            prepared,
        };
        Ok((operator, problems))
    }

    /// Adds the metrics of the operator to those of the gate.
    pub(crate) fn register(self, registry: &mut Registry) -> RegisteredOperator {
        RegisteredOperator {
            metrics: RegisteredMetrics::register(registry),
            operator: self,
        }
    }
}

/// An operator whose metrics are known.
pub(crate) struct RegisteredOperator {
    operator: OperatorOfGate,
    metrics: RegisteredMetrics,
}

impl RegisteredOperator {
    /// Starts the operator on threads of its own, until the shutdown begins.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(self, shutdown: Shutdown) -> anyhow::Result<StartedOperator> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("operator")
            .enable_all()
            .build()?;
        let (sender, ended) = oneshot::channel();
        let run = move || {
            runtime.block_on(self.run_until(shutdown));
            runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
            let _ = sender.send(());
        };
        let thread = thread::Builder::new().name("operator".to_owned());
        thread
            .spawn(run)
            .context("the thread of the operator cannot be started")?;
        Ok(StartedOperator { ended })
    }

    /// Runs the operator, and starts it again after an error.
    async fn run_until(self, shutdown: Shutdown) {
        let OperatorOfGate {
            settings,
            access,
            prepared,
        } = self.operator;
        let mut prepared = Ok(prepared);
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let ran = match prepared {
                Ok(prepared) => run(prepared, &access, self.metrics.clone(), &shutdown).await,
                Err(error) => Err(error),
            };
            let Err(error) = ran else { return };
            pause = next_pause(pause, began.elapsed());
            error!(
                again_in_s = pause.as_secs(),
                "the operator has ended, and the gate goes on: {error:#}"
            );
            tokio::select! {
                _ = shutdown.begun() => return,
                () = sleep(pause) => {}
            }
            prepared = prepare_again(&settings).await;
        }
    }
}

/// Runs the operator until the shutdown begins.
async fn run(
    prepared: PreparedOperator,
    access: &ApiAccess,
    metrics: RegisteredMetrics,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let started = tokio::select! {
        _ = shutdown.begun() => return Ok(()),
        started = RunningOperator::start(prepared, access, metrics) => started,
    };
    let mut running = started?;
    let end = async {
        shutdown.begun().await;
    };
    running.work_until(end, |_| {}).await?;
    running.stop().await;
    info!("the operator has ended");
    Ok(())
}

async fn prepare_again(settings: &Arc<OperatorSettings>) -> anyhow::Result<PreparedOperator> {
    let settings = Arc::clone(settings);
    let prepared = spawn_blocking(move || PreparedOperator::new(settings));
    let (prepared, problems) = prepared.await.context("the library could not be read")??;
    match problems.first() {
        Some(problem) => bail!("the library has a problem: {problem}"),
        None => Ok(prepared),
    }
}

/// Returns the pause before the next start, by the one before it and the time for which the operator
/// has worked.
fn next_pause(before: Duration, worked: Duration) -> Duration {
    if worked > MAX_PAUSE {
        FIRST_PAUSE
    } else {
        (before * 2).min(MAX_PAUSE)
    }
}

/// An operator that runs beside a gate.
pub(crate) struct StartedOperator {
    ended: oneshot::Receiver<()>,
}

impl StartedOperator {
    /// Waits until the operator has ended, which it does when the shutdown begins.
    pub(crate) async fn wait_for_end(self, limit: Duration) {
        if timeout(limit, self.ended).await.is_err() {
            warn!(
                "the operator did not end in time; another replica leads after the Lease has expired"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_doubles_while_the_operator_ends_soon() {
        let seconds = Duration::from_secs;
        for (before, worked, expected) in
            [(5, 0, 10), (200, 10, 300), (300, 300, 300), (300, 301, 5)]
        {
            let pause = next_pause(seconds(before), seconds(worked));
            assert_eq!(pause, seconds(expected), "{before} {worked}");
        }
    }
}
