//! LogWriter of a log on their way to a file or a standard stream, written by a thread of their own.
//!
//! A reader that is slow, hangs or has gone costs lines, which are counted and said once the writer moves again, and
//! nothing else. A line that was cut short (a full disk) is ended before the next one begins. It knows nothing of what
//! the lines say.

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

/// LogWriter that wait for the writer.
const WAITING: usize = 4096;
/// Bytes that wait for the writer.
const WAITING_BYTES: usize = 16 << 20;
/// Before a stream that takes nothing now, and does not make its writer wait, is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// Where lines end up.
pub struct LogOutput {
    out: Box<dyn Write + Send>,
    /// What can be opened anew, when somebody has moved it away.
    path: Option<PathBuf>,
    /// The last line has no end.
    torn: bool,
}

impl LogOutput {
    /// A stream that is never opened anew.
    #[must_use]
    pub fn stream(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Box::new(out),
            path: None,
            torn: false,
        }
    }

    /// The end of a file, which is made where it is missing.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn file(path: &Path) -> io::Result<Self> {
        let out = OpenOptions::new().create(true).append(true).open(path)?;
        let torn = out.metadata()?.is_file() && is_torn(path).unwrap_or(false);
        Ok(Self {
            out: Box::new(out),
            path: Some(path.to_owned()),
            torn,
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
        if !self.torn {
            return self.write_all(line);
        }
        let mut whole = Vec::with_capacity(line.len() + 1);
        whole.push(b'\n');
        whole.extend_from_slice(line);
        self.write_all(&whole)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.torn = bytes.get(bytes.len() - rest.len() + count - 1) != Some(&b'\n');
                    rest = rest.get(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
        self.out.flush()
    }
}

/// Whether a file's last line has no end.
fn is_torn(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Takes lines and never waits.
pub struct LogWriter {
    writer: BackgroundWriter<Vec<u8>>,
    reopen: Arc<AtomicBool>,
    /// Those that nobody was told of yet.
    unsaid: Arc<AtomicU64>,
    lost: Counter,
}

impl LogWriter {
    /// LogWriter to `output`. `lost` counts those that were not written. `say` is told how many were lost, on the writer's
    /// thread, once a line was written again; what it returns is written as a line.
    pub fn new(
        mut output: LogOutput,
        lost: Counter,
        mut say: impl FnMut(u64) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let (reopen, unsaid) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (asked, uncounted, counter) = (Arc::clone(&reopen), Arc::clone(&unsaid), lost.clone());
        let writer = BackgroundWriter::new(WAITING, WAITING_BYTES, move |line: Vec<u8>| {
            // Where it cannot be opened the old file stays, and it is tried again with the next line.
            if asked.load(Ordering::Relaxed) && output.reopen().is_ok() {
                asked.store(false, Ordering::Relaxed);
            }
            if output.write(&line).is_err() {
                uncounted.fetch_add(1, Ordering::Relaxed);
                counter.inc();
                return;
            }
            let count = uncounted.swap(0, Ordering::Relaxed);
            if count > 0
                && let Some(line) = say(count)
            {
                let _ = output.write(&line);
            }
        });
        Self {
            writer,
            reopen,
            unsaid,
            lost,
        }
    }

    /// Hands over a line, which ends with a line break. Where there is no room it is lost and counted.
    pub fn write(&self, line: Vec<u8>) {
        let bytes = line.len();
        if !self.writer.hand_over(line, bytes) {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
            self.lost.inc();
        }
    }

    /// Opens the file anew before the next line: somebody has moved it away.
    pub fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// Waits, at most so long, until what was handed over is written. For the end of the process.
    pub fn flush(&self, within: Duration) {
        self.writer.flush(within);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        sync::{Mutex, mpsc::channel},
    };

    const LONG: Duration = Duration::from_secs(60);

    /// Takes as many bytes as there is room for, as a disk does.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Disk {
        fn room(&self, bytes: usize) {
            self.0.lock().unwrap().1 = bytes;
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.lock().unwrap();
            let count = bytes.len().min(disk.1);
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            disk.1 -= count;
            disk.0.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A full disk loses lines and glues none to the next.
    #[test]
    fn a_line_that_was_cut_short_is_ended_before_the_next() {
        let (disk, lost) = (Disk::default(), Counter::default());
        let lines = LogWriter::new(LogOutput::stream(disk.clone()), lost.clone(), |count| {
            Some(format!("{count} lost\n").into())
        });
        let write = |text: &str| {
            lines.write(text.into());
            lines.flush(LONG);
        };
        disk.room(9);
        ["one\n", "longer\n", "three\n"]
            .iter()
            .for_each(|it| write(it));
        disk.room(100);
        ["four\n", "five\n"].iter().for_each(|it| write(it));
        assert_eq!(disk.text(), "one\nlonge\nfour\n2 lost\nfive\n");
        assert_eq!(lost.get(), 2);
    }

    #[test]
    fn a_reader_that_reads_nothing_costs_lines_and_says_how_many() {
        struct Hangs(std::sync::mpsc::Receiver<()>, Disk);
        impl Write for Hangs {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                self.1.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (hold, held) = channel();
        let (disk, lost) = (Disk::default(), Counter::default());
        disk.room(usize::MAX);
        let out = LogOutput::stream(Hangs(held, disk.clone()));
        let lines = LogWriter::new(out, lost.clone(), |count| {
            Some(format!("{count} lost\n").into())
        });
        let line = [b"x".repeat(1 << 20), b"\n".to_vec()].concat();
        for _ in 0..40 {
            lines.write(line.clone());
        }
        assert_eq!(lost.get(), 25, "15 of 16 MiB and a little");
        lines.flush(Duration::from_millis(1));
        drop(hold);
        lines.flush(LONG);
        assert!(disk.text().contains("\n25 lost\n"));
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("log"), folder.path().join("log.1"));
        fs::write(&path, "half").unwrap();
        let lines = LogWriter::new(LogOutput::file(&path).unwrap(), Counter::default(), |_| {
            None
        });
        let write = |text: &str| {
            lines.write(text.into());
            lines.flush(LONG);
        };
        write("one\n");
        fs::rename(&path, &moved).unwrap();
        write("two\n");
        lines.reopen();
        write("three\n");
        assert_eq!(fs::read_to_string(&moved).unwrap(), "half\none\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        // A folder that is gone keeps the file that was open.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        lines.reopen();
        write("four\n");
        fs::remove_dir(&path).unwrap();
        write("five\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "five\n");
    }
}
