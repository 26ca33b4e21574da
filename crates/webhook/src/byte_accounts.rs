//! Accounts for a fixed number of bytes by caller, and evicts by fair share when they run out.
//!
//! The victim is the newest evictable reservation of the caller that holds the most bytes. A caller
//! that is alone may hold everything. The accounting is synchronous, owns none of the memory that
//! it counts, and notifies no task: an evictable reservation carries a value by which its owner can
//! be notified.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The accounts. `E` is the value by which the owner of an evicted reservation is notified.
#[derive(Debug)]
pub(super) struct ByteAccounts<E> {
    free_bytes: usize,
    reservations: HashMap<u64, Reservation<E>>,
    callers: HashMap<Arc<str>, Account>,
    last_id: u64,
}

#[derive(Debug)]
struct Reservation<E> {
    caller: Arc<str>,
    bytes: usize,
    /// `None` if it cannot be evicted.
    eviction: Option<E>,
}

/// The reservations of one caller.
#[derive(Debug, Default)]
struct Account {
    bytes: usize,
    reservations: usize,
    /// The ids of reservations that can be evicted. Ids ascend, so the newest is the last.
    evictable: BTreeSet<u64>,
}

/// The result of growing a reservation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GrowResult<E> {
    /// True if the bytes were reserved.
    pub(super) is_granted: bool,
    /// The reservations that were evicted, to be notified. Some may be, even if the bytes were not
    /// reserved.
    pub(super) evicted: Vec<E>,
}

