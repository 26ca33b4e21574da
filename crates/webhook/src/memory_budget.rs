//! The memory budget of requests, charged as bytes arrive.
//!
//! The first 256 KiB of each body come from a budget for small bodies, the rest from a shared one.
//! So bodies that are large, or only announced as such, keep no small one from being read. Memory
//! stays charged until the answer is written. If other requests need the memory, the connection of
//! a caller that does not read its answers is closed.

use super::byte_accounts::ByteAccounts;
use kubevet_server::Peer;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The bytes of each body that come from the budget for small bodies.
const SMALL_BODY_BYTES: usize = 256 << 10;
/// The cost of a request besides its body: its task, its head and its stream.
const REQUEST_BYTES: usize = 8 << 10;

/// The two budgets. Clones share them.
#[derive(Clone)]
pub(super) struct MemoryBudget(Arc<Budgets>);

struct Budgets {
    small_bytes: usize,
    small: Mutex<ByteAccounts<Eviction>>,
    shared: Mutex<ByteAccounts<Eviction>>,
}

/// How the owner of evicted memory is notified.
#[derive(Clone)]
enum Eviction {
    /// A body that is being read: reading stops.
    Body(Arc<Notify>),
    /// An answer that the caller does not read: its connection is closed.
    Answer(Peer),
}

impl Eviction {
    fn notify(&self) {
        match self {
            Self::Body(evicted) => evicted.notify_one(),
            Self::Answer(peer) => peer.close(),
        }
    }
}

/// The memory of one request. It is freed when this value is dropped.
pub(super) struct MemoryCharge {
    budget: MemoryBudget,
    caller: Arc<str>,
    /// The id of the reservation in the budget for small bodies.
    small_id: u64,
    /// The id of the reservation in the shared budget, opened with the first byte that needs it.
    shared_id: Option<u64>,
    /// The charged bytes of the body.
    body_bytes: usize,
    evicted: Arc<Notify>,
}

/// The budget has no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BudgetExhausted;

impl MemoryBudget {
    /// Creates budgets of `small_bytes` and `shared_bytes` bytes.
    pub(super) fn new(small_bytes: usize, shared_bytes: usize) -> Self {
        Self(Arc::new(Budgets {
            small_bytes,
            small: Mutex::new(ByteAccounts::new(small_bytes)),
            shared: Mutex::new(ByteAccounts::new(shared_bytes)),
        }))
    }

    /// Charges a new request, without its body.
    ///
    /// # Errors
    /// There is no room for another request.
    pub(super) fn open(&self, caller: &Arc<str>) -> Result<MemoryCharge, BudgetExhausted> {
        let evicted = Arc::new(Notify::new());
        let mut accounts = lock(&self.0.small);
        let small_id = accounts.open(caller, Some(Eviction::Body(Arc::clone(&evicted))));
        let grown = accounts.grow(small_id, REQUEST_BYTES);
        drop(accounts);
        // Created before the check, so that its drop closes the reservation.
        let charge = MemoryCharge {
            budget: self.clone(),
            caller: Arc::clone(caller),
            small_id,
            shared_id: None,
            body_bytes: 0,
            evicted,
        };
        grown.evicted.iter().for_each(Eviction::notify);
        if grown.is_granted {
            Ok(charge)
        } else {
            Err(BudgetExhausted)
        }
    }

    /// Returns true if less than half of the budget for small bodies is free.
    pub(super) fn is_scarce(&self) -> bool {
        lock(&self.0.small).free_bytes() < self.0.small_bytes / 2
    }

    /// Returns the free bytes of the budget for small bodies, and of the shared one.
    #[cfg(test)]
    pub(super) fn free_bytes(&self) -> (usize, usize) {
        (
            lock(&self.0.small).free_bytes(),
            lock(&self.0.shared).free_bytes(),
        )
    }
}

