//! MemoryBudget for requests, charged as bytes arrive: the first 256 KiB of a body from a budget for small bodies, the rest from
//! a shared one. So bodies that are large, or only announced, keep no small one from being read.
//!
//! What is charged stays charged until the answer has been written. A caller that takes no answers is cut where others
//! need the memory.

use super::byte_accounts::ByteAccounts;
use kubevet_server::Peer;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Bytes of a body that come from the budget for small ones.
const SMALL_BYTES: usize = 256 << 10;
/// What a request costs besides its body: its task, its head, its stream.
const REQUEST_BYTES: usize = 8 << 10;

/// The budgets. Clones are one.
#[derive(Clone)]
pub(super) struct MemoryBudget(Arc<Budgets>);

struct Budgets {
    small_bytes: usize,
    small: Mutex<ByteAccounts<Yields>>,
    shared: Mutex<ByteAccounts<Yields>>,
}

/// How an owner hears that it has lost its memory.
#[derive(Clone)]
enum Yields {
    /// A body on its way: it is not read on.
    Body(Arc<Notify>),
    /// An answer that is not taken: its connection is cut.
    Answer(Peer),
}

impl Yields {
    fn tell(&self) {
        match self {
            Self::Body(lost) => lost.notify_one(),
            Self::Answer(peer) => peer.close(),
        }
    }
}

/// The memory of one request; dropped, it is free.
pub(super) struct MemoryCharge {
    memory: MemoryBudget,
    caller: Arc<str>,
    small: u64,
    /// Opened with the first byte beyond the small ones.
    shared: Option<u64>,
    bytes: usize,
    lost: Arc<Notify>,
}

/// There is no memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BudgetExhausted;

impl MemoryBudget {
    /// Budgets of so many bytes, for small bodies and for what is beyond.
    pub(super) fn new(small_bytes: usize, shared_bytes: usize) -> Self {
        let budget = |bytes| Mutex::new(ByteAccounts::new(bytes));
        Self(Arc::new(Budgets {
            small_bytes,
            small: budget(small_bytes),
            shared: budget(shared_bytes),
        }))
    }

    /// Charges a request that has begun, without its body.
    ///
    /// # Errors
    /// There is no memory for another.
    pub(super) fn open(&self, caller: &Arc<str>) -> Result<MemoryCharge, BudgetExhausted> {
        let lost = Arc::new(Notify::new());
        let mut ledger = lock(&self.0.small);
        let small = ledger.open(caller, Some(Yields::Body(Arc::clone(&lost))));
        let grown = ledger.grow(small, REQUEST_BYTES);
        drop(ledger);
        let charge = MemoryCharge {
            memory: self.clone(),
            caller: Arc::clone(caller),
            small,
            shared: None,
            bytes: 0,
            lost,
        };
        grown.yielded.iter().for_each(Yields::tell);
        if grown.granted {
            Ok(charge)
        } else {
            Err(BudgetExhausted)
        }
    }

    /// Whether less than half of the budget for small bodies is free.
    pub(super) fn is_scarce(&self) -> bool {
        lock(&self.0.small).free() < self.0.small_bytes / 2
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> (usize, usize) {
        (lock(&self.0.small).free(), lock(&self.0.shared).free())
    }
}

impl MemoryCharge {
    /// Charges the body's memory, which is now so many bytes.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), BudgetExhausted> {
        let before = self.bytes;
        let small = bytes
            .min(SMALL_BYTES)
            .saturating_sub(before.min(SMALL_BYTES));
        let beyond = bytes
            .saturating_sub(SMALL_BYTES)
            .saturating_sub(before.saturating_sub(SMALL_BYTES));
        if small > 0 {
            self.grow(&self.memory.0.small, self.small, small)?;
        }
        if beyond > 0 {
            let entry = *self.shared.get_or_insert_with(|| {
                lock(&self.memory.0.shared)
                    .open(&self.caller, Some(Yields::Body(Arc::clone(&self.lost))))
            });
            self.grow(&self.memory.0.shared, entry, beyond)?;
        }
        self.bytes = bytes.max(before);
        Ok(())
    }

    fn grow(
        &self,
        ledger: &Mutex<ByteAccounts<Yields>>,
        entry: u64,
        bytes: usize,
    ) -> Result<(), BudgetExhausted> {
        let grown = lock(ledger).grow(entry, bytes);
        grown.yielded.iter().for_each(Yields::tell);
        if grown.granted {
            Ok(())
        } else {
            Err(BudgetExhausted)
        }
    }

