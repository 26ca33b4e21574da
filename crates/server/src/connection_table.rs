//! Places for connections: a bounded number, a share of it for one caller, and who must close when all are taken: of the
//! caller that holds the most, the connection that has been open longest without having delivered anything. One that
//! has delivered is never chosen.
//!
//! It is synchronous and closes nothing itself.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Connections that were told to close and are not gone yet, at most; they still hold a descriptor each.
const CLOSING: usize = 64;

/// The places. `C` tells a connection to close.
#[derive(Debug)]
pub(super) struct Places<C> {
    limit: usize,
    connections: HashMap<u64, Connection<C>>,
    callers: HashMap<Arc<str>, Account>,
    closing: usize,
    number: u64,
}

#[derive(Debug)]
struct Connection<C> {
    caller: Arc<str>,
    close: C,
}

#[derive(Debug, Default)]
struct Account {
    open: usize,
    /// Those that have delivered nothing, the oldest first.
    silent: BTreeSet<u64>,
}

/// What became of a new connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered<C> {
    /// It has a place, under this number; where none was free, another must close.
    Taken(u64, Option<C>),
    /// There is no place, and nobody who could be closed.
    Refused,
}

impl<C> Places<C> {
    /// So many places.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            connections: HashMap::new(),
            callers: HashMap::new(),
            closing: 0,
            number: 0,
        }
    }

    /// A new connection.
    pub(super) fn enter(&mut self, caller: &Arc<str>, close: C) -> Entered<C> {
        let must_close = if self.connections.len() >= self.limit {
            self.longest_silent(caller)
        } else if self.open_of(caller) >= self.share() {
            self.callers
                .get(caller)
                .and_then(|it| it.silent.first().copied())
        } else {
            return Entered::Taken(self.add(caller, close), None);
        };
        let closed = must_close
            .filter(|_| self.closing < CLOSING)
            .and_then(|it| self.remove(it));
        match closed {
            Some(closed) => {
                self.closing += 1;
                Entered::Taken(self.add(caller, close), Some(closed))
            }
            None => Entered::Refused,
        }
    }

    /// A connection is known by a better name: what its certificate says.
    pub(super) fn identify(&mut self, number: u64, caller: &Arc<str>) {
        let Some(connection) = self.connections.get_mut(&number) else {
            return;
        };
        let before = std::mem::replace(&mut connection.caller, Arc::clone(caller));
        let was_silent = forget(&mut self.callers, &before, number);
        let account = self.callers.entry(Arc::clone(caller)).or_default();
        account.open += 1;
        if was_silent {
            account.silent.insert(number);
        }
    }

    /// A connection has delivered what it is here for.
    pub(super) fn delivered(&mut self, number: u64) {
        let caller = self.connections.get(&number).map(|it| &it.caller);
        if let Some(account) = caller.and_then(|it| self.callers.get_mut(it)) {
            account.silent.remove(&number);
        }
    }

    /// A connection has ended.
    pub(super) fn leave(&mut self, number: u64) {
        if self.remove(number).is_none() {
            self.closing = self.closing.saturating_sub(1);
        }
    }

    /// Whether so many are still closing that no more are told to.
    pub(super) fn is_closing_many(&self) -> bool {
        self.closing >= CLOSING
    }

    /// Whether more than three quarters of the places are taken.
    pub(super) fn is_crowded(&self) -> bool {
        self.connections.len() > self.limit / 4 * 3
    }

    /// The most places of one caller: the last eighth is for others.
    fn share(&self) -> usize {
        self.limit - self.limit / 8
    }

    fn open_of(&self, caller: &Arc<str>) -> usize {
        self.callers.get(caller).map_or(0, |it| it.open)
    }

    fn add(&mut self, caller: &Arc<str>, close: C) -> u64 {
        self.number += 1;
        let account = self.callers.entry(Arc::clone(caller)).or_default();
        account.open += 1;
        account.silent.insert(self.number);
        self.connections.insert(
            self.number,
            Connection {
                caller: Arc::clone(caller),
                close,
            },
        );
        self.number
    }

    /// Of the caller that holds the most; at the same number, of whoever wants another.
    fn longest_silent(&self, wants: &Arc<str>) -> Option<u64> {
        let callers = self.callers.iter().filter(|(_, it)| !it.silent.is_empty());
        let (_, most) = callers.max_by_key(|(caller, it)| (it.open, *caller == wants))?;
        most.silent.first().copied()
    }

    fn remove(&mut self, number: u64) -> Option<C> {
        let connection = self.connections.remove(&number)?;
        forget(&mut self.callers, &connection.caller, number);
        Some(connection.close)
    }
}

