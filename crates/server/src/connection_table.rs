//! Admission of connections: a bounded number, a share of it for one caller, and the choice of the
//! connection that is evicted when the table is full. Evicted is, of the caller that holds most
//! connections, the oldest one that has delivered nothing. One that has delivered is never evicted.
//!
//! The table is synchronous and closes nothing itself.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The number of evicted connections that may still be closing: each holds a descriptor until then.
const MAX_CLOSING: usize = 64;

/// The open connections. `C` is the handle that closes one of them.
#[derive(Debug)]
pub(super) struct ConnectionTable<C> {
    max_connections: usize,
    connections: HashMap<u64, Connection<C>>,
    callers: HashMap<Arc<str>, CallerAccount>,
    /// The number of evicted connections that have not ended yet.
    closing: usize,
    /// The id given last. Ids grow, so a smaller id is an older connection.
    last_id: u64,
}

#[derive(Debug)]
struct Connection<C> {
    caller: Arc<str>,
    close: C,
}

/// The connections of one caller.
#[derive(Debug, Default)]
struct CallerAccount {
    open: usize,
    /// The ids of those that have delivered nothing, oldest first.
    evictable: BTreeSet<u64>,
}

/// The decision about a new connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission<C> {
    /// It is admitted.
    Admitted {
        /// The id of the new connection.
        id: u64,
        /// The handle of the connection that must close for it, if the table was full.
        evicted: Option<C>,
    },
    /// There is no slot, and no connection that could be evicted.
    Refused,
}

impl<C> ConnectionTable<C> {
    pub(super) fn new(max_connections: usize) -> Self {
        Self {
            max_connections,
            connections: HashMap::new(),
            callers: HashMap::new(),
            closing: 0,
            last_id: 0,
        }
    }

    /// Decides about a new connection.
    pub(super) fn admit(&mut self, caller: &Arc<str>, close: C) -> Admission<C> {
        let victim = if self.connections.len() >= self.max_connections {
            self.victim_of_largest_caller(caller)
        } else if self.open_of(caller) >= self.max_per_caller() {
            self.callers
                .get(caller)
                .and_then(|account| account.evictable.first().copied())
        } else {
            return Admission::Admitted {
                id: self.insert(caller, close),
                evicted: None,
            };
        };
        let evicted = victim
            .filter(|_| self.closing < MAX_CLOSING)
            .and_then(|id| self.take(id));
        match evicted {
            Some(evicted) => {
                self.closing += 1;
                Admission::Admitted {
                    id: self.insert(caller, close),
                    evicted: Some(evicted),
                }
            }
            None => Admission::Refused,
        }
    }

    /// Moves a connection to the account of the caller that its certificate names.
    pub(super) fn identify(&mut self, id: u64, caller: &Arc<str>) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut connection.caller, Arc::clone(caller));
        let was_evictable = debit(&mut self.callers, &before, id);
        let account = self.callers.entry(Arc::clone(caller)).or_default();
        account.open += 1;
        if was_evictable {
            account.evictable.insert(id);
        }
    }

    /// Records that a connection has delivered a whole request: it is no longer evictable.
    pub(super) fn mark_delivered(&mut self, id: u64) {
        let connection = self.connections.get(&id);
        if let Some(account) =
            connection.and_then(|connection| self.callers.get_mut(&connection.caller))
        {
            account.evictable.remove(&id);
        }
    }

    /// Removes a connection that has ended.
    pub(super) fn remove(&mut self, id: u64) {
        // One that is no longer in the table was evicted before.
        if self.take(id).is_none() {
            self.closing = self.closing.saturating_sub(1);
        }
    }

    /// True if so many evicted connections are still closing that no more are evicted.
    pub(super) fn has_closing_backlog(&self) -> bool {
        self.closing >= MAX_CLOSING
    }

    /// True if more than three quarters of the slots are in use.
    pub(super) fn is_crowded(&self) -> bool {
        self.connections.len() > self.max_connections / 4 * 3
    }

    /// Returns the most connections of one caller: the last eighth of the slots is for others.
    fn max_per_caller(&self) -> usize {
        self.max_connections - self.max_connections / 8
    }

    fn open_of(&self, caller: &Arc<str>) -> usize {
        self.callers.get(caller).map_or(0, |account| account.open)
    }

    fn insert(&mut self, caller: &Arc<str>, close: C) -> u64 {
        self.last_id += 1;
        let account = self.callers.entry(Arc::clone(caller)).or_default();
        account.open += 1;
        account.evictable.insert(self.last_id);
        self.connections.insert(
            self.last_id,
            Connection {
                caller: Arc::clone(caller),
                close,
            },
        );
        self.last_id
    }

    /// Returns the oldest evictable connection of the caller with most open connections. Among
    /// equals it is the caller that wants another one.
    fn victim_of_largest_caller(&self, newcomer: &Arc<str>) -> Option<u64> {
        let candidates = self
            .callers
            .iter()
            .filter(|(_, account)| !account.evictable.is_empty());
        let (_, largest) =
            candidates.max_by_key(|(caller, account)| (account.open, *caller == newcomer))?;
        largest.evictable.first().copied()
    }

    fn take(&mut self, id: u64) -> Option<C> {
        let connection = self.connections.remove(&id)?;
        debit(&mut self.callers, &connection.caller, id);
        Some(connection.close)
    }
}

