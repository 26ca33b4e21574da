//! Which Events are written, and when: the same thing said again is counted instead, and nobody can make us write without
//! end. Pure: it is told the time.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

/// The same within this time after the last is one series.
const SERIES: Duration = Duration::from_secs(600);
/// A series is written again no sooner than this.
const REPEAT: Duration = Duration::from_secs(30);
/// Things remembered at one time.
const MOST: usize = 2048;
/// Writes that may come at once, and how many come back each second.
const BURST: f64 = 25.0;
const RATE: f64 = 10.0;

/// Which object an Event is about. The object need not exist: one that was denied does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Empty for objects of the whole cluster.
    pub namespace: String,
    /// Empty where the API server had yet to make one up.
    pub name: String,
    /// Empty where it is not known.
    pub uid: String,
}

/// What an Event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Which object it is about.
    pub subject: Subject,
    /// Another object that has to do with it: the binding.
    pub related: Option<Subject>,
    /// The control; part of what makes two notes the same.
    pub control: String,
    /// Why, in CamelCase: `Denied`.
    pub reason: &'static str,
    /// What was done, in CamelCase: `Admission`.
    pub action: &'static str,
    /// For people; cut at 1 KiB.
    pub message: String,
    /// A warning, or just to know.
    pub warning: bool,
}

type Key = (Subject, String, &'static str);

#[derive(Debug)]
struct Entry {
    note: Note,
    count: u32,
    last: Instant,
    name: String,
    /// When it was last written.
    written: Option<Instant>,
    /// Whether it is in line.
    queued: bool,
}

/// One write that is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) name: String,
    pub(super) note: Note,
    /// How often; over one, the Event is there already and becomes a series.
    pub(super) count: u32,
    /// Whether the Event is there already.
    pub(super) again: bool,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Write(Box<Write>),
    Wait(Duration),
    Nothing,
}

#[derive(Debug)]
pub(super) struct Ledger {
    entries: HashMap<Key, Entry>,
    fresh: VecDeque<Key>,
    repeated: VecDeque<Key>,
    tokens: f64,
    filled: Instant,
}

