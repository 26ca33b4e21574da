//! Who holds how much of a bounded number of bytes, and who must yield when all are held: the newest entry that can yield
//! of the caller who holds the most. A caller that is alone may hold everything.
//!
//! It is synchronous, allocates nothing of what it counts and wakes nobody: an entry that can yield has a value by which
//! its owner is told.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The ledger. `Y` tells the owner of an entry that it has lost its bytes.
#[derive(Debug)]
pub(super) struct ByteAccounts<Y> {
    free: usize,
    entries: HashMap<u64, Entry<Y>>,
    callers: HashMap<Arc<str>, Account>,
    number: u64,
}

#[derive(Debug)]
struct Entry<Y> {
    caller: Arc<str>,
    bytes: usize,
    /// `None` where it cannot yield.
    yields: Option<Y>,
}

#[derive(Debug, Default)]
struct Account {
    bytes: usize,
    entries: usize,
    /// Entries that can yield, the newest last.
    can_yield: BTreeSet<u64>,
}

impl<Y> ByteAccounts<Y> {
    /// A ledger of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            free: bytes,
            entries: HashMap::new(),
            callers: HashMap::new(),
            number: 0,
        }
    }

    /// A new entry, without a byte yet.
    pub(super) fn open(&mut self, caller: &Arc<str>, yields: Option<Y>) -> u64 {
        self.number += 1;
        let number = self.number;
        let account = self.callers.entry(Arc::clone(caller)).or_default();
        account.entries += 1;
        if yields.is_some() {
            account.can_yield.insert(number);
        }
        self.entries.insert(
            number,
            Entry {
                caller: Arc::clone(caller),
                bytes: 0,
                yields,
            },
        );
        number
    }

    /// Adds bytes to an entry. Where too few are free, entries yield theirs until there are enough, or until it is this
    /// entry's turn to yield; then it gets nothing and keeps what it has.
    pub(super) fn grow(&mut self, number: u64, bytes: usize) -> Grown<Y> {
        let mut yielded = Vec::new();
        while self.free < bytes {
            match self.next_to_yield(number, bytes) {
                Some(other) => yielded.extend(self.take_back(other)),
                None => {
                    return Grown {
                        granted: false,
                        yielded,
                    };
                }
            }
        }
        let granted = match self.entries.get_mut(&number) {
            Some(entry) => {
                entry.bytes += bytes;
                self.free -= bytes;
                if let Some(account) = self.callers.get_mut(&entry.caller) {
                    account.bytes += bytes;
                }
                true
            }
            // It has yielded.
            None => false,
        };
        Grown { granted, yielded }
    }

    /// Gives back what an entry holds beyond so many bytes.
    pub(super) fn shrink(&mut self, number: u64, bytes: usize) {
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        let back = entry.bytes.saturating_sub(bytes);
        entry.bytes -= back;
        self.free += back;
        if let Some(account) = self.callers.get_mut(&entry.caller) {
            account.bytes -= back;
        }
    }

    /// Says by what an entry yields from now on; `None`: it does not.
    pub(super) fn set_yields(&mut self, number: u64, yields: Option<Y>) {
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        if let Some(account) = self.callers.get_mut(&entry.caller) {
            match yields {
                Some(_) => account.can_yield.insert(number),
                None => account.can_yield.remove(&number),
            };
        }
        entry.yields = yields;
    }

    /// Ends an entry; its bytes are free. Nothing happens where it has yielded.
    pub(super) fn close(&mut self, number: u64) {
        self.take_back(number);
    }

    /// Bytes that are free.
    pub(super) fn free(&self) -> usize {
        self.free
    }

    /// The entry that must yield so that `number` gets so many bytes more. `None`: it is `number` itself, or nobody can.
    fn next_to_yield(&self, number: u64, bytes: usize) -> Option<u64> {
        let own = &self.entries.get(&number)?.caller;
        let wanted = self.callers.get(own)?.bytes.saturating_add(bytes);
        let holds = |caller: &Arc<str>, account: &Account| {
            if caller == own { wanted } else { account.bytes }
        };
        let callers = self
            .callers
            .iter()
            .filter(|(_, it)| !it.can_yield.is_empty());
        // At the same height, who asks for more yields, and then the newest.
        let newest = |it: &Account| it.can_yield.last().copied();
        let most = callers.max_by_key(|(caller, account)| {
            (holds(caller, account), *caller == own, newest(account))
        });
        let (caller, account) =
            most.filter(|(caller, account)| holds(caller, account) >= wanted)?;
        let newest = newest(account).filter(|it| *it != number)?;
        // Who yields to a neighbour of the same caller must be newer, else a body that is nearly there would be given up
        // for one that has just begun.
        (caller != own || newest > number).then_some(newest)
    }

    fn take_back(&mut self, number: u64) -> Option<Y> {
        let entry = self.entries.remove(&number)?;
        self.free += entry.bytes;
        if let Some(account) = self.callers.get_mut(&entry.caller) {
            account.bytes -= entry.bytes;
            account.entries -= 1;
            account.can_yield.remove(&number);
            if account.entries == 0 {
                self.callers.remove(&entry.caller);
            }
        }
        entry.yields
    }
}