/// Takes a connection off its caller's account. True if it was evictable.
fn debit(callers: &mut HashMap<Arc<str>, CallerAccount>, caller: &Arc<str>, id: u64) -> bool {
    let Some(account) = callers.get_mut(caller) else {
        return false;
    };
    account.open = account.open.saturating_sub(1);
    let was_evictable = account.evictable.remove(&id);
    if account.open == 0 {
        callers.remove(caller);
    }
    was_evictable
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a script of steps on a table with eight slots. A letter opens a connection of that
    /// caller, an uppercase letter one that delivers; a digit ends the connection of that step.
    /// The result has one character for each opened connection: `+` for admitted, `-` for refused,
    /// or the step whose connection was evicted.
    #[track_caller]
    fn check(script: &str, expected: &str) {
        let mut table: ConnectionTable<usize> = ConnectionTable::new(8);
        let mut outcomes = Vec::new();
        let mut ids = Vec::new();
        for (step, command) in script.chars().enumerate() {
            if let Some(ended) = command.to_digit(10) {
                table.remove(ids[ended as usize]);
                ids.push(0);
                continue;
            }
            let caller = Arc::from(command.to_lowercase().to_string());
            match table.admit(&caller, step) {
                Admission::Admitted { id, evicted } => {
                    if command.is_uppercase() {
                        table.mark_delivered(id);
                    }
                    ids.push(id);
                    outcomes.push(evicted.map_or("+".to_owned(), |step| step.to_string()));
                }
                Admission::Refused => {
                    ids.push(0);
                    outcomes.push("-".to_owned());
                }
            }
        }
        assert_eq!(outcomes.concat(), expected, "{script}");
    }

    #[test]
    fn full_table_evicts_oldest_undelivered_of_largest_caller() {
        check("aaaaaaab", "++++++++");
        check("aaaaaaabb", "++++++++0");
        check("aaaabbbba", "++++++++0");
        check("abbbbbbbcc", "++++++++12");
        // A connection that has delivered stays, also among a flood from its own address.
        check("Aaaaaaaa", "+++++++1");
        check("AAAAAAAa", "+++++++-");
        check("AAAAAAABb", "++++++++-");
        check("aAAAAAAbb", "++++++++0");
    }

    #[test]
    fn one_caller_leaves_last_slots_to_others() {
        check("aaaaaaaaab", "+++++++01+");
        check("AAAAAAAAb", "+++++++-+");
    }

    #[test]
    fn ended_connection_frees_its_slot() {
        check("aaaaaaab0b", "+++++++++");
        let mut table: ConnectionTable<()> = ConnectionTable::new(2);
        let (a, b): (Arc<str>, Arc<str>) = (Arc::from("a"), Arc::from("b"));
        let Admission::Admitted { id, evicted: None } = table.admit(&a, ()) else {
            panic!()
        };
        table.identify(id, &b);
        assert_eq!((table.callers.len(), table.open_of(&b)), (1, 1));
        table.remove(id);
        assert_eq!((table.callers.len(), table.connections.len()), (0, 0));
    }

    #[test]
    fn closing_connections_are_bounded() {
        let mut table: ConnectionTable<()> = ConnectionTable::new(1);
        let caller = Arc::from("a");
        let admissions: Vec<_> = (0..=MAX_CLOSING + 1)
            .map(|_| table.admit(&caller, ()))
            .collect();
        assert_eq!(
            admissions
                .iter()
                .filter(|admission| **admission == Admission::Refused)
                .count(),
            1
        );
        table.remove(1);
        assert!(matches!(
            table.admit(&caller, ()),
            Admission::Admitted {
                evicted: Some(()),
                ..
            }
        ));
    }
}
