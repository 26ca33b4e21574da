//! The program's own log on standard error: a line for each event, as text or JSON.
//!
//! A thread of its own writes the lines. They are bounded in length, in rate and in number waiting,
//! and hidden characters are escaped. If standard error is not read, lines are dropped and counted,
//! and nothing blocks. Events of libraries are errors only, unless `KUBEVET_LOG` says otherwise.
//!
//! | file | is |
//! |---|---|
//! | `entry` | an event on its way to a line |
//! | `token_bucket` | the rate limit |

mod entry;
#[cfg(test)]
mod tests;
mod token_bucket;

use clap::ValueEnum;
use entry::{Entry, LineFormat, MAX_MESSAGE_BYTES};
use kubevet_model::{escape_char, truncate_bytes};
use kubevet_webhook::{LogOutput, LogWriter};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use std::{
    env,
    fs::File,
    io::{self, IsTerminal as _},
    os::fd::AsFd as _,
    panic,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use token_bucket::TokenBucket;
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// The filter of events where `KUBEVET_LOG` is not set.
const DEFAULT_FILTER: &str = "error,kubevet=info";

/// The form of the program's own log.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// The program's log. Clones share it.
#[derive(Clone)]
pub(super) struct ProgramLog {
    inner: Arc<Inner>,
}

struct Inner {
    writer: LogWriter,
    format: LineFormat,
    /// One bucket for each level, the worst first: a flood of warnings takes no tokens from errors.
    buckets: [Mutex<TokenBucket>; 5],
    /// The number of lines over the rate that no line has reported yet.
    unreported: AtomicU64,
    dropped: Family<DropLabel, Counter>,
}

/// The label of dropped lines. Its name is part of the metric.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DropLabel {
    why: &'static str,
}

/// Lines that were dropped because standard error was not read.
const NOT_READ: DropLabel = DropLabel { why: "reader" };
/// Lines that were dropped because more came than the rate allows.
const OVER_RATE: DropLabel = DropLabel { why: "rate" };

impl ProgramLog {
    /// Installs the log on standard error for the whole process, panics included.
    pub(super) fn install(format: LogFormat) -> Self {
        let format = LineFormat {
            json: matches!(format, LogFormat::Json),
            color: has_color(),
        };
        let log = Self::new(standard_error(), format, TokenBucket::full(Instant::now()));
        let filter = EnvFilter::try_from_env("KUBEVET_LOG")
            .unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
        // It fails only if a subscriber is installed already.
        let _ = tracing_subscriber::registry()
            .with(log.clone().with_filter(filter))
            .try_init();
        panic::set_hook(Box::new(|panic| error!("broke down: {panic}")));
        log
    }

    fn new(output: LogOutput, format: LineFormat, bucket: TokenBucket) -> Self {
        let dropped = Family::<DropLabel, Counter>::default();
        let not_read = dropped.get_or_create(&NOT_READ).clone();
        let report_dropped = move |count: u64| {
            let message = format!("{count} lines of this log were not written: nothing read them");
            Some(Entry::with_message(Level::WARN, message).line(format))
        };
        let inner = Inner {
            writer: LogWriter::new(output, not_read, report_dropped),
            format,
            buckets: std::array::from_fn(|_| Mutex::new(bucket.clone())),
            unreported: AtomicU64::new(0),
            dropped,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Registers the metrics of the log.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "kubevet_unwritten_log_lines",
            "Lines of the program's own log that were not written: more came than can be written, or nothing read them",
            self.inner.dropped.clone(),
        );
    }

    /// Writes a line that is not an event: the reason why the program ends.
    pub(super) fn write_line(&self, message: &str) {
        let mut line = String::with_capacity(message.len() + 1);
        truncate_bytes(message, MAX_MESSAGE_BYTES)
            .chars()
            .for_each(|c| escape_char(c, &mut line));
        line.push('\n');
        self.inner.writer.write(line.into_bytes());
    }

    /// Waits until all lines are written, at most for `timeout`. For the end of the process.
    pub(super) fn flush(&self, timeout: Duration) {
        self.inner.writer.flush(timeout);
    }

    fn write(&self, entry: Entry, now: Instant) {
        let inner = &self.inner;
        if !self.take_token(entry.level, now) {
            inner.unreported.fetch_add(1, Ordering::Relaxed);
            inner.dropped.get_or_create(&OVER_RATE).inc();
            return;
        }
        let count = inner.unreported.swap(0, Ordering::Relaxed);
        if count > 0 {
            let message =
                format!("{count} lines of this log were dropped: more came than can be written");
            let report = Entry::with_message(Level::WARN, message);
            inner.writer.write(report.line(inner.format));
        }
        inner.writer.write(entry.line(inner.format));
    }

    /// Takes a token from the bucket of a level. Returns false if it is empty.
    fn take_token(&self, level: Level, now: Instant) -> bool {
        let index = match level {
            Level::ERROR => 0,
            Level::WARN => 1,
            Level::INFO => 2,
            Level::DEBUG => 3,
            Level::TRACE => 4,
        };
        let Some(bucket) = self.inner.buckets.get(index) else {
            return false;
        };
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(now)
    }
}

/// Returns standard error as a descriptor of its own, since `io::stderr` has a lock that a blocked
/// writer would hold.
fn standard_error() -> LogOutput {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => LogOutput::stream(File::from(descriptor)),
        Err(_) => LogOutput::stream(io::stderr()),
    }
}

/// True if the log has colours: standard error is a terminal, and `NO_COLOR` is not set.
fn has_color() -> bool {
    let no_color = env::var_os("NO_COLOR");
    io::stderr().is_terminal() && no_color.is_none_or(|value| value.is_empty())
}

impl<S: Subscriber> Layer<S> for ProgramLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut entry = Entry::new(*event.metadata().level());
        event.record(&mut entry);
        self.write(entry, Instant::now());
    }
}