/// What came of asking for bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grown<Y> {
    /// Whether they are there.
    pub(super) granted: bool,
    /// Who lost theirs.
    pub(super) yielded: Vec<Y>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies that grow, one after the other, of 100 bytes: `caller:bytes`, where a body is the step's place. What
    /// each step came to: `+` granted, `-` not, and the places that yielded.
    #[track_caller]
    fn check(steps: &str, expected: &str) {
        let mut ledger = ByteAccounts::new(100);
        let mut came = Vec::new();
        for (place, step) in steps.split(' ').enumerate() {
            let (caller, bytes) = step.split_once(':').unwrap();
            // In capitals: it cannot yield.
            let yields = caller.chars().all(char::is_lowercase).then_some(place);
            let number = ledger.open(&Arc::from(caller.to_lowercase()), yields);
            let grown = ledger.grow(number, bytes.parse().unwrap());
            let yielded: String = grown.yielded.iter().map(ToString::to_string).collect();
            came.push(format!(
                "{}{yielded}",
                if grown.granted { '+' } else { '-' }
            ));
        }
        assert_eq!(came.join(" "), expected, "{steps}");
    }

    #[test]
    fn who_holds_the_most_yields_its_newest() {
        check("a:40 a:40 a:20", "+ + +");
        check("a:50 a:50 a:10", "+ + -");
        check("a:50 a:30 a:20 b:10", "+ + + +2");
        check("a:50 a:30 a:20 b:30 b:20", "+ + + +21 +");
        // As much as the other has: whoever asks for more does not get it.
        check("a:50 b:40 b:20", "+ + -");
        check("a:50 b:50 c:10", "+ + +1");
        check("a:60 b:40 c:30 c:30", "+ + +0 +");
        // What is being judged is not given up.
        check("A:60 a:40 b:10", "+ + +1");
        check("A:100 b:10", "+ -");
        check("A:60 b:40 b:10", "+ + -");
        check("A:60 b:40 c:10", "+ + +1");
    }

    #[test]
    fn an_entry_grows_shrinks_and_ends() {
        let mut ledger = ByteAccounts::new(100);
        let caller = Arc::from("a");
        let (old, new) = (
            ledger.open(&caller, Some("old")),
            ledger.open(&caller, Some("new")),
        );
        assert!(ledger.grow(old, 50).granted && ledger.grow(new, 50).granted);
        // The older of two neighbours goes on, and the newer one has nothing any more.
        assert_eq!(
            ledger.grow(old, 10),
            Grown {
                granted: true,
                yielded: vec!["new"]
            }
        );
        assert_eq!(
            ledger.grow(new, 1),
            Grown {
                granted: false,
                yielded: vec![]
            }
        );
        ledger.close(new);
        assert_eq!(ledger.free(), 40);
        ledger.shrink(old, 20);
        assert_eq!(ledger.free(), 80);
        ledger.set_yields(old, None);
        let other = ledger.open(&Arc::from("b"), Some("other"));
        assert!(!ledger.grow(other, 90).granted);
        ledger.set_yields(old, Some("again"));
        assert!(
            !ledger.grow(other, 90).granted,
            "who wants more than anybody has yields first"
        );
        ledger.close(old);
        ledger.close(other);
        assert_eq!(
            (ledger.free(), ledger.callers.len(), ledger.entries.len()),
            (100, 0, 0)
        );
    }
}
