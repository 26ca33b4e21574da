//! The connection table of one listener behind a lock, and the slot that one connection holds.
//!
//! The decisions are those of `connection_table`; here they meet addresses, close signals and
//! waiting.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use super::connection_table::{Admission, ConnectionTable};

/// The time between two checks whether closing connections are gone.
const CLOSING_POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The slots of one listener. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct ConnectionSlots(Arc<Mutex<ConnectionTable<CloseSignal>>>);

impl ConnectionSlots {
    pub(super) fn new(max_connections: usize) -> Self {
        Self(Arc::new(Mutex::new(ConnectionTable::new(max_connections))))
    }

    /// Takes a slot for a connection from this address; `None` where there is none.
    pub(super) fn acquire(&self, address: IpAddr) -> Option<ConnectionSlot> {
        let (caller, close) = (caller_name(address), CloseSignal::default());
        let admission = self.lock().admit(&caller, close.clone());
        let Admission::Admitted { id, evicted } = admission else {
            return None;
        };
        if let Some(evicted) = evicted {
            evicted.send();
        }
        Some(ConnectionSlot {
            slots: self.clone(),
            id,
            caller,
            close,
        })
    }

    /// True if more than three quarters of the slots are in use.
    pub(super) fn is_crowded(&self) -> bool {
        self.lock().is_crowded()
    }

    /// Waits until all but a few of the evicted connections have ended.
    pub(super) async fn wait_for_closing(&self) {
        while self.lock().has_closing_backlog() {
            sleep(CLOSING_POLL_INTERVAL).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, ConnectionTable<CloseSignal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of one connection. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    slots: ConnectionSlots,
    id: u64,
    /// The name of the caller by its address.
    pub(super) caller: Arc<str>,
    /// Closes the connection.
    pub(super) close: CloseSignal,
}

impl ConnectionSlot {
    /// Moves the connection to the caller that its client certificate names.
    pub(super) fn identify(&self, caller: &Arc<str>) {
        self.slots.lock().identify(self.id, caller);
    }

    /// Records that the connection has delivered a whole request.
    pub(super) fn mark_delivered(&self) {
        self.slots.lock().mark_delivered(self.id);
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.lock().remove(self.id);
    }
}

/// A signal that closes one connection. Clones are the same signal.
#[derive(Debug, Clone, Default)]
pub(super) struct CloseSignal(Arc<CloseState>);

#[derive(Debug, Default)]
struct CloseState {
    is_sent: AtomicBool,
    notify: Notify,
}

impl CloseSignal {
    pub(super) fn send(&self) {
        self.0.is_sent.store(true, Ordering::Relaxed);
        self.0.notify.notify_one();
    }

    pub(super) fn is_sent(&self) -> bool {
        self.0.is_sent.load(Ordering::Relaxed)
    }

    /// Resolves when the connection is to be closed.
    pub(super) async fn wait(&self) {
        self.0.notify.notified().await;
    }
}

/// Returns the name of a caller that is known by its address only. For IPv6 it is the /64 network:
/// a host that has one address of it can use them all.
fn caller_name(address: IpAddr) -> Arc<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => Arc::from(address.to_string()),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            Arc::from(format!("{network}/64"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_name_is_address_or_network() {
        for (address, expected) in [
            ("127.0.0.2", "127.0.0.2"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(&*caller_name(address.parse().unwrap()), expected);
        }
    }
}
