//! The program's own log, on standard error: a line for each event, as text or JSON.
//!
//! Lines are written by a thread of their own, bounded in length, in number a second and in what waits; hidden characters
//! are written out. Whoever does not read standard error loses lines, which are counted, and stops nothing. Libraries
//! speak only of errors, unless KUBEVET_LOG says otherwise.

use super::LogFormat;
use kubevet_model::{escape_char, format_bounded, truncate_bytes};
use kubevet_report::EscapingFormatter;
use kubevet_webhook::{LogOutput, LogWriter};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use serde::Serialize as _;
use serde_json::{Map, Value, ser::CompactFormatter, ser::Serializer};
use std::{
    fmt::{self, Write as _},
    fs::File,
    io,
    os::fd::AsFd as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::{
    Event, Level, Subscriber, error,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// What is written where KUBEVET_LOG says nothing.
const FILTER: &str = "error,kubevet=info";
/// Bytes of a message.
const MESSAGE_BYTES: usize = 4096;
/// Bytes of the value of another field.
const FIELD_BYTES: usize = 1024;
/// Fields of a line.
const FIELDS: usize = 16;
/// Lines of one level that may come at once.
const BURST: u32 = 200;
/// Lines of one level a second, after that.
const LINES_PER_SECOND: u32 = 20;

/// The program's log. Clones are one.
#[derive(Clone)]
pub(super) struct ProgramLog {
    inner: Arc<Inner>,
}

struct Inner {
    lines: LogWriter,
    form: Form,
    /// By level, worst first: a flood of warnings leaves errors their own.
    buckets: [Mutex<Bucket>; 5],
    /// Lines over the rate that nobody was told of yet.
    unsaid: AtomicU64,
    unwritten: Family<Why, Counter>,
}

#[derive(Clone, Copy)]
struct Form {
    json: bool,
    color: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

impl ProgramLog {
    /// The log on standard error, in force for the whole process, panics included.
    pub(super) fn begin(format: LogFormat, color: bool) -> Self {
        let form = Form {
            json: matches!(format, LogFormat::Json),
            color,
        };
        let log = Self::new(standard_error(), form, Bucket::new(Instant::now()));
        let filter =
            EnvFilter::try_from_env("KUBEVET_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
        // Fails only where logging has begun already.
        let _ = tracing_subscriber::registry()
            .with(log.clone().with_filter(filter))
            .try_init();
        std::panic::set_hook(Box::new(|panic| error!("broke down: {panic}")));
        log
    }

    fn new(output: LogOutput, form: Form, bucket: Bucket) -> Self {
        let unwritten = Family::<Why, Counter>::default();
        let lost = unwritten.get_or_create(&Why { why: "reader" }).clone();
        let say = move |count: u64| {
            let words = format!("{count} lines of this log were not written: nobody read them");
            Some(Entry::of_text(Level::WARN, words).line(form))
        };
        let lines = LogWriter::new(output, lost, say);
        let buckets = std::array::from_fn(|_| Mutex::new(bucket.clone()));
        let inner = Inner {
            lines,
            form,
            buckets,
            unsaid: AtomicU64::new(0),
            unwritten,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Enters what is counted.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "kubevet_unwritten_log_lines",
            "Lines of the program's own log that were not written: more came than are written, or nobody read them",
            self.inner.unwritten.clone(),
        );
    }

    /// Writes a line for people that is no event: why the program ends.
    pub(super) fn say(&self, words: &str) {
        let mut line = String::with_capacity(words.len() + 1);
        truncate_bytes(words, MESSAGE_BYTES)
            .chars()
            .for_each(|c| escape_char(c, &mut line));
        line.push('\n');
        self.inner.lines.write(line.into_bytes());
    }

    /// Waits, at most so long, until what was handed over is written. For the end of the process.
    pub(super) fn flush(&self, within: Duration) {
        self.inner.lines.flush(within);
    }

    fn write(&self, entry: Entry, now: Instant) {
        let inner = &self.inner;
        let level = entry.level;
        let place = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG]
            .iter()
            .position(|it| *it == level);
        let Some(bucket) = inner.buckets.get(place.unwrap_or(4)) else {
            return;
        };
        if !bucket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(now)
        {
            inner.unsaid.fetch_add(1, Ordering::Relaxed);
            inner.unwritten.get_or_create(&Why { why: "rate" }).inc();
            return;
        }
        let count = inner.unsaid.swap(0, Ordering::Relaxed);
        if count > 0 {
            let words =
                format!("{count} lines of this log were left out: more came than are written");
            inner
                .lines
                .write(Entry::of_text(Level::WARN, words).line(inner.form));
        }
        inner.lines.write(entry.line(inner.form));
    }
}

/// Not the library's standard error, which has a lock that a writer keeps while it waits.
fn standard_error() -> LogOutput {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => LogOutput::stream(File::from(descriptor)),
        Err(_) => LogOutput::stream(io::stderr()),
    }
}

impl<S: Subscriber> Layer<S> for ProgramLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut entry = Entry::new(*event.metadata().level());
        event.record(&mut entry);
        self.write(entry, Instant::now());
    }
}