    /// Where it is charged.
    pub(super) fn memory(&self) -> &MemoryBudget {
        &self.memory
    }

    /// Resolves when the memory was given to somebody else.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }

    /// The body is there: what is to be judged is not given up.
    pub(super) fn keep(&self) {
        lock(&self.memory.0.small).set_yields(self.small, None);
        if let Some(shared) = self.shared {
            lock(&self.memory.0.shared).set_yields(shared, None);
        }
    }

    /// The body is gone, and an answer of so many bytes waits to be taken.
    pub(super) fn answer(&mut self, peer: Peer, bytes: usize) {
        if let Some(shared) = self.shared.take() {
            lock(&self.memory.0.shared).close(shared);
        }
        let mut ledger = lock(&self.memory.0.small);
        ledger.shrink(self.small, REQUEST_BYTES);
        ledger.set_yields(self.small, Some(Yields::Answer(peer)));
        // Where there is none left, the answer is the caller's still: it is small, and the next body yields.
        let grown = ledger.grow(self.small, bytes.saturating_sub(REQUEST_BYTES));
        drop(ledger);
        grown.yielded.iter().for_each(Yields::tell);
    }
}

impl Drop for MemoryCharge {
    fn drop(&mut self) {
        lock(&self.memory.0.small).close(self.small);
        if let Some(shared) = self.shared {
            lock(&self.memory.0.shared).close(shared);
        }
    }
}

fn lock(ledger: &Mutex<ByteAccounts<Yields>>) -> MutexGuard<'_, ByteAccounts<Yields>> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bytes_are_charged_first_and_everything_is_given_back() {
        let memory = MemoryBudget::new(1 << 20, 1 << 20);
        let mut charge = memory.open(&Arc::from("a")).unwrap();
        assert_eq!(memory.free(), ((1 << 20) - REQUEST_BYTES, 1 << 20));
        charge.grow_to(100).unwrap();
        charge.grow_to(SMALL_BYTES + 100).unwrap();
        assert_eq!(
            memory.free(),
            ((1 << 20) - REQUEST_BYTES - SMALL_BYTES, (1 << 20) - 100)
        );
        charge.grow_to(SMALL_BYTES + 300).unwrap();
        assert_eq!(memory.free().1, (1 << 20) - 300);
        charge.answer(Peer::detached("a"), REQUEST_BYTES + 10);
        assert_eq!(memory.free(), ((1 << 20) - REQUEST_BYTES - 10, 1 << 20));
        drop(charge);
        assert_eq!(memory.free(), (1 << 20, 1 << 20));
    }

    #[tokio::test]
    async fn large_bodies_leave_the_memory_of_small_ones_alone() {
        let memory = MemoryBudget::new(1 << 20, 1 << 20);
        let (attacker, other) = (Arc::from("attacker"), Arc::from("other"));
        let mut large = memory.open(&attacker).unwrap();
        large.grow_to(SMALL_BYTES + (1 << 20)).unwrap();
        assert_eq!(
            large.grow_to(SMALL_BYTES + (1 << 20) + 1),
            Err(BudgetExhausted)
        );
        memory
            .open(&attacker)
            .unwrap()
            .grow_to(SMALL_BYTES)
            .unwrap();
        let mut ordinary = memory.open(&other).unwrap();
        ordinary.grow_to(SMALL_BYTES).unwrap();
        ordinary.grow_to(SMALL_BYTES + 1).unwrap();
        large.lost().await;
        assert_eq!(
            large.grow_to(SMALL_BYTES + (1 << 20) + 1),
            Err(BudgetExhausted),
            "what is lost does not come back"
        );
    }

    #[test]
    fn a_body_that_is_whole_and_an_answer_that_is_taken_do_not_yield() {
        let memory = MemoryBudget::new(2 * REQUEST_BYTES, 0);
        let (flood, other) = (Arc::from("flood"), Arc::from("other"));
        let held: Vec<MemoryCharge> = (0..2).map(|_| memory.open(&flood).unwrap()).collect();
        held.iter().for_each(MemoryCharge::keep);
        assert!(memory.open(&other).is_err());
        let mut held = held.into_iter();
        let (mut untaken, judged) = (held.next().unwrap(), held.next().unwrap());
        let peer = Peer::detached("flood");
        untaken.answer(peer.clone(), 10);
        assert!(memory.open(&other).is_ok(), "the answer yields");
        assert!(peer.is_closed());
        drop(judged);
    }
}
