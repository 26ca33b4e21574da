//! Faults of a database: a batch that fails in its middle, a lost connection, a store of another
//! version or of another cluster.

use crate::{
    backends::{TestStore, on_each_backend, postgres, role_url},
    results::{HOUR, NOON, deployment, time, write},
};
use kubevet_model::ObjectResult;
use kubevet_store::{
    ClusterIdentity, FindingFilter, ObjectWrite, ResultStoreError, Store, StoreOptions,
    StoreReader, SweepOutcome, WriteCounts,
};

/// Makes the database fail at the first finding of the control `C-STOP`.
fn fail_at_stop(place: &TestStore, what_fails: &str) {
    if place.is_sqlite() {
        place.sql(
            "CREATE TRIGGER stop BEFORE INSERT ON finding WHEN NEW.control = 'C-STOP' \
             BEGIN SELECT RAISE(ABORT, 'stopped'); END",
        );
        return;
    }
    place.sql(&format!(
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what_fails}; RETURN NEW; \
         END $$; CREATE TRIGGER stop BEFORE INSERT ON finding FOR EACH ROW \
         WHEN (NEW.control = 'C-STOP') EXECUTE FUNCTION stop()"
    ));
}

fn fix(place: &TestStore) {
    let table = if place.is_sqlite() { "" } else { " ON finding" };
    place.sql(&format!("DROP TRIGGER stop{table}"));
}

/// A change of `a`, and new objects around the one that fails.
fn batch() -> Vec<ObjectResult> {
    let mut batch: Vec<ObjectResult> = (0..250)
        .map(|number| deployment(&format!("n{number:03}"), &["C-1:high"]))
        .collect();
    batch.push(deployment("a", &["C-2:low"]));
    batch.push(deployment("m", &["C-STOP:high"]));
    batch
}

fn try_write(store: &mut Store, batch: &[ObjectResult]) -> Result<WriteCounts, ResultStoreError> {
    let writes: Vec<ObjectWrite<'_>> = batch.iter().map(ObjectWrite::new).collect();
    store.write(&writes, time(NOON + HOUR))
}

/// Checks that nothing of the batch is in the store.
#[track_caller]
fn check_before(place: &TestStore) {
    assert_eq!(place.sql("SELECT COUNT(*) FROM object"), "1");
    assert_eq!(
        place.sql("SELECT COUNT(*) FROM finding WHERE fixed_at IS NULL"),
        "1"
    );
    assert_eq!(place.sql("SELECT MAX(control) FROM finding"), "C-1");
    assert_eq!(place.sql("SELECT COUNT(*) FROM control_set"), "1");
}

#[track_caller]
fn check_after(place: &TestStore) {
    assert_eq!(place.sql("SELECT COUNT(*) FROM object"), "252");
    assert_eq!(
        place.sql("SELECT COUNT(*) FROM finding WHERE fixed_at IS NULL"),
        "252"
    );
}

#[test]
fn batch_that_fails_in_its_middle_writes_nothing() {
    on_each_backend("batch_that_fails", |place| {
        let mut store = place.open();
        write(&mut store, &[deployment("a", &["C-1:high"])], NOON);
        fail_at_stop(place, "RAISE EXCEPTION 'stopped'");
        let error = try_write(&mut store, &batch()).unwrap_err();
        assert!(matches!(error, ResultStoreError::Refused { .. }), "{error}");
        assert!(
            error.to_string().contains("stopped") && !error.is_transient(),
            "{error}"
        );
        check_before(place);
        fix(place);
        try_write(&mut store, &batch()).unwrap();
        check_after(place);
    });
}

#[test]
fn connection_that_is_lost_in_a_batch_leaves_nothing_half_written() {
    let Some(place) = TestStore::postgres("connection_lost") else {
        return;
    };
    let mut store = place.open();
    store.begin_sweep();
    write(&mut store, &[deployment("a", &["C-1:high"])], NOON);
    fail_at_stop(&place, "PERFORM pg_terminate_backend(pg_backend_pid())");
    let error = try_write(&mut store, &batch()).unwrap_err();
    assert!(
        matches!(error, ResultStoreError::Unreachable { .. }),
        "{error}"
    );
    assert!(error.is_transient());
    check_before(&place);
    fix(&place);
    // The same store connects again, and the sweep goes on.
    try_write(&mut store, &batch()).unwrap();
    check_after(&place);
    let outcome = SweepOutcome {
        at: time(NOON + HOUR),
        controls: &[],
        frameworks: &[],
        unread: &[],
    };
    assert_eq!(store.finish_sweep(&outcome).unwrap().removed_objects, 0);
}

