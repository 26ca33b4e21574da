//! A thread that writes items one after another, fed by a bounded channel.
//!
//! A slow destination costs items, never the time of a review. The items that wait are bounded in
//! number and in bytes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// The pause before a flush of a full channel is tried again.
const FLUSH_RETRY_INTERVAL: Duration = Duration::from_millis(1);

/// The sending side of the thread. The thread ends when this value is dropped.
pub(super) struct BackgroundWriter<T> {
    messages: SyncSender<Message<T>>,
    /// The bytes of all items that wait or are being written.
    queued_bytes: Arc<AtomicUsize>,
    max_queued_bytes: usize,
}

enum Message<T> {
    /// An item, and its size in bytes.
    Write(T, usize),
    /// Reply as soon as every item before this message is written.
    Flush(SyncSender<()>),
}

impl<T: Send + 'static> BackgroundWriter<T> {
    /// Starts a thread that calls `write` for each item. If the system refuses to start one, every
    /// item is rejected.
    pub(super) fn new(
        max_queued_items: usize,
        max_queued_bytes: usize,
        mut write: impl FnMut(T) + Send + 'static,
    ) -> Self {
        let (messages, receiver) = sync_channel(max_queued_items);
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let written_from = Arc::clone(&queued_bytes);
        let run = move || {
            for message in receiver {
                match message {
                    Message::Write(item, bytes) => {
                        write(item);
                        written_from.fetch_sub(bytes, Ordering::Relaxed);
                    }
                    Message::Flush(reply) => {
                        // The caller of `flush` may have timed out.
                        let _ = reply.try_send(());
                    }
                }
            }
        };
        // Without a thread the closure is dropped, and with it the receiver: `try_send` fails then.
        let _ = thread::Builder::new().name("writer".to_owned()).spawn(run);
        Self {
            messages,
            queued_bytes,
            max_queued_bytes,
        }
    }

    /// Queues an item of `bytes` bytes; false if there is no room. Never blocks.
    pub(super) fn try_write(&self, item: T, bytes: usize) -> bool {
        // The bytes are added before the check, so that concurrent callers cannot exceed the bound
        // together.
        let queued = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = queued.saturating_add(bytes) <= self.max_queued_bytes;
        let is_queued = has_room && self.messages.try_send(Message::Write(item, bytes)).is_ok();
        if !is_queued {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        is_queued
    }

    /// Waits until every item queued so far is written, at most for `timeout`. It is meant for the
    /// end of the process.
    pub(super) fn flush(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let (reply, replied) = sync_channel(1);
        let mut message = Message::Flush(reply);
        // A full channel has items to wait for.
        while let Err(TrySendError::Full(unsent)) = self.messages.try_send(message) {
            if Instant::now() >= deadline {
                return;
            }
            message = unsent;
            thread::sleep(FLUSH_RETRY_INTERVAL);
        }
        let _ = replied.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, mpsc::channel};

    #[test]
    fn flush_returns_after_all_items_are_written() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let items = Arc::clone(&written);
        let writer = BackgroundWriter::new(8, 8, move |item| items.lock().unwrap().push(item));
        for number in 0..5 {
            assert!(writer.try_write(number, 1));
        }
        writer.flush(Duration::from_secs(60));
        assert_eq!(*written.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(writer.queued_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn blocked_writer_blocks_no_caller() {
        let (hold, held) = channel::<()>();
        let writer = BackgroundWriter::new(1, 100, move |()| assert!(held.recv().is_err()));
        let rejected = (0..4).filter(|_| !writer.try_write((), 1)).count();
        assert!(rejected >= 2, "{rejected}");
        writer.flush(Duration::from_millis(1));
        drop(hold);
    }

    #[test]
    fn flush_of_a_full_channel_returns_after_all_items_are_written() {
        let (hold, held) = channel::<()>();
        let (flush, flushing) = channel::<()>();
        let written = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&written);
        let writer = BackgroundWriter::new(1, 100, move |()| {
            let _ = held.recv();
            count.fetch_add(1, Ordering::Relaxed);
        });
        // One item is being written, and one waits.
        let mut queued = 0;
        while queued < 2 {
            queued += usize::from(writer.try_write((), 1));
        }
        let release = thread::spawn(move || {
            let _ = flushing.recv();
            drop(hold);
        });
        drop(flush);
        writer.flush(Duration::from_secs(60));
        assert_eq!(written.load(Ordering::Relaxed), 2);
        release.join().unwrap();
    }

    /// A rejected item is not charged.
    #[test]
    fn blocked_writer_queues_no_more_than_its_bytes() {
        let (hold, held) = channel::<()>();
        let writer = BackgroundWriter::new(1000, 10, move |()| {
            let _ = held.recv();
        });
        let queued: Vec<bool> = [4, 4, 4, 2, 1]
            .iter()
            .map(|bytes| writer.try_write((), *bytes))
            .collect();
        assert_eq!(queued, [true, true, false, true, false]);
        drop(hold);
        writer.flush(Duration::from_secs(60));
        assert!(writer.try_write((), 10));
    }
}
