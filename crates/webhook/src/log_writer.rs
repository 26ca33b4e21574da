//! Writes the lines of a log to a file or a standard stream, on a thread of its own.
//!
//! A reader that is slow, blocked or gone costs lines and nothing else: dropped lines are counted,
//! and reported once writing succeeds again. A line that was written in part (a full disk) is ended
//! before the next one starts. The content of the lines is not known here.

use super::background_writer::BackgroundWriter;
use prometheus_client::metrics::counter::Counter;
use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// The number of lines that wait to be written.
const MAX_QUEUED_LINES: usize = 4096;
/// The number of bytes that wait to be written.
const MAX_QUEUED_BYTES: usize = 16 << 20;
/// The pause before a nonblocking stream that is full is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The destination of a log.
pub struct LogOutput {
    out: Box<dyn Write + Send>,
    /// The path to reopen; `None` for a stream.
    path: Option<PathBuf>,
    /// True if the last byte written is not a line break.
    has_partial_line: bool,
}

impl LogOutput {
    /// Returns an output that is never reopened.
    #[must_use]
    pub fn stream(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Box::new(out),
            path: None,
            has_partial_line: false,
        }
    }

    /// Opens a file for appending, and creates it if it does not exist.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn file(path: &Path) -> io::Result<Self> {
        let out = OpenOptions::new().create(true).append(true).open(path)?;
        // Only a regular file can be read from its end: a pipe is assumed to be at a line's start.
        let has_partial_line =
            out.metadata()?.is_file() && ends_in_partial_line(path).unwrap_or(false);
        Ok(Self {
            out: Box::new(out),
            path: Some(path.to_owned()),
            has_partial_line,
        })
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            *self = Self::file(path)?;
        }
        Ok(())
    }

    /// Writes one line, which ends with a line break.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if !self.has_partial_line {
            return self.write_all(line);
        }
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.push(b'\n');
        bytes.extend_from_slice(line);
        self.write_all(&bytes)
    }

    /// As [`Write::write_all`], but it waits for nonblocking streams, and keeps track of partial
    /// lines.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut unwritten = bytes;
        while !unwritten.is_empty() {
            match self.out.write(unwritten) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    let last = unwritten.get(count - 1);
                    self.has_partial_line = last != Some(&b'\n');
                    unwritten = unwritten.get(count..).unwrap_or_default();
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => thread::sleep(RETRY_INTERVAL),
                    _ => return Err(error),
                },
            }
        }
        self.out.flush()
    }
}

/// Returns true if the last byte of a file is not a line break.
fn ends_in_partial_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Accepts lines without ever blocking.
pub struct LogWriter {
    writer: BackgroundWriter<Vec<u8>>,
    reopen_requested: Arc<AtomicBool>,
    /// The number of dropped lines since the last report.
    unreported: Arc<AtomicU64>,
    dropped: Counter,
}

impl LogWriter {
    /// Starts a writer to `output`. `dropped` counts the lines that were not written.
    /// `report_dropped` is called on the writer's thread with their number, once a line was written
    /// again; a line that it returns is written too.
    pub fn new(
        mut output: LogOutput,
        dropped: Counter,
        mut report_dropped: impl FnMut(u64) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let reopen_requested = Arc::new(AtomicBool::new(false));
        let unreported = Arc::new(AtomicU64::new(0));
        let write = {
            let (reopen_requested, unreported, dropped) = (
                Arc::clone(&reopen_requested),
                Arc::clone(&unreported),
                dropped.clone(),
            );
            move |line: Vec<u8>| {
                // If it cannot be reopened, the old file remains, and the next line tries again.
                if reopen_requested.load(Ordering::Relaxed) && output.reopen().is_ok() {
                    reopen_requested.store(false, Ordering::Relaxed);
                }
                if output.write(&line).is_err() {
                    unreported.fetch_add(1, Ordering::Relaxed);
                    dropped.inc();
                    return;
                }
                let count = unreported.swap(0, Ordering::Relaxed);
                if count > 0
                    && let Some(line) = report_dropped(count)
                {
                    let _ = output.write(&line);
                }
            }
        };
        Self {
            writer: BackgroundWriter::new(MAX_QUEUED_LINES, MAX_QUEUED_BYTES, write),
            reopen_requested,
            unreported,
            dropped,
        }
    }

    /// Queues a line, which ends with a line break. It is dropped and counted if there is no room.
    pub fn write(&self, line: Vec<u8>) {
        let bytes = line.len();
        if !self.writer.try_write(line, bytes) {
            self.unreported.fetch_add(1, Ordering::Relaxed);
            self.dropped.inc();
        }
    }

    /// Reopens the file before the next line, after it was rotated.
    pub fn reopen(&self) {
        self.reopen_requested.store(true, Ordering::Relaxed);
    }

    /// Waits until every line queued so far is written, at most for `timeout`. It is meant for the
    /// end of the process.
    pub fn flush(&self, timeout: Duration) {
        self.writer.flush(timeout);
    }
}

#[cfg(test)]
mod tests;