/// Takes a connection from its caller's account; says whether it was silent.
fn forget(callers: &mut HashMap<Arc<str>, Account>, caller: &Arc<str>, number: u64) -> bool {
    let Some(account) = callers.get_mut(caller) else {
        return false;
    };
    account.open = account.open.saturating_sub(1);
    let was_silent = account.silent.remove(&number);
    if account.open == 0 {
        callers.remove(caller);
    }
    was_silent
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight places. A letter is a connection of that caller, in capitals one that delivers; a digit ends the connection
    /// of that step. For each connection: `+`, `-` where it was refused, and the step that must close.
    #[track_caller]
    fn check(steps: &str, expected: &str) {
        let mut places: Places<usize> = Places::new(8);
        let mut came = Vec::new();
        let mut numbers = Vec::new();
        for (step, letter) in steps.chars().enumerate() {
            if let Some(of) = letter.to_digit(10) {
                places.leave(numbers[of as usize]);
                numbers.push(0);
                continue;
            }
            let caller = Arc::from(letter.to_lowercase().to_string());
            match places.enter(&caller, step) {
                Entered::Taken(number, closed) => {
                    if letter.is_uppercase() {
                        places.delivered(number);
                    }
                    numbers.push(number);
                    came.push(closed.map_or("+".to_owned(), |it| it.to_string()));
                }
                Entered::Refused => {
                    numbers.push(0);
                    came.push("-".to_owned());
                }
            }
        }
        assert_eq!(came.concat(), expected, "{steps}");
    }

    #[test]
    fn the_longest_silent_of_the_biggest_caller_closes() {
        check("aaaaaaab", "++++++++");
        check("aaaaaaabb", "++++++++0");
        check("aaaabbbba", "++++++++0");
        check("abbbbbbbcc", "++++++++12");
        // Who has delivered stays, also beside the flood of its own address.
        check("Aaaaaaaa", "+++++++1");
        check("AAAAAAAa", "+++++++-");
        check("AAAAAAABb", "++++++++-");
        check("aAAAAAAbb", "++++++++0");
    }

    #[test]
    fn one_caller_leaves_the_last_places_to_others() {
        check("aaaaaaaaab", "+++++++01+");
        check("AAAAAAAAb", "+++++++-+");
    }

    #[test]
    fn who_ends_makes_room() {
        check("aaaaaaab0b", "+++++++++");
        let mut places: Places<()> = Places::new(2);
        let (a, b): (Arc<str>, Arc<str>) = (Arc::from("a"), Arc::from("b"));
        let Entered::Taken(first, None) = places.enter(&a, ()) else {
            panic!()
        };
        places.identify(first, &b);
        assert_eq!((places.callers.len(), places.open_of(&b)), (1, 1));
        places.leave(first);
        assert_eq!((places.callers.len(), places.connections.len()), (0, 0));
    }

    #[test]
    fn those_that_are_still_closing_are_bounded() {
        let mut places: Places<()> = Places::new(1);
        let caller = Arc::from("a");
        let entered: Vec<_> = (0..=CLOSING + 1)
            .map(|_| places.enter(&caller, ()))
            .collect();
        assert_eq!(
            entered.iter().filter(|it| **it == Entered::Refused).count(),
            1
        );
        places.leave(1);
        assert!(matches!(
            places.enter(&caller, ()),
            Entered::Taken(_, Some(()))
        ));
    }
}
