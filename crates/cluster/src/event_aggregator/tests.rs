//! Records at given seconds, and the writes that follow from them.

use super::*;

fn record(name: usize, control: &str) -> EventRecord {
    let subject = EventSubject {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_string(),
        uid: String::new(),
    };
    EventRecord {
        subject,
        related: None,
        control: control.to_owned(),
        reason: "Denied",
        action: "Admission",
        message: "no".to_owned(),
        is_warning: true,
    }
}

/// Adds records, each with its second, name and control, and checks all writes until a second, in
/// the form `second: name control count is_update`.
fn check(records: &[(u64, usize, &str)], until: u64, expected: &[&str]) {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut aggregator = EventAggregator::new(start);
    let mut written = Vec::new();
    let mut records = records.iter().peekable();
    let mut now = start;
    while now <= at(until) {
        while let Some((_, name, control)) = records.next_if(|(second, ..)| at(*second) <= now) {
            assert!(aggregator.add(record(*name, control), now));
        }
        match aggregator.next_action(now) {
            NextAction::Write(write) => {
                let EventWrite {
                    record,
                    count,
                    is_update,
                    ..
                } = *write;
                let second = (now - start).as_secs();
                written.push(format!(
                    "{second}: {} {} {count} {is_update}",
                    record.subject.name, record.control
                ));
            }
            NextAction::Wait(pause) => {
                now += pause.clamp(Duration::from_millis(1), Duration::from_secs(1))
            }
            NextAction::Idle => now += Duration::from_secs(1),
        }
    }
    assert_eq!(written, expected);
}

#[test]
fn repeated_record_is_counted_in_its_series() {
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
fn record_after_window_starts_new_series() {
    check(
        &[(0, 1, "a"), (700, 1, "a")],
        800,
        &["0: 1 a 1 false", "700: 1 a 1 false"],
    );
}

#[test]
fn burst_is_rate_limited_and_then_refused() {
    let start = Instant::now();
    let mut aggregator = EventAggregator::new(start);
    let accepted = (0..5000)
        .filter(|number| aggregator.add(record(*number, "a"), start))
        .count();
    assert_eq!(accepted, MAX_SERIES);
    let at_once = std::iter::from_fn(|| match aggregator.next_action(start) {
        NextAction::Write(write) => Some(write),
        NextAction::Wait(_) | NextAction::Idle => None,
    });
    assert_eq!(at_once.count(), 25);
    let NextAction::Wait(pause) = aggregator.next_action(start) else {
        panic!("more than the burst")
    };
    assert_eq!(pause.as_millis(), 100);
}

#[test]
fn record_after_failed_write_starts_new_series() {
    let start = Instant::now();
    let mut aggregator = EventAggregator::new(start);
    aggregator.add(record(1, "a"), start);
    assert!(matches!(
        aggregator.next_action(start),
        NextAction::Write(_)
    ));
    aggregator.drop_series(&record(1, "a"));
    aggregator.add(record(1, "a"), start);
    assert!(
        matches!(aggregator.next_action(start), NextAction::Write(write) if !write.is_update && write.count == 1)
    );
}

#[test]
fn flush_writes_pending_update_at_once() {
    let start = Instant::now();
    let mut aggregator = EventAggregator::new(start);
    aggregator.add(record(1, "a"), start);
    assert!(matches!(
        aggregator.next_action(start),
        NextAction::Write(_)
    ));
    aggregator.add(record(1, "a"), start);
    assert!(matches!(aggregator.next_action(start), NextAction::Wait(_)));
    aggregator.flush_now();
    assert!(
        matches!(aggregator.next_action(start), NextAction::Write(write) if write.is_update && write.count == 2)
    );
}
