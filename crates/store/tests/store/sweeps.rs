//! The end of a sweep: what it did not see is gone, but for what it could not read.

use crate::{
    backends::{TestStore, on_each_backend},
    results::{HOUR, NOON, deployment, object, time, write},
};
use kubevet_model::{Kind, ObjectResult, Unread, UnreadPlace};
use kubevet_store::{FindingFilter, ResultStoreError, Store, SweepCounts, SweepOutcome};

fn finish(store: &mut Store, unread: &[Unread], seconds: i64) -> SweepCounts {
    let outcome = SweepOutcome {
        at: time(seconds),
        controls: &[],
        frameworks: &[],
        unread,
    };
    store.finish_sweep(&outcome).unwrap()
}

fn sweep(
    store: &mut Store,
    results: &[ObjectResult],
    unread: &[Unread],
    seconds: i64,
) -> SweepCounts {
    store.begin_sweep();
    write(store, results, seconds);
    finish(store, unread, seconds)
}

fn unread(place: UnreadPlace) -> Unread {
    Unread {
        kind: Kind::new("apps", "Deployment"),
        place,
        reason: "not allowed".to_owned(),
        controls: vec!["C-1".into(), "C-2".into()],
    }
}

/// The open findings, as `NAME LAST-SEEN` in hours since noon.
fn open(place: &TestStore) -> Vec<String> {
    let page = place
        .reader()
        .findings(&FindingFilter::default(), None, 100)
        .unwrap();
    let show = |finding: &kubevet_store::StoredFinding| {
        let hours = (finding.last_seen.unix_seconds() - NOON) / HOUR;
        format!("{} {hours}", finding.object.name)
    };
    let mut open: Vec<String> = page.findings.iter().map(show).collect();
    open.sort();
    open
}

fn counts(removed: usize, fixed: usize, unread: usize) -> SweepCounts {
    SweepCounts {
        removed_objects: removed,
        fixed_findings: fixed,
        unread_objects: unread,
    }
}

#[test]
fn object_that_a_sweep_does_not_see_is_removed() {
    on_each_backend("object_that_a_sweep", |place| {
        let mut store = place.open();
        let all = ["a", "b", "c"].map(|name| deployment(name, &["C-1:high", "C-2:low"]));
        assert_eq!(sweep(&mut store, &all, &[], NOON), counts(0, 0, 0));
        assert_eq!(
            sweep(&mut store, &all[..2], &[], NOON + HOUR),
            counts(1, 2, 0)
        );
        assert_eq!(open(place), ["a 1", "a 1", "b 1", "b 1"]);
        assert_eq!(
            sweep(&mut store, &[], &[], NOON + 2 * HOUR),
            counts(2, 4, 0)
        );
        assert_eq!(open(place), [] as [&str; 0]);
    });
}

#[test]
fn unchanged_sweep_writes_no_object_and_no_finding() {
    on_each_backend("unchanged_sweep", |place| {
        let mut store = place.open();
        let all = ["a", "b"].map(|name| deployment(name, &["C-1:high"]));
        sweep(&mut store, &all, &[], NOON);
        let rows = || {
            let objects = place.sql("SELECT MAX(evaluated_at) FROM object WHERE last_seen IS NULL");
            let findings = place.sql("SELECT COUNT(*) FROM finding WHERE last_seen IS NULL");
            (objects, findings)
        };
        let before = rows();
        sweep(&mut store, &all, &[], NOON + 5 * HOUR);
        assert_eq!(rows(), before);
        // Readers see the sweep all the same.
        assert_eq!(open(place), ["a 5", "b 5"]);
    });
}

#[test]
fn object_that_cannot_be_read_stays_as_it_was() {
    on_each_backend("object_that_cannot", |place| {
        let in_namespace = |namespace: &str, name: &str| {
            object("apps/v1", "Deployment", namespace, name, &["C-1:high"])
        };
        let all = [
            in_namespace("one", "a"),
            in_namespace("two", "b"),
            object("other/v1", "Deployment", "one", "c", &["C-1:high"]),
        ];
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        for (unread_place, removed, remaining) in [
            (UnreadPlace::Everywhere, 1, &["a 0", "b 0"][..]),
            (UnreadPlace::Namespaces(names(&["two"])), 2, &["b 0"]),
            (UnreadPlace::NamespacesBut(names(&["two"])), 2, &["a 0"]),
        ] {
            let mut store = place.open();
            sweep(&mut store, &all, &[], NOON);
            let unread = unread(unread_place);
            let outcome = sweep(&mut store, &[], std::slice::from_ref(&unread), NOON + HOUR);
            assert_eq!(outcome, counts(removed, removed, 3 - removed), "{unread}");
            assert_eq!(open(place), remaining, "{unread}");
            let not_evaluated = place.reader().not_evaluated().unwrap();
            assert_eq!(not_evaluated.len(), 2);
            assert_eq!(not_evaluated[0].unread, Some(unread.to_string()));
            // The next sweep reads them again, and nothing is left of the gap.
            sweep(&mut store, &all, &[], NOON + 2 * HOUR);
            assert_eq!(open(place), ["a 2", "b 2", "c 2"]);
            assert_eq!(place.reader().not_evaluated().unwrap(), []);
            sweep(&mut store, &[], &[], NOON + 2 * HOUR);
            place.sql("DELETE FROM finding");
        }
    });
}

#[test]
fn object_that_a_watch_brings_during_a_sweep_stays() {
    on_each_backend("object_that_a_watch", |place| {
        let mut store = place.open();
        store.begin_sweep();
        write(&mut store, &[deployment("listed", &["C-1:high"])], NOON);
        write(
            &mut store,
            &[deployment("created-later", &["C-1:high"])],
            NOON,
        );
        assert_eq!(finish(&mut store, &[], NOON), counts(0, 0, 0));
        assert_eq!(open(place).len(), 2);
    });
}

#[test]
fn sweep_that_was_not_begun_cannot_end() {
    on_each_backend("sweep_that_was_not", |place| {
        let mut store = place.open();
        write(&mut store, &[deployment("a", &["C-1:high"])], NOON);
        let outcome = SweepOutcome {
            at: time(NOON),
            controls: &[],
            frameworks: &[],
            unread: &[],
        };
        assert_eq!(store.finish_sweep(&outcome), Err(ResultStoreError::NoSweep));
        sweep(&mut store, &[deployment("a", &["C-1:high"])], &[], NOON);
        assert_eq!(store.finish_sweep(&outcome), Err(ResultStoreError::NoSweep));
        assert_eq!(open(place), ["a 0"]);
    });
}

#[test]
fn sweep_of_many_objects_ends_in_steps() {
    on_each_backend("sweep_of_many", |place| {
        let mut store = place.open();
        let names: Vec<String> = (0..4100).map(|number| format!("pod-{number}")).collect();
        let pod = |name: &String| object("v1", "Pod", "shop", name, &["C-1:low"]);
        let all: Vec<ObjectResult> = names.iter().map(pod).collect();
        sweep(&mut store, &all, &[], NOON);
        let removed = sweep(&mut store, &all[4050..], &[], NOON + HOUR);
        assert_eq!(removed, counts(4050, 4050, 0));
        assert_eq!(open(place).len(), 50);
    });
}