#[test]
fn connection_that_is_lost_between_two_calls_is_opened_again() {
    let Some(server) = postgres("connection_idle") else {
        return;
    };
    server.sql(
        "postgres",
        "CREATE ROLE idle LOGIN PASSWORD 'p'; GRANT CREATE ON DATABASE postgres TO idle",
    );
    let cluster = ClusterIdentity {
        id: "connection-idle".to_owned(),
        name: String::new(),
    };
    let location = role_url(server, "idle").parse().unwrap();
    let mut store = Store::open(StoreOptions::new(location, cluster)).unwrap();
    let mut reader = store.reader().unwrap();
    for round in 0..3 {
        let name = format!("a{round}");
        assert_eq!(
            write(&mut store, &[deployment(&name, &["C-1:high"])], NOON).new_findings,
            1
        );
        let found = reader.count(&FindingFilter::default()).unwrap().total();
        assert_eq!(found, round + 1);
        let ended = server.sql(
            "postgres",
            "SELECT COUNT(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity \
             WHERE usename = 'idle'",
        );
        assert_eq!(ended, "2");
    }
}

#[test]
fn store_of_a_newer_version_is_refused_and_stays() {
    on_each_backend("newer_version", |place| {
        write(&mut place.open(), &[deployment("a", &["C-1:high"])], NOON);
        place.sql("UPDATE schema_version SET version = 99");
        let writer = Store::open(place.options()).map(drop);
        let reader = StoreReader::open(place.options()).map(drop);
        for result in [writer, reader] {
            let error = result.unwrap_err();
            assert!(
                matches!(error, ResultStoreError::NewerVersion { found: 99, .. }),
                "{error}"
            );
        }
        assert_eq!(place.sql("SELECT COUNT(*) FROM finding"), "1");
        place.sql("UPDATE schema_version SET version = 1");
        assert_eq!(
            place
                .reader()
                .count(&FindingFilter::default())
                .unwrap()
                .high,
            1
        );
    });
}

#[test]
fn store_of_another_cluster_is_refused() {
    on_each_backend("another_cluster", |place| {
        drop(place.open());
        place.sql("UPDATE cluster SET id = 'production'");
        let error = Store::open(place.options()).map(drop).unwrap_err();
        assert!(
            matches!(error, ResultStoreError::OtherCluster { .. }),
            "{error}"
        );
        let message = error.to_string();
        assert!(
            message.contains("production") && message.contains("another_cluster"),
            "{message}"
        );
    });
}

#[test]
fn name_of_the_cluster_may_change() {
    on_each_backend("name_of_the_cluster", |place| {
        drop(place.open());
        let mut options = place.options();
        options.cluster.name = "new\0".to_owned();
        drop(Store::open(options).unwrap());
        let cluster = place.reader().cluster().unwrap();
        assert_eq!(cluster.identity.id, "name_of_the_cluster");
        assert_eq!(cluster.identity.name, "new\u{fffd}");
        assert_eq!(cluster.last_sweep_at, None);
    });
}

#[test]
fn reader_of_no_store_says_so() {
    on_each_backend("reader_of_no_store", |place| {
        let error = StoreReader::open(place.options()).map(drop).unwrap_err();
        assert!(matches!(error, ResultStoreError::Missing(_)), "{error}");
    });
}

#[test]
fn tables_of_another_program_are_refused() {
    on_each_backend("tables_of_another", |place| {
        if !place.is_sqlite() {
            place.sql(&format!("CREATE SCHEMA {}", place.schema()));
        }
        place.sql("CREATE TABLE users (name TEXT)");
        let error = Store::open(place.options()).map(drop).unwrap_err();
        assert!(
            matches!(error, ResultStoreError::NotAStore { .. }),
            "{error}"
        );
        assert_eq!(place.sql("SELECT COUNT(*) FROM users"), "0");
    });
}