impl<E> ByteAccounts<E> {
    /// Creates accounts for `bytes` bytes, all of them free.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            free_bytes: bytes,
            reservations: HashMap::new(),
            callers: HashMap::new(),
            last_id: 0,
        }
    }

    /// Opens a reservation of no bytes, and returns its id. Without `eviction` it cannot be
    /// evicted.
    pub(super) fn open(&mut self, caller: &Arc<str>, eviction: Option<E>) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        let account = self.callers.entry(Arc::clone(caller)).or_default();
        account.reservations += 1;
        if eviction.is_some() {
            account.evictable.insert(id);
        }
        let reservation = Reservation {
            caller: Arc::clone(caller),
            bytes: 0,
            eviction,
        };
        self.reservations.insert(id, reservation);
        id
    }

    /// Adds bytes to a reservation. If too few are free, others are evicted until there are enough,
    /// or until this one would be the next victim; then it keeps its bytes and gets no more.
    pub(super) fn grow(&mut self, id: u64, bytes: usize) -> GrowResult<E> {
        let mut evicted = Vec::new();
        while self.free_bytes < bytes {
            match self.victim(id, bytes) {
                Some(victim) => evicted.extend(self.remove(victim)),
                None => {
                    return GrowResult {
                        is_granted: false,
                        evicted,
                    };
                }
            }
        }
        let is_granted = match self.reservations.get_mut(&id) {
            Some(reservation) => {
                reservation.bytes += bytes;
                self.free_bytes -= bytes;
                if let Some(account) = self.callers.get_mut(&reservation.caller) {
                    account.bytes += bytes;
                }
                true
            }
            // It was evicted before.
            None => false,
        };
        GrowResult {
            is_granted,
            evicted,
        }
    }

    /// Frees the bytes of a reservation beyond `bytes`.
    pub(super) fn shrink(&mut self, id: u64, bytes: usize) {
        let Some(reservation) = self.reservations.get_mut(&id) else {
            return;
        };
        let freed = reservation.bytes.saturating_sub(bytes);
        reservation.bytes -= freed;
        self.free_bytes += freed;
        if let Some(account) = self.callers.get_mut(&reservation.caller) {
            account.bytes -= freed;
        }
    }

    /// Sets how the owner of a reservation is notified of its eviction; `None`: it cannot be
    /// evicted from now on.
    pub(super) fn set_eviction(&mut self, id: u64, eviction: Option<E>) {
        let Some(reservation) = self.reservations.get_mut(&id) else {
            return;
        };
        if let Some(account) = self.callers.get_mut(&reservation.caller) {
            match eviction {
                Some(_) => account.evictable.insert(id),
                None => account.evictable.remove(&id),
            };
        }
        reservation.eviction = eviction;
    }

    /// Closes a reservation and frees its bytes. Does nothing if it was evicted.
    pub(super) fn close(&mut self, id: u64) {
        self.remove(id);
    }

    /// Returns the number of free bytes.
    pub(super) fn free_bytes(&self) -> usize {
        self.free_bytes
    }

    /// Returns the reservation to evict so that `id` can grow by `bytes`; `None` if that is `id`
    /// itself, or if none can be evicted.
    fn victim(&self, id: u64, bytes: usize) -> Option<u64> {
        let own_caller = &self.reservations.get(&id)?.caller;
        let own_bytes = self.callers.get(own_caller)?.bytes.saturating_add(bytes);
        // The caller that grows counts with the bytes that it requests.
        let bytes_of = |caller: &Arc<str>, account: &Account| {
            if caller == own_caller {
                own_bytes
            } else {
                account.bytes
            }
        };
        let newest = |account: &Account| account.evictable.last().copied();
        let evictable = self
            .callers
            .iter()
            .filter(|(_, account)| !account.evictable.is_empty());
        // Among callers with equally many bytes it is the one that grows, then the one with the
        // newest reservation.
        let (caller, account) = evictable.max_by_key(|(caller, account)| {
            (
                bytes_of(caller, account),
                *caller == own_caller,
                newest(account),
            )
        })?;
        if bytes_of(caller, account) < own_bytes {
            return None;
        }
        let victim = newest(account).filter(|newest| *newest != id)?;
        // Within a caller only newer reservations are evicted. Otherwise a body that is nearly
        // complete would be given up for one that has just started.
        (caller != own_caller || victim > id).then_some(victim)
    }

    fn remove(&mut self, id: u64) -> Option<E> {
        let reservation = self.reservations.remove(&id)?;
        self.free_bytes += reservation.bytes;
        if let Some(account) = self.callers.get_mut(&reservation.caller) {
            account.bytes -= reservation.bytes;
            account.reservations -= 1;
            account.evictable.remove(&id);
            if account.reservations == 0 {
                self.callers.remove(&reservation.caller);
            }
        }
        reservation.eviction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens reservations one after the other and grows each once, in accounts of 100 bytes. A step
    /// is `caller:bytes`; a caller in capitals cannot be evicted. The result of a step is `+` if
    /// the bytes were granted, else `-`, then the indexes of the steps that were evicted.
    #[track_caller]
    fn check(steps: &str, expected: &str) {
        let mut accounts = ByteAccounts::new(100);
        let mut results = Vec::new();
        for (index, step) in steps.split(' ').enumerate() {
            let (caller, bytes) = step.split_once(':').unwrap();
            let eviction = caller.chars().all(char::is_lowercase).then_some(index);
            let id = accounts.open(&Arc::from(caller.to_lowercase()), eviction);
            let grown = accounts.grow(id, bytes.parse().unwrap());
            let sign = if grown.is_granted { '+' } else { '-' };
            let evicted: String = grown.evicted.iter().map(ToString::to_string).collect();
            results.push(format!("{sign}{evicted}"));
        }
        assert_eq!(results.join(" "), expected, "{steps}");
    }

    #[test]
    fn newest_reservation_of_the_largest_caller_is_evicted() {
        check("a:40 a:40 a:20", "+ + +");
        check("a:50 a:50 a:10", "+ + -");
        check("a:50 a:30 a:20 b:10", "+ + + +2");
        check("a:50 a:30 a:20 b:30 b:20", "+ + + +21 +");
        // At equal shares the caller that grows gets nothing.
        check("a:50 b:40 b:20", "+ + -");
        check("a:50 b:50 c:10", "+ + +1");
        check("a:60 b:40 c:30 c:30", "+ + +0 +");
    }

    #[test]
    fn reservation_without_eviction_is_kept() {
        check("A:60 a:40 b:10", "+ + +1");
        check("A:100 b:10", "+ -");
        check("A:60 b:40 b:10", "+ + -");
        check("A:60 b:40 c:10", "+ + +1");
    }

    #[test]
    fn reservation_grows_shrinks_and_closes() {
        let mut accounts = ByteAccounts::new(100);
        let caller = Arc::from("a");
        let old = accounts.open(&caller, Some("old"));
        let new = accounts.open(&caller, Some("new"));
        assert!(accounts.grow(old, 50).is_granted && accounts.grow(new, 50).is_granted);
        // The older of two reservations of a caller grows, and the newer one is evicted.
        assert_eq!(
            accounts.grow(old, 10),
            GrowResult {
                is_granted: true,
                evicted: vec!["new"]
            }
        );
        assert_eq!(
            accounts.grow(new, 1),
            GrowResult {
                is_granted: false,
                evicted: vec![]
            }
        );
        accounts.close(new);
        assert_eq!(accounts.free_bytes(), 40);
        accounts.shrink(old, 20);
        assert_eq!(accounts.free_bytes(), 80);
        accounts.set_eviction(old, None);
        let other = accounts.open(&Arc::from("b"), Some("other"));
        assert!(!accounts.grow(other, 90).is_granted);
        accounts.set_eviction(old, Some("again"));
        assert!(
            !accounts.grow(other, 90).is_granted,
            "a caller that requests more than any other holds evicts none"
        );
        accounts.close(old);
        accounts.close(other);
        assert_eq!(accounts.free_bytes(), 100);
        assert!(accounts.callers.is_empty() && accounts.reservations.is_empty());
    }
}
