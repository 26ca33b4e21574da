//! A thread that writes what it is handed, one thing after another: what is slow there costs what is written, and never a
//! review. What waits for it is bounded in number and in bytes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// Hands things over to a thread of their own.
pub(super) struct BackgroundWriter<T> {
    entries: SyncSender<Entry<T>>,
    waiting_bytes: Arc<AtomicUsize>,
    most_bytes: usize,
}

enum Entry<T> {
    /// A thing, and its size in bytes.
    Write(T, usize),
    /// Everything before this is written: say so.
    Flush(SyncSender<()>),
}

impl<T: Send + 'static> BackgroundWriter<T> {
    /// A thread that calls `write` for each thing. At most `most` things of together `most_bytes` wait for it. It ends
    /// with this value. Where the system gives no thread, nothing is ever taken.
    pub(super) fn new(
        most: usize,
        most_bytes: usize,
        mut write: impl FnMut(T) + Send + 'static,
    ) -> Self {
        let (entries, handed) = sync_channel(most);
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let waiting = Arc::clone(&waiting_bytes);
        let work = move || {
            for entry in handed {
                match entry {
                    Entry::Write(thing, bytes) => {
                        write(thing);
                        waiting.fetch_sub(bytes, Ordering::Relaxed);
                    }
                    Entry::Flush(done) => {
                        // Whoever asked may have gone.
                        let _ = done.try_send(());
                    }
                }
            }
        };
        // The closure is dropped where there is no thread, and with it the other end of the channel.
        let _ = thread::Builder::new().name("writer".to_owned()).spawn(work);
        Self {
            entries,
            waiting_bytes,
            most_bytes,
        }
    }

    /// Hands something of so many bytes over; false where there is no room. Never waits.
    pub(super) fn hand_over(&self, thing: T, bytes: usize) -> bool {
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = waiting.saturating_add(bytes) <= self.most_bytes;
        let taken = fits && self.entries.try_send(Entry::Write(thing, bytes)).is_ok();
        if !taken {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    /// Waits, at most so long, until what was handed over is written. For the end of the process.
    pub(super) fn flush(&self, within: Duration) {
        let (done, written) = sync_channel(1);
        if self.entries.try_send(Entry::Flush(done)).is_ok() {
            let _ = written.recv_timeout(within);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex, mpsc::channel};

    #[test]
    fn what_is_handed_over_is_written_by_the_time_it_is_flushed() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&written);
        let writer = BackgroundWriter::new(8, 8, move |it| seen.lock().unwrap().push(it));
        for number in 0..5 {
            assert!(writer.hand_over(number, 1));
        }
        writer.flush(Duration::from_secs(60));
        assert_eq!(*written.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(writer.waiting_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_writer_that_hangs_keeps_nobody_waiting() {
        let (hold, held) = channel::<()>();
        let writer = BackgroundWriter::new(1, 100, move |()| assert!(held.recv().is_err()));
        let refused = (0..4).filter(|_| !writer.hand_over((), 1)).count();
        assert!(refused >= 2, "{refused}");
        writer.flush(Duration::from_millis(1));
        drop(hold);
    }

    /// The bytes are format_bounded, too, and what is refused is not charged.
    #[test]
    fn a_writer_that_hangs_holds_no_more_bytes_than_its_bound() {
        let (hold, held) = channel::<()>();
        let writer = BackgroundWriter::new(1000, 10, move |()| {
            let _ = held.recv();
        });
        let taken: Vec<bool> = [4, 4, 4, 2, 1]
            .iter()
            .map(|bytes| writer.hand_over((), *bytes))
            .collect();
        assert_eq!(taken, [true, true, false, true, false]);
        drop(hold);
        writer.flush(Duration::from_secs(60));
        assert!(writer.hand_over((), 10));
    }
}
