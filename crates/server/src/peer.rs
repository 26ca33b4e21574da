//! Who is at the other end of a connection, for whoever shares out memory and time; and the place that the connection
//! holds.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use super::connection_table::{Entered, Places};

/// Between two looks at connections that are closing.
const CLOSING_PAUSE: Duration = Duration::from_millis(1);

/// The caller at the other end of a connection. Clones are one.
#[derive(Debug, Clone)]
pub struct Peer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    caller: Arc<str>,
    cut: Cut,
    has_delivered: AtomicBool,
    place: Option<Arc<Place>>,
}

impl Peer {
    /// A caller without a connection.
    #[must_use]
    pub fn of(caller: &str) -> Self {
        Self::new(Arc::from(caller), Cut::default(), None)
    }

    fn new(caller: Arc<str>, cut: Cut, place: Option<Arc<Place>>) -> Self {
        Self(Arc::new(Inner {
            caller,
            cut,
            has_delivered: AtomicBool::new(false),
            place,
        }))
    }

    /// The name by which shares are given: the subject of the client's certificate, or else its address.
    #[must_use]
    pub fn caller(&self) -> &Arc<str> {
        &self.0.caller
    }

    /// The connection has delivered what it is here for: it is not closed to make room.
    pub fn delivered(&self) {
        if !self.0.has_delivered.swap(true, Ordering::Relaxed)
            && let Some(place) = &self.0.place
        {
            place.room.lock().delivered(place.number);
        }
    }

    /// Ends the connection.
    pub fn cut(&self) {
        self.0.cut.cut();
    }

    /// Resolves when the connection is to end.
    pub(super) async fn wait_cut(&self) {
        self.0.cut.wait().await;
    }

    /// Whether the connection was told to end.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.0.cut.0.is_cut.load(Ordering::Relaxed)
    }
}

/// Tells a connection to end. Clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Cut(Arc<CutState>);

#[derive(Debug, Default)]
struct CutState {
    is_cut: AtomicBool,
    notify: Notify,
}

impl Cut {
    pub(super) fn cut(&self) {
        self.0.is_cut.store(true, Ordering::Relaxed);
        self.0.notify.notify_one();
    }

    /// Resolves when the connection is to end.
    pub(super) async fn wait(&self) {
        self.0.notify.notified().await;
    }
}

/// The places of one listener. Clones are one.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Mutex<Places<Cut>>>);

impl Room {
    pub(super) fn new(places: usize) -> Self {
        Self(Arc::new(Mutex::new(Places::new(places))))
    }

    /// A place for a connection from this address; `None` where there is none.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let (caller, cut) = (caller_of(address), Cut::default());
        let entered = self.lock().enter(&caller, cut.clone());
        let Entered::Taken(number, closed) = entered else {
            return None;
        };
        if let Some(closed) = closed {
            closed.cut();
        }
        Some(Place {
            room: self.clone(),
            number,
            caller,
            cut,
        })
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.lock().is_crowded()
    }

    /// Waits until those that were told to close have done so, but for a few.
    pub(super) async fn settle(&self) {
        while self.lock().is_closing_many() {
            sleep(CLOSING_PAUSE).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places<Cut>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection; dropped, it is free.
#[derive(Debug)]
pub(super) struct Place {
    room: Room,
    number: u64,
    caller: Arc<str>,
    pub(super) cut: Cut,
}

impl Place {
    /// The peer that holds it: by the subject of its certificate, where it has shown one.
    pub(super) fn peer(self: &Arc<Self>, subject: Option<String>) -> Peer {
        let caller = match subject {
            Some(subject) => {
                let caller = Arc::from(subject);
                self.room.lock().identify(self.number, &caller);
                caller
            }
            None => Arc::clone(&self.caller),
        };
        Peer::new(caller, self.cut.clone(), Some(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.lock().leave(self.number);
    }
}

/// The name of a caller that has only an address: of IPv6, the network of 64 bits, since whoever has one address of it has
/// them all.
fn caller_of(address: IpAddr) -> Arc<str> {
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
    fn callers_are_addresses_or_networks() {
        for (address, expected) in [
            ("127.0.0.2", "127.0.0.2"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(&*caller_of(address.parse().unwrap()), expected);
        }
    }

    #[tokio::test]
    async fn who_must_close_is_told_and_who_has_delivered_is_not() {
        let room = Room::new(2);
        let (first, second) = (IpAddr::from([127, 0, 0, 2]), IpAddr::from([127, 0, 0, 3]));
        let ordinary = Arc::new(room.enter(first).unwrap());
        let peer = ordinary.peer(None);
        peer.delivered();
        let silent = room.enter(second).unwrap();
        let newcomer = room.enter(second).unwrap();
        silent.cut.wait().await;
        assert!(!peer.is_cut());
        drop((silent, newcomer));
        assert!(room.enter(second).is_some());
    }
}
