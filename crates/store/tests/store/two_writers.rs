//! Two writers of one store: replicas of which one does not know yet that it has lost its lease.

use crate::{
    backends::on_each_backend,
    results::{HOUR, NOON, deployment, time, write},
};
use kubevet_model::ObjectResult;
use kubevet_store::{FindingFilter, ObjectWrite, ResultStoreError, Retention, Store, SweepOutcome};
use std::thread;

#[test]
fn two_writers_at_once_write_every_finding_once() {
    on_each_backend("two_writers", |place| {
        drop(place.open());
        thread::scope(|scope| {
            for writer in 0..2 {
                scope.spawn(move || {
                    let mut store = place.open();
                    for round in 0..20 {
                        let kind = (writer + round) % 2;
                        let findings: &[&str] = [&["C-1:high"][..], &["C-1:high", "C-2:low"]][kind];
                        // In opposite orders, which must not be a deadlock.
                        let mut batch: Vec<ObjectResult> = (0..20)
                            .map(|number| deployment(&format!("d{number}"), findings))
                            .collect();
                        if writer == 1 {
                            batch.reverse();
                        }
                        write(&mut store, &batch, NOON);
                    }
                });
            }
        });
        assert_eq!(place.sql("SELECT COUNT(*) FROM object"), "20");
        assert_eq!(
            place.sql("SELECT COUNT(*) FROM finding WHERE control = 'C-1'"),
            "20"
        );
        let twice = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM finding WHERE fixed_at IS NULL \
                     GROUP BY object_id, fingerprint HAVING COUNT(*) > 1) AS twice";
        assert_eq!(place.sql(twice), "0");
    });
}

#[test]
fn two_that_open_an_empty_store_at_once_create_it_once() {
    on_each_backend("two_that_open", |place| {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| drop(place.open()));
            }
        });
        assert_eq!(place.sql("SELECT COUNT(*) FROM cluster"), "1");
        assert_eq!(place.sql("SELECT version FROM schema_version"), "1");
    });
}

#[test]
fn writer_that_was_replaced_is_refused() {
    on_each_backend("writer_that_was", |place| {
        let (mut old, mut new) = (place.open(), place.open());
        let old_epoch = old.claim().unwrap();
        old.begin_sweep();
        write(&mut old, &[deployment("a", &["C-1:high"])], NOON);
        let new_epoch = new.claim().unwrap();
        assert!(new_epoch > old_epoch);
        let fenced = ResultStoreError::Fenced {
            own: old_epoch,
            current: new_epoch,
        };
        let change = deployment("a", &[]);
        let written = old.write(&[ObjectWrite::new(&change)], time(NOON + HOUR));
        assert_eq!(written.unwrap_err(), fenced);
        assert_eq!(old.remove(&["a"], time(NOON)).unwrap_err(), fenced);
        let outcome = SweepOutcome {
            at: time(NOON + HOUR),
            controls: &[],
            frameworks: &[],
            unread: &[],
        };
        assert_eq!(old.finish_sweep(&outcome).unwrap_err(), fenced);
        let retention = old.apply_retention(Retention::default(), time(NOON));
        assert_eq!(retention.unwrap_err(), fenced);
        assert_eq!(
            place.sql("SELECT COUNT(*) FROM finding WHERE fixed_at IS NULL"),
            "1"
        );
        assert_eq!(write(&mut new, &[change], NOON + HOUR).fixed_findings, 1);
    });
}

/// The operator is async: it gives the store to threads for what blocks, and drops it anywhere.
#[test]
fn store_is_used_and_dropped_beside_an_async_runtime() {
    on_each_backend("store_is_used", |place| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let options = place.options();
        runtime.block_on(async {
            let opened = tokio::task::spawn_blocking(move || {
                let mut store = Store::open(options).unwrap();
                write(&mut store, &[deployment("a", &["C-1:high"])], NOON);
                let mut reader = store.reader().unwrap();
                assert_eq!(reader.count(&FindingFilter::default()).unwrap().high, 1);
                (store, reader)
            });
            let (store, reader) = opened.await.unwrap();
            let other_thread = tokio::task::spawn_blocking(move || {
                let mut store = store;
                write(&mut store, &[deployment("b", &["C-1:high"])], NOON);
                store
            });
            drop(other_thread.await.unwrap());
            drop(reader);
        });
        assert_eq!(place.sql("SELECT COUNT(*) FROM finding"), "2");
    });
}
