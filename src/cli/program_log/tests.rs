//! Lines of the program's log: what is in them, and how many there are.

use super::{entry::MAX_FIELD_BYTES, token_bucket::BURST_LINES, *};
use std::io::Write;
use tracing::{debug, info, warn};

const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);
const TEXT: LineFormat = LineFormat {
    json: false,
    color: false,
};
const JSON: LineFormat = LineFormat {
    json: true,
    color: false,
};

/// An output in memory. Clones share it.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn log(&self, format: LineFormat, now: Instant) -> ProgramLog {
        let output = LogOutput::stream(self.clone());
        ProgramLog::new(output, format, TokenBucket::full(now))
    }

    /// Returns what the log has written.
    fn content(&self, log: &ProgramLog) -> String {
        log.flush(FLUSH_TIMEOUT);
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines of some events, with `TIME` for the times. No line may have a hidden
/// character.
fn lines(format: LineFormat, emit: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let log = buffer.log(format, Instant::now());
    let subscriber = tracing_subscriber::registry().with(log.clone());
    tracing::subscriber::with_default(subscriber, emit);
    let content = buffer.content(&log);
    let is_hidden = |c: char| c != '\n' && kubevet_model::is_hidden(c);
    assert!(!content.chars().any(is_hidden), "{content:?}");
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap();
    time.replace_all(&content, "TIME").into_owned()
}

#[test]
fn value_of_an_event_cannot_begin_another_line_or_field() {
    let emit = || {
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
        lines(TEXT, emit),
        "TIME  WARN x\\u{1b}[31m\\u{202e}\\u{9b}y\\r\\n binding=\"a\\nERROR b\" count=3 ok=true\nTIME  INFO plain\n"
    );
    assert_eq!(
        lines(JSON, emit),
        "{\"timestamp\":\"TIME\",\"level\":\"WARN\",\"fields\":{\"message\":\"x\\u001b[31m\\u202e\\u009by\\r\\n\",\
         \"binding\":\"a\\nERROR b\",\"count\":3,\"ok\":true}}\n\
         {\"timestamp\":\"TIME\",\"level\":\"INFO\",\"fields\":{\"message\":\"plain\"}}\n"
    );
}

#[test]
fn events_of_libraries_are_errors_only() {
    let buffer = Buffer::default();
    let log = buffer.log(TEXT, Instant::now());
    let filter = EnvFilter::new(DEFAULT_FILTER);
    let subscriber = tracing_subscriber::registry().with(log.clone().with_filter(filter));
    tracing::subscriber::with_default(subscriber, || {
        warn!(target: "h2::proto::streams", "reset");
        info!(target: "hyper", "closed");
        error!(target: "kube_client", "failed");
        info!(target: "kubevet::cli::serve", "listening");
        debug!(target: "kubevet::cli::serve", "detail");
    });
    let content = buffer.content(&log);
    let lines = content.lines();
    let messages: Vec<_> = lines.filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(messages, ["failed", "listening"]);
}

#[test]
fn line_is_bounded_whatever_the_event_contains() {
    let long = "x".repeat(1 << 20);
    let line = lines(JSON, || warn!(a = long, b = ?long, "{long}"));
    let max_bytes = MAX_MESSAGE_BYTES + 2 * MAX_FIELD_BYTES + 200;
    assert!(line.len() < max_bytes, "{}", line.len());
    assert!(line.contains("x…"), "{line}");
}

/// A flood of warnings is cut, counted and reported, and errors are written.
#[test]
fn lines_over_the_rate_are_counted_and_reported() {
    let buffer = Buffer::default();
    let start = Instant::now();
    let log = buffer.log(TEXT, start);
    let write = |level, message: &str, now| {
        log.write(Entry::with_message(level, message.to_owned()), now);
    };
    for _ in 0..BURST_LINES + 7 {
        write(Level::WARN, "flood", start);
    }
    write(Level::ERROR, "broken", start);
    write(Level::WARN, "later", start + Duration::from_secs(1));
    let content = buffer.content(&log);
    assert_eq!(content.matches("flood").count(), BURST_LINES as usize);
    assert!(
        content.contains("7 lines of this log were dropped"),
        "{content}"
    );
    assert!(
        content.contains("ERROR broken") && content.contains("later"),
        "{content}"
    );
    assert_eq!(log.inner.dropped.get_or_create(&OVER_RATE).get(), 7);
}