/// A token bucket: so many lines at once, and so many a second after that.
#[derive(Clone)]
struct Bucket {
    lines: u32,
    filled: Instant,
}

impl Bucket {
    fn new(now: Instant) -> Self {
        Self {
            lines: BURST,
            filled: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled);
        let period = Duration::from_secs(1) / LINES_PER_SECOND;
        let new = u32::try_from(passed.as_millis() / period.as_millis().max(1)).unwrap_or(u32::MAX);
        if new > 0 {
            self.filled += period * new.min(BURST);
            self.lines = self.lines.saturating_add(new).min(BURST);
            if self.lines == BURST {
                self.filled = now;
            }
        }
        let taken = self.lines > 0;
        self.lines = self.lines.saturating_sub(1);
        taken
    }
}

/// An event on its way to a line.
struct Entry {
    level: Level,
    time: SystemTime,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Entry {
    fn new(level: Level) -> Self {
        Self {
            level,
            time: SystemTime::now(),
            message: String::new(),
            fields: Vec::new(),
        }
    }

    fn of_text(level: Level, message: String) -> Self {
        Self {
            message,
            ..Self::new(level)
        }
    }

    fn put(&mut self, field: &Field, value: Value) {
        match value {
            Value::String(text) if field.name() == "message" => self.message = text,
            value if self.fields.len() < FIELDS => self.fields.push((field.name(), value)),
            _ => {}
        }
    }

    /// The line, with its end.
    fn line(&self, form: Form) -> Vec<u8> {
        let mut line = if form.json {
            self.json()
        } else {
            self.text(form.color)
        };
        line.push(b'\n');
        line
    }

    fn text(&self, color: bool) -> Vec<u8> {
        let code = match self.level {
            Level::ERROR => "31",
            Level::WARN => "33",
            Level::INFO => "32",
            Level::DEBUG => "34",
            Level::TRACE => "35",
        };
        let mut text = self.stamp();
        let _ = match color {
            true => write!(text, " \u{1b}[{code}m{:>5}\u{1b}[0m ", self.level),
            false => write!(text, " {:>5} ", self.level),
        };
        self.message.chars().for_each(|c| escape_char(c, &mut text));
        for (name, value) in &self.fields {
            let _ = write!(text, " {name}=");
            // A text as JSON is quoted, so that no value ends early and begins another field.
            value
                .to_string()
                .chars()
                .for_each(|c| escape_char(c, &mut text));
        }
        text.into_bytes()
    }

    fn json(&self) -> Vec<u8> {
        let mut fields = Map::new();
        fields.insert("message".to_owned(), self.message.clone().into());
        fields.extend(
            self.fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let mut entry = Map::new();
        entry.insert("timestamp".to_owned(), self.stamp().into());
        entry.insert("level".to_owned(), self.level.as_str().into());
        entry.insert("fields".to_owned(), fields.into());
        let mut bytes = Vec::with_capacity(256);
        // Maps of texts and numbers cannot fail to be written.
        let _ = entry.serialize(&mut Serializer::with_formatter(
            &mut bytes,
            EscapingFormatter(CompactFormatter),
        ));
        bytes
    }

    fn stamp(&self) -> String {
        let utc = OffsetDateTime::from(self.time);
        utc.replace_microsecond(utc.microsecond())
            .unwrap_or(utc)
            .format(&Rfc3339)
            .unwrap_or_default()
    }
}

impl Visit for Entry {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let most = if field.name() == "message" {
            MESSAGE_BYTES
        } else {
            FIELD_BYTES
        };
        self.put(
            field,
            format_bounded(&format_args!("{value:?}"), most).into(),
        );
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let most = if field.name() == "message" {
            MESSAGE_BYTES
        } else {
            FIELD_BYTES
        };
        self.put(field, truncate_bytes(value, most).into_owned().into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tracing::{info, warn};

    const LONG: Duration = Duration::from_secs(60);

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of some events, without the times.
    fn written(form: Form, speak: impl FnOnce()) -> String {
        let kept = Kept::default();
        let log = ProgramLog::new(
            LogOutput::stream(kept.clone()),
            form,
            Bucket::new(Instant::now()),
        );
        let subscriber = tracing_subscriber::registry().with(log.clone());
        tracing::subscriber::with_default(subscriber, speak);
        log.flush(LONG);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(
            !text
                .trim_end_matches('\n')
                .chars()
                .any(|c| c != '\n' && kubevet_model::is_hidden(c)),
            "{text:?}"
        );
        let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap();
        time.replace_all(&text, "TIME").into_owned()
    }

    #[test]
    fn events_are_lines_whose_texts_cannot_begin_others() {
        let speak = || {
            warn!(
                binding = "a\nERROR b",
                count = 3,
                ok = true,
                "x\u{1b}[31m\u{202e}{}",
                "\u{9b}y\r\n"
            );
            info!("plain");
        };
        assert_eq!(
            written(
                Form {
                    json: false,
                    color: false
                },
                speak
            ),
            "TIME  WARN x\\u{1b}[31m\\u{202e}\\u{9b}y\\r\\n binding=\"a\\nERROR b\" count=3 ok=true\nTIME  INFO plain\n"
        );
        assert_eq!(
            written(
                Form {
                    json: true,
                    color: false
                },
                speak
            ),
            "{\"timestamp\":\"TIME\",\"level\":\"WARN\",\"fields\":{\"message\":\"x\\u001b[31m\\u202e\\u009by\\r\\n\",\
             \"binding\":\"a\\nERROR b\",\"count\":3,\"ok\":true}}\n\
             {\"timestamp\":\"TIME\",\"level\":\"INFO\",\"fields\":{\"message\":\"plain\"}}\n"
        );
    }

    #[test]
    fn libraries_speak_of_errors_only() {
        let kept = Kept::default();
        let form = Form {
            json: false,
            color: false,
        };
        let log = ProgramLog::new(
            LogOutput::stream(kept.clone()),
            form,
            Bucket::new(Instant::now()),
        );
        let subscriber =
            tracing_subscriber::registry().with(log.clone().with_filter(EnvFilter::new(FILTER)));
        tracing::subscriber::with_default(subscriber, || {
            warn!(target: "h2::proto::streams", "reset");
            info!(target: "hyper", "closed");
            error!(target: "kube_client", "failed");
            info!(target: "kubevet::cli::serve", "listening");
            tracing::debug!(target: "kubevet::cli::serve", "detail");
        });
        log.flush(LONG);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let said: Vec<_> = text
            .lines()
            .filter_map(|it| it.rsplit(' ').next())
            .collect();
        assert_eq!(said, ["failed", "listening"]);
    }

    #[test]
    fn a_line_is_bounded_whatever_is_said() {
        let long = "x".repeat(1 << 20);
        let text = written(
            Form {
                json: true,
                color: false,
            },
            || warn!(a = long, b = ?long, "{long}"),
        );
        assert!(
            text.len() < MESSAGE_BYTES + 2 * FIELD_BYTES + 200,
            "{}",
            text.len()
        );
        assert!(text.contains("x…"), "{text}");
    }

    /// A flood of warnings is cut, counted and told, and errors come through.
    #[test]
    fn lines_over_the_rate_are_counted_and_said() {
        let kept = Kept::default();
        let begun = Instant::now();
        let log = ProgramLog::new(
            LogOutput::stream(kept.clone()),
            Form {
                json: false,
                color: false,
            },
            Bucket::new(begun),
        );
        let say = |level, text: &str, now| log.write(Entry::of_text(level, text.to_owned()), now);
        for _ in 0..BURST + 7 {
            say(Level::WARN, "flood", begun);
        }
        say(Level::ERROR, "broken", begun);
        say(Level::WARN, "later", begun + Duration::from_secs(1));
        log.flush(LONG);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("flood").count(), BURST as usize);
        assert!(text.contains("7 lines of this log were left out"), "{text}");
        assert!(
            text.contains("ERROR broken") && text.contains("later"),
            "{text}"
        );
        assert_eq!(
            log.inner
                .unwritten
                .get_or_create(&Why { why: "rate" })
                .get(),
            7
        );
    }

    #[test]
    fn a_bucket_fills_at_its_rate_and_no_higher_than_its_burst() {
        let begun = Instant::now();
        let mut bucket = Bucket::new(begun);
        let mut taken = |after: u64| {
            (0..1000)
                .filter(|_| bucket.take(begun + Duration::from_millis(after)))
                .count()
        };
        assert_eq!(taken(0), 200);
        assert_eq!(taken(49), 0);
        assert_eq!(taken(100), 2);
        assert_eq!(taken(1_100), 20);
        assert_eq!(taken(3_600_000), 200);
    }
}
