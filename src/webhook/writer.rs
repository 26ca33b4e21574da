//! A thread that writes what it is handed, one thing after another: what is slow there costs what is written, and never a
//! review.

use std::{
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::Duration,
};

/// Hands things over to a thread of their own.
pub(super) struct Writer<T>(SyncSender<Entry<T>>);

enum Entry<T> {
    Write(T),
    /// Everything before this is written: say so.
    Flush(SyncSender<()>),
}

impl<T: Send + 'static> Writer<T> {
    /// A thread that calls `write` for each thing; at most `waiting` wait for it. It ends with this value.
    pub(super) fn new(waiting: usize, mut write: impl FnMut(T) + Send + 'static) -> Self {
        let (entries, handed) = sync_channel(waiting);
        thread::spawn(move || {
            for entry in handed {
                match entry {
                    Entry::Write(thing) => write(thing),
                    Entry::Flush(done) => {
                        // Whoever asked may have gone.
                        let _ = done.try_send(());
                    }
                }
            }
        });
        Self(entries)
    }

    /// Hands something over; false where there is no room. Never waits.
    pub(super) fn hand_over(&self, thing: T) -> bool {
        self.0.try_send(Entry::Write(thing)).is_ok()
    }

    /// Waits, at most so long, until what was handed over is written. For the end of the process.
    pub(super) fn flush(&self, within: Duration) {
        let (done, written) = sync_channel(1);
        if self.0.try_send(Entry::Flush(done)).is_ok() {
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
        let writer = Writer::new(8, move |it| seen.lock().unwrap().push(it));
        for number in 0..5 {
            assert!(writer.hand_over(number));
        }
        writer.flush(Duration::from_secs(60));
        assert_eq!(*written.lock().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_writer_that_hangs_keeps_nobody_waiting() {
        let (hold, held) = channel::<()>();
        let writer = Writer::new(1, move |()| assert!(held.recv().is_err()));
        let refused = (0..4).filter(|_| !writer.hand_over(())).count();
        assert!(refused >= 2, "{refused}");
        writer.flush(Duration::from_millis(1));
        drop(hold);
    }
}