impl Ledger {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            entries: HashMap::new(),
            fresh: VecDeque::new(),
            repeated: VecDeque::new(),
            tokens: BURST,
            filled: now,
        }
    }

    /// Takes a note; false where there is no room for it.
    pub(super) fn note(&mut self, note: Note, now: Instant) -> bool {
        let key = (note.subject.clone(), note.control.clone(), note.reason);
        if let Some(entry) = self
            .entries
            .get_mut(&key)
            .filter(|it| it.queued || now - it.last < SERIES)
        {
            entry.count = entry.count.saturating_add(1);
            entry.last = now;
            entry.note = note;
            if !entry.queued {
                entry.queued = true;
                self.repeated.push_back(key);
            }
            return true;
        }
        if self.entries.len() >= MOST {
            self.entries
                .retain(|_, it| it.queued || now - it.last < SERIES);
            if self.entries.len() >= MOST {
                return false;
            }
        }
        let name = format!("kubevet.{:016x}", RandomState::new().hash_one(&key));
        self.entries.insert(
            key.clone(),
            Entry {
                note,
                count: 1,
                last: now,
                name,
                written: None,
                queued: true,
            },
        );
        self.fresh.push_back(key);
        true
    }

    /// What is due. New things come first, in their order.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let due = |it: &Entry| it.written.map_or(now, |at| at + REPEAT);
        let (first, repeated) = match (self.fresh.front(), self.repeated.front()) {
            (Some(key), _) => (key.clone(), false),
            (None, Some(key)) => (key.clone(), true),
            (None, None) => return Next::Nothing,
        };
        let Some(entry) = self.entries.get(&first) else {
            self.take(repeated);
            return Next::Wait(Duration::ZERO);
        };
        let at = due(entry);
        if at > now {
            return Next::Wait(at - now);
        }
        self.fill(now);
        if self.tokens < 1.0 {
            return Next::Wait(Duration::from_secs_f64((1.0 - self.tokens) / RATE));
        }
        self.tokens -= 1.0;
        self.take(repeated);
        let Some(entry) = self.entries.get_mut(&first) else {
            return Next::Nothing;
        };
        let write = Write {
            name: entry.name.clone(),
            note: entry.note.clone(),
            count: entry.count,
            again: entry.written.is_some(),
        };
        entry.queued = false;
        entry.written = Some(now);
        Next::Write(Box::new(write))
    }

    /// A write did not happen: the next of its kind starts anew.
    pub(super) fn forget(&mut self, note: &Note) {
        self.entries
            .remove(&(note.subject.clone(), note.control.clone(), note.reason));
    }

    /// Repeats no longer wait for their time; for the end of the process.
    pub(super) fn hurry(&mut self) {
        for entry in self.entries.values_mut() {
            entry.written = entry
                .written
                .and_then(|it| it.checked_sub(REPEAT))
                .or(entry.written);
        }
    }

    fn take(&mut self, repeated: bool) {
        if repeated {
            self.repeated.pop_front()
        } else {
            self.fresh.pop_front()
        };
    }

    fn fill(&mut self, now: Instant) {
        self.tokens = (self.tokens + (now - self.filled).as_secs_f64() * RATE).min(BURST);
        self.filled = now;
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn note(name: usize, control: &str) -> Note {
        let subject = Subject {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_string(),
            uid: String::new(),
        };
        Note {
            subject,
            related: None,
            control: control.to_owned(),
            reason: "Denied",
            action: "Admission",
            message: "no".to_owned(),
            warning: true,
        }
    }

    /// Notes at seconds, then all that is written until a second: `name control count again`.
    fn check(notes: &[(u64, usize, &str)], until: u64, expected: &[&str]) {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut ledger = Ledger::new(start);
        let mut written = Vec::new();
        let mut notes = notes.iter().peekable();
        let mut now = start;
        while now <= at(until) {
            while let Some((_, name, control)) = notes.next_if(|it| at(it.0) <= now) {
                assert!(ledger.note(note(*name, control), now));
            }
            match ledger.next(now) {
                Next::Write(it) => {
                    let Write {
                        note, count, again, ..
                    } = *it;
                    let second = (now - start).as_secs();
                    written.push(format!(
                        "{second}: {} {} {count} {again}",
                        note.subject.name, note.control
                    ));
                }
                Next::Wait(pause) => {
                    now += pause.clamp(Duration::from_millis(1), Duration::from_secs(1))
                }
                Next::Nothing => now += Duration::from_secs(1),
            }
        }
        assert_eq!(written, expected);
    }

    #[test]
    fn the_same_again_is_counted() {
        check(
            &[
                (0, 1, "a"),
                (1, 1, "a"),
                (2, 1, "a"),
                (2, 1, "b"),
                (40, 1, "a"),
            ],
            100,
            &[
                "0: 1 a 1 false",
                "2: 1 b 1 false",
                "30: 1 a 3 true",
                "60: 1 a 4 true",
            ],
        );
    }

    #[test]
    fn much_later_it_is_new() {
        check(
            &[(0, 1, "a"), (700, 1, "a")],
            800,
            &["0: 1 a 1 false", "700: 1 a 1 false"],
        );
    }

    #[test]
    fn many_at_once_are_slowed_down_and_in_the_end_refused() {
        let start = Instant::now();
        let mut ledger = Ledger::new(start);
        let taken = (0..5000)
            .filter(|it| ledger.note(note(*it, "a"), start))
            .count();
        assert_eq!(taken, MOST);
        let at_once = std::iter::from_fn(|| match ledger.next(start) {
            Next::Write(it) => Some(it),
            Next::Wait(_) | Next::Nothing => None,
        });
        assert_eq!(at_once.count(), 25);
        let Next::Wait(pause) = ledger.next(start) else {
            panic!("more than the burst")
        };
        assert_eq!(pause.as_millis(), 100);
    }

    #[test]
    fn what_was_not_written_is_new_the_next_time() {
        let start = Instant::now();
        let mut ledger = Ledger::new(start);
        ledger.note(note(1, "a"), start);
        assert!(matches!(ledger.next(start), Next::Write(_)));
        ledger.forget(&note(1, "a"));
        ledger.note(note(1, "a"), start);
        assert!(matches!(ledger.next(start), Next::Write(it) if !it.again && it.count == 1));
    }

    #[test]
    fn the_end_waits_for_no_repeat() {
        let start = Instant::now();
        let mut ledger = Ledger::new(start);
        ledger.note(note(1, "a"), start);
        assert!(matches!(ledger.next(start), Next::Write(_)));
        ledger.note(note(1, "a"), start);
        assert!(matches!(ledger.next(start), Next::Wait(_)));
        ledger.hurry();
        assert!(matches!(ledger.next(start), Next::Write(it) if it.again && it.count == 2));
    }
}
