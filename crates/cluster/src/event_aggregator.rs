//! Event aggregation: which Events are written, and when. Repeated records are counted in a series
//! instead of written again, and a token bucket bounds the rate. It is pure: the time is passed in.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

/// Equal records belong to one series while each follows the last one within this time.
const SERIES_WINDOW: Duration = Duration::from_secs(600);
/// The least time between two updates of a series.
const MIN_UPDATE_INTERVAL: Duration = Duration::from_secs(30);
/// The number of series that are remembered.
const MAX_SERIES: usize = 2048;
/// The token bucket: its capacity in writes, and the writes that are refilled in a second.
const BURST_WRITES: f64 = 25.0;
const WRITES_PER_SECOND: f64 = 10.0;

/// The object that an Event is about. It need not exist: one that was denied does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventSubject {
    /// The API version, such as `apps/v1`.
    pub api_version: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// The name; empty if the API server has not generated it yet.
    pub name: String,
    /// The uid; empty if it is unknown.
    pub uid: String,
}

/// The content of an Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// The object that it is about.
    pub subject: EventSubject,
    /// A related object, such as the binding.
    pub related: Option<EventSubject>,
    /// The control; a part of the key by which records are equal.
    pub control: String,
    /// The reason, in CamelCase: `Denied`.
    pub reason: &'static str,
    /// The action, in CamelCase: `Admission`.
    pub action: &'static str,
    /// The message, truncated to 1 KiB.
    pub message: String,
    /// True for type `Warning`, false for `Normal`.
    pub is_warning: bool,
}

/// Records with the same key belong to one series: subject, control and reason.
type SeriesKey = (EventSubject, String, &'static str);

fn series_key(record: &EventRecord) -> SeriesKey {
    (
        record.subject.clone(),
        record.control.clone(),
        record.reason,
    )
}

#[derive(Debug)]
struct Series {
    /// The last record.
    record: EventRecord,
    count: u32,
    last_recorded_at: Instant,
    /// The name of the Event.
    name: String,
    last_written_at: Option<Instant>,
    /// True if its key is in a queue.
    is_queued: bool,
}

/// One write that is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventWrite {
    /// The name of the Event.
    pub(super) name: String,
    pub(super) record: EventRecord,
    /// The number of records in the series.
    pub(super) count: u32,
    /// True if the Event was created before and its series is updated.
    pub(super) is_update: bool,
}

/// The next action of the writing task.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextAction {
    Write(Box<EventWrite>),
    /// Nothing is due before this time has passed.
    Wait(Duration),
    /// Nothing is queued.
    Idle,
}

#[derive(Debug)]
pub(super) struct EventAggregator {
    series: HashMap<SeriesKey, Series>,
    /// New series, in their order; they are written before updates.
    new_queue: VecDeque<SeriesKey>,
    update_queue: VecDeque<SeriesKey>,
    /// The writes left in the token bucket, and the time of the last refill.
    tokens: f64,
    refilled_at: Instant,
}

impl EventAggregator {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            series: HashMap::new(),
            new_queue: VecDeque::new(),
            update_queue: VecDeque::new(),
            tokens: BURST_WRITES,
            refilled_at: now,
        }
    }

    /// Adds a record to its series or to a new one. False if there is no room for a new series.
    pub(super) fn add(&mut self, record: EventRecord, now: Instant) -> bool {
        let key = series_key(&record);
        if let Some(series) = self
            .series
            .get_mut(&key)
            .filter(|series| series.is_active(now))
        {
            series.count = series.count.saturating_add(1);
            series.last_recorded_at = now;
            series.record = record;
            if !series.is_queued {
                series.is_queued = true;
                self.update_queue.push_back(key);
            }
            return true;
        }
        if self.series.len() >= MAX_SERIES {
            self.series.retain(|_, series| series.is_active(now));
            if self.series.len() >= MAX_SERIES {
                return false;
            }
        }
        // A random name: Events of several processes and of later series must not collide.
        let name = format!("kubevet.{:016x}", RandomState::new().hash_one(&key));
        self.series.insert(
            key.clone(),
            Series {
                record,
                count: 1,
                last_recorded_at: now,
                name,
                last_written_at: None,
                is_queued: true,
            },
        );
        self.new_queue.push_back(key);
        true
    }

    /// Returns the next action. New series come first, in their order.
    pub(super) fn next_action(&mut self, now: Instant) -> NextAction {
        let (key, is_update) = match (self.new_queue.front(), self.update_queue.front()) {
            (Some(key), _) => (key.clone(), false),
            (None, Some(key)) => (key.clone(), true),
            (None, None) => return NextAction::Idle,
        };
        let Some(series) = self.series.get(&key) else {
            // The series was dropped while its key was queued.
            self.dequeue(is_update);
            return NextAction::Wait(Duration::ZERO);
        };
        let due_at = series
            .last_written_at
            .map_or(now, |written_at| written_at + MIN_UPDATE_INTERVAL);
        if due_at > now {
            return NextAction::Wait(due_at - now);
        }
        self.refill(now);
        if self.tokens < 1.0 {
            let seconds = (1.0 - self.tokens) / WRITES_PER_SECOND;
            return NextAction::Wait(Duration::from_secs_f64(seconds));
        }
        self.tokens -= 1.0;
        self.dequeue(is_update);
        let Some(series) = self.series.get_mut(&key) else {
            return NextAction::Idle;
        };
        let write = EventWrite {
            name: series.name.clone(),
            record: series.record.clone(),
            count: series.count,
            is_update: series.last_written_at.is_some(),
        };
        series.is_queued = false;
        series.last_written_at = Some(now);
        NextAction::Write(Box::new(write))
    }

    /// Drops a series whose write failed: its next record starts a new one.
    pub(super) fn drop_series(&mut self, record: &EventRecord) {
        self.series.remove(&series_key(record));
    }

    /// Makes all queued updates due at once, for the end of the process.
    pub(super) fn flush_now(&mut self) {
        for series in self.series.values_mut() {
            series.last_written_at = series
                .last_written_at
                .and_then(|written_at| written_at.checked_sub(MIN_UPDATE_INTERVAL))
                .or(series.last_written_at);
        }
    }

    fn dequeue(&mut self, is_update: bool) {
        if is_update {
            self.update_queue.pop_front()
        } else {
            self.new_queue.pop_front()
        };
    }

    fn refill(&mut self, now: Instant) {
        let seconds = (now - self.refilled_at).as_secs_f64();
        self.tokens = (self.tokens + seconds * WRITES_PER_SECOND).min(BURST_WRITES);
        self.refilled_at = now;
    }
}

impl Series {
    /// True if a record at `now` belongs to this series.
    fn is_active(&self, now: Instant) -> bool {
        self.is_queued || now - self.last_recorded_at < SERIES_WINDOW
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test fails by panicking")]
mod tests;
