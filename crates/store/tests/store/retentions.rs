//! How long fixed findings are kept, and the bound on the size.

use crate::{
    backends::{TestStore, on_each_backend},
    results::{DAY, NOON, add_finding, deployment, object, time, write},
};
use kubevet_model::{ObjectResult, Severity};
use kubevet_store::{
    ObjectWrite, ResultStoreError, Retention, RetentionCounts, Store, StoreOptions,
};

#[test]
fn fixed_finding_is_kept_for_its_days() {
    on_each_backend("fixed_finding", |place| {
        let mut store = place.open();
        let objects = [
            deployment("gone", &["C-1:high"]),
            deployment("here", &["C-1:high", "C-2:low"]),
        ];
        write(&mut store, &objects, NOON);
        store.remove(&["gone"], time(NOON)).unwrap();
        write(&mut store, &[deployment("here", &["C-1:high"])], NOON + DAY);
        let mut check = |days: i64, findings: usize, objects: usize| {
            let retention = Retention {
                fixed_days: 90,
                trend_days: 400,
            };
            let counts = store.apply_retention(retention, time(NOON + days * DAY));
            let expected = RetentionCounts {
                findings,
                objects,
                ..RetentionCounts::default()
            };
            assert_eq!(counts, Ok(expected), "after {days} days");
        };
        check(90, 0, 0);
        check(91, 1, 1);
        check(92, 1, 0);
        check(1000, 0, 0);
        assert_eq!(place.sql("SELECT COUNT(*) FROM finding"), "1");
        // The list of controls that only the first object had is gone as well.
        assert_eq!(place.sql("SELECT COUNT(*) FROM control_set"), "1");
    });
}

#[test]
fn retention_goes_on_after_one_step() {
    on_each_backend("retention_goes_on", |place| {
        let mut store = place.open();
        let names: Vec<String> = (0..5200).map(|number| format!("p{number}")).collect();
        let pod = |name: &String| object("v1", "Pod", "shop", name, &["C-1:low"]);
        let pods: Vec<ObjectResult> = names.iter().map(pod).collect();
        write(&mut store, &pods, NOON);
        let uids: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(store.remove(&uids, time(NOON)), Ok(5200));
        let counts = store.apply_retention(Retention::default(), time(NOON + 91 * DAY));
        let expected = RetentionCounts {
            findings: 5200,
            objects: 5200,
            ..RetentionCounts::default()
        };
        assert_eq!(counts, Ok(expected));
    });
}

/// A store of at most `kib`, and the batches that it took until it was full.
fn fill(place: &TestStore, kib: u64) -> (Store, usize, ResultStoreError) {
    let options = StoreOptions {
        max_bytes: kib << 10,
        ..place.options()
    };
    let mut store = Store::open(options).unwrap();
    for batch in 0..1000 {
        let pods: Vec<ObjectResult> = (0..100)
            .map(|number| {
                let name = format!("b{batch}-p{number}");
                let mut pod = object("v1", "Pod", "shop", &name, &[]);
                let message = "long ".repeat(700);
                // More rows than the store writes between two looks at its size.
                for path in 0..3 {
                    let path = format!("spec.a{path}");
                    add_finding(&mut pod, "C-1", Severity::Low, &message, &path);
                }
                pod
            })
            .collect();
        let writes: Vec<ObjectWrite<'_>> = pods.iter().map(ObjectWrite::new).collect();
        if let Err(error) = store.write(&writes, time(NOON)) {
            return (store, batch, error);
        }
    }
    panic!("it is never full");
}

#[test]
fn full_store_says_so_and_keeps_what_it_has() {
    on_each_backend("full_store", |place| {
        let (mut store, batches, error) = fill(place, 4096);
        assert!(matches!(error, ResultStoreError::Full { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains("4 MiB") && message.contains("--store-max-size"),
            "{message}"
        );
        assert!(batches > 0);
        // Nothing of the batch that did not fit was written.
        let objects = (batches * 100).to_string();
        assert_eq!(place.sql("SELECT COUNT(*) FROM object"), objects);
        assert_eq!(
            place.sql("SELECT COUNT(*) FROM finding WHERE fixed_at IS NULL"),
            { (batches * 300).to_string() }
        );
        // Objects that are gone can still be removed.
        let names: Vec<String> = (0..100).map(|number| format!("b0-p{number}")).collect();
        let uids: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(store.remove(&uids, time(NOON)), Ok(300));
    });
}

#[test]
fn history_makes_room_in_a_crowded_file() {
    let place = TestStore::sqlite("history_makes_room");
    let (mut store, _, _) = fill(&place, 4096);
    let names: Vec<String> = (0..100).map(|number| format!("b0-p{number}")).collect();
    let uids: Vec<&str> = names.iter().map(String::as_str).collect();
    store.remove(&uids, time(NOON)).unwrap();
    let counts = store
        .apply_retention(Retention::default(), time(NOON + DAY))
        .unwrap();
    assert_eq!((counts.findings, counts.objects), (300, 100));
    // There is room again.
    write(&mut store, &[deployment("new", &["C-1:high"])], NOON + DAY);
}