impl MemoryCharge {
    /// Charges the body's buffer, which now has `bytes` bytes.
    ///
    /// # Errors
    /// There is no room for it.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), BudgetExhausted> {
        let charged = self.body_bytes;
        let small_growth = bytes
            .min(SMALL_BODY_BYTES)
            .saturating_sub(charged.min(SMALL_BODY_BYTES));
        let shared_growth = bytes
            .saturating_sub(SMALL_BODY_BYTES)
            .saturating_sub(charged.saturating_sub(SMALL_BODY_BYTES));
        if small_growth > 0 {
            reserve(&self.budget.0.small, self.small_id, small_growth)?;
        }
        if shared_growth > 0 {
            let shared = &self.budget.0.shared;
            let id = *self.shared_id.get_or_insert_with(|| {
                let eviction = Eviction::Body(Arc::clone(&self.evicted));
                lock(shared).open(&self.caller, Some(eviction))
            });
            reserve(shared, id, shared_growth)?;
        }
        self.body_bytes = bytes.max(charged);
        Ok(())
    }

    /// Returns the budget that is charged.
    pub(super) fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Resolves when the memory was evicted.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Excludes the memory from eviction: the body is complete, and will be evaluated.
    pub(super) fn pin(&self) {
        lock(&self.budget.0.small).set_eviction(self.small_id, None);
        if let Some(id) = self.shared_id {
            lock(&self.budget.0.shared).set_eviction(id, None);
        }
    }

    /// Charges an answer of `bytes` bytes in place of the body, until `peer` has read it.
    pub(super) fn charge_answer(&mut self, peer: Peer, bytes: usize) {
        if let Some(id) = self.shared_id.take() {
            lock(&self.budget.0.shared).close(id);
        }
        let mut accounts = lock(&self.budget.0.small);
        accounts.shrink(self.small_id, REQUEST_BYTES);
        accounts.set_eviction(self.small_id, Some(Eviction::Answer(peer)));
        // The answer is sent even if there is no room for it: it is small, and the next body to
        // arrive is rejected instead.
        let grown = accounts.grow(self.small_id, bytes.saturating_sub(REQUEST_BYTES));
        drop(accounts);
        grown.evicted.iter().for_each(Eviction::notify);
    }
}

impl Drop for MemoryCharge {
    fn drop(&mut self) {
        lock(&self.budget.0.small).close(self.small_id);
        if let Some(id) = self.shared_id {
            lock(&self.budget.0.shared).close(id);
        }
    }
}

/// Grows a reservation, and notifies the owners of those that were evicted for it.
fn reserve(
    accounts: &Mutex<ByteAccounts<Eviction>>,
    id: u64,
    bytes: usize,
) -> Result<(), BudgetExhausted> {
    let grown = lock(accounts).grow(id, bytes);
    grown.evicted.iter().for_each(Eviction::notify);
    if grown.is_granted {
        Ok(())
    } else {
        Err(BudgetExhausted)
    }
}

fn lock(accounts: &Mutex<ByteAccounts<Eviction>>) -> MutexGuard<'_, ByteAccounts<Eviction>> {
    accounts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn small_budget_is_charged_first_and_everything_is_freed() {
        let budget = MemoryBudget::new(MIB, MIB);
        let mut charge = budget.open(&Arc::from("a")).unwrap();
        assert_eq!(budget.free_bytes(), (MIB - REQUEST_BYTES, MIB));
        charge.grow_to(100).unwrap();
        charge.grow_to(SMALL_BODY_BYTES + 100).unwrap();
        assert_eq!(
            budget.free_bytes(),
            (MIB - REQUEST_BYTES - SMALL_BODY_BYTES, MIB - 100)
        );
        charge.grow_to(SMALL_BODY_BYTES + 300).unwrap();
        assert_eq!(budget.free_bytes().1, MIB - 300);
        charge.charge_answer(Peer::detached("a"), REQUEST_BYTES + 10);
        assert_eq!(budget.free_bytes(), (MIB - REQUEST_BYTES - 10, MIB));
        drop(charge);
        assert_eq!(budget.free_bytes(), (MIB, MIB));
    }

    #[tokio::test]
    async fn large_bodies_do_not_use_the_small_budget() {
        let budget = MemoryBudget::new(MIB, MIB);
        let (attacker, other) = (Arc::from("attacker"), Arc::from("other"));
        let mut large = budget.open(&attacker).unwrap();
        large.grow_to(SMALL_BODY_BYTES + MIB).unwrap();
        assert_eq!(
            large.grow_to(SMALL_BODY_BYTES + MIB + 1),
            Err(BudgetExhausted)
        );
        let mut small = budget.open(&attacker).unwrap();
        small.grow_to(SMALL_BODY_BYTES).unwrap();
        drop(small);
        let mut ordinary = budget.open(&other).unwrap();
        ordinary.grow_to(SMALL_BODY_BYTES).unwrap();
        ordinary.grow_to(SMALL_BODY_BYTES + 1).unwrap();
        large.evicted().await;
        assert_eq!(
            large.grow_to(SMALL_BODY_BYTES + MIB + 1),
            Err(BudgetExhausted),
            "an evicted charge stays evicted"
        );
    }

    #[test]
    fn pinned_body_is_kept_and_unread_answer_is_evicted() {
        let budget = MemoryBudget::new(2 * REQUEST_BYTES, 0);
        let (flood, other) = (Arc::from("flood"), Arc::from("other"));
        let mut unread = budget.open(&flood).unwrap();
        let evaluated = budget.open(&flood).unwrap();
        unread.pin();
        evaluated.pin();
        assert!(budget.open(&other).is_err());
        let peer = Peer::detached("flood");
        unread.charge_answer(peer.clone(), 10);
        assert!(budget.open(&other).is_ok(), "the answer is evicted");
        assert!(peer.is_closed());
        drop(evaluated);
    }
}
