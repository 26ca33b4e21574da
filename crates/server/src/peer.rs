//! The caller at the other end of a connection, for code that shares out memory and time among
//! callers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::connection_slot::{CloseSignal, ConnectionSlot};

/// The caller at the other end of a connection. Clones refer to the same connection.
#[derive(Debug, Clone)]
pub struct Peer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    caller: Arc<str>,
    close: CloseSignal,
    has_delivered: AtomicBool,
    slot: Option<Arc<ConnectionSlot>>,
}

impl Peer {
    /// Returns a caller without a connection.
    #[must_use]
    pub fn detached(caller: &str) -> Self {
        Self::new(Arc::from(caller), CloseSignal::default(), None)
    }

    /// Returns the peer of a connection, named by the subject of its client certificate if it has
    /// shown one.
    pub(super) fn connected(slot: &Arc<ConnectionSlot>, subject: Option<String>) -> Self {
        let caller = match subject {
            Some(subject) => {
                let caller = Arc::from(subject);
                slot.identify(&caller);
                caller
            }
            None => Arc::clone(&slot.caller),
        };
        Self::new(caller, slot.close.clone(), Some(Arc::clone(slot)))
    }

    fn new(caller: Arc<str>, close: CloseSignal, slot: Option<Arc<ConnectionSlot>>) -> Self {
        Self(Arc::new(Inner {
            caller,
            close,
            has_delivered: AtomicBool::new(false),
            slot,
        }))
    }

    /// Returns the name by which shares are assigned: the subject of the client certificate, or
    /// else the address.
    #[must_use]
    pub fn caller(&self) -> &Arc<str> {
        &self.0.caller
    }

    /// Records that the connection has delivered a whole request. It is then never closed to make
    /// room for another.
    pub fn mark_delivered(&self) {
        if !self.0.has_delivered.swap(true, Ordering::Relaxed)
            && let Some(slot) = &self.0.slot
        {
            slot.mark_delivered();
        }
    }

    /// Closes the connection.
    pub fn close(&self) {
        self.0.close.send();
    }

    /// Resolves when the connection is to be closed.
    pub(super) async fn closed(&self) {
        self.0.close.wait().await;
    }

    /// True if the connection has been closed by [`close`](Self::close) or to make room.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.close.is_sent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection_slot::ConnectionSlots;
    use std::net::IpAddr;

    #[tokio::test]
    async fn full_table_closes_undelivered_connection_and_keeps_delivered_one() {
        let slots = ConnectionSlots::new(2);
        let (first, second) = (IpAddr::from([127, 0, 0, 2]), IpAddr::from([127, 0, 0, 3]));
        let peer = Peer::connected(&Arc::new(slots.acquire(first).unwrap()), None);
        peer.mark_delivered();
        let silent = slots.acquire(second).unwrap();
        let newcomer = slots.acquire(second).unwrap();
        silent.close.wait().await;
        assert!(!peer.is_closed());
        drop((silent, newcomer));
        assert!(slots.acquire(second).is_some());
    }
}
